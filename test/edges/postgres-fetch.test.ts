import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { exists, mkdir, mkdtemp, readdir, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Run } from '../../lib/run.ts';
import * as balance from '../../lib/steps/balance.ts';
import { fetch, type Selector } from '../../lib/steps/fetch.ts';
import { type PostgresServer, requirePostgres } from './postgres-server.ts';
import { codeOf, failOnUnforeseen, oneFile, openFetch, read } from './snapshots.ts';

const found = await requirePostgres('postgresql');
const server = found as PostgresServer;
failOnUnforeseen();
let scratch: string;
let url: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'postgres-fetch-'));
  if (found) url = await server.createDatabase();
});

afterAll(() => rm(scratch, { recursive: true }));

interface LoadedRow {
  key: string;
  /** md5 of its bytes: the engine's binding drops a byte order mark when it makes a string of them. */
  text: string | null;
  value: string | null;
  too_long: boolean;
}

const loaded = (run: Run, label: string) =>
  run.engine.rows<LoadedRow>(`SELECT key, md5(text) AS text, md5(value) AS value, too_long FROM fetched_${label}`);
const md5 = (text: string | null) => (text === null ? null : new Bun.CryptoHasher('md5').update(text).digest('hex'));

const HOSTILE = [
  ['', 'plain', '"', '""', '"quoted"', `it's`, ',', ',,,', '\\', '\\\\', '\\N', '\\.', 'NULL', ' ', '\t'],
  [
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    'a\nb',
    'a\rb',
    'a\r\nb',
    '\\.\n',
    'a\n\\.\nb',
    '\n\\.\n',
    '"\n"',
    '",\n"',
    '\r\n\\.\r\n',
  ],
  [
    '1,"a","f","A"\n2,"b","f","B"',
    '"1","a",f,"A"\r\n"2"',
    '\n"x","y","t","z"\n',
    '--',
    '; DROP',
    '{"a": "b\\n"}',
    '\ufeffbom',
  ],
  [
    'काठमाडौँ महानगरपालिका\nवडा नं. १०',
    '😀👩‍👩‍👧‍👦🇳🇵',
    'e\u0301 é',
    '\u2028\u2029\u0085\u00a0\u200b',
    '\u0001\u001b[31m\u007f',
    '\u{10ffff}',
  ],
  [
    'x'.repeat(1_000_000),
    '"'.repeat(1_000_000),
    'क'.repeat(333_333),
    '\n'.repeat(1_000_000),
    'a\n"b",\r\n'.repeat(100_000),
  ],
].flat();

describe.skipIf(!found)('what is fetched', () => {
  test('equals what was inserted, character by character', async () => {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const rows = [...HOSTILE, null].map((text, i) => ({
      key: `k${i}\n",${i}`,
      text,
      label: i % 2 ? text?.slice(0, 999) : null,
    }));
    await sql`CREATE TABLE hostile AS SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
      AS row (key text, text text, label text)`;
    await sql`INSERT INTO hostile VALUES ('long', ${'x'.repeat(1_200_001)}, 'A')`;
    await sql.end();
    const { run } = await openFetch(url, scratch, { topic: 'SELECT key, text, label FROM hostile' });
    await using _run = run;
    await fetch(run, balance);
    expect(run.labels[0]?.report.outcome).toBeUndefined();
    const loadedRows = await loaded(run, 'topic');
    expect(loadedRows.length).toBe(rows.length + 1);
    const got = new Map(loadedRows.map((row) => [row.key, row]));
    for (const { key, text, label } of rows)
      expect({ ...got.get(key), is: text?.slice(0, 50) }).toEqual({
        key,
        text: md5(text),
        value: md5(label ?? null),
        too_long: false,
        is: text?.slice(0, 50),
      });
    expect(got.get('long')).toEqual({ key: 'long', text: null, value: md5('A'), too_long: true });
  }, 20_000);

  test.each([
    ['whole', balance],
    ['as a sample', { ...balance, planMistakes: (spec) => balance.planMistakes(spec, 2) } satisfies Selector],
  ])('a source that has a row without a key is refused, read %s', async (_how, selector) => {
    const source = `SELECT nullif(i, 3) AS key, 'text' AS text, 'A' AS label FROM generate_series(1, 9) i`;
    const { run } = await openFetch(url, scratch, { topic: source });
    await using _run = run;
    await fetch(run, selector);
    expect(run.labels[0]?.report.outcome).toMatchObject({ problem: { code: 'SOURCE_NULL_KEY' } });
  });

  test('never hangs the next query, whatever multiple of a buffer it fills', async () => {
    await read(url, async (snapshot) => {
      for (const kibibytes of [0, 8, 16, 32, 64, 128, 192, 512, 1024]) {
        for (const off of [-8, -7, -6, -5, -3, 0, 1]) {
          const length = Math.max(0, kibibytes * 1024 + off);
          const file = join(scratch, `${kibibytes}${off}.csv`);
          expect((await snapshot.copy(`SELECT repeat('x', ${length})`, oneFile(file))).rows).toBe(1);
          expect((await stat(file)).size).toBe(length + 3); // two quotes, a line break
          await rm(file);
        }
        const rows = kibibytes * 16 + 1; // messages of 64 bytes
        const file = join(scratch, `${kibibytes}.csv`);
        expect(
          (await snapshot.copy(`SELECT repeat('x', 56) FROM generate_series(1, ${rows})`, oneFile(file))).rows,
        ).toBe(rows);
        expect((await stat(file)).size).toBe(rows * 59);
        expect(await snapshot.number('SELECT 7 AS n')).toBe(7);
      }
    });
  }, 20_000);
});

const rowsOf = (n: number) => `SELECT repeat('x', 997) FROM generate_series(1, ${n}) i`; // 1 kB a row
const endless = `${rowsOf(10_000)}, generate_series(1, 10000) j`; // 100 GB

describe.skipIf(!found)('the parts of a spool', () => {
  const rows = 20_000;
  const select = `SELECT i || E'\\n' || repeat('x', 300) AS text FROM generate_series(1, ${rows}) i`;

  test('are whole rows in their order', async () => {
    const parts = {
      bytes: 1_000_000,
      path: (part: number) => join(scratch, `rows-${part}.csv`),
    };
    const copied = await read(url, (snapshot) => snapshot.copy(select, parts));
    expect(copied.rows).toBe(rows);
    const found = await Promise.all(copied.files.map((file) => readFile(file, 'utf8')));
    expect(found.length).toBeGreaterThan(3);
    for (const part of found) expect(part).toMatch(/^"\d+\nx{300}"\n[\s\S]*x"\n$/);
    expect([...(found.join('').match(/^"\d+$/gm) ?? [])]).toEqual(Array.from({ length: rows }, (_, i) => `"${i + 1}`));
  });

  test('of which one cannot be written stop the COPY; nothing is left, and the next query is read', async () => {
    const parts = {
      bytes: 1_000_000,
      path: (part: number) => join(scratch, part < 3 ? '' : 'missing', `refused-${part}.csv`),
    };
    await read(url, async (snapshot) => {
      expect(await codeOf(snapshot.copy(endless, parts))).toBe('OUTPUT_UNWRITABLE');
      expect(await snapshot.number('SELECT 7 AS n')).toBe(7);
    });
    expect((await readdir(scratch)).filter((name) => name.startsWith('refused'))).toEqual([]);
  });

  test('may be none but an empty one', async () => {
    const parts = { bytes: 1, path: (part: number) => join(scratch, `none-${part}.csv`) };
    const copied = await read(url, (snapshot) => snapshot.copy('SELECT 1 WHERE false', parts));
    expect(copied.rows).toBe(0);
    expect(await Promise.all(copied.files.map((file) => readFile(file, 'utf8')))).toEqual(['']);
  });
});

describe.skipIf(!found)('the spool', () => {
  test('is for its owner only, and never replaces a file', async () => {
    const file = join(scratch, 'private.csv');
    await read(url, async (snapshot) => {
      await snapshot.copy('SELECT 1', oneFile(file));
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await codeOf(snapshot.copy(endless, oneFile(file)))).toBe('OUTPUT_UNWRITABLE');
      expect((await stat(file)).size).toBe(4);
      expect(await codeOf(snapshot.copy(endless, oneFile(join(scratch, 'missing', 'x.csv'))))).toBe(
        'OUTPUT_UNWRITABLE',
      );
      expect(await snapshot.number('SELECT 7 AS n')).toBe(7);
    });
  });

  test('on a full disk is an error, also where the last bytes fit in part; the next query is read', async () => {
    const disk = await mountSmallDisk(1_200_000);
    if (disk === undefined) return;
    await read(url, async (snapshot) => {
      for (const select of [rowsOf(1300), rowsOf(100_000), endless]) {
        const file = join(disk, 'spool.csv');
        expect(await codeOf(snapshot.copy(select, oneFile(file)))).toBe('DISK_FULL');
        expect(await exists(file)).toBe(false);
        expect(await snapshot.number('SELECT 7 AS n')).toBe(7);
      }
      expect((await snapshot.copy(rowsOf(1000), oneFile(join(disk, 'fits.csv')))).rows).toBe(1000);
    });
  }, 20_000);

  const mounted: string[] = [];
  afterAll(() => {
    for (const path of mounted) Bun.spawnSync(['umount', path]); // also after a test that was ended by its timeout
  });

  /** A file system that is full soon; undefined, with one loud line, where nothing may be mounted. */
  async function mountSmallDisk(bytes: number) {
    const path = join(scratch, 'small');
    await mkdir(path);
    const command = ['mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path];
    const isMounted = Bun.which('mount') && Bun.spawnSync(command).success && (await statfs(path)).blocks < 1000;
    if (!isMounted)
      return void process.stderr.write('\nSKIPPED: no file system can be mounted: a full disk is not tried\n');
    mounted.push(path);
    return path;
  }
});
