/**
 * Every code that a user can meet. Public API: each is explained in docs/errors.md, and a test compares the two.
 * Spec codes come with a place in the YAML; the others with the step that failed.
 */
export const CODES = [
  // The spec (lib/spec)
  'SPEC_NOT_FOUND',
  'SPEC_TOO_LARGE',
  'SPEC_ENCODING',
  'YAML_SYNTAX',
  'YAML_DUPLICATE_KEY',
  'YAML_ALIAS',
  'KEY_UNKNOWN',
  'KEY_MISSING',
  'VALUE_INVALID',
  'VARIABLE_MISSING',
  'VARIABLE_SYNTAX',
  'LABEL_NAME',
  'LABEL_UNKNOWN',
  'SPLIT_SUM',
  'SPLIT_NAME',
  'CLASS_TWICE',
  'COLUMN_TWICE',
  'REPO_NAME',
  'REPO_TWICE',
  'CLEAN_STEP_UNKNOWN',
  'PATTERN_SYNTAX',
  'PATTERN_UNSUPPORTED',
  'PATTERN_DIFFERS',
  'PATTERN_EMPTY_MATCH',
  'REPLACEMENT_SYNTAX',
  'SQL_EMPTY',
  'SQL_SYNTAX',
  'SQL_NOT_SELECT',
  'SQL_STATEMENTS',
  'SQL_PLACEHOLDER',
  'CHECK_NAME',
  'DATABASE_URL',
  'DATABASE_URL_PARAMETER',
  'DATABASE_URL_PLACEHOLDER',
  'DATABASE_PLAINTEXT',
  'DATABASE_CA',
  // The command line
  'USAGE',
  'DEMO_UNAVAILABLE',
  'INTERRUPTED',
  // The database (lib/edges/postgres.ts)
  'DATABASE_UNREACHABLE',
  'DATABASE_TLS',
  'DATABASE_LOGIN',
  'DATABASE_LOST',
  'DATABASE_QUERY',
  'DATABASE_TIMEOUT',
  'DATABASE_PERMISSION',
  'ROW_SECURITY',
  'SOURCE_COLUMNS',
  'SOURCE_NULL_KEY',
  // Rights that are not needed (lib/check)
  'RIGHTS_EXCESSIVE',
  // The data
  'CONFLICTS',
  'SPLIT_EMPTY',
  'SPLIT_REMOVED',
  'CLASSES_CHANGED',
  'CHECK_FAILED',
  'CHECK_SQL',
  // The engine and the machine (lib/edges/duckdb.ts)
  'ENGINE_FAILED',
  'ENGINE_MEMORY',
  'DISK_FULL',
  'OUTPUT_UNWRITABLE',
  // The target (lib/edges/hub.ts, lib/edges/directory.ts)
  'TOKEN_MISSING',
  'TOKEN_REFUSED',
  'TARGET_FORBIDDEN',
  'TARGET_PUBLIC',
  'TARGET_UNREACHABLE',
  'TARGET_LOCKED',
  'TARGET_MOVED',
  'TARGET_ANSWER',
  'TARGET_NOT_OURS',
  'HEAD_UNREADABLE',
  'LEDGER_UNREADABLE',
  'LEDGER_KEY',
  'PUSH_UNVERIFIED',
  'VERSION_UNKNOWN',
  // An earlier dry run (--publish)
  'PLAN_UNREADABLE',
  'PLAN_CHANGED',
  'PLAN_STALE',
  // Rolling back (lib/rollback)
  'ROLLBACK_SAME',
  'NOT_HELD',
  // What a run does besides publishing (lib/operations, lib/history)
  'TRACKING_FAILED',
  'EMAIL_FAILED',
  'WEBHOOK_FAILED',
  'SPACE_FORBIDDEN',
  'SPACE_NOT_FOUND',
  'SPACE_UNREACHABLE',
  'HISTORY_MISSING',
  'HISTORY_UNREADABLE',
  'HISTORY_UNWRITABLE',
  'RUN_UNKNOWN',
  // Where a run takes place (lib/status, lib/hosting)
  'PAGE_UNAVAILABLE',
  'JOB_FORBIDDEN',
  'JOB_REFUSED',
  'JOB_UNREACHABLE',
  'ENV_FILE',
  'DEPLOY_BUILD',
  'DEPLOY_CHECK',
  'INTERNAL',
] as const;

export type Code = (typeof CODES)[number];

interface ErrorOptions {
  /** How to mend it, as an imperative sentence. */
  fix?: string | undefined;
  /** True when the same call may succeed later. */
  retryable?: boolean;
  cause?: unknown;
}

/** An error that a user can act on. `message` never holds a row's text, a secret, or a server's own message. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: Code;
  readonly fix: string | undefined;
  readonly retryable: boolean;

  constructor(code: Code, message: string, { fix, retryable = false, cause }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.fix = fix;
    this.retryable = retryable;
  }
}

/** What was thrown, as a PipelineError; anything unforeseen becomes INTERNAL with its type only, since messages may quote rows. */
export function toPipelineError(thrown: unknown): PipelineError {
  if (thrown instanceof PipelineError) return thrown;
  if (isWriteFault(thrown)) return writeFault(thrown, `write ${thrown.path ?? 'a file'}`);
  const kind = thrown instanceof Error ? thrown.name : typeof thrown;
  return new PipelineError('INTERNAL', `Cannot go on: an unforeseen ${kind}`, {
    fix: 'run again with --verbose and report the stack trace',
    cause: thrown,
  });
}

const UNWRITABLE: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** Whether a write failed for want of room, or of what this user may take of it. */
export function isDiskFull({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Whether the operating system refuses to write: a full disk, one that is read only, missing rights. */
function isWriteFault(thrown: unknown): thrown is NodeJS.ErrnoException {
  const fault = (thrown ?? {}) as NodeJS.ErrnoException;
  return isDiskFull(fault) || UNWRITABLE.has(fault.code);
}

/** What to do about a full disk, and about a place that cannot be written. */
const OF_TMPDIR = {
  full: 'free some space, or set TMPDIR to a larger disk',
  unwritable: 'set TMPDIR to a directory that can be written',
};

/**
 * What the operating system says of a write.
 *
 * @param cannot in words, after "Cannot": `write the spool file`
 * @returns PipelineError DISK_FULL, OUTPUT_UNWRITABLE
 */
export function writeFault(cause: NodeJS.ErrnoException, cannot: string, fixes = OF_TMPDIR): PipelineError {
  const isFull = isDiskFull(cause);
  return new PipelineError(
    isFull ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE',
    `Cannot ${cannot}: ${isFull ? 'the disk is full' : cause.code}`,
    { fix: isFull ? fixes.full : fixes.unwritable, cause },
  );
}
