import type { PublishedVersion } from '../dataset/published.ts';
import type { Assigned } from '../dataset/tables.ts';
import { PipelineError } from '../errors.ts';
import { CHANGE_KINDS } from '../report/report.ts';
import type { ChangeSample } from '../report/samples.ts';
import { type LabelRun, type Run, warn } from '../run.ts';
import { attributeChanges, planMeasures } from './attribution.ts';
import { readCompared } from './compared.ts';
import { type Difference, IS_KIND, pairRows, summariseDifference } from './difference.ts';
import { maskSamples, READ } from './sample.ts';
import { excerpt, planChange } from './text-diff.ts';

/**
 * Compare what would be published with what is: the difference in figures and examples and, with --compare-config, which of it the spec
 * made and which the data.
 */
export async function compare(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  published: PublishedVersion,
): Promise<void> {
  const compared = await readCompared(run, label, published).catch((thrown) => goWithout(run, label, thrown));
  const { base, report } = label;
  if (base) report.attribution = attributionOf(run, base, label, compared?.metadata);
  if (!compared) return;
  const difference = await pairRows(run.engine, label, assigned, compared);
  report.difference = await summariseDifference(run.engine, label, difference);
  if (base?.assigned) {
    const baseDifference = await pairRows(run.engine, base, base.assigned, compared);
    const { changes } = report.difference;
    report.difference.changes = await attributeChanges(run.engine, changes, difference, baseDifference);
  }
  label.samples.changes = await sampleDifference(run, assigned, difference);
}

/** A file of the head that is no dataset of ours stands in the way of a comparison, not of publishing. */
function goWithout(run: Run, label: LabelRun, thrown: unknown): undefined {
  if (!(thrown instanceof PipelineError) || thrown.code !== 'ENGINE_FAILED') throw thrown;
  warn(run, 'the published data files cannot be read, so there is no difference to show', label.spec.name);
  return undefined;
}

function attributionOf(
  { options }: Run,
  base: LabelRun,
  { report }: LabelRun,
  metadata: Parameters<typeof planMeasures>[0],
): NonNullable<LabelRun['report']['attribution']> {
  const name = options.compareConfig ?? '';
  const { outcome } = base.report;
  if (outcome && 'problem' in outcome) return { base: name, problem: outcome.problem, measures: [] };
  return { base: name, measures: planMeasures(metadata, base.report, report) };
}

interface ChangedRow {
  before_id: number | null;
  before_class: string | null;
  before_split: string;
  after_text: string | null;
  after_class: string;
  after_split: string;
}

async function sampleDifference(
  run: Run,
  { cleaned }: Assigned,
  { table, compared }: Difference,
): Promise<ChangeSample[]> {
  const { samples: limit } = run.options;
  if (limit === 0) return [];
  const samples: ChangeSample[] = [];
  for (const kind of CHANGE_KINDS) {
    const rows = await run.engine.rows<ChangedRow>(
      `SELECT d.before_id, d.before_class, d.before_split, left(c.text, ${READ}) AS after_text, d.after_class, d.after_split
FROM (SELECT * FROM ${table} d WHERE ${IS_KIND[kind]} ORDER BY coalesce(after_hash, before_hash), before_id, after_row LIMIT ${limit}) d
LEFT JOIN ${cleaned.texts} c ON c."row" = d.after_row ORDER BY coalesce(d.after_hash, d.before_hash), d.before_id, d.after_row`,
    );
    const before = await compared.texts(rows.flatMap(({ before_id }) => before_id ?? []));
    const texts = rows.map(({ before_id, after_text }) => ({
      before: before_id === null ? undefined : (before.shift() ?? '').slice(0, READ),
      after: after_text ?? undefined,
    }));
    const masked = await maskSamples(
      run,
      texts.flatMap(({ before: old, after: now }) => [old ?? '', now ?? '']),
    );
    for (const [index, row] of rows.entries()) {
      const [old, now] = [masked[2 * index] ?? '', masked[2 * index + 1] ?? ''];
      const isGone = row.after_text === null;
      samples.push({
        kind,
        parts: kind === 'recleaned' ? planChange(old, now) : [{ kind: 'same', text: excerpt(isGone ? old : now) }],
        ...(row.before_id === null ? {} : { before: { class: row.before_class ?? '', split: row.before_split } }),
        ...(isGone ? {} : { after: { class: row.after_class, split: row.after_split } }),
      });
    }
  }
  return samples;
}
