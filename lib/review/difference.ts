import { classesOf } from '../dataset/published.ts';
import type { Assigned } from '../dataset/tables.ts';
import type { Engine } from '../edges/duckdb.ts';
import { CHANGE_KINDS, type ChangeKind, type DifferenceReport } from '../report/report.ts';
import type { LabelRun } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { identifier, nameAt } from '../sql.ts';
import type { Compared } from './compared.ts';
import { populationStabilityIndex } from './drift.ts';

const SHOWN_PAIRS = 50; // pairs of classes that the report lists

export interface Difference extends Pick<DifferenceReport, 'classes' | 'splits'> {
  /**
   * Rows before and after that differ, paired: (before_id, before_hash, before_class, before_split, after_row, after_hash, after_key,
   * after_class, after_split, merged, recleaned). One side is null where the other has no partner.
   */
  table: string;
  compared: Compared;
}

/**
 * Pair the rows of a published version with those that would be published: by text, and what is left by record. A record whose text is
 * another one now is re-cleaned.
 */
export async function pairRows(
  engine: Engine,
  { spec }: LabelRun,
  assigned: Assigned,
  compared: Compared,
): Promise<Difference> {
  const table = identifier(`difference_${spec.name}`);
  await engine.run(planAfter(spec, assigned));
  await engine.run('CREATE OR REPLACE TEMP TABLE pairs (id BIGINT, "row" BIGINT, recleaned BOOLEAN)');
  await engine.run(planOnce(compared.table)); // most rows
  await engine.run(planSame(compared.table, ['text_hash', 'class', 'split'])); // the right ones among equals
  await engine.run(planSame(compared.table, ['text_hash']));
  // A row may have several candidates, and each insertion takes the best pairs only.
  for (let known = -1, now = await countPairs(engine); now !== known; known = now, now = await countPairs(engine))
    await engine.run(planRecleaned(compared, assigned.members));
  await engine.run(planDifference(table, compared.table));
  const splits = spec.split.map(({ name }) => name);
  return {
    table,
    compared,
    classes: await countNames(engine, compared.table, 'class', spec.classes),
    splits: await countNames(engine, compared.table, 'split', splits),
  };
}

async function countPairs(engine: Engine): Promise<number> {
  return (await engine.row<{ n: number }>('SELECT count(*) AS n FROM pairs')).n;
}

/** The rows that would be published, with the names of their class and split. */
function planAfter({ classes, split }: LabelSpec, { table, remembered, cleaned }: Assigned): string {
  const splits = split.map((each) => each.name);
  return `CREATE OR REPLACE TEMP TABLE after_rows AS
SELECT a."row", a.text_hash, a.key_hash, a.ordinal, c.hash, ${nameAt('a.class', classes)} AS class, ${nameAt('a.split', splits)} AS split,
  c.hash IN (SELECT hash FROM ${remembered} WHERE merged) AS merged
FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row"`;
}

/** Rows whose text stands once before and once after. */
function planOnce(before: string): string {
  return `INSERT INTO pairs
SELECT id, "row", false FROM (SELECT text_hash, min(id) AS id FROM ${before} GROUP BY text_hash HAVING count(*) = 1)
JOIN (SELECT text_hash, min("row") AS "row" FROM after_rows GROUP BY text_hash HAVING count(*) = 1) USING (text_hash)`;
}

/** Rows without a partner that agree in `columns`, one with one, in the order of the files. */
function planSame(before: string, columns: string[]): string {
  const nth = (order: string) => `row_number() OVER (PARTITION BY ${columns.join(', ')} ORDER BY ${order}) AS n`;
  return `INSERT INTO pairs
SELECT id, "row", false
FROM (SELECT *, ${nth('id')} FROM ${before} WHERE id NOT IN (SELECT id FROM pairs))
JOIN (SELECT *, ${nth('ordinal, "row"')} FROM after_rows WHERE "row" NOT IN (SELECT "row" FROM pairs)) USING (${columns.join(', ')}, n)`;
}

/**
 * Rows without a partner that share a record and a split: the keys of a text are those of all rows that it stands for. Each row has one
 * partner. In another split it is none: there two histories were merged, which the split step counts.
 */
function planRecleaned({ table, ledger }: Compared, members: string): string {
  return `INSERT INTO pairs
SELECT id, "row", true FROM (
  SELECT DISTINCT b.id, a."row"
  FROM (SELECT id, text_hash, split FROM ${table} WHERE id NOT IN (SELECT id FROM pairs)) b
  JOIN ${ledger} l ON l.text_hash = b.text_hash
  JOIN ${members} m ON m.key_hash = l.key_hash
  JOIN (SELECT "row", hash, split FROM after_rows WHERE "row" NOT IN (SELECT "row" FROM pairs)) a ON a.hash = m.hash AND a.split = b.split
)
QUALIFY row_number() OVER (PARTITION BY id ORDER BY "row") = 1 AND row_number() OVER (PARTITION BY "row" ORDER BY id) = 1`;
}

function planDifference(table: string, before: string): string {
  return `CREATE OR REPLACE TABLE ${table} AS
SELECT b.id AS before_id, b.text_hash AS before_hash, b.class AS before_class, b.split AS before_split,
  a."row" AS after_row, a.text_hash AS after_hash, a.key_hash AS after_key, a.class AS after_class, a.split AS after_split, a.merged, coalesce(p.recleaned, false) AS recleaned
FROM ${before} b FULL JOIN pairs p ON p.id = b.id FULL JOIN after_rows a ON a."row" = p."row"
WHERE p.id IS NULL OR p.recleaned OR b.class IS DISTINCT FROM a.class OR b.split <> a.split`;
}

/** Whether a row of the difference is of a kind; one row may be of several. */
export const IS_KIND: Record<ChangeKind, string> = {
  added: 'd.before_id IS NULL',
  removed: 'd.after_row IS NULL',
  relabelled: 'd.before_class IS DISTINCT FROM d.after_class AND d.before_id IS NOT NULL AND d.after_row IS NOT NULL',
  recleaned: 'd.recleaned',
  // Where two histories meet, the split step settles it once and for all, and counts it as merged.
  moved: 'd.before_split <> d.after_split AND NOT d.merged',
};

/** The difference in figures. */
export async function summariseDifference(
  engine: Engine,
  { spec }: LabelRun,
  { table, compared, classes, splits }: Difference,
): Promise<DifferenceReport> {
  const counts = CHANGE_KINDS.map((kind) => `count(*) FILTER (${IS_KIND[kind]}) AS ${kind}`);
  const row = await engine.row<Record<ChangeKind | 'changed', number>>(
    `SELECT ${counts.join(', ')}, count(before_id) AS changed FROM ${table} d`,
  );
  const relabelled = await engine.rows<{ from: string | null; to: string; rows: number }>(
    `SELECT before_class AS "from", after_class AS "to", count(*) AS rows FROM ${table} d WHERE ${IS_KIND.relabelled}
GROUP BY ALL ORDER BY rows DESC, "from", "to" LIMIT ${SHOWN_PAIRS}`,
  );
  const total = (side: 'before' | 'after') => splits.reduce((sum, each) => sum + each[side], 0);
  return {
    version: compared.metadata?.version_tag ?? null,
    rows: { before: total('before'), after: total('after'), unchanged: total('before') - row.changed },
    changes: CHANGE_KINDS.map((kind) => ({ kind, rows: row[kind] })),
    relabelled: relabelled.map(({ from, to, rows }) => ({ from: from ?? '', to, rows })),
    classes,
    splits,
    drift: populationStabilityIndex(
      classes.map(({ before }) => before),
      classes.map(({ after }) => after),
    ),
    classList: compareClassLists(classesOf(compared.metadata) ?? spec.classes, spec.classes),
  };
}

/** Rows by class or split, before and after: the spec's in their order, then those that are gone. */
async function countNames(
  engine: Engine,
  before: string,
  column: 'class' | 'split',
  names: string[],
): Promise<DifferenceReport['classes']> {
  const counts = await engine.rows<{ name: string | null; before: number; after: number }>(
    `SELECT name, sum(before)::BIGINT AS before, sum(after)::BIGINT AS after FROM (
  SELECT ${column} AS name, 1 AS before, 0 AS after FROM ${before} UNION ALL SELECT ${column}, 0, 1 FROM after_rows
) GROUP BY name ORDER BY name`,
  );
  const gone = counts.flatMap(({ name }) => (name === null || names.includes(name) ? [] : [name]));
  return [...names, ...gone].map((name) => {
    const { before = 0, after = 0 } = counts.find((each) => each.name === name) ?? {};
    return { name, before, after };
  });
}

/** Class lists before and after; a class whose id is another one now is reordered. */
export function compareClassLists(before: string[], after: string[]): DifferenceReport['classList'] {
  return {
    added: after.filter((name) => !before.includes(name)),
    removed: before.filter((name) => !after.includes(name)),
    reordered: before.filter((name, id) => after.includes(name) && after.indexOf(name) !== id),
  };
}
