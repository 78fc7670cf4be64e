import type { Step } from '../events.ts';
import type { Outcome } from '../outcome.ts';

/** Why a row is not in the dataset; a row has one reason, the first that holds. */
export const DROP_REASONS = [
  'duplicate_key',
  'null_text',
  'too_long',
  'null_label',
  'unknown_class',
  'empty_text',
  'conflict',
  'duplicate',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];
export type Drops = Partial<Record<DropReason, number>>;

/** Aggregates of one label's run; fields are filled in as the steps end. No row's text stands here. */
export interface LabelReport {
  label: string;
  /** owner/name on the Hub, or the directory. */
  target: string;
  classes: string[];
  outcome?: Outcome;
  seconds: Partial<Record<Step, number>>;
  /** Rows, before cleaning. `asked` is what the ratio asks of the correct rows. */
  fetched?: { misclassified: number; correct: number; asked: number; total: number };
  /** Rows, after cleaning: fetched.total = kept.total + Σ dropped. */
  kept?: { misclassified: number; correct: number; total: number };
  dropped?: Drops;
  /** Labels in the data that the spec does not name, most frequent first. */
  unknownClasses?: { value: string; rows: number; nearest?: string }[];
  split?: SplitReport;
  /** The version that the target's head holds. */
  previousVersion?: string;
  files?: FileReport[];
}

export interface SplitReport {
  splits: {
    name: string /** As the spec writes it. */;
    share: string;
    rows: number /** Rows per class, in class order. */;
    classes: number[];
  }[];
  /** Text groups whose split an earlier version decided, and those that are new. */
  remembered: number;
  assigned: number;
  /** Groups that earlier versions had in several splits: the split listed first won. */
  merged: number;
  /** Classes with fewer groups than splits: some split has none of them. */
  smallClasses: string[];
}

export interface FileReport {
  path: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

export interface RunReport {
  version: string;
  startedAt: string;
  seconds: number;
  dryRun: boolean;
  exitCode: number;
  labels: LabelReport[];
  warnings: string[];
}
