import type { VersionMetadata } from '../dataset/published.ts';
import type { Engine } from '../edges/duckdb.ts';
import {
  type AttributionReport,
  type ChangeKind,
  type DifferenceReport,
  DROP_REASONS,
  type LabelReport,
} from '../report/report.ts';
import { type Difference, IS_KIND } from './difference.ts';
import { countClass, publishedClassCounts } from './drift.ts';

/**
 * Whether the base spec on today's data makes the same change (d) of a row: then the data made it, else the spec did. Both differences
 * are to the same published rows, so a published row says which rows belong together; a new row is known by its text or its record.
 */
function planByData(kind: ChangeKind, base: string): string {
  const exists = (condition: string) => `EXISTS (SELECT 1 FROM ${base} b WHERE ${condition})`;
  switch (kind) {
    case 'added':
      return `(${exists('b.before_id IS NULL AND b.after_hash = d.after_hash')} OR ${exists('b.before_id IS NULL AND b.after_key = d.after_key')})`;
    case 'removed':
      return exists('b.before_id = d.before_id AND b.after_row IS NULL');
    case 'relabelled':
      return exists('b.before_id = d.before_id AND b.after_class = d.after_class');
    case 'recleaned':
      return exists('b.before_id = d.before_id AND b.after_hash = d.after_hash');
    case 'moved':
      return exists('b.before_id = d.before_id AND b.after_split = d.after_split');
  }
}

/** Say of each kind of change how many rows the spec changed and how many the data. */
export async function attributeChanges(
  engine: Engine,
  changes: DifferenceReport['changes'],
  { table }: Difference,
  base: Difference,
): Promise<DifferenceReport['changes']> {
  const attributed: DifferenceReport['changes'] = [];
  for (const { kind, rows } of changes) {
    const { byData } = await engine.row<{ byData: number }>(
      `SELECT count(*) AS "byData" FROM ${table} d WHERE (${IS_KIND[kind]}) AND ${planByData(kind, base.table)}`,
    );
    attributed.push({ kind, rows, byData, bySpec: rows - byData });
  }
  return attributed;
}

type Measure = AttributionReport['measures'][number];

/** Figures of the published version, of the base spec on today's data, and of this spec on today's data, where any of them differ or not. */
export function planMeasures(
  metadata: VersionMetadata | undefined,
  base: LabelReport,
  planned: LabelReport,
): Measure[] {
  const measure = (
    group: Measure['group'],
    name: string,
    published: number | undefined,
    of: (report: LabelReport) => number | undefined,
  ): Measure => ({
    group,
    name,
    published: published ?? null,
    base: of(base) ?? 0,
    planned: of(planned) ?? 0,
  });
  const drops = DROP_REASONS.filter(
    (reason) => base.dropped?.[reason] || planned.dropped?.[reason] || metadata?.dropped?.[reason],
  );
  const names = (of: (report: LabelReport) => string[]) => [...new Set([...of(planned), ...of(base)])];
  const splits = names(({ split }) => split?.splits.map(({ name }) => name) ?? []);
  const published = publishedClassCounts(metadata);
  return [
    ...(['misclassified', 'correct'] as const).map((source) =>
      measure('fetched', source, metadata?.sources?.[source]?.fetched, ({ fetched }) => fetched?.[source]),
    ),
    ...drops.map((reason) =>
      measure(
        'dropped',
        reason,
        metadata?.dropped && (metadata.dropped[reason] ?? 0),
        ({ dropped }) => dropped?.[reason],
      ),
    ),
    measure('kept', 'kept', metadata?.num_samples, ({ kept }) => kept?.total),
    ...names(({ classes }) => classes).map((name) =>
      measure('class', name, published && (published.get(name) ?? 0), (report) => countClass(report, name)),
    ),
    ...splits.map((name) =>
      measure(
        'split',
        name,
        metadata?.splits && (metadata.splits[name] ?? 0),
        ({ split }) => split?.splits.find((each) => each.name === name)?.rows,
      ),
    ),
  ];
}
