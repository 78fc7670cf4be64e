import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { type Snapshot, withSnapshot } from '../../lib/edges/postgres.ts';
import { parseDatabaseUrl } from '../../lib/spec/database-url.ts';
import type { DatabaseSpec } from '../../lib/spec/spec.ts';
import { makeTestCa, type PostgresServer, requirePostgres, startPgbouncer, startPostgres } from './postgres-server.ts';

const server = await requirePostgres('postgresql');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'database-'));
});
afterAll(() => rm(folder, { recursive: true }));

function specOf(url: string, overrides: Partial<DatabaseSpec> = {}): DatabaseSpec {
  const parsed = parseDatabaseUrl(url, {});
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ code }) => code).join());
  return {
    address: parsed.address,
    attempts: 1,
    statementTimeoutMs: 60_000,
    memoryLimitMb: 256,
    rowSecurity: 'error',
    ca: undefined,
    ...overrides,
  };
}

const read = <T>(
  url: string,
  work: (snapshot: Snapshot) => Promise<T>,
  overrides: Partial<DatabaseSpec> = {},
  signal = new AbortController().signal,
) => withSnapshot(specOf(url, overrides), signal, work);
const one = (snapshot: Snapshot) => snapshot.number('SELECT 1 AS n');
let files = 0;
const fresh = () => join(folder, `spool-${files++}.csv`);

describe.skipIf(server === undefined)('TLS, by URLs as they are pasted', () => {
  let secured: PostgresServer;
  let ca: { caFile: string };
  let other: { caFile: string };
  beforeAll(async () => {
    const [made, foreign] = [
      await makeTestCa(await mkdtemp(join(folder, 'ca-'))),
      await makeTestCa(await mkdtemp(join(folder, 'other-'))),
    ];
    [ca, other] = [made, foreign];
    secured = await startPostgres({ tls: await made.issue('localhost'), hba: ['hostssl all all all scram-sha-256'] });
  });
  afterAll(() => secured?.[Symbol.asyncDispose]());
  const url = (host: string, query: string) => {
    const address = new URL(secured.url);
    address.hostname = host;
    address.search = query;
    return address.href;
  };

  test.each([
    ['localhost', (): string => `sslmode=verify-full&sslrootcert=${ca.caFile}`],
    ['127.0.0.1', (): string => `sslmode=verify-ca&sslrootcert=${ca.caFile}`],
    ['127.0.0.1', (): string => 'sslmode=require'],
    ['localhost', (): string => `channel_binding=require&sslmode=require&sslrootcert=${ca.caFile}`],
    ['localhost', (): string => ''],
  ] as const)('%s accepts case %#', async (host, query) => {
    expect(await read(url(host, query()), one)).toBe(1);
  });

  test.each([
    ['127.0.0.1', (): string => `sslmode=verify-full&sslrootcert=${ca.caFile}`], // the certificate is for localhost
    ['localhost', (): string => `sslmode=verify-full&sslrootcert=${other.caFile}`],
    ['localhost', (): string => `sslmode=verify-ca&sslrootcert=${other.caFile}`],
    ['localhost', (): string => `sslmode=require&sslrootcert=${other.caFile}`], // libpq: a CA that is given is used
    ['localhost', (): string => 'sslmode=verify-full'], // the system does not know the CA
    ['localhost', (): string => 'sslmode=require&channel_binding=require'],
  ] as const)('%s refuses case %#', async (host, query) => {
    await expect(read(url(host, query()), one)).rejects.toMatchObject({ code: 'DATABASE_TLS', retryable: false });
  });

  test('DATABASE_CA stands for sslrootcert', async () => {
    const pem = await readFile(ca.caFile, 'utf8');
    expect(await read(url('localhost', 'sslmode=verify-full'), one, { ca: pem })).toBe(1);
    const foreign = await readFile(other.caFile, 'utf8');
    for (const mode of ['verify-full', 'require'])
      await expect(read(url('localhost', `sslmode=${mode}`), one, { ca: foreign })).rejects.toMatchObject({
        code: 'DATABASE_TLS',
      });
  });

  test('a server without TLS is refused when TLS is asked for, and never spoken to in the clear', async () => {
    await expect(read(`${(server as PostgresServer).url}?sslmode=require`, one)).rejects.toMatchObject({
      code: 'DATABASE_TLS',
    });
  });
});

describe.skipIf(server === undefined)('PgBouncer in transaction mode', () => {
  test('works as pasted, and leaks no setting to its next client', async () => {
    const pooler = await startPgbouncer(server as PostgresServer, { default_pool_size: '1' });
    if (!pooler) return;
    await using _pooler = pooler;
    const url = `${pooler.url}?sslmode=disable&pgbouncer=true&options=-c%20statement_timeout%3D1234`;
    const inside = (snapshot: Snapshot) =>
      snapshot.rows(
        `SELECT current_setting('row_security') AS r, current_setting('statement_timeout') AS t, current_setting('timezone') AS z`,
      );
    expect(await read(url, inside)).toEqual([{ r: 'off', t: '1min', z: 'UTC' }]);
    const next = postgres(pooler.url, {
      max: 1,
      prepare: false,
      fetch_types: false,
      ssl: false,
      connection: { application_name: 'next' },
    });
    const [seen] =
      await next`SELECT current_setting('row_security') AS r, current_setting('statement_timeout') AS t, current_setting('transaction_read_only') AS o, current_setting('extra_float_digits') AS f, current_setting('idle_in_transaction_session_timeout') AS i, current_setting('application_name') AS a`.simple();
    await next.end();
    expect(seen).toMatchObject({ r: 'on', t: '0', o: 'off', f: '1', i: '0', a: 'next' });
  });
});

describe.skipIf(server === undefined)('a snapshot', () => {
  let url: string;
  const sql = (statements: string) => (server as PostgresServer).psql(statements, url);
  beforeAll(async () => {
    url = await (server as PostgresServer).createDatabase();
    await sql(
      `CREATE TABLE t AS SELECT i AS id, 'row ' || i AS text FROM generate_series(1, 150000) i; CREATE ROLE plain LOGIN PASSWORD 'plain-password'; GRANT SELECT ON t TO plain;`,
    );
  });
  const as = (username: string, password: string) => Object.assign(new URL(url), { username, password }).href;

  test('does not see what others commit meanwhile', async () => {
    await read(url, async (snapshot) => {
      const before = await snapshot.number('SELECT count(*) AS n FROM t');
      await sql(`INSERT INTO t VALUES (0, 'late')`);
      expect(await snapshot.number('SELECT count(*) AS n FROM t')).toBe(before);
    });
    await sql('DELETE FROM t WHERE id = 0');
  });

  test('goes on after a query that failed at once or in the middle of its rows, thirty times, and quotes no row', async () => {
    const canary = 'canary-4711';
    await read(url, async (snapshot) => {
      for (let round = 0; round < 15; round++) {
        const failures = [
          snapshot.copy('SELECT nothing FROM t', fresh()).catch((thrown) => thrown),
          () =>
            snapshot
              .copy(`SELECT CASE WHEN id = 140000 THEN ('${canary}' || id)::int ELSE id END FROM t`, fresh())
              .catch((thrown) => thrown),
          () => snapshot.copy(`SELECT ('${canary}' || id)::int FROM t`, fresh()).catch((thrown) => thrown),
        ];
        for (const failure of failures) {
          const error = await (typeof failure === 'function' ? failure() : failure);
          expect(error).toMatchObject({ code: 'DATABASE_QUERY', retryable: false });
          expect(error.message.replace(/ near ".*"$/s, '')).not.toContain(canary);
        }
        expect(await snapshot.copy('SELECT id, text FROM t', fresh())).toBe(150_000);
        expect(await one(snapshot)).toBe(1);
      }
    });
  }, 60_000);

  test('is read only, whatever the query does', async () => {
    await expect(
      read(url, (snapshot) => snapshot.rows(`WITH d AS (DELETE FROM t RETURNING id) SELECT count(*)::text FROM d`)),
    ).rejects.toMatchObject({ code: 'DATABASE_QUERY' });
  });

  test('ends a query that takes longer than statement_timeout; the next one runs', async () => {
    await read(
      url,
      async (snapshot) => {
        await expect(snapshot.copy('SELECT pg_sleep(60)', fresh())).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
        expect(await one(snapshot)).toBe(1);
      },
      { statementTimeoutMs: 100 },
    );
  });

  test('tells a lost connection from a failed query: only the first is tried again', async () => {
    const kill = () =>
      sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prepare-dataset' AND pid <> pg_backend_pid()`,
      );
    const lost = read(url, async (snapshot) => {
      const reading = snapshot.copy('SELECT pg_sleep(60)', fresh());
      await Promise.all([reading, kill()]);
    });
    await expect(lost).rejects.toMatchObject({ retryable: true });
  });

  test('knows that a connection was lost between two queries', async () => {
    const lost = read(url, async (snapshot) => {
      await sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prepare-dataset' AND pid <> pg_backend_pid()`,
      );
      await snapshot.copy('SELECT 1', fresh());
    });
    await expect(lost).rejects.toMatchObject({ retryable: true });
  });

  test('stops whenever it is interrupted, between two queries too', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const controller = new AbortController();
      const reading = read(
        url,
        async (snapshot) => {
          for (let round = 0; ; round++) {
            if (round === 1) for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            if (round === 1) controller.abort(new Error('stop'));
            await snapshot.copy('SELECT 1', fresh());
          }
        },
        {},
        controller.signal,
      );
      await expect(reading).rejects.toThrow('stop');
    }
  });

  test('knows a wrong password, a wrong database and missing rights', async () => {
    await expect(read(as('plain', 'wrong'), one)).rejects.toMatchObject({ code: 'DATABASE_LOGIN', retryable: false });
    await expect(read(url.replace(/\/\w+$/, '/none'), one)).rejects.toMatchObject({ code: 'DATABASE_LOGIN' });
    await sql('CREATE TABLE secret (id int)');
    await expect(
      read(as('plain', 'plain-password'), (snapshot) => snapshot.rows('SELECT id FROM secret')),
    ).rejects.toMatchObject({ code: 'DATABASE_PERMISSION' });
  });

  test('row-level security is an error, not zero rows, unless it is respected', async () => {
    await sql(
      `CREATE TABLE guarded AS SELECT 1 AS id; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; GRANT SELECT ON guarded TO plain`,
    );
    const count = (snapshot: Snapshot) => snapshot.number('SELECT count(*) AS n FROM guarded');
    await expect(read(as('plain', 'plain-password'), count)).rejects.toMatchObject({ code: 'ROW_SECURITY' });
    expect(await read(as('plain', 'plain-password'), count, { rowSecurity: 'respect' })).toBe(0);
    expect(await read(url, count)).toBe(1);
  });

  test('stops at once when the run is interrupted, also while the server still sorts', async () => {
    for (const select of [`SELECT i, repeat('x', 1000) FROM generate_series(1, 100000000) i`, 'SELECT pg_sleep(300)']) {
      const controller = new AbortController();
      const reading = read(url, (snapshot) => snapshot.copy(select, fresh()), {}, controller.signal);
      const running = () =>
        sql(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prepare-dataset' AND state = 'active'`);
      while ((await running()) !== '1');
      controller.abort(new Error('stop'));
      await expect(reading).rejects.toThrow('stop');
    }
  });

  test('writes the spool for this user only', async () => {
    const file = fresh();
    await read(url, (snapshot) => snapshot.copy('SELECT 1', file));
    expect((await Bun.file(file).stat()).mode & 0o777).toBe(0o600);
  });
});
