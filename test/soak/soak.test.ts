import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Oracle, Violation } from '../../bench/soak-oracle.ts';
import { planGrowth, planProblems } from '../../bench/soak-page.ts';
import { type Round, SoakSite } from '../../bench/soak-site.ts';
import { requirePostgres } from '../edges/postgres-server.ts';

setDefaultTimeout(120_000);

const RUNS = 8;
const SEED = 20;
const real = await requirePostgres('postgresql');

describe.skipIf(real === undefined)('runs in a row with changing data', () => {
  let site: SoakSite;
  let folder: string;
  const rounds: Round[] = [];
  beforeAll(async () => {
    if (!real) return;
    site = await SoakSite.open(real, SEED);
    folder = await mkdtemp(join(tmpdir(), 'tampered-'));
    while (rounds.length < RUNS) rounds.push(await site.round());
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test('move no row, keep every version and leave nothing behind', () => {
    expect(planProblems({ rounds })).toEqual([]);
    for (const { counts } of Object.values(site.oracles)) {
      expect(counts.versions).toBeGreaterThan(RUNS / 2);
      expect(counts.returned).toBeGreaterThan(0);
      expect(counts.merged).toBeGreaterThan(0);
      expect(counts.moved).toBe(0);
    }
  });

  test('open nothing that stays open, and listen to nothing when they are over', () => {
    const most = (of: 'descriptors' | 'threads', from: number, to: number) =>
      Math.max(...rounds.slice(from, to).map(({ held }) => held?.[of] ?? Number.NaN));
    for (const of of ['descriptors', 'threads'] as const)
      expect(most(of, RUNS / 2, RUNS)).toBeLessThanOrEqual(most(of, 1, RUNS / 2) + 2); // a run that leaves one behind leaves four
    expect(rounds.map(({ held }) => held?.listeners)).toEqual(Array(RUNS).fill(0));
  });

  describe('the oracle', () => {
    /** What it says of the newest version after a change of its files. It would know the version from then on, so it is asked last. */
    const judge = async (statements: string[], files: string[]): Promise<Set<Violation>> => {
      const copy = join(folder, String(Math.random()).slice(2));
      await cp(await realpath(site.link), copy, { recursive: true });
      const connection = await (await DuckDBInstance.create()).connect();
      for (const statement of statements) await connection.run(statement.replaceAll('$', copy));
      await describeAnew(copy, files);
      const found = await (site.oracles.urgency as Oracle).examine(copy, site.complaints.keysByText());
      return new Set(found.map(({ violation }) => violation));
    };
    const rewrite = (path: string, select: string) => [
      `CREATE TABLE rows AS ${select}`,
      `COPY rows TO '$/${path}' (FORMAT parquet)`,
      'DROP TABLE rows',
    ];
    const [train, tested] = ['data/train-00000-of-00001.parquet', 'data/test-00000-of-00001.parquet'];

    test('sees a row that moved from train to test, though the metadata agrees', async () => {
      const moved = `(SELECT * FROM read_parquet('$/${train}') LIMIT 1)`;
      const statements = [
        ...rewrite(tested, `SELECT * FROM read_parquet('$/${tested}') UNION ALL ${moved}`),
        ...rewrite(train, `SELECT * FROM read_parquet('$/${train}') OFFSET 1`),
      ];
      expect(await judge(statements, [train, tested])).toContain('moved');
    });

    test('sees a text in two splits, a text from nowhere, and a ledger that lost an entry', async () => {
      const twice = rewrite(
        tested,
        `SELECT * FROM read_parquet('$/${tested}') UNION ALL (SELECT * FROM read_parquet('$/${train}') LIMIT 1)`,
      );
      expect(await judge(twice, [tested])).toContain('two_splits');
      const strange = rewrite(tested, `SELECT grievance || '!' AS grievance, label FROM read_parquet('$/${tested}')`);
      expect(await judge(strange, [tested])).toContain('unknown_text');
      const forgetful = rewrite('splits.parquet', `SELECT * FROM read_parquet('$/splits.parquet') OFFSET 1`);
      expect(await judge(forgetful, ['splits.parquet'])).toContain('ledger');
    });

    test('sees bytes that are not those of the metadata, and an earlier version that changed', async () => {
      expect(await judge(rewrite(tested, `SELECT * FROM read_parquet('$/${tested}') LIMIT 3`), [])).toContain('files');
      const found = await site.oracles.department.examineAll(new Map());
      expect(found.map(({ violation }) => violation)).toEqual(['tags']);
      const [tag = ''] = site.hub.repos.get('datasets/tester/department')?.tags.keys() ?? [];
      const changed = await site.oracles.department.examineAll(new Map([[tag, async () => new Map()]]));
      expect(changed.map(({ violation }) => violation)).toContain('changed');
    });
  });
});

test('growth is told from the start of a process', () => {
  const round = (index: number, perRun: number): Round => ({
    changed: true,
    statuses: [],
    seconds: 1,
    temporary: 0,
    loads: 1,
    found: [],
    held: {
      rssBytes: 150e6 + 20e6 * (1 - 1 / (1 + index)) + perRun * index,
      heapBytes: 20e6,
      descriptors: 13,
      threads: 10,
      listeners: 0,
    },
  });
  const roundsOf = (perRun: number) => Array.from({ length: 200 }, (_, index) => round(index, perRun));
  expect(planProblems({ rounds: roundsOf(0) })).toEqual([]);
  expect(planProblems({ rounds: roundsOf(200_000) })).toHaveLength(1);
  expect(planGrowth(roundsOf(200_000))[0]?.slope).toBeCloseTo(20, 0); // MB for 100 runs
});

/** Write size and sha256 of files into the metadata, as a program that is wrong otherwise would. */
async function describeAnew(folder: string, files: string[]): Promise<void> {
  const path = join(folder, 'dataset_metadata.json');
  const metadata = JSON.parse(await readFile(path, 'utf8'));
  for (const name of files) {
    const bytes = await readFile(join(folder, name));
    const facts = { size: bytes.length, sha256: new Bun.CryptoHasher('sha256').update(bytes).digest('hex') };
    if (name === 'splits.parquet') metadata.ledger.sha256 = facts.sha256;
    else metadata.files[name] = facts;
  }
  await writeFile(path, JSON.stringify(metadata));
}
