import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pgbouncer, type PostgresServer, requirePostgres, startPgbouncer } from './postgres-server.ts';
import { changeUrl, codeOf, oneFile, read, sessions, until } from './snapshots.ts';

const found = await requirePostgres('postgresql');
const pooler = found && (await startPgbouncer(found, { default_pool_size: '1' }));
const scratch = await mkdtemp(join(tmpdir(), 'postgres-pooler-'));

afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

/** Every setting of the one connection that the pooler has to the server, and which connection it is. */
const SESSION = `SELECT jsonb_object_agg(name, setting)::text || pg_backend_pid() FROM pg_settings
  WHERE name <> 'application_name'`;
const SETTINGS = {
  application_name: 'prepare-dataset',
  statement_timeout: '7s', // the spec's, which comes before the URL's
  row_security: 'off',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  work_mem: '8MB',
  search_path: 'other',
  transaction_isolation: 'repeatable read',
  transaction_read_only: 'on',
};
const SHOWN = `SELECT ${Object.keys(SETTINGS).map((name) => `current_setting('${name}') AS "${name}"`)}`;

describe.skipIf(pooler === undefined)('through PgBouncer in transaction mode', () => {
  const server = found as PostgresServer;
  const { url, log, through } = pooler as Pgbouncer;
  const pasted = (search: string) => changeUrl(url, { search });

  test('a snapshot works by the URL as pasted, over a connection to the server that others use too', async () => {
    const pid = Number(await server.psql('SELECT pg_backend_pid()', url));
    const answer = await read(pasted('pgbouncer=true&connection_limit=1'), async (snapshot) => [
      await snapshot.number('SELECT pg_backend_pid() AS n'),
      (await snapshot.copy('SELECT i FROM generate_series(1, 100000) i', oneFile(join(scratch, 'rows.csv')))).rows,
      await snapshot.columns('SELECT 1 AS key'),
      await snapshot.number('SELECT pg_backend_pid() AS n'),
    ]);
    expect(answer).toEqual([pid, 100_000, ['key'], pid]);
  });

  test('its settings hold inside and are gone for the next client, also after an error', async () => {
    const before = await server.psql(SESSION, url);
    const options = encodeURIComponent('-c work_mem=8MB -c search_path=other -c statement_timeout=5s');
    for (const select of ['SELECT 1', 'SELECT 1/0']) {
      const [shown] = await read(
        pasted(`pgbouncer=true&options=${options}`),
        async (snapshot) => {
          await codeOf(snapshot.rows(select));
          return await snapshot.rows(SHOWN);
        },
        { yaml: 'statement_timeout: 7s' },
      );
      expect(shown).toEqual(SETTINGS);
      expect(await server.psql(SESSION, url)).toBe(before);
    }
    expect(await server.psql('SHOW application_name', url)).not.toBe('prepare-dataset');
    expect(await log()).not.toContain('unsupported startup parameter');
  });

  test('a work that throws leaves the next client a clean connection', async () => {
    const thrown = new Error('of the caller');
    const failing = read(url, async (snapshot) => {
      await snapshot.number('SELECT 1 AS n');
      throw thrown;
    });
    expect(await failing.catch((error) => error)).toBe(thrown);
    expect(await server.psql('SHOW statement_timeout', url)).toBe('0');
  });

  test('an interruption ends the query on the server, and the next client is served', async () => {
    const own = await server.createDatabase();
    const controller = new AbortController();
    const reading = read(
      through(own),
      (snapshot) => snapshot.copy('SELECT pg_sleep(300)', oneFile(join(scratch, 'interrupted.csv'))),
      { signal: controller.signal },
    );
    const active = (n: number) => sessions(own, `FILTER (WHERE state = 'active') = ${n}`);
    await until(server, active(1));
    const reason = new Error('interrupted');
    controller.abort(reason);
    expect(await reading.catch((error) => error)).toBe(reason);
    await until(server, active(0)); // the pooler alone would let it sleep on
    expect(await server.psql('SELECT 7', through(own))).toBe('7');
  });

  test('a wrong password is a refused login', async () => {
    const code = codeOf(read(changeUrl(url, { password: 'wrong' }), (snapshot) => snapshot.rows('SELECT 1')));
    expect(await code).toBe('DATABASE_LOGIN');
  });
});
