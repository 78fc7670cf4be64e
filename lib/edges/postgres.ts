import type { DatabaseSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';
import type { Copied, Parts } from './postgres-copy.ts';
import { translateDatabaseError } from './postgres-errors.ts';
import { openSession, type Session } from './postgres-session.ts';

export { tlsOptions } from './postgres-socket.ts';

/** One REPEATABLE READ READ ONLY transaction: all that is read through it agrees. */
export interface Snapshot {
  /** PostgreSQL's own name of the snapshot, `xmin:xmax:xip_list`. */
  id: string;
  /** When the transaction began, by the server's clock. */
  takenAt: Date;
  /** Server version, e.g. `15.18`. */
  server: string;
  /** Names of the columns of a SELECT, without reading a row. */
  columns(select: string): Promise<string[]>;
  /** The only value of an aggregate. */
  number(select: string): Promise<number>;
  /** The planner's estimate of a SELECT, which is not run; `cost` in the planner's unit. Undefined where the server gives none. */
  estimate(select: string): Promise<Estimate | undefined>;
  /** Small results, e.g. the distinct labels. */
  rows(select: string): Promise<Record<string, string | null>[]>;
  /** Write a SELECT's rows to new private files as CSV, every value but NULL quoted. */
  copy(select: string, parts: Parts): Promise<Copied>;
}

export interface Estimate {
  rows: number;
  cost: number;
}

/**
 * Read in one snapshot. Each query runs in a savepoint, so a failed one leaves the others running. Settings are local to it: nothing
 * reaches the next client of a pooler in transaction mode. A CA that is given, as sslrootcert or DATABASE_CA, is always used: with it
 * `sslmode=require` verifies the server's chain too.
 *
 * @param signal stops the query that runs on the server and ends the connection
 * @throws PipelineError DATABASE_*; `retryable` where a new snapshot may succeed
 */
export async function withSnapshot<T>(
  database: DatabaseSpec,
  signal: AbortSignal,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  try {
    await using session = await openSession(database, signal);
    const ask = (statement: string) => session.query(statement).catch(refuse);
    for (const setting of planSettings(database)) await ask(setting);
    const [start] = await ask(
      `SELECT pg_current_snapshot()::text AS id, now()::text AS at, current_setting('server_version') AS server`,
    );
    const result = await work(
      openSnapshot(session, { id: start?.id, takenAt: new Date(start?.at), server: start?.server }),
    );
    await ask('COMMIT');
    return result;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  }
}

function refuse(thrown: unknown): never {
  throw translateDatabaseError(thrown);
}

/** Settings of the transaction as statements, local to it. Zone and formats are fixed so that keys and classes have one text form everywhere. */
export function planSettings({ address, statementTimeoutMs, rowSecurity }: DatabaseSpec): string[] {
  const settings: Record<string, string> = {
    ...address.settings,
    application_name: address.applicationName ?? 'prepare-dataset',
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: '0',
    standard_conforming_strings: 'on', // what the lexer of the user's SQL assumes
    timezone: 'UTC',
    datestyle: 'ISO, YMD',
    intervalstyle: 'iso_8601',
    extra_float_digits: '1',
    bytea_output: 'hex',
    ...(rowSecurity === 'error' ? { row_security: 'off' } : {}),
  };
  return Object.entries(settings).map(
    ([name, value]) => `SELECT set_config(${literal(name)}, ${literal(value)}, true)`,
  );
}

function openSnapshot(session: Session, start: Pick<Snapshot, 'id' | 'takenAt' | 'server'>): Snapshot {
  const query = (statement: string) => inSavepoint(session, statement, () => session.query(statement));
  return {
    ...start,
    columns: async (select) => (await query(planEmpty(select))).columns.map(({ name }) => name),
    number: async (select) => Number((await query(select))[0]?.n),
    estimate: async (select) => readPlan(await query(`EXPLAIN (FORMAT JSON) ${select}`)),
    rows: async (select) => [...(await query(select))] as Record<string, string | null>[],
    copy: (select, parts) => {
      const statement = `COPY (\n${select}\n) TO STDOUT (FORMAT csv, FORCE_QUOTE *)`;
      return inSavepoint(session, statement, () => session.copy(statement, parts));
    },
  };
}

/** The server sends the plan as JSON, or as text where the driver does not know the type. */
function readPlan([row]: readonly Record<string, unknown>[]): Estimate | undefined {
  const [value] = Object.values(row ?? {});
  const [{ Plan: plan } = {}] = (typeof value === 'string' ? JSON.parse(value) : value) as {
    Plan?: { 'Plan Rows'?: number; 'Total Cost'?: number };
  }[];
  const { 'Plan Rows': rows, 'Total Cost': cost } = plan ?? {};
  return rows === undefined || cost === undefined ? undefined : { rows, cost };
}

async function inSavepoint<T>(session: Session, statement: string, work: () => Promise<T>): Promise<T> {
  try {
    await session.query('SAVEPOINT query');
    const result = await work();
    await session.query('RELEASE query');
    return result;
  } catch (thrown) {
    await session.query('ROLLBACK TO query').catch(() => {}); // where the connection is lost, whatever comes next says so
    throw translateDatabaseError(thrown, statement);
  }
}

function planEmpty(select: string): string {
  return `SELECT * FROM (\n${select}\n) AS source LIMIT 0`;
}
