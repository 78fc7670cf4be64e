import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import postgres from 'postgres';
import { findPostgres, reportMissing } from './postgres-server/binaries.ts';
import { startPgliteServer } from './postgres-server/pglite.ts';
import { answers } from './postgres-server/process.ts';
import { makeTestCa, requirePostgres, sharedPostgres, startPgbouncer, startPostgres } from './postgres-server.ts';

const shared = await requirePostgres('postgresql');
const QUIET = { max: 1, connect_timeout: 5, onnotice: () => {} };

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'postgres-test-'));
});
afterAll(() => rm(scratch, { recursive: true }));

/** The SQLSTATE or the driver's code of what a query runs into; undefined when it succeeds. */
async function failure(
  url: string,
  options: postgres.Options<Record<string, never>> = {},
): Promise<string | undefined> {
  const sql = postgres(url, { ...QUIET, ...options });
  try {
    await sql`SELECT 1`;
    return undefined;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

describe('findPostgres()', () => {
  const install = async (...versions: string[]) => {
    const root = join(scratch, versions.join('-'));
    for (const version of versions) {
      await mkdir(join(root, version, 'bin'), { recursive: true });
      for (const name of ['postgres', 'initdb']) {
        await writeFile(join(root, version, 'bin', name), '#!/bin/sh\n');
        await chmod(join(root, version, 'bin', name), 0o755);
      }
    }
    return root;
  };

  test('takes the newest version by number, PATH before it, PG_VERSION and PG_BIN before both', async () => {
    const root = await install('9', '15', '17');
    const path = join(await install('12'), '12', 'bin');
    expect(findPostgres({ PATH: '' }, root)).toBe(join(root, '17', 'bin'));
    expect(findPostgres({ PATH: path }, root)).toBe(path);
    expect(findPostgres({ PATH: path, PG_VERSION: '15' }, root)).toBe(join(root, '15', 'bin'));
    expect(findPostgres({ PATH: path, PG_VERSION: '15', PG_BIN: join(root, '9', 'bin') }, root)).toBe(
      join(root, '9', 'bin'),
    );
  });

  test('never takes another version than the one that was named', () => {
    expect(() => findPostgres({ PG_VERSION: '3', PATH: '' }, scratch)).toThrow('Cannot find PostgreSQL');
    expect(findPostgres({ PATH: '' }, join(scratch, 'nothing'))).toBeUndefined();
  });

  test('reportMissing() is a failure in CI', () => {
    expect(() => reportMissing('no server', { CI: 'true' })).toThrow('no server');
    expect(reportMissing('this line belongs to a test', {})).toBeUndefined();
  });
});

describe.skipIf(shared === undefined)('a PostgreSQL of its own', () => {
  const server = shared as NonNullable<typeof shared>;

  test('lets in who knows the password', async () => {
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    expect(await failure(server.url)).toBeUndefined();
    expect(await failure(wrong.href)).toBe('28P01');
    expect(await server.psql('SHOW server_version')).toStartWith(server.version);
  });

  test('psql() answers with the rows of the last statement', async () => {
    expect(await server.psql(`SELECT 1, NULL, 'a b' UNION ALL SELECT 2, 3, ''`)).toBe('1||a b\n2|3|');
    expect(await server.psql('CREATE TEMP TABLE t (x int); INSERT INTO t VALUES (7); SELECT * FROM t')).toBe('7');
    expect(await server.psql('SELECT 1 WHERE false')).toBe('');
  });

  test('createDatabase() makes an empty database each time', async () => {
    const [first, second] = [await server.createDatabase(), await server.createDatabase()];
    await server.psql('CREATE TABLE here (x int)', first);
    expect(await server.psql(`SELECT count(*) FROM pg_class WHERE relname = 'here'`, first)).toBe('1');
    expect(await server.psql(`SELECT count(*) FROM pg_class WHERE relname = 'here'`, second)).toBe('0');
  });

  test('is one for all who share it', async () => {
    expect(await sharedPostgres()).toBe(server);
  });

  test('takes settings and hba rules, logs what it is told to, and leaves nothing behind', async () => {
    const own = await startPostgres({
      settings: { log_statement: 'all' },
      hba: ['host postgres nobody 127.0.0.1/32 reject'],
    });
    const nobody = new URL(own.url);
    nobody.username = 'nobody';
    expect(await failure(nobody.href)).toBe('28000');
    await own.psql('SELECT 42 AS answer');
    expect(await own.log()).toContain('statement: SELECT 42 AS answer');
    const pid = Number((await readFile(join(own.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    await own[Symbol.asyncDispose]();
    expect(existsSync(dirname(own.dataDirectory))).toBeFalse();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  }, 20_000);

  test.each(['fast', 'immediate'] as const)(
    'keeps port and data over a stop that is %s',
    async (mode) => {
      await using own = await startPostgres();
      await own.psql('CREATE TABLE kept AS SELECT 7 AS x');
      await own.stop(mode);
      expect(await failure(own.url)).toBe('ECONNREFUSED');
      await own.start();
      expect(await own.psql('SELECT x FROM kept')).toBe('7');
      expect((await own.log()).includes('automatic recovery')).toBe(mode === 'immediate');
    },
    20_000,
  );

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'is cleared away when its test process gets %s',
    async (signal) => {
      const program = `
      const { startPostgres } = await import(${JSON.stringify(join(import.meta.dir, 'postgres-server.ts'))});
      const { dataDirectory, port } = await startPostgres();
      console.log(JSON.stringify({ dataDirectory, port }));
      setInterval(() => {}, 1000);`;
      const child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe', stderr: 'inherit' });
      const { value } = await child.stdout.getReader().read();
      const own = JSON.parse(new TextDecoder().decode(value));
      expect(await answers(own.port)).toBeTrue();
      child.kill(signal);
      while (existsSync(dirname(own.dataDirectory))) await Bun.sleep(20); // until the test's timeout
      expect(await answers(own.port)).toBeFalse();
    },
    20_000,
  );
});

describe('PGlite in its place', () => {
  test('has databases of its own, and keeps port and data over a stop', async () => {
    await using server = await startPgliteServer();
    expect(server).toMatchObject({ kind: 'pglite', version: expect.stringMatching(/^1[4-9]|^[2-9]\d/) });
    const other = await server.createDatabase();
    await server.psql('CREATE TABLE kept AS SELECT 7 AS x');
    expect(await server.psql(`SELECT to_regclass('kept') IS NULL`, other)).toBe('true');
    await server.stop();
    expect(await failure(server.url)).toBe('ECONNREFUSED');
    await server.start();
    expect(await server.psql('SELECT x FROM kept')).toBe('7');
  }, 30_000); // ms; PGlite is compiled twice
});

describe.skipIf(shared === undefined)('TLS', () => {
  test('is verified against the authority that issued the certificate, and by name', async () => {
    const ca = await makeTestCa(join(scratch, 'ours'));
    const stranger = await makeTestCa(join(scratch, 'stranger'));
    await using server = await startPostgres({ tls: await ca.issue('127.0.0.1', 'db.example.org') });
    const trusting = async (caFile: string, servername?: string) => ({
      ssl: { ca: await readFile(caFile, 'utf8'), rejectUnauthorized: true, ...(servername && { servername }) },
    });
    expect(await failure(server.url, await trusting(ca.caFile, 'db.example.org'))).toBeUndefined();
    expect(await failure(server.url, await trusting(stranger.caFile, 'db.example.org'))).toMatch(
      /CERT|ISSUER|SIGNATURE/,
    );
    expect(await failure(server.url, await trusting(ca.caFile, 'other.example.org'))).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
    const sql = postgres(server.url, { ...QUIET, ...(await trusting(ca.caFile, 'db.example.org')) });
    expect([...(await sql`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`)]).toEqual([{ ssl: true }]);
    await sql.end();
  }, 20_000);
});

const pooler = shared && (await startPgbouncer(shared, { default_pool_size: '1' }));
afterAll(() => pooler?.[Symbol.asyncDispose]());

describe.skipIf(pooler === undefined)('PgBouncer', () => {
  const bouncer = pooler as NonNullable<typeof pooler>;

  test('lets two clients share one server connection, one transaction each', async () => {
    const [one, two] = [1, 2].map(() => postgres(bouncer.url, { ...QUIET, prepare: false })) as [
      postgres.Sql,
      postgres.Sql,
    ];
    const pids = [];
    for (const sql of [one, two, one]) pids.push((await sql`SELECT pg_backend_pid() AS pid`)[0]?.pid);
    expect(new Set(pids).size).toBe(1);
    await Promise.all([one.end(), two.end()]);
  });

  test('leads to the other databases of the server, and refuses startup parameters as hosted poolers do', async () => {
    const other = await (shared as NonNullable<typeof shared>).createDatabase();
    const sql = postgres(bouncer.through(other), { ...QUIET, prepare: false });
    expect((await sql`SELECT current_database() AS name`)[0]?.name).toBe(new URL(other).pathname.slice(1));
    await sql.end();
    expect(await failure(bouncer.url, { connection: { statement_timeout: 5 } })).toBe('08P01');
    expect(await bouncer.log()).toContain('unsupported startup parameter: statement_timeout');
  });
});
