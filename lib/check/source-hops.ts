import type { Snapshot } from '../edges/postgres.ts';
import type { Source } from '../events.ts';
import { formatCount } from '../report/words.ts';
import { floorTimes } from '../spec/decimal.ts';
import { nearest } from '../spec/nearest.ts';
import type { DatabaseSpec, LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';
import { REQUIRED, requireColumns } from '../steps/fetch.ts';
import { DATABASE_READY, inSnapshot, NO_ANSWER } from './database-hops.ts';
import { type Finding, type Hop, ok, skipped, warning } from './hops.ts';

const SOURCES = ['misclassified', 'correct'] as const satisfies Source[];
const MAX_UNKNOWN = 50; // values; a column of classes has fewer, and a column of texts must not be listed
const LEAST_VALUE_LENGTH = 100; // characters; see longestValue()

/** What the hops learn of a source's rows, best knowledge last. */
type Counts = Partial<Record<Source, { rows: number; isEstimate: boolean }>>;

/** Plan the hops of a label's two queries: columns, the planner's estimate, values of the class column, size. */
export function planSourceHops(label: LabelSpec, database: DatabaseSpec): Hop[] {
  const counts: Counts = {};
  const columnsOf = (source: Source) => `${label.name}.${source}.columns`;
  const hop = (id: string, needs: string, work: (snapshot: Snapshot) => Promise<Finding>, late = NO_ANSWER): Hop => ({
    id,
    needs: [needs],
    run: (signal) => inSnapshot(database, signal, work),
    late,
  });
  return [
    ...SOURCES.flatMap((source) => [
      hop(columnsOf(source), DATABASE_READY, (snapshot) => checkColumns(snapshot, label, source)),
      hop(`${label.name}.${source}.estimate`, columnsOf(source), (snapshot) =>
        estimate(snapshot, label, source, counts),
      ),
      hop(
        `${label.name}.${source}.classes`,
        columnsOf(source),
        (snapshot) => checkClasses(snapshot, label, source, counts),
        warning('not counted: the query takes too long for a check', 'an index on the columns of its joins may help'),
      ),
    ]),
    {
      id: `${label.name}.size`,
      needs: SOURCES.map(columnsOf),
      run: async () => checkSize(label, counts),
      late: NO_ANSWER,
    },
  ];
}

async function checkColumns(snapshot: Snapshot, { name, sources }: LabelSpec, source: Source): Promise<Finding> {
  requireColumns(await snapshot.columns(sources[source]), name, source);
  const [types = {}] = await snapshot.rows(planTypes(sources[source]));
  return ok(REQUIRED.map((column) => `${column} ${types[column]}`).join(', '));
}

/** Types of the columns, of a join that has no row to read. */
function planTypes(select: string): string {
  const types = REQUIRED.map((column) => `pg_typeof(source.${column})::text AS ${column}`);
  return `SELECT ${types.join(', ')} FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM (\n${select}\n) AS rows LIMIT 0) AS source ON true`;
}

async function estimate(snapshot: Snapshot, { sources }: LabelSpec, source: Source, counts: Counts): Promise<Finding> {
  const answer = await snapshot.estimate(`SELECT ${REQUIRED.join(', ')} FROM (\n${sources[source]}\n) AS source`);
  if (!answer) return skipped('the server gives no estimate');
  const { rows } = answer;
  counts[source] ??= { rows, isEstimate: true };
  return ok(`about ${formatCount(rows)} rows, by the planner`);
}

interface ClassGroup {
  kind: 'known' | 'unknown' | 'null' | 'text';
  value: string | null;
  rows: number;
}

async function checkClasses(snapshot: Snapshot, label: LabelSpec, source: Source, counts: Counts): Promise<Finding> {
  const answer = await snapshot.rows(planClasses(label, source));
  const total = Number(answer[0]?.total ?? 0);
  const groups = answer.map(({ kind, value, n }) => ({ kind, value, rows: Number(n) }) as ClassGroup);
  counts[source] = { rows: total, isEstimate: false };
  return describeClasses(groups, total, label.classes);
}

/** Plan the count of each value of the class column, in the database. What looks like a row's text stays there. */
function planClasses({ classes, sources }: LabelSpec, source: Source): string {
  const known = classes.map(literal).join(', ');
  return `SELECT kind, value, count(*)::text AS n, (sum(count(*)) OVER ())::text AS total
FROM (
  SELECT kind, CASE WHEN kind IN ('known', 'unknown') THEN label END AS value
  FROM (
    SELECT label, CASE WHEN label IS NULL THEN 'null' WHEN label IN (${known}) THEN 'known'
      WHEN length(label) > ${longestValue(classes)} OR label = text THEN 'text' ELSE 'unknown' END AS kind
    FROM (SELECT source.label::text AS label, source.text::text AS text FROM (\n${sources[source]}\n) AS source) AS labels
  ) AS kinds
) AS groups
GROUP BY kind, value
ORDER BY kind <> 'unknown' DESC, n DESC, value
LIMIT ${classes.length + 2 + MAX_UNKNOWN + 1}`;
}

/** Characters; what is longer was never meant as a class, and may be a row's text. */
function longestValue(classes: string[]): number {
  return Math.max(LEAST_VALUE_LENGTH, 2 * Math.max(...classes.map((name) => name.length)));
}

/** What the values of a class column mean for a run. Where they may be texts of rows, none is listed. */
export function describeClasses(groups: ClassGroup[], total: number, classes: string[]): Finding {
  const of = (kind: ClassGroup['kind']) => groups.filter((group) => group.kind === kind);
  const [known, unknown] = [of('known'), of('unknown')];
  const seen = `${formatCount(total)} rows; ${known.length} of ${classes.length} classes occur`;
  if (total === 0) return warning(seen, 'check the conditions of the query, and whether the tables are filled');
  if (of('text').length > 0 || unknown.length > MAX_UNKNOWN) {
    const rows = total - [...known, ...of('null')].reduce((sum, group) => sum + group.rows, 0);
    return warning(
      `${seen}\nnot in classes: ${formatCount(rows)} rows, of more than ${MAX_UNKNOWN} values or as long as texts; not listed`,
      'check that label is the column of the classes',
    );
  }
  const lines = [
    ...unknown.map(({ value, rows }) => describeUnknown(value ?? '', rows, classes)),
    ...of('null').map(({ rows }) => `NULL: ${formatCount(rows)} rows`),
  ];
  if (lines.length === 0) return ok(seen);
  return warning(
    [seen, ...lines].join('\n'),
    'such rows are dropped: add a class at the end of classes:, or correct or leave out the value in the query',
  );
}

function describeUnknown(value: string, rows: number, classes: string[]): string {
  const meant = nearest(value, classes);
  return `not in classes: ${JSON.stringify(value)}, ${formatCount(rows)} rows${meant ? `; nearest "${meant}"` : ''}`;
}

function checkSize({ ratios, minSamples }: LabelSpec, { misclassified, correct }: Counts): Finding {
  if (!misclassified || !correct) return skipped('the rows could not be counted');
  const mistakes = floorTimes(misclassified.rows, ratios.misclassified);
  const records = Math.min(correct.rows, floorTimes(mistakes, ratios.correct));
  const about = misclassified.isEstimate || correct.isEstimate ? 'about ' : '';
  const message = `${about}${formatCount(mistakes)} mistakes and ${formatCount(records)} correct records; min_samples is ${formatCount(minSamples)}`;
  if (mistakes + records >= minSamples) return ok(message);
  return warning(message, 'a run would skip this label; wait for more reviews, or lower min_samples');
}
