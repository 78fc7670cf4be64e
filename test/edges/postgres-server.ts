import { findPostgres, reportMissing } from './postgres-server/binaries.ts';
import { type ClusterOptions, startCluster } from './postgres-server/cluster.ts';
import { startPgliteServer } from './postgres-server/pglite.ts';
import type { PostgresServer } from './postgres-server/server.ts';

export { makeTestCa, type TestCa } from './postgres-server/ca.ts';
export { type Pgbouncer, startPgbouncer } from './postgres-server/pgbouncer.ts';
export type { PostgresServer } from './postgres-server/server.ts';

/**
 * Start a throw-away PostgreSQL: the machine's own binaries, or PGlite where there are none.
 *
 * @throws Error when TLS, settings or hba rules are asked for and only PGlite could answer
 */
export async function startPostgres(options: ClusterOptions = {}): Promise<PostgresServer> {
  const binaries = findPostgres(process.env);
  if (binaries !== undefined) return await startCluster(binaries, options);
  if (Object.keys(options).length > 0) throw new Error('Cannot start PostgreSQL with options: no binaries were found');
  return await startPgliteServer();
}

let shared: Promise<PostgresServer> | undefined;

/** The server of this test process: make a database of your own in it. It ends with the process. */
export function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return shared;
}

/**
 * The shared server, or undefined with one loud line at a desk that has none. In CI a missing server is a failure.
 *
 * @param kind 'postgresql' where PGlite will not do: TLS, several connections at once, restarts
 */
export async function requirePostgres(kind?: PostgresServer['kind']): Promise<PostgresServer | undefined> {
  if (kind !== 'postgresql' || findPostgres(process.env) !== undefined) return await sharedPostgres();
  return reportMissing('no PostgreSQL on PATH, in /usr/lib/postgresql/*/bin or in PG_BIN: its tests cannot run');
}
