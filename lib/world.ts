/** Everything outside the program that it may touch, handed in as one argument so that tests can run the whole program. */
export interface World {
  /** Environment variables. */
  env: Record<string, string | undefined>;
  /** Where relative paths start. */
  cwd: string;
  /** Parent of the private spool directory. */
  tmpdir: string;
  /** What whoever runs it takes from the rights of what is published in a directory (umask); everything else is its owner's only. */
  umask: number;
  fetch: typeof fetch;
  clock: Clock;
  stdout: Output;
  stderr: Output;
  /** Ask whoever runs it; undefined where nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Aborted by SIGINT or SIGTERM, with the signal's name as its reason. */
  signal: AbortSignal;
}

export interface Clock {
  now(): Date;
  /** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A stream of text. `columns` is undefined where there is no terminal. */
export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  readonly columns: number | undefined;
}
