import type { DatabaseAddress } from './database-url.ts';
import type { Decimal } from './decimal.ts';
import type { CleanStep } from './patterns.ts';

/** The spec as the program uses it: variables filled in, defaults merged, everything checked. */
export interface Spec {
  /** The YAML's path as the user gave it. */
  file: string;
  database: DatabaseSpec;
  labels: LabelSpec[];
  /** What a run does besides publishing. */
  operations: OperationsSpec;
  job: JobSpec;
}

/** How a Job on the Hub runs this, by --submit. */
export interface JobSpec {
  /** Hardware, by the Hub's name. */
  flavor: string;
  timeoutMs: number;
}

/** Each is undefined where the spec, or a variable that it names, leaves it out. */
export interface OperationsSpec {
  /** Why the tracking that the spec names is off. */
  untracked: string | undefined;
  wandb: { apiKey: string; project: string; entity: string | undefined } | undefined;
  email: { smtp: string; to: string[]; from: string; when: When } | undefined;
  webhook: { url: string; when: When } | undefined;
  space: { id: string; pause: 'always' | 'on_success' | 'never'; minIntervalMs: number } | undefined;
  /** Where the history of runs is kept. */
  runs: TargetSpec | undefined;
}

/** `on_change`: a version was published, or something went wrong. `on_problem`: only the latter. */
export type When = 'always' | 'on_change' | 'on_problem';

export interface DatabaseSpec {
  address: DatabaseAddress;
  /** Attempts to connect, and to read the whole snapshot. */
  attempts: number;
  statementTimeoutMs: number;
  /** DuckDB's memory_limit, in megabytes. */
  memoryLimitMb: number;
  rowSecurity: 'error' | 'respect';
  /** PEM of the CA that signs the server's certificate, from DATABASE_CA. */
  ca: string | undefined;
}

export interface LabelSpec {
  name: string;
  target: TargetSpec;
  /** Position = id. */
  classes: string[];
  /** SELECTs without comments or semicolon, `{label}` filled in. */
  sources: { misclassified: string; correct: string };
  /** Share of the mistakes, in (0, 1]; correct rows for each mistake fetched, ≥ 0. */
  ratios: { misclassified: Decimal; correct: Decimal };
  seed: number;
  minSamples: number;
  maxTextBytes: number;
  clean: CleanStep[];
  duplicates: 'one' | 'keep';
  conflicts: 'reviewed' | 'drop' | 'fail';
  /** In the order of the spec; shares add up to 1. */
  split: SplitSpec[];
  /** `source` is the name of a column that says misclassified or correct; undefined: no such column. */
  columns: { text: string; label: string; source: string | undefined };
  /** In the order of LIMIT_CHECKS, then no_conflicts, then queries by name. */
  checks: CheckSpec[];
  card: CardSpec;
  push: { private: boolean; when: 'changed' | 'always' };
  /** `setVariable`: a Space gets the version as DATASET_VERSION before it is restarted. */
  afterPush: { restartSpaces: string[]; setVariable: boolean };
  /** The label's part of the YAML after merging, with variable names instead of their values. */
  template: Record<string, unknown>;
}

export interface SplitSpec {
  name: string;
  share: Decimal;
}

/** Checks that hold a figure against a limit. */
export const LIMIT_CHECKS = [
  'min_per_class',
  'max_duplicate_share',
  'max_dropped_share',
  'max_class_drift',
  'max_length',
  'max_pii_share',
] as const;

export type LimitCheck = (typeof LIMIT_CHECKS)[number];

/** What a version must satisfy to be published: `refuse` stops it, `warn` says so. */
export type CheckSpec = { severity: 'refuse' | 'warn' } & (
  | { kind: 'limit'; name: LimitCheck; limit: number }
  | { kind: 'conflicts'; name: 'no_conflicts' }
  /** A query of DuckDB without comments or semicolon, `{label}` filled in; the name is sql.NAME. */
  | { kind: 'sql'; name: `sql.${string}`; sql: string }
);

export interface CardSpec {
  license: string | undefined;
  language: string[];
  prettyName: string | undefined;
  author: string | undefined;
  description: string | undefined;
  tags: string[];
}

export type TargetSpec = { kind: 'hub'; repo: string } | { kind: 'directory'; path: string };

/** The name of a target as a person writes it. */
export function targetName(target: TargetSpec): string {
  return target.kind === 'hub' ? target.repo : target.path;
}
