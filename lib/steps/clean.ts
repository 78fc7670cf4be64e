import { rm } from 'node:fs/promises';
import { planCleanRows, showsRaw } from '../dataset/clean-rows.ts';
import { type Cleaned, type Fetched, planKeyOrder, tableOf } from '../dataset/tables.ts';
import { PipelineError } from '../errors.ts';
import { DROP_REASONS, type DropReason, type Drops } from '../report/report.ts';
import { countConflicts } from '../review/measure.ts';
import { sampleCleaning } from '../review/sample.ts';
import type { LabelRun, Run } from '../run.ts';
import { nearest } from '../spec/nearest.ts';
import type { LabelSpec } from '../spec/spec.ts';

const ROW_NUMBERS = 'row_numbers'; // sequence
const SHOWN_CLASSES = 20; // unknown classes that the report lists
// A column of classes has fewer values than this, and shorter ones: others may be texts of rows, and are not listed.
const MOST_CLASSES = 50;
const LONGEST_CLASS = 100; // characters

/** Clean one label's rows, and give each row that is dropped its reason. */
export async function clean(run: Run, label: LabelRun, fetched: Fetched): Promise<Cleaned> {
  const { spec, report } = label;
  const { engine } = run;
  const cleaned = { table: tableOf('cleaned', spec.name), texts: tableOf('texts', spec.name), fetched };
  await engine.run(`CREATE OR REPLACE SEQUENCE ${ROW_NUMBERS} MINVALUE 0`);
  await engine.run(planTexts(cleaned, spec, showsRaw(run.options)), { salt: run.salt });
  await engine.run(planRepeatedKeys(cleaned.texts));
  await engine.run(planGroups(cleaned.texts, spec));
  await engine.run(planCleaned(cleaned, spec));
  await Promise.all(fetched.files.map((file) => rm(file)));
  Object.assign(report, await countRows(run, cleaned.table));
  report.unknownClasses = await listUnknownClasses(run, cleaned.table, spec);
  const { total = 0 } = report.kept ?? {};
  const dropped = Object.values(report.dropped ?? {}).reduce((sum, rows) => sum + rows, 0);
  if (total + dropped !== report.fetched?.total) throw new Error('fetched = kept + Σ dropped does not hold');
  run.events.emit({ type: 'rows.cleaned', label: spec.name, kept: total, dropped: report.dropped ?? {} });
  if (run.options.dryRun || run.options.demo) await sampleCleaning(run, label, cleaned);
  if (spec.conflicts === 'fail') await refuseConflicts(run, label, cleaned.table);
  return cleaned;
}

/** Each text is read once, as it is parsed from the spool: all that is asked about it is found here. */
function planTexts({ texts, fetched }: Cleaned, spec: LabelSpec, keepsRaw: boolean): string {
  const arrived = `SELECT nextval('${ROW_NUMBERS}') AS "row", * FROM ${fetched.view}`;
  return `CREATE OR REPLACE TABLE ${texts} AS ${planCleanRows(arrived, spec, keepsRaw)}`;
}

/** Rows whose key stands on another row that goes first: reviewed before correct, then by content, never by arrival. */
function planRepeatedKeys(texts: string): string {
  return `CREATE OR REPLACE TEMP TABLE repeated AS
SELECT "row" FROM (
  SELECT "row", row_number() OVER (PARTITION BY key ORDER BY origin, value NULLS LAST, md5(text) NULLS LAST, reason NULLS FIRST, changed) AS n
  FROM ${texts} WHERE key IN (SELECT key FROM ${texts} GROUP BY key HAVING count(*) > 1)
) WHERE n > 1`;
}

/** Rows that nothing is wrong with by themselves. */
const IS_SOUND = `reason IS NULL AND "row" NOT IN (SELECT "row" FROM repeated)`;

/** Texts that stand on several rows, and the class that wins where they differ: null drops all of them. */
function planGroups(texts: string, { conflicts }: LabelSpec): string {
  const reviewed = 'min(class) FILTER (origin = 0)';
  const agreed = `CASE WHEN ${reviewed} = max(class) FILTER (origin = 0) THEN ${reviewed} END`;
  return `CREATE OR REPLACE TEMP TABLE groups AS
SELECT hash, CASE WHEN min(class) = max(class) THEN min(class) ${conflicts === 'reviewed' ? `ELSE ${agreed}` : ''} END AS winner
FROM ${texts} WHERE ${IS_SOUND} GROUP BY hash HAVING count(*) > 1`;
}

/**
 * All but the texts, with the reasons that rows have from each other. One row stands for its text: a reviewed one before a correct one, then
 * the smallest key.
 */
function planCleaned({ table, texts }: Cleaned, { duplicates }: LabelSpec): string {
  const isConflict = 'class IS DISTINCT FROM winner';
  const duplicate = duplicates === 'one' ? `WHEN n > 1 THEN 'duplicate'` : '';
  return `CREATE OR REPLACE TABLE ${table} AS
WITH ranked AS (
  SELECT "row", ${isConflict} AS conflict, row_number() OVER (PARTITION BY hash, ${isConflict} ORDER BY origin, ${planKeyOrder('key')}) AS n
  FROM ${texts} JOIN groups USING (hash) WHERE ${IS_SOUND}
)
SELECT t.* EXCLUDE (raw, text, reason),
  CASE WHEN k."row" IS NOT NULL THEN 'duplicate_key' WHEN reason IS NOT NULL THEN reason WHEN conflict THEN 'conflict' ${duplicate} END AS reason
FROM ${texts} t LEFT JOIN repeated k ON k."row" = t."row" LEFT JOIN ranked r ON r."row" = t."row"`;
}

async function refuseConflicts({ engine }: Run, label: LabelRun, table: string): Promise<void> {
  const { spec, report } = label;
  const { texts } = await engine.row<{ texts: number }>(
    `SELECT count(DISTINCT hash) AS texts FROM ${table} WHERE reason = 'conflict'`,
  );
  if (texts === 0) return;
  report.conflicts = await countConflicts(engine, label, table);
  throw new PipelineError(
    'CONFLICTS',
    `Cannot publish ${spec.name}: ${texts} texts have two classes, and conflicts is fail`,
    {
      fix: 'mend the labels in the database, or write conflicts: reviewed',
    },
  );
}

async function countRows({ engine }: Run, table: string): Promise<Pick<LabelRun['report'], 'kept' | 'dropped'>> {
  const counts = await engine.rows<{ reason: DropReason | null; origin: number; n: number }>(
    `SELECT reason, origin, count(*) AS n FROM ${table} GROUP BY ALL`,
  );
  const kept = { misclassified: 0, correct: 0, total: 0 };
  const byReason: Drops = {};
  for (const { reason, origin, n } of counts) {
    if (reason) byReason[reason] = (byReason[reason] ?? 0) + n;
    else {
      kept[origin === 0 ? 'misclassified' : 'correct'] += n;
      kept.total += n;
    }
  }
  const dropped = Object.fromEntries(
    DROP_REASONS.flatMap((reason) => (byReason[reason] ? [[reason, byReason[reason]]] : [])),
  ) as Drops;
  return { kept, dropped };
}

async function listUnknownClasses(
  { engine }: Run,
  table: string,
  { classes }: LabelSpec,
): Promise<NonNullable<LabelRun['report']['unknownClasses']>> {
  const found = await engine.rows<{ value: string; n: number }>(
    `SELECT value, count(*) AS n FROM ${table} WHERE reason = 'unknown_class' GROUP BY ALL ORDER BY n DESC, value LIMIT ${MOST_CLASSES + 1}`,
  );
  if (found.length > MOST_CLASSES || found.some(({ value }) => value.length > LONGEST_CLASS)) return [];
  return found.slice(0, SHOWN_CLASSES).map(({ value, n }) => {
    const meant = nearest(value, classes);
    return meant === undefined ? { value, rows: n } : { value, rows: n, nearest: meant };
  });
}
