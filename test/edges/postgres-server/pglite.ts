import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { nextDatabaseName, type PostgresServer, runSql, withDatabase } from './server.ts';

const HOST = '127.0.0.1';
const MAX_CONNECTIONS = 16; // they take turns

/** PostgreSQL inside this process. It has one database and no TLS, so createDatabase() starts a further PGlite. */
export async function startPgliteServer(): Promise<PostgresServer> {
  const database = await PGlite.create();
  const listen = async (port: number) => {
    const server = new PGLiteSocketServer({ db: database, host: HOST, port, maxConnections: MAX_CONNECTIONS });
    await server.start();
    return server;
  };
  let server = await listen(0);
  const others: PostgresServer[] = [];
  const url = `postgres://postgres:postgres@${server.getServerConn()}/postgres`;
  const port = Number(new URL(url).port);
  return {
    url,
    host: HOST,
    port,
    database: 'postgres',
    user: 'postgres',
    password: 'postgres',
    dataDirectory: '',
    version: await runSql(url, 'SHOW server_version'),
    kind: 'pglite',
    psql: (sql, other = url) => runSql(other, sql),
    createDatabase: async (name = nextDatabaseName()) => {
      const other = await startPgliteServer();
      others.push(other);
      return withDatabase(other.url, name);
    },
    log: () => Promise.resolve(''),
    stop: () => server.stop(),
    start: async () => {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await database.close();
      for (const other of others) await other[Symbol.asyncDispose]();
    },
  };
}
