import { open, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import postgres from 'postgres';
import { PipelineError } from '../errors.ts';
import type { DatabaseAddress } from '../spec/database-url.ts';
import type { DatabaseSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';
import { isLocalFault, translateDatabaseError } from './postgres-errors.ts';

const BATCH_BYTES = 1_000_000; // bytes of a COPY that are written at once

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
  /** Small results, e.g. the distinct labels. */
  rows(select: string): Promise<Record<string, string | null>[]>;
  /** Write a SELECT's rows to a new private file as CSV, every value but NULL quoted. Returns the number of rows. */
  copy(select: string, file: string): Promise<number>;
}

/**
 * Read in one snapshot. Each query runs in a savepoint, so a failed one leaves the others running. Settings are local to it: nothing
 * reaches the next client of a pooler in transaction mode.
 *
 * @throws PipelineError DATABASE_*; `retryable` where a new snapshot may succeed
 */
export async function withSnapshot<T>(
  database: DatabaseSpec,
  signal: AbortSignal,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const sql = postgres(await driverOptions(database));
  const close = () => void sql.end({ timeout: 0 }).catch(() => {});
  signal.addEventListener('abort', close, { once: true });
  try {
    return (await sql.begin('isolation level repeatable read read only', async (transaction) => {
      for (const setting of planSettings(database)) await transaction.unsafe(setting).simple();
      const [start] =
        await transaction`SELECT pg_current_snapshot()::text AS id, now()::text AS at, current_setting('server_version') AS server`.simple();
      return await work(
        openSnapshot(sql, transaction, { id: start?.id, takenAt: new Date(start?.at), server: start?.server }),
      );
    })) as T;
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw translateDatabaseError(thrown);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
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

type Transaction = postgres.TransactionSql;

function openSnapshot(
  sql: postgres.Sql,
  transaction: Transaction,
  start: Pick<Snapshot, 'id' | 'takenAt' | 'server'>,
): Snapshot {
  const guarded = async <R>(statement: string, work: (savepoint: Transaction) => Promise<R>): Promise<R> => {
    try {
      return (await transaction.savepoint((savepoint) => work(savepoint))) as R;
    } catch (thrown) {
      throw translateDatabaseError(thrown, statement);
    }
  };
  const query = (statement: string) =>
    guarded(statement, async (savepoint) => await savepoint.unsafe(statement).simple());
  return {
    ...start,
    columns: async (select) => (await query(planEmpty(select))).columns.map(({ name }) => name),
    number: async (select) => Number((await query(select))[0]?.n),
    rows: async (select) => [...(await query(select))] as Record<string, string | null>[],
    copy: (select, file) => {
      const statement = `COPY (\n${select}\n) TO STDOUT (FORMAT csv, FORCE_QUOTE *)`;
      return guarded(statement, (savepoint) => copyOut(sql, savepoint, statement, file));
    },
  };
}

function planEmpty(select: string): string {
  return `SELECT * FROM (\n${select}\n) AS source LIMIT 0`;
}

async function copyOut(sql: postgres.Sql, savepoint: Transaction, statement: string, file: string): Promise<number> {
  const query = savepoint.unsafe(statement) as unknown as CopyQuery;
  const rows = listen(query);
  const stream = (await query.readable()) as Readable;
  try {
    await writeFile(stream, file);
    return await rows;
  } catch (thrown) {
    if (isLocalFault(thrown)) {
      // The rest of the COPY would wait for a reader that is gone, and so would the ROLLBACK: give up the connection.
      await sql.end({ timeout: 0 });
      throw new PipelineError('DISK_FULL', 'Cannot write the spool file', {
        fix: 'free some space, or set TMPDIR to a larger disk',
        cause: thrown,
      });
    }
    throw thrown;
  } finally {
    stream._read(0); // the driver leaves its socket paused when the last chunk filled the buffer; the next query would hang
  }
}

/** Write a stream to a new private file, in batches: the server sends a packet per row. */
async function writeFile(stream: Readable, path: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  let batch: Buffer[] = [];
  let bytes = 0;
  const flush = async () => {
    await file.writev(batch);
    batch = [];
    bytes = 0;
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    batch.push(chunk);
    bytes += chunk.length;
    if (bytes >= BATCH_BYTES) await flush();
  }
  if (bytes > 0) await flush();
  Bun.gc(true); // the packets are garbage now; until then they would stand beside the engine's memory
}

/** The driver resolves a COPY twice: with the stream when it starts, with the command's result when it is done. */
interface CopyQuery {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readable(): Promise<unknown>;
}

/** Rows of a COPY, known when it is done. The stream gets its error listener as it is handed over: the server's error may come with it. */
function listen(query: CopyQuery): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {}); // the stream fails with the same error
  const { resolve: resolveQuery, reject: rejectQuery } = query;
  query.resolve = (value) => {
    if (!(value instanceof Readable)) return resolve(Number((value as { count?: number }).count));
    value.on('error', () => {});
    resolveQuery(value);
  };
  query.reject = (reason) => {
    reject(reason);
    rejectQuery(reason);
  };
  return promise;
}

/** Options for the driver. It is never handed the URL: it would forward parameters that it does not know to the server. */
export async function driverOptions({
  address,
  ca,
}: Pick<DatabaseSpec, 'address' | 'ca'>): Promise<postgres.Options<Record<string, never>>> {
  return {
    host: address.hosts.map(({ host }) => host) as never,
    port: address.hosts.map(({ port }) => port) as never,
    ...(address.hosts[0]?.host.startsWith('/')
      ? { path: `${address.hosts[0].host}/.s.PGSQL.${address.hosts[0].port}` }
      : {}),
    database: address.database,
    username: address.username,
    password: address.password ?? '',
    ssl: (await tlsOptions(address, ca)) as never,
    ...(address.tls && 'negotiation' in address.tls ? { sslnegotiation: address.tls.negotiation } : {}),
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: address.connectTimeoutSeconds,
    connection: { application_name: address.applicationName ?? 'prepare-dataset' },
    onnotice: () => {},
    ...(address.targetSessionAttrs ? { target_session_attrs: address.targetSessionAttrs } : {}),
  };
}

/** Options of tls.connect; 'prefer' falls back to plaintext and is only for local hosts. */
export async function tlsOptions(
  { tls }: DatabaseAddress,
  ca: string | undefined,
): Promise<false | 'prefer' | Record<string, unknown>> {
  if (!tls || tls.mode === 'prefer') return tls ? 'prefer' : false;
  const verify = tls.mode === 'verify-ca' || tls.mode === 'verify-full';
  const authority = tls.caFile ? await readTlsFile(tls.caFile) : ca;
  return {
    rejectUnauthorized: verify,
    ...(authority ? { ca: authority } : {}),
    ...(tls.mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(tls.certFile ? { cert: await readTlsFile(tls.certFile) } : {}),
    ...(tls.keyFile ? { key: await readTlsFile(tls.keyFile) } : {}),
  };
}

async function readTlsFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new PipelineError('DATABASE_CA', `Cannot read ${path}: ${cause.code}`, {
      fix: 'the database URL names this file; mount it, or put the CA’s PEM text in DATABASE_CA',
      cause,
    });
  });
}
