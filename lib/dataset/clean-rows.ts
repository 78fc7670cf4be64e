import type { Options } from '../options.ts';
import { planHasEmail, planHasPhone } from '../review/personal-data.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';
import { planCleanText, stagesOf } from './clean-text.ts';
import { planHash } from './tables.ts';

const NOT_EMPTY = '[^\\s\\v\\x{1c}-\\x{1f}\\x{85}\\p{Z}]'; // a character that Python's str.strip() would leave

/** Whether somebody will be shown texts as they came. */
export function showsRaw({ dryRun, demo, explain }: Options): boolean {
  return dryRun || demo || explain !== undefined;
}

/**
 * Plan the cleaning of rows. Each text is read once, and all that is asked about it is found there; `$salt` keys its hash.
 *
 * @param arrived a SELECT of ("row", key, text, too_long, value, origin)
 * @param keepsRaw whether `raw` has the texts as they came; else it is NULL
 * @returns a SELECT of the columns of Cleaned and its texts; `reason` is what a row alone can tell
 */
export function planCleanRows(arrived: string, spec: LabelSpec, keepsRaw: boolean): string {
  const cases = [
    `WHEN too_long THEN 'too_long'`,
    `WHEN text IS NULL THEN 'null_text'`,
    `WHEN value IS NULL THEN 'null_label'`,
    `WHEN class IS NULL THEN 'unknown_class'`,
    `WHEN NOT regexp_matches(cleaned, ${literal(NOT_EMPTY)}) THEN 'empty_text'`,
  ];
  const { from, changed, cleaned } = planStages(arrived, spec);
  return `SELECT "row", key, origin, value, ${keepsRaw ? 'text' : 'NULL::VARCHAR'} AS raw, cleaned AS text, class,
  ${planHash('cleaned')} AS hash, changed, length(cleaned) AS characters, strlen(cleaned) AS bytes,
  ${planHasEmail('cleaned')} AS email, ${planHasPhone('cleaned')} AS phone, CASE ${cases.join(' ')} END AS reason
FROM (SELECT "row", key, origin, value, too_long, text, ${cleaned} AS cleaned, ${changed} AS changed, ${planClass(spec.classes)} AS class FROM ${from})`;
}

/** Plan the cleaning stage by stage, so that each text before and after a stage is computed once and can be compared. */
function planStages(arrived: string, { clean: steps }: LabelSpec): { from: string; changed: string; cleaned: string } {
  const stages = stagesOf(steps);
  const name = (index: number) => (index === 0 ? 'text' : `stage_${index}`);
  const from = stages.reduce(
    (inner, stage, index) =>
      `(SELECT *, ${planCleanText(name(index), stage.steps)} AS ${name(index + 1)} FROM ${inner})`,
    `(${arrived})`,
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
