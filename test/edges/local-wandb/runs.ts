export interface LocalAlert {
  title: string;
  text: string;
  severity: string;
  /** Milliseconds. */
  waitDuration: number | undefined;
}

/** A run as the server knows it. */
export interface LocalRun {
  /** The run's id in URLs; GraphQL calls it `name`. */
  id: string;
  project: string;
  entity: string;
  displayName: string;
  jobType: string | undefined;
  tags: string[];
  notes: string | undefined;
  groupName: string | undefined;
  host: string | undefined;
  program: string | undefined;
  commit: string | undefined;
  repo: string | undefined;
  /** Key → `{ value }`. */
  config: Record<string, unknown>;
  history: Record<string, unknown>[];
  summary: Record<string, unknown>;
  /** Lines of `wandb-events.jsonl`: the machine's figures. */
  events: Record<string, unknown>[];
  output: string[];
  alerts: LocalAlert[];
  /** By name, e.g. `media/html/report.html`. */
  files: Map<string, Uint8Array>;
  heartbeats: number;
  complete: boolean;
  exitcode: number | undefined;
}

export interface WandbState {
  url: string;
  key: string;
  /** Entity of the account, where a client names none. */
  entity: string;
  /** Entities that the account may write. */
  entities: ReadonlySet<string>;
  runs: Map<string, LocalRun>;
  /** Upload URL's path → the file that it takes. */
  uploads: Map<string, { run: LocalRun; name: string }>;
  rewritesConsole: boolean;
}

/** What the server refuses; the status and body are the answer. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export function newRun(id: string, project: string, entity: string): LocalRun {
  return {
    id,
    project,
    entity,
    displayName: id,
    jobType: undefined,
    tags: [],
    notes: undefined,
    groupName: undefined,
    host: undefined,
    program: undefined,
    commit: undefined,
    repo: undefined,
    config: {},
    history: [],
    summary: {},
    events: [],
    output: [],
    alerts: [],
    files: new Map(),
    heartbeats: 0,
    complete: false,
    exitcode: undefined,
  };
}
