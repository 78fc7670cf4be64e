import { planCleanText, stagesOf } from '../dataset/clean-text.ts';
import { type Cleaned, type Fetched, planHash, planKeyOrder, tableOf } from '../dataset/tables.ts';
import { PipelineError } from '../errors.ts';
import { DROP_REASONS, type DropReason, type Drops } from '../report/report.ts';
import { countConflicts } from '../review/measure.ts';
import { planHasEmail, planHasPhone } from '../review/personal-data.ts';
import { sampleCleaning } from '../review/sample.ts';
import type { LabelRun, Run } from '../run.ts';
import { nearest } from '../spec/nearest.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';

const NOT_EMPTY = '[^\\s\\v\\x{1c}-\\x{1f}\\x{85}\\p{Z}]'; // a character that Python's str.strip() would leave
const SHOWN_CLASSES = 20; // unknown classes that the report lists
// A column of classes has fewer values than this, and shorter ones: others may be texts of rows, and are not listed.
const MOST_CLASSES = 50;
const LONGEST_CLASS = 100; // characters

/** Clean one label's rows, and give each row that is dropped its reason. */
export async function clean(run: Run, label: LabelRun, fetched: Fetched): Promise<Cleaned> {
  const { spec, report } = label;
  const { engine } = run;
  const { dryRun, demo, explain } = run.options;
  const cleaned = { table: tableOf('cleaned', spec.name), texts: tableOf('texts', spec.name), fetched };
  await engine.run(planRepeatedKeys(fetched.table));
  await engine.run(planTexts(cleaned.texts, fetched.table, spec), { salt: run.salt });
  const isShown = dryRun || demo || explain !== undefined; // samples show texts as they came
  if (!isShown) await engine.run(`DROP TABLE ${fetched.table}`);
  await engine.run(planGroups(cleaned.texts, spec));
  await engine.run(planCleaned(cleaned, spec));
  Object.assign(report, await countRows(run, cleaned.table));
  report.unknownClasses = await listUnknownClasses(run, cleaned.table, spec);
  const { total = 0 } = report.kept ?? {};
  const dropped = Object.values(report.dropped ?? {}).reduce((sum, rows) => sum + rows, 0);
  if (total + dropped !== report.fetched?.total) throw new Error('fetched = kept + Σ dropped does not hold');
  run.events.emit({ type: 'rows.cleaned', label: spec.name, kept: total, dropped: report.dropped ?? {} });
  if (dryRun || demo) await sampleCleaning(run, label, cleaned);
  if (isShown && explain === undefined) await engine.run(`DROP TABLE ${fetched.table}`);
  if (spec.conflicts === 'fail') await refuseConflicts(run, label, cleaned.table);
  return cleaned;
}

/** Rows whose key stands on another row that goes first: reviewed before correct, then by content, never by arrival. */
function planRepeatedKeys(fetched: string): string {
  return `CREATE OR REPLACE TEMP TABLE repeated AS
SELECT "row" FROM (
  SELECT "row", row_number() OVER (PARTITION BY key ORDER BY origin, value NULLS LAST, md5(text) NULLS LAST, too_long) AS n
  FROM ${fetched} WHERE key IN (SELECT key FROM ${fetched} GROUP BY key HAVING count(*) > 1)
) WHERE n > 1`;
}

/** The texts, each read once, and all that is asked about them. `reason` is what a row alone can tell. */
function planTexts(texts: string, fetched: string, spec: LabelSpec): string {
  const cases = [
    `WHEN "row" IN (SELECT "row" FROM repeated) THEN 'duplicate_key'`,
    `WHEN too_long THEN 'too_long'`,
    `WHEN text IS NULL THEN 'null_text'`,
    `WHEN value IS NULL THEN 'null_label'`,
    `WHEN class IS NULL THEN 'unknown_class'`,
    `WHEN NOT regexp_matches(cleaned, ${literal(NOT_EMPTY)}) THEN 'empty_text'`,
  ];
  const { from, changed, cleaned } = planStages(fetched, spec);
  return `CREATE OR REPLACE TABLE ${texts} AS
SELECT "row", key, origin, value, cleaned AS text, class, ${planHash('cleaned')} AS hash, changed,
  length(cleaned) AS characters, strlen(cleaned) AS bytes, ${planHasEmail('cleaned')} AS email, ${planHasPhone('cleaned')} AS phone,
  CASE ${cases.join(' ')} END AS reason
FROM (SELECT "row", key, origin, value, too_long, text, ${cleaned} AS cleaned, ${changed} AS changed, ${planClass(spec.classes)} AS class FROM ${from})`;
}

/** Plan the cleaning stage by stage, so that each text before and after a stage is computed once and can be compared. */
function planStages(fetched: string, { clean: steps }: LabelSpec): { from: string; changed: string; cleaned: string } {
  const stages = stagesOf(steps);
  const name = (index: number) => (index === 0 ? 'text' : `stage_${index}`);
  const from = stages.reduce(
    (inner, stage, index) =>
      `(SELECT *, ${planCleanText(name(index), stage.steps)} AS ${name(index + 1)} FROM ${inner})`,
    fetched,
  );
  const bits = stages.map((_, index) => `((${name(index)} <> ${name(index + 1)})::UBIGINT << ${index})`);
  return { from, changed: `coalesce(${['0::UBIGINT', ...bits].join(' | ')}, 0)`, cleaned: name(stages.length) };
}

/** A class by its text; PostgreSQL writes booleans as t and f. */
function planClass(classes: string[]): string {
  const booleans = classes.every((name) => name === 'true' || name === 'false');
  const names = classes.flatMap((name, id) => [
    `WHEN ${literal(name)} THEN ${id}`,
    ...(booleans ? [`WHEN ${literal(name.charAt(0))} THEN ${id}`] : []),
  ]);
  return `(CASE value ${names.join(' ')} END)::SMALLINT`;
}

/** Texts that stand on several rows, and the class that wins where they differ: null drops all of them. */
function planGroups(texts: string, { conflicts }: LabelSpec): string {
  const reviewed = 'min(class) FILTER (origin = 0)';
  const agreed = `CASE WHEN ${reviewed} = max(class) FILTER (origin = 0) THEN ${reviewed} END`;
  return `CREATE OR REPLACE TEMP TABLE groups AS
SELECT hash, CASE WHEN min(class) = max(class) THEN min(class) ${conflicts === 'reviewed' ? `ELSE ${agreed}` : ''} END AS winner
FROM ${texts} WHERE reason IS NULL GROUP BY hash HAVING count(*) > 1`;
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
  FROM ${texts} JOIN groups USING (hash) WHERE reason IS NULL
)
SELECT t.* EXCLUDE (text, reason), CASE WHEN reason IS NOT NULL THEN reason WHEN conflict THEN 'conflict' ${duplicate} END AS reason
FROM ${texts} t LEFT JOIN ranked r ON r."row" = t."row"`;
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
