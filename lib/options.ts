export const DEFAULT_CONFIG = 'pipeline.config.yaml';
export const DEFAULT_ENV_FILE = '.env';

/** What the command line (or its environment form) asks for. */
export interface Options {
  config: string;
  /** Labels to run; empty means all of the spec. */
  labels: string[];
  dryRun: boolean;
  check: boolean;
  demo: boolean;
  /** Where a dry run builds and the demo publishes. */
  out: string;
  json: boolean;
  force: boolean;
  allowClassChange: boolean;
  resplit: boolean;
  verbose: boolean;
  /** Rows' texts that the terminal and report.html show of each kind; 0: none anywhere. */
  samples: number;
  /** Show e-mail addresses and telephone numbers in samples as they are. */
  rawSamples: boolean;
  /** Version that a dry run compares with; the target's head when left out. */
  against?: string;
  /** A YAML, or `published`, that a dry run plans on the same snapshot to tell the spec's changes from the data's. */
  compareConfig?: string;
  /** Directory of an earlier dry run whose files are shipped as they are. */
  publish?: string;
  /** What the plan that is shipped must have as its digest, or the first 12 hex digits or more of it. */
  planDigest?: string;
  detailedExitcode: boolean;
  /** List the history of runs. */
  history: boolean;
  /** A run of the history to print, or `last`. */
  show?: string;
  /** Version whose data files are published again, as a new version that is then held. */
  rollback?: string;
  /** Why: stands in the hold, the history and the alerts. */
  reason?: string;
  /** End a hold. */
  unhold: boolean;
  /** Where the status page listens; undefined: in a Space only, on its port. */
  serve?: PageAddress | 'off';
  /** Run as a Job on the Hub instead of here. */
  submit: boolean;
  /** With submit: five fields of cron, `@daily` …, or `off`. */
  schedule?: string;
  /** The Space (owner/name) that is made or brought up to date. */
  deploy?: string;
  /** With deploy: the file of variables and secrets. */
  envFile: string;
  /** With deploy: do not ask. */
  yes: boolean;
  /** Key of one record to explain: a dry run that builds nothing. */
  explain?: string;
}

/** Where the status page listens. */
export interface PageAddress {
  host: string;
  port: number;
}
