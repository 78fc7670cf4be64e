import * as v from 'valibot';
import { CODES, type Code, type PipelineError } from './errors.ts';

export const ProblemSchema = v.object({
  code: v.pipe(v.picklist(CODES), v.description('Explained in docs/errors.md.')),
  message: v.string(),
  fix: v.exactOptional(v.string()),
});

/** What came of one label. A dry run ends in `planned` where a real one would end in `success`. */
export const OutcomeSchema = v.variant('status', [
  v.object({ status: v.literal('success'), version: v.string(), revision: v.string(), url: v.string() }),
  v.object({ status: v.literal('planned'), version: v.string(), directory: v.string() }),
  v.object({ status: v.literal('unchanged'), version: v.string() }),
  v.object({
    status: v.literal('skipped_insufficient_data'),
    rows: v.number(),
    minimum: v.number(),
    stage: v.picklist(['fetched', 'kept']),
  }),
  v.object({ status: v.literal('refused'), problem: ProblemSchema }),
  v.object({ status: v.literal('failed'), problem: ProblemSchema }),
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
  return detailed && has('planned') ? 4 : 0;
}
