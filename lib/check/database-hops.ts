import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Snapshot, withSnapshot } from '../edges/postgres.ts';
import { PipelineError } from '../errors.ts';
import { isSocket } from '../spec/database-tls.ts';
import type { DatabaseSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { type Finding, failed, HOP_MS, type Hop, ok, skipped } from './hops.ts';
import { checkRole } from './role-hop.ts';
import { isBlocked, SPACE_REACHES, unreachableFor } from './space-ports.ts';
import { connectTcp, type Place, placeName } from './tcp.ts';
import { checkTls } from './tls.ts';

/** The last hop of the chain: with it, queries can be tried. */
export const DATABASE_READY = 'database.read_only';

export const NO_ANSWER: Finding = {
  status: 'fail',
  code: 'DATABASE_TIMEOUT',
  message: 'No answer in time',
  fix: 'look for locks and load on the server',
};

/**
 * Plan the way to the database, hop by hop: each host by DNS, TCP, TLS; then login, transaction, role.
 *
 * @param space the Space that is to run this, where the spec names one
 */
export function planDatabaseHops(database: DatabaseSpec, world: Pick<World, 'env' | 'clock'>, space?: string): Hop[] {
  const { hosts } = database.address;
  const idOf = (hop: string, place: Place) => `database.${hop}${hosts.length > 1 ? `(${placeName(place)})` : ''}`;
  const read = (id: string, needs: string[], work: (snapshot: Snapshot) => Promise<Finding>): Hop => ({
    id,
    needs,
    run: (signal) => inSnapshot(database, signal, work),
    late: NO_ANSWER,
  });
  return [
    ...hosts.flatMap((place) => planHost(database, place, (hop) => idOf(hop, place), world, space)),
    {
      id: 'database.login',
      needs: [],
      needsOneOf: hosts.map((place) => idOf('tls', place)),
      run: (signal) => logIn(database, signal),
      late: NO_ANSWER,
    },
    read(DATABASE_READY, ['database.login'], checkReadOnly),
    read('database.role', [DATABASE_READY], (snapshot) => checkRole(snapshot, database)),
  ];
}

function planHost(
  database: DatabaseSpec,
  place: Place,
  idOf: (hop: string) => string,
  { env, clock }: Pick<World, 'env' | 'clock'>,
  space: string | undefined,
): Hop[] {
  const [dns, tcp] = [idOf('dns'), idOf('tcp')];
  return [
    { id: dns, needs: [], run: () => resolveHost(place.host), late: failed(dnsFault(place.host, 'ETIMEOUT')) },
    {
      id: tcp,
      needs: [dns],
      run: (signal) => tryPort(place, env, space, signal),
      late: failed(tcpFault(place, 'ETIMEDOUT', env)),
    },
    {
      id: idOf('tls'),
      needs: [tcp],
      run: (signal) => checkTls(database, place, clock.now(), signal),
      late: {
        status: 'fail',
        code: 'DATABASE_TLS',
        message: `${placeName(place)} does not answer the request for encryption`,
        fix: 'check that host and port are those of a PostgreSQL server',
      },
    },
  ];
}

async function resolveHost(host: string): Promise<Finding> {
  if (isSocket(host)) return skipped('a Unix socket needs no name');
  if (isIP(host) > 0) return skipped(`${host} is an address`);
  const found = await lookup(host, { all: true }).catch((cause) => {
    throw dnsFault(host, cause.code, cause);
  });
  const list = (version: number) =>
    found
      .filter(({ family }) => family === version)
      .map(({ address }) => address)
      .join(', ') || 'none';
  return ok(`${host}: A ${list(4)}; AAAA ${list(6)}`);
}

function dnsFault(host: string, code: string, cause?: unknown): PipelineError {
  return new PipelineError('DATABASE_UNREACHABLE', `Cannot find the address of ${host} (${code})`, {
    fix: 'check the host of the database URL; a paused project of a provider loses its name',
    cause,
  });
}

async function tryPort(
  place: Place,
  env: World['env'],
  space: string | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  const socket = await connectTcp(place, signal).catch((cause) => {
    throw tcpFault(place, cause.code ?? 'unknown', env, cause);
  });
  socket.destroy();
  const facts = [`${placeName(place)} accepts connections`, ...unreachableFor(space, place, env)];
  return ok(facts.join('\n'));
}

/** Why a host and port cannot be reached, as far as the network's code tells. */
export function tcpFault(place: Place, code: string, env: World['env'], cause?: unknown): PipelineError {
  const blocked = isBlocked(place, code, env);
  const why = blocked ? `${code}); ${SPACE_REACHES}` : `${code})`;
  return new PipelineError('DATABASE_UNREACHABLE', `Cannot connect to ${placeName(place)} (${why}`, {
    fix: blocked
      ? 'use a pooler that listens on 443, or run it as a Job on the Hub: bun pipeline.ts --submit'
      : tcpFix(code),
    cause,
  });
}

function tcpFix(code: string): string {
  if (code === 'ECONNREFUSED') return 'nothing listens there: check host and port, and that the server runs';
  if (/^(ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL)$/.test(code))
    return 'there is no route: a host with only an AAAA record needs IPv6; providers offer a pooler with IPv4';
  if (/^(ENOENT|EACCES)$/.test(code)) return 'check the directory of the socket, and its permissions';
  return 'a firewall drops the connection: allow this machine’s address in the provider’s network settings';
}

const LOGIN_CONDITIONS: Record<string, string> = {
  '28P01': 'wrong password',
  '28000': 'user, host or encryption is not allowed by the server’s pg_hba.conf',
  '3D000': 'there is no such database',
};

async function logIn(database: DatabaseSpec, signal: AbortSignal): Promise<Finding> {
  const { username, database: name } = database.address;
  try {
    return await inSnapshot(database, signal, async (snapshot) => {
      await snapshot.number('SELECT 1 AS n');
      return ok(`${username} at ${name}: PostgreSQL ${snapshot.server}`);
    });
  } catch (thrown) {
    if (!(thrown instanceof PipelineError) || thrown.code !== 'DATABASE_LOGIN') throw thrown;
    const condition = LOGIN_CONDITIONS[(thrown.cause as { code?: string } | undefined)?.code ?? ''];
    const { code, message, fix, cause } = thrown;
    throw new PipelineError(code, condition ? `${message}: ${condition}` : message, { fix, cause });
  }
}

async function checkReadOnly(snapshot: Snapshot): Promise<Finding> {
  const [row] = await snapshot.rows(
    `SELECT current_setting('transaction_read_only') AS read_only, current_setting('transaction_isolation') AS isolation`,
  );
  if (row?.read_only === 'on') return ok(`the transaction is read only, ${row.isolation}`);
  throw new PipelineError('DATABASE_QUERY', 'Cannot begin a read-only transaction: the server ignores READ ONLY', {
    fix: 'connect to PostgreSQL itself instead of the proxy before it',
  });
}

/** Queries of a hop end on the server too, not only here. */
export function inSnapshot<T>(
  database: DatabaseSpec,
  signal: AbortSignal,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const statementTimeoutMs = Math.min(database.statementTimeoutMs, HOP_MS);
  return withSnapshot({ ...database, statementTimeoutMs }, signal, work);
}
