import type { Socket } from 'node:net';
import postgres from 'postgres';
import { PipelineError } from '../errors.ts';
import type { DatabaseAddress } from '../spec/database-url.ts';
import type { DatabaseSpec } from '../spec/spec.ts';
import { type Copied, type CopyQuery, copyOut, type Parts } from './postgres-copy.ts';
import { translateLoginError } from './postgres-errors.ts';
import { type Encryption, next, openSocket, type Place, planEncryption } from './postgres-socket.ts';

const CANCEL_MS = 1000; // a server that is not there any more need not be told
const GOODBYE_SECONDS = 1;
const KEEP_ALIVE_MS = 30_000; // routers forget a connection on which nothing passes
const SILENCE_MS = 30_000; // beyond statement_timeout
const CANCEL_REQUEST = 80_877_102; // PostgreSQL, "CancelRequest"

/** One connection with one transaction, a statement at a time. A lost connection stays lost. */
export interface Session extends AsyncDisposable {
  query(statement: string): Promise<Rows>;
  /** Write what a COPY … TO STDOUT sends to new private files. Returns the number of rows. */
  copy(statement: string, parts: Parts): Promise<Copied>;
}

type Rows = postgres.RowList<postgres.Row[]>;

type SessionKind = NonNullable<DatabaseAddress['targetSessionAttrs']>;

/** What the driver keeps of the server process that runs a query. */
interface Backend {
  pid: number | null;
  secret: number;
}

/**
 * Begin a REPEATABLE READ READ ONLY transaction at the first host that answers and is of the kind that target_session_attrs asks for.
 *
 * @param signal stops what the server does, then cuts the connection
 */
export async function openSession(database: DatabaseSpec, signal: AbortSignal): Promise<Session> {
  const { hosts, targetSessionAttrs: kind } = database.address;
  const encryption = await planEncryption(database.address, database.ca);
  const kinds = kind === 'prefer-standby' ? (['standby', undefined] as const) : [kind];
  let failure: unknown;
  for (const [wanted, place] of kinds.flatMap((wanted) => hosts.map((host) => [wanted, host] as const))) {
    try {
      return await connectSession(database, place, encryption, wanted, signal);
    } catch (thrown) {
      failure = translateLoginError(thrown);
      if (signal.aborted || !(failure instanceof PipelineError && failure.retryable)) break;
    }
  }
  throw failure;
}

/** @throws PipelineError DATABASE_UNREACHABLE, retryable: after a failover it may be another host */
async function requireKind(session: Session, kind: SessionKind | undefined): Promise<void> {
  if (kind === undefined) return;
  const [row] = await session.query(
    `SELECT pg_is_in_recovery() AS standby, pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only`,
  );
  const isOfKind =
    kind === 'primary' || kind === 'standby'
      ? row?.standby === (kind === 'standby')
      : row?.read_only === (kind === 'read-only');
  if (isOfKind) return;
  throw new PipelineError('DATABASE_UNREACHABLE', `Cannot find a host that is ${kind}`, {
    retryable: true,
    fix: 'change target_session_attrs in the URL, or add a host',
  });
}

function closed(): Error {
  return Object.assign(new Error('closed'), { code: 'CONNECTION_CLOSED' });
}

async function connectSession(
  database: DatabaseSpec,
  place: Place,
  encryption: Encryption,
  kind: SessionKind | undefined,
  signal: AbortSignal,
): Promise<Session> {
  let socket: Socket | undefined;
  let current: CopyQuery | undefined;
  let stopped: Promise<void> | undefined;
  // The driver never answers a query that it is given after its socket is gone, so the loss itself does.
  const { promise: lost, reject: lose } = Promise.withResolvers<never>();
  lost.catch(() => {});
  const connect = async () => {
    // The driver would connect again by itself, and go on outside of the transaction.
    if (socket) throw closed();
    const limit = AbortSignal.timeout(database.address.connectTimeoutSeconds * 1000);
    socket = await openSocket(place, encryption, AbortSignal.any([signal, limit]));
    watchSilence(socket, database.statementTimeoutMs);
    socket.once('close', () => lose(closed()));
    return socket;
  };
  const sql = postgres(driverOptions(database.address, connect));
  const cancel = async () => {
    const backend = (current as { state?: Backend | null } | undefined)?.state;
    if (backend?.pid) await sendCancel(place, encryption, backend).catch(() => {});
  };
  const stop = () => {
    stopped = cancel().finally(() => {
      socket?.destroy();
      lose(signal.reason);
    });
  };
  const send = async <R>(statement: string, work: (query: CopyQuery & PromiseLike<Rows>) => PromiseLike<R>) => {
    const query = sql.unsafe(statement).simple() as unknown as CopyQuery & PromiseLike<Rows>;
    current = query;
    try {
      return await Promise.race([work(query), lost]);
    } finally {
      current = undefined;
    }
  };
  signal.addEventListener('abort', stop, { once: true });
  const session: Session = {
    query: (statement) => send(statement, (query) => query),
    copy: (statement, parts) =>
      send(statement, (query) => copyOut(query, parts, { cancel, resume: () => void socket?.resume() })),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop);
      await stopped;
      await sql.end({ timeout: socket?.destroyed ? 0 : GOODBYE_SECONDS }); // to one that is gone it would wait in vain
      socket?.destroy();
    },
  };
  try {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await requireKind(session, kind);
    return session;
  } catch (thrown) {
    await session[Symbol.asyncDispose]();
    throw thrown;
  }
}

/**
 * Hang up on a server that is silent for longer than it may be: it would have cancelled the query. One that is gone without a word, with its
 * machine or the way to it, never says so.
 */
function watchSilence(socket: Socket, statementTimeoutMs: number): void {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  if (statementTimeoutMs > 0) socket.setTimeout(statementTimeoutMs + SILENCE_MS, () => socket.destroy());
}

/**
 * Options for the driver. It gets no URL, whose unknown parameters it would forward to the server; no hosts to choose from, since it
 * tries them for ever; and a connection that is encrypted already.
 */
function driverOptions(
  { database, username, password, applicationName, connectTimeoutSeconds }: DatabaseAddress,
  socket: () => Promise<Socket>,
): postgres.Options<Record<string, never>> {
  return {
    host: 'localhost',
    port: 5432,
    socket,
    ssl: false,
    database,
    username,
    password: password ?? '',
    max: 1,
    prepare: false,
    fetch_types: false,
    idle_timeout: null,
    max_lifetime: null, // it would end a long transaction
    connect_timeout: connectTimeoutSeconds,
    connection: { application_name: applicationName ?? 'prepare-dataset' },
    onnotice: () => {},
  } as unknown as postgres.Options<Record<string, never>>; // its types lack `socket`, and null for never
}

/** Ask the server, over a connection of its own, to stop a query. Returns when the server has passed it on. */
async function sendCancel(place: Place, encryption: Encryption, { pid, secret }: Backend): Promise<void> {
  const limit = AbortSignal.timeout(CANCEL_MS);
  const socket = await openSocket(place, encryption, limit);
  const request = Buffer.alloc(16); // bytes: length, code, process, key
  [16, CANCEL_REQUEST, pid ?? 0, secret].forEach((value, i) => {
    request.writeUInt32BE(value, 4 * i);
  });
  try {
    socket.resume().write(request);
    await next(socket, 'close', limit);
  } finally {
    socket.destroy();
  }
}
