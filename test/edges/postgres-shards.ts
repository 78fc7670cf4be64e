import { CREATE_INDEXES, CREATE_TABLES } from '../../lib/demo/tables.ts';
import { literal } from '../../lib/sql.ts';
import { runSql } from './postgres-server/server.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';

/** What postgres_fdw is told of each server: rows that come at once, rows that go at once, all servers work at the same time. */
const SERVER_OPTIONS = { fetch_size: '10000', batch_size: '1000', async_capable: 'true', use_remote_estimate: 'true' };

/** The tables of the shipped spec, and the column that says on which shard a row lies: rows that are joined lie on the same one. */
const PARTITIONED = { complaints: 'id', misclassified_complaints: 'complaint_id' };

/** Servers that each hold a part of the rows. */
export interface Shards extends AsyncDisposable {
  servers: PostgresServer[];
}

/** Start that many servers of their own. */
export async function startShards(count: number): Promise<Shards> {
  await using started = new AsyncDisposableStack();
  const servers = await Promise.all(Array.from({ length: count }, async () => started.use(await startPostgres())));
  const stack = started.move();
  return { servers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/**
 * Make both tables in a database anew, hash-partitioned over the shards, with the rows of another database. The coordinator holds no row
 * itself: each partition is a foreign table, and the rows go from the source through the coordinator to their shards.
 *
 * @param coordinator an empty database's URL
 * @param source URL of a database that holds both tables
 */
export async function distributeTables(coordinator: string, source: string, { servers }: Shards): Promise<void> {
  const shards = await Promise.all(servers.map((server) => server.createDatabase()));
  await Promise.all(shards.map((url) => runSql(url, CREATE_TABLES + CREATE_INDEXES)));
  await runSql(coordinator, planCoordinator(shards));
  await runSql(coordinator, planRows(source));
  await Promise.all(shards.map((url) => runSql(url, 'ANALYZE')));
  await runSql(coordinator, `ANALYZE ${Object.keys(PARTITIONED).join(', ')}`);
}

/** Partitioned tables have the columns of the shipped ones, and nothing else: no key, sequence or reference spans servers. */
function planCoordinator(shards: string[]): string {
  const tables = Object.entries(PARTITIONED).flatMap(([table, column]) => [
    `CREATE TABLE ${table} (LIKE model.${table}) PARTITION BY HASH (${column})`,
    ...shards.map(
      (_, shard) =>
        `CREATE FOREIGN TABLE ${table}_${shard} PARTITION OF ${table}
  FOR VALUES WITH (MODULUS ${shards.length}, REMAINDER ${shard}) SERVER shard_${shard} OPTIONS (table_name ${literal(table)})`,
    ),
  ]);
  return [
    'CREATE EXTENSION postgres_fdw',
    ...shards.flatMap((url, shard) => planServer(`shard_${shard}`, url)),
    `CREATE SCHEMA model; SET search_path = model; ${CREATE_TABLES} RESET search_path`,
    ...tables,
    'DROP SCHEMA model CASCADE',
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_join = on', current_database()); END $$`,
  ].join(';\n');
}

function planServer(name: string, url: string): string[] {
  const { hostname, port, pathname, username, password } = new URL(url);
  const list = (options: Record<string, string>) =>
    Object.entries(options)
      .map(([option, value]) => `${option} ${literal(value)}`)
      .join(', ');
  const place = { host: hostname, port, dbname: pathname.slice(1), ...SERVER_OPTIONS };
  const login = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return [
    `CREATE SERVER ${name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (${list(place)})`,
    `CREATE USER MAPPING FOR CURRENT_USER SERVER ${name} OPTIONS (${list(login)})`,
  ];
}

/** The source is a server like the others while its rows are copied. */
function planRows(source: string): string {
  const tables = Object.keys(PARTITIONED);
  return [
    ...planServer('source', source),
    'CREATE SCHEMA source',
    `IMPORT FOREIGN SCHEMA public LIMIT TO (${tables.join(', ')}) FROM SERVER source INTO source`,
    ...tables.map((table) => `INSERT INTO ${table} SELECT * FROM source.${table}`),
    'DROP SERVER source CASCADE',
    'DROP SCHEMA source',
  ].join(';\n');
}
