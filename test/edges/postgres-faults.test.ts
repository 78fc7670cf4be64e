import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot } from '../../lib/edges/postgres.ts';
import { type PostgresServer, requirePostgres } from './postgres-server.ts';
import { changeUrl, codeOf, failOnUnforeseen, oneFile, read, sessions, until } from './snapshots.ts';

const found = await requirePostgres('postgresql');
const server = found as PostgresServer;
const ROLE = { username: 'faults_reader', password: 'reader-pa55word' };
const CANARY = 'canary 9c1 the text of a row';

failOnUnforeseen();
let scratch: string;
let url: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'postgres-faults-'));
  if (!found) return;
  url = await server.createDatabase();
  await server.psql(
    `CREATE TABLE texts AS SELECT i AS id, CASE WHEN i = 100001 THEN E'${CANARY}\\n    at ${CANARY} (x.ts:1:1)' ELSE i::text END AS text
       FROM generate_series(1, 100100) i;
     CREATE TABLE rows (x int); INSERT INTO rows VALUES (1); CREATE TABLE secret (x int); CREATE SEQUENCE numbers;
     CREATE TABLE owned (owner text); INSERT INTO owned VALUES ('${ROLE.username}'), ('${ROLE.username}'), ('somebody');
     ALTER TABLE owned ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON owned USING (owner = current_user);
     CREATE ROLE ${ROLE.username} LOGIN PASSWORD '${ROLE.password}'; GRANT SELECT ON rows, owned TO ${ROLE.username}`,
    url,
  );
}, 20_000);

afterAll(() => rm(scratch, { recursive: true }));

let names = 0;
const fresh = () => join(scratch, `${names++}.csv`);
const count = (table: string) => (snapshot: Snapshot) => snapshot.number(`SELECT count(*) AS n FROM ${table}`);

/** A message or a stack, of the error or of what caused it, that quotes a row. */
function quotes(thrown: unknown, text: string): boolean {
  if (!(thrown instanceof Error)) return false;
  const own = Object.getOwnPropertyNames(thrown).map((name) => String(thrown[name as keyof Error]));
  return own.some((value) => value.includes(text)) || quotes(thrown.cause, text);
}

describe.skipIf(!found)('one snapshot', () => {
  test('does not see what another session commits between two copies', async () => {
    const counts = await read(url, async (snapshot) => {
      const copied = async () => (await snapshot.copy('SELECT x FROM rows', oneFile(fresh()))).rows;
      const before = await copied();
      await server.psql('INSERT INTO rows VALUES (2); CREATE TABLE later (x int)', url);
      return [before, await copied(), await count('rows')(snapshot)];
    });
    expect(counts).toEqual([1, 1, 1]);
    expect(await read(url, count('rows'))).toBe(2);
  });

  const bad: [string, string, string][] = [
    ['a syntax error', 'SELEC 1', '42601'],
    ['a missing table', 'SELECT 1 FROM nowhere', '42P01'],
    ['a missing column', 'SELECT nothing FROM texts', '42703'],
    ['a wrong cast after 100,000 rows', 'SELECT id, text::int FROM texts', '22P02'],
    ['a division by zero after 100,000 rows', `SELECT 1 / (i - 100001) FROM generate_series(1, 200000) i`, '22012'],
    ['a wide row, then an error', `SELECT repeat('x', 65536), 1 / (i - 40) FROM generate_series(1, 50) i`, '22012'],
  ];

  test('thirty bad queries in a row fail one by one, with their SQLSTATE; what follows each is read', async () => {
    await read(url, async (snapshot) => {
      for (const [name, select, sqlstate] of Array(5).fill(bad).flat() as typeof bad) {
        const failed = await snapshot.copy(select, oneFile(fresh())).catch((error) => error);
        expect([name, failed.code, failed.retryable]).toEqual([name, 'DATABASE_QUERY', false]);
        expect(failed.message).toContain(sqlstate);
        expect(quotes(failed, CANARY)).toBe(false);
        expect((await snapshot.copy('SELECT x FROM rows', oneFile(fresh()))).rows).toBe(2);
        expect(await snapshot.rows(`SELECT 'after' AS what`)).toEqual([{ what: 'after' }]);
      }
    });
  }, 20_000);

  test('names the line that the server points at, counted in characters', async () => {
    const select = `SELECT '🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏🙏' AS key,\n  mesage AS text,\n  1 AS label\nFROM texts`;
    const failed = await read(url, (snapshot) => snapshot.columns(select)).catch((error) => error);
    expect(failed.message).toEndWith('near "mesage AS text,"');
  });

  test('can only be read', async () => {
    const insert = 'WITH new AS (INSERT INTO rows VALUES (3) RETURNING x) SELECT x FROM new';
    await read(url, async (snapshot) => {
      expect(await codeOf(snapshot.copy(insert, oneFile(fresh())))).toBe('DATABASE_QUERY');
      expect(await codeOf(snapshot.rows(insert))).toBe('DATABASE_QUERY');
      const failed = await snapshot.number(`SELECT nextval('numbers') AS n`).catch((error) => error);
      expect(failed.message).toContain('25006');
    });
    expect(await server.psql('SELECT count(*) FROM rows', url)).toBe('2');
  });

  test('a query over statement_timeout fails alone', async () => {
    const select = `SELECT i, pg_sleep(i / 1000) FROM generate_series(1, 1001) i`; // rows first, then it hangs
    await read(
      url,
      async (snapshot) => {
        const failed = await snapshot
          .copy(`${select} UNION ALL SELECT 1, pg_sleep(300)`, oneFile(fresh()))
          .catch((e) => e);
        expect([failed.code, failed.retryable]).toEqual(['DATABASE_TIMEOUT', false]);
        expect((await snapshot.copy('SELECT x FROM rows', oneFile(fresh()))).rows).toBe(2);
      },
      { yaml: 'statement_timeout: 200ms' },
    );
  });
});

describe.skipIf(!found)('a role', () => {
  const asRole = (parts = {}) => changeUrl(url, { ...ROLE, ...parts });

  test('that cannot log in is refused at once', async () => {
    for (const parts of [{ password: 'wrong' }, { username: 'nobody' }, { pathname: '/nowhere' }]) {
      const failed = await read(asRole(parts), count('rows')).catch((error) => error);
      expect([failed.code, failed.retryable]).toEqual(['DATABASE_LOGIN', false]);
      expect(quotes(failed, ROLE.password)).toBe(false);
    }
  });

  test('without SELECT on one table reads the others', async () => {
    await read(asRole(), async (snapshot) => {
      expect(await codeOf(snapshot.copy('SELECT x FROM secret', oneFile(fresh())))).toBe('DATABASE_PERMISSION');
      expect((await snapshot.copy('SELECT x FROM rows', oneFile(fresh()))).rows).toBe(2);
    });
  });

  test('that row-level security hides rows from gets an error and not fewer rows, unless the spec wants it so', async () => {
    expect(await codeOf(read(asRole(), count('owned')))).toBe('ROW_SECURITY');
    expect(await read(asRole(), count('owned'), { yaml: 'row_security: respect' })).toBe(2);
    expect(await read(url, count('owned'))).toBe(3);
  });
});

describe('hosts', () => {
  const at = (hosts: string, search = '') =>
    url.replace(new URL(url).host, hosts.replaceAll('HOST', new URL(url).host)) + search;

  test('that are all down are given up', async () => {
    for (const hosts of ['127.0.0.1:1', '127.0.0.1:1,127.0.0.1:2', 'no-such-host.invalid']) {
      const failed = await read(`postgres://u:p@${hosts}/db`, count('rows')).catch((error) => error);
      expect([failed.code, failed.retryable]).toEqual(['DATABASE_UNREACHABLE', true]);
    }
    expect(await codeOf(read(`host=${scratch} dbname=db user=u`, count('rows')))).toBe('DATABASE_UNREACHABLE');
  });

  test.skipIf(!found)('are tried in their order, until one is of the kind that is asked for', async () => {
    expect(await read(at('127.0.0.1:1,HOST'), count('owned'))).toBe(3);
    for (const kind of ['primary', 'read-write', 'prefer-standby', 'any'])
      expect(await read(at('127.0.0.1:1,HOST', `?target_session_attrs=${kind}`), count('owned'))).toBe(3);
    for (const kind of ['standby', 'read-only'])
      expect(await codeOf(read(at('HOST', `?target_session_attrs=${kind}`), count('owned')))).toBe(
        'DATABASE_UNREACHABLE',
      );
    await until(server, sessions(url, '= 0'));
  });

  test.skipIf(!found)('a Unix socket is a host', async () => {
    const { pathname, port } = new URL(url);
    const socket = `host=${join(server.dataDirectory, '..')} port=${port} dbname=${pathname.slice(1)}`;
    expect(await read(`${socket} user=${ROLE.username} password=${ROLE.password}`, count('rows'))).toBe(2);
  });
});

describe.skipIf(!found)('an interruption', () => {
  const LIMIT_MS = 2000;
  const MILLIONS = 'generate_series(1, 10000) i, generate_series(1, 10000) j';
  const reason = new Error('interrupted');

  test.each([
    ['in the middle of millions of rows', `SELECT i, repeat('x', 100) FROM ${MILLIONS}`, true],
    ['before the first row, while the server sorts', `SELECT i FROM ${MILLIONS} ORDER BY md5(i::text)`, false],
    ['while the server waits', 'SELECT pg_sleep(300)', false],
  ])(
    '%s ends the query on both sides',
    async (_, select, isFlowing) => {
      const controller = new AbortController();
      const file = fresh();
      const reading = read(url, (snapshot) => snapshot.copy(select, oneFile(file)), { signal: controller.signal });
      if (isFlowing) while (!existsSync(file) || statSync(file).size === 0) await Bun.sleep(1);
      else await until(server, sessions(url, `FILTER (WHERE query LIKE 'COPY%') = 1`));
      const start = performance.now();
      controller.abort(reason);
      expect(await reading.catch((error) => error)).toBe(reason);
      await until(server, sessions(url, '= 0'));
      expect(performance.now() - start).toBeLessThan(LIMIT_MS);
      if (existsSync('/proc/self/fd')) expect(openFiles()).not.toContain(file);
    },
    20_000,
  );

  function openFiles(): string[] {
    return readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return []; // the directory's own, closed again
      }
    });
  }

  test('before it begins, or between two queries, ends it too', async () => {
    expect(await read(url, count('rows'), { signal: AbortSignal.abort(reason) }).catch((error) => error)).toBe(reason);
    const controller = new AbortController();
    const reading = read(
      url,
      async (snapshot) => {
        controller.abort(reason);
        return await count('rows')(snapshot);
      },
      { signal: controller.signal },
    );
    expect(await reading.catch((error) => error)).toBe(reason);
    await until(server, sessions(url, '= 0'));
  });

  test('while a host does not answer hangs up', async () => {
    const controller = new AbortController();
    const { promise: hungUp, resolve: hangUp } = Promise.withResolvers<void>();
    const socket = { data: () => controller.abort(reason), close: () => hangUp() };
    using silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket });
    const silence = `postgres://u:p@127.0.0.1:${silent.port}/db?sslmode=require`;
    expect(await read(silence, count('rows'), { signal: controller.signal }).catch((error) => error)).toBe(reason);
    await hungUp;
  });

  test.skipIf(!found)(
    'and a server that ends the connection between two queries are known at the next one',
    async () => {
      const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prepare-dataset'
      AND datname = '${new URL(url).pathname.slice(1)}'`;
      const lost = await read(url, async (snapshot) => {
        await server.psql(kill);
        return await count('rows')(snapshot);
      }).catch((error) => error);
      expect([lost.code, lost.retryable]).toEqual(['DATABASE_LOST', true]);
    },
  );
});
