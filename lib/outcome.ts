import * as v from 'valibot';
import { CODES, type Code, type PipelineError } from './errors.ts';

/** A schema with what its value means, for report.schema.json. */
export const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));
const version = described(v.string(), 'The tag, vYYYYMMDD_HHMMSS.');

export const ProblemSchema = v.object({
  code: described(v.picklist(CODES), 'Explained in docs/errors.md.'),
  message: described(v.string(), 'What failed, what was found, what is wanted.'),
  fix: v.exactOptional(described(v.string(), 'How to mend it.')),
});

/** What came of one label. A dry run ends in `planned` where a real one would end in `success`. */
export const OutcomeSchema = v.variant('status', [
  v.object({
    status: described(v.literal('success'), 'A version was published.'),
    version,
    revision: described(v.string(), 'The commit on the target.'),
    url: described(v.string(), 'Where it can be seen; the directory, for a directory target.'),
  }),
  v.object({
    status: described(v.literal('planned'), 'A real run would publish this version.'),
    version,
    directory: described(v.string(), 'Where its files were built.'),
  }),
  v.object({
    status: described(v.literal('unchanged'), 'The published version holds the same rows.'),
    version: described(v.string(), 'The published version’s tag; empty where it has none.'),
    hold: v.exactOptional(
      described(v.picklist(['ended', 'would end']), 'What --unhold did; the rows are not compared then.'),
    ),
  }),
  v.object({
    status: described(v.literal('skipped_insufficient_data'), 'There are too few rows.'),
    rows: described(v.number(), 'Rows that there are.'),
    minimum: described(v.number(), 'min_samples of the spec.'),
    stage: described(v.picklist(['fetched', 'kept']), 'When they were counted: before or after cleaning.'),
  }),
  v.object({
    status: described(v.literal('held'), 'A person rolled the dataset back; nothing is published until --unhold.'),
    version: described(v.string(), 'The version that the target holds.'),
    since: described(v.string(), 'ISO 8601, UTC.'),
    reason: described(v.string(), 'As --reason said.'),
  }),
  v.object({
    status: described(v.literal('refused'), 'A check or a rule keeps the label from being published.'),
    problem: described(ProblemSchema, 'Why.'),
  }),
  v.object({
    status: described(v.literal('failed'), 'Something broke.'),
    problem: described(ProblemSchema, 'Why.'),
  }),
]);

export type Problem = v.InferOutput<typeof ProblemSchema>;
export type Outcome = v.InferOutput<typeof OutcomeSchema>;

/** Codes that are a decision about the data or the target, not a fault: the label is `refused`, exit code 3. */
const REFUSALS: ReadonlySet<Code> = new Set([
  'TARGET_PUBLIC',
  'SPLIT_EMPTY',
  'SPLIT_REMOVED',
  'CLASSES_CHANGED',
  'CONFLICTS',
  'CHECK_FAILED',
  'PLAN_CHANGED',
  'PLAN_STALE',
  'ROLLBACK_SAME',
  'NOT_HELD',
] satisfies Code[]);

/** Thrown by a step when a label has too few rows: an outcome, not an error. */
export class InsufficientData extends Error {
  override readonly name = 'InsufficientData';
  readonly rows: number;
  readonly minimum: number;
  readonly stage: 'fetched' | 'kept';

  constructor(rows: number, minimum: number, stage: 'fetched' | 'kept') {
    super(`insufficient data (${rows} < ${minimum})`);
    this.rows = rows;
    this.minimum = minimum;
    this.stage = stage;
  }
}

export function problemOf({ code, message, fix }: PipelineError): Problem {
  return fix === undefined ? { code, message } : { code, message, fix };
}

export function outcomeOf(error: PipelineError): Outcome {
  return { status: REFUSALS.has(error.code) ? 'refused' : 'failed', problem: problemOf(error) };
}

/**
 * 1 (a label failed) before 3 (refused) before 4 (changes planned) before 0.
 *
 * @param detailed --detailed-exitcode: tell changes planned from none
 */
export function exitCodeOf(outcomes: Outcome[], detailed = false): number {
  const has = (status: Outcome['status']) => outcomes.some((outcome) => outcome.status === status);
  if (has('failed')) return 1;
  if (has('refused')) return 3;
  const isPlanned = has('planned') || outcomes.some((outcome) => 'hold' in outcome && outcome.hold === 'would end');
  return detailed && isPlanned ? 4 : 0;
}
