import type { PublishedVersion } from '../dataset/published.ts';
import {
  type Assigned,
  type Cleaned,
  planKeyHash,
  planKeyOrder,
  planSmallestKey,
  planTextHash,
  tableOf,
} from '../dataset/tables.ts';
import { PipelineError } from '../errors.ts';
import type { SplitReport } from '../report/report.ts';
import type { LabelRun, Run } from '../run.ts';
import { formatDecimal, toWeights } from '../spec/decimal.ts';
import type { LabelSpec, SplitSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';

export const SPLIT_PREFIX = 'split:'; // never the sample's prefix, see SAMPLE_PREFIX

/**
 * Give every text group (all rows with one cleaned text) one split: the one that an earlier version gave to its text or to one of its
 * keys, else the next one that its class needs. The split listed first in the spec wins where earlier versions disagree.
 */
export async function split(
  run: Run,
  label: LabelRun,
  cleaned: Cleaned,
  published: PublishedVersion,
): Promise<Assigned> {
  const { spec, report } = label;
  const { engine } = run;
  const ledger = published.ledger.table;
  const table = tableOf('assigned', spec.name);
  const members = tableOf('members', spec.name);
  await engine.run(planMembers(members, cleaned.table), { salt: run.salt });
  const remembered = tableOf('remembered', spec.name);
  await engine.run(planRemembered(remembered, members, ledger, spec.split));
  await engine.run(planFresh(members, remembered, spec.seed));
  const { quotas, ...counts } = await planAllQuotas(run, spec, remembered);
  await engine.run(`CREATE OR REPLACE TEMP TABLE quotas (class SMALLINT, split UTINYINT, first BIGINT, next BIGINT)`);
  for (const values of quotas) await engine.run(`INSERT INTO quotas VALUES ${values}`);
  await engine.run(planAssigned({ table, members, remembered }, ledger, spec));
  report.split = { ...counts, ...(await countSplits(run, spec, table)) };
  const splits = Object.fromEntries(report.split.splits.map(({ name, rows }) => [name, rows]));
  run.events.emit({ type: 'rows.split', label: spec.name, splits });
  return { table, members, remembered, cleaned };
}

/**
 * Plan how many new groups of one class each split takes.
 *
 * @param available groups of the class without a split
 * @param weights shares as whole numbers in the same proportion
 * @param taken groups that each split has from earlier versions
 * @returns groups per split; sums to `available`. With nothing taken each is within 1 of its share (largest remainder, ties to the split
 *   listed first); else as near as the taken ones allow: a split that has more than its share gets none
 */
export function planQuotas(available: number, weights: readonly bigint[], taken: readonly number[]): number[] {
  let open = weights.map((_, index) => index);
  for (;;) {
    const total = BigInt(available) + sum(open.map((index) => BigInt(taken[index] ?? 0)));
    const whole = sum(open.map((index) => weights[index] ?? 0n));
    const overfull = (index: number) => BigInt(taken[index] ?? 0) * whole > (weights[index] ?? 0n) * total;
    if (open.some(overfull)) {
      open = open.filter((index) => !overfull(index));
      continue;
    }
    const exact = open.map((index) => (weights[index] ?? 0n) * total);
    const quotas = exact.map((share) => share / whole);
    const byRemainder = exact
      .map((share, position) => ({ position, remainder: share % whole }))
      .sort((a, b) => Number(b.remainder - a.remainder) || a.position - b.position);
    const left = Number(total - sum(quotas));
    for (const { position } of byRemainder.slice(0, left)) quotas[position] = (quotas[position] ?? 0n) + 1n;
    const result = weights.map(() => 0);
    for (const [position, index] of open.entries()) result[index] = Number(quotas[position]) - (taken[index] ?? 0);
    return result;
  }
}

/** Quotas 3, 0, 2 as ranges of ranks: [0, 3), [3, 3), [3, 5). */
function planRanges(quotas: number[]): [first: number, next: number][] {
  let next = 0;
  return quotas.map((quota) => {
    const first = next;
    next += quota;
    return [first, next];
  });
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

/** Rows that belong to a group: the kept ones, and the duplicates that they stand for. */
function planMembers(members: string, cleaned: string): string {
  return `CREATE OR REPLACE TABLE ${members} AS
SELECT "row", hash, class, key, reason IS NULL AS published, ${planTextHash('hash')} AS text_hash, ${planKeyHash('key')} AS key_hash
FROM ${cleaned} WHERE reason IS NULL OR reason = 'duplicate'`;
}

/** Groups that an earlier version knows: (hash, class, split, merged). */
function planRemembered(remembered: string, members: string, ledger: string, splits: SplitSpec[]): string {
  const place = `CASE split ${splits.map(({ name }, index) => `WHEN ${literal(name)} THEN ${index}`).join(' ')} END`;
  return `CREATE OR REPLACE TABLE ${remembered} AS
SELECT hash, any_value(class) AS class, min(place) AS split, min(place) <> max(place) AS merged FROM (
  SELECT m.hash, m.class, ${place} AS place FROM ${members} m JOIN ${ledger} l ON l.text_hash = m.text_hash
  UNION ALL
  SELECT m.hash, m.class, ${place} AS place FROM ${members} m JOIN ${ledger} l ON l.key_hash = m.key_hash
) WHERE place IS NOT NULL GROUP BY hash`;
}

/** New groups, ranked in their class by a hash that says nothing of how they were sampled: (hash, class, rank from 0). */
function planFresh(members: string, remembered: string, seed: number): string {
  const order = `md5_number(${literal(`${SPLIT_PREFIX}${seed}:`)} || smallest), smallest`;
  return `CREATE OR REPLACE TEMP TABLE fresh AS
SELECT hash, class, row_number() OVER (PARTITION BY class ORDER BY ${order}) - 1 AS rank FROM (
  SELECT hash, any_value(class) AS class, ${planSmallestKey('key')} AS smallest
  FROM ${members} WHERE hash NOT IN (SELECT hash FROM ${remembered}) GROUP BY hash
)`;
}

interface Quotas extends Pick<SplitReport, 'remembered' | 'assigned' | 'merged'> {
  /** VALUES of (class, split, first rank, next rank). */
  quotas: string[];
}

async function planAllQuotas({ engine }: Run, { classes, split: splits }: LabelSpec, table: string): Promise<Quotas> {
  const remembered = await engine.rows<{ class: number; split: number; n: number; merged: number }>(
    `SELECT class, split, count(*) AS n, count(*) FILTER (merged) AS merged FROM ${table} GROUP BY ALL`,
  );
  const fresh = await engine.rows<{ class: number; n: number }>('SELECT class, count(*) AS n FROM fresh GROUP BY ALL');
  const weights = toWeights(splits.map(({ share }) => share));
  const quotas = classes.flatMap((_, id) => {
    const available = fresh.find((row) => row.class === id)?.n ?? 0;
    const taken = splits.map((_, index) => remembered.find((row) => row.class === id && row.split === index)?.n ?? 0);
    return planRanges(planQuotas(available, weights, taken)).map(
      ([first, next], index) => `(${id}, ${index}, ${first}, ${next})`,
    );
  });
  return {
    quotas,
    remembered: remembered.reduce((total, { n }) => total + n, 0),
    assigned: fresh.reduce((total, { n }) => total + n, 0),
    merged: remembered.reduce((total, row) => total + row.merged, 0),
  };
}

/**
 * Kept rows with split, ordinal (order of first publication) and position in the split's files. A row keeps its ordinal; a new one comes
 * after all others, by key, so that a store that deduplicates by content sees mostly old bytes.
 */
function planAssigned(
  { table, members, remembered }: Omit<Assigned, 'cleaned'>,
  ledger: string,
  { duplicates }: LabelSpec,
): string {
  // Where one row stands for a text, the text has the ordinal, whichever key stands for it today.
  const known =
    duplicates === 'one' ? 'l.text_hash = m.text_hash' : 'l.text_hash = m.text_hash AND l.key_hash = m.key_hash';
  return `CREATE OR REPLACE TABLE ${table} AS
WITH groups AS (
  SELECT hash, split FROM ${remembered}
  UNION ALL
  SELECT f.hash, q.split FROM fresh f JOIN quotas q ON q.class = f.class AND f.rank >= q.first AND f.rank < q.next
), known AS (
  SELECT m."row" AS known_row, min(l.ordinal) AS ordinal FROM ${members} m JOIN ${ledger} l ON ${known} WHERE m.published GROUP BY m."row"
), fresh_rows AS (
  SELECT "row" AS fresh_row, (SELECT coalesce(max(ordinal), -1) FROM ${ledger}) + row_number() OVER (ORDER BY ${planKeyOrder('key')}) AS ordinal
  FROM ${members} WHERE published AND "row" NOT IN (SELECT known_row FROM known)
), ordered AS (SELECT known_row AS ordered_row, ordinal FROM known UNION ALL SELECT fresh_row, ordinal FROM fresh_rows)
SELECT m."row", m.class, g.split, o.ordinal, m.text_hash, m.key_hash,
  row_number() OVER (PARTITION BY g.split ORDER BY o.ordinal, ${planKeyOrder('m.key')}) - 1 AS position
FROM ${members} m JOIN groups g ON g.hash = m.hash JOIN ordered o ON o.ordered_row = m."row" WHERE m.published`;
}

async function countSplits(
  { engine }: Run,
  { classes, split: splits }: LabelSpec,
  table: string,
): Promise<Pick<SplitReport, 'splits' | 'smallClasses'>> {
  const counts = await engine.rows<{ split: number; class: number; n: number }>(
    `SELECT split, class, count(*) AS n FROM ${table} GROUP BY ALL`,
  );
  const rows = (split: number, id: number) =>
    counts.find((count) => count.split === split && count.class === id)?.n ?? 0;
  const report = splits.map(({ name, share }, index) => {
    const perClass = classes.map((_, id) => rows(index, id));
    return { name, share: formatDecimal(share), rows: perClass.reduce((total, n) => total + n, 0), classes: perClass };
  });
  const smallClasses = classes.filter(
    (_, id) => report.some((split) => split.classes[id] === 0) && report.some((split) => (split.classes[id] ?? 0) > 0),
  );
  return { splits: report, smallClasses };
}

async function refuseRemovedSplits(
  { engine }: Run,
  { spec, target }: LabelRun,
  { ledger }: PublishedVersion,
): Promise<void> {
  const published = await engine.rows<{ split: string }>(`SELECT DISTINCT split FROM ${ledger.table} ORDER BY split`);
  const names = spec.split.map(({ name }) => name);
  const removed = published.map(({ split }) => split).filter((name) => !names.includes(name));
  if (removed.length === 0) return;
  throw new PipelineError(
    'SPLIT_REMOVED',
    `Cannot publish to ${target.name}: it has rows in split ${removed.join(', ')}, and the spec has ${names.join(', ')}`,
    {
      fix: `keep the name, or start a new split with --resplit (rows move between train and test)`,
    },
  );
}

/**
 * Refuse a split that cannot be published. Apart from split(), so that a report has its figures and its difference first.
 *
 * @throws PipelineError SPLIT_REMOVED, SPLIT_EMPTY
 */
export async function refuseSplit(run: Run, label: LabelRun, published: PublishedVersion): Promise<void> {
  await refuseRemovedSplits(run, label, published);
  refuseEmptySplits(label);
}

/** A repo with an empty split cannot be loaded. */
function refuseEmptySplits({ spec, report }: LabelRun): void {
  const empty = (report.split?.splits ?? []).filter(({ rows }) => rows === 0).map(({ name }) => name);
  if (empty.length === 0) return;
  throw new PipelineError('SPLIT_EMPTY', `Cannot publish ${spec.name}: split ${empty.join(', ')} would have no row`, {
    fix: 'wait for more rows, or give the split a larger share; a repo with an empty split cannot be loaded',
  });
}
