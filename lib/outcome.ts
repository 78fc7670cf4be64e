import type { Code, PipelineError } from './errors.ts';

/** What came of one label. A dry run ends in `planned` where a real one would end in `success`. */
export type Outcome =
  | { status: 'success'; version: string; revision: string; url: string }
  | { status: 'planned'; version: string; directory: string }
  | { status: 'unchanged'; version: string }
  | { status: 'skipped_insufficient_data'; rows: number; minimum: number; stage: 'fetched' | 'kept' }
  | { status: 'refused'; problem: Problem }
  | { status: 'failed'; problem: Problem };

export interface Problem {
  code: Code;
  message: string;
  fix?: string;
}

/** Codes that are a decision about the data or the target, not a fault: the label is `refused`, exit code 3. */
const REFUSALS: ReadonlySet<Code> = new Set([
  'TARGET_PUBLIC',
  'SPLIT_EMPTY',
  'SPLIT_REMOVED',
  'CLASSES_CHANGED',
  'CONFLICTS',
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

export function outcomeOf(error: PipelineError): Outcome {
  const { code, message, fix } = error;
  const problem: Problem = fix === undefined ? { code, message } : { code, message, fix };
  return { status: REFUSALS.has(code) ? 'refused' : 'failed', problem };
}

/** 1 (a label failed) before 3 (refused) before 0. */
export function exitCodeOf(outcomes: Outcome[]): number {
  if (outcomes.some(({ status }) => status === 'failed')) return 1;
  if (outcomes.some(({ status }) => status === 'refused')) return 3;
  return 0;
}
