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
}
