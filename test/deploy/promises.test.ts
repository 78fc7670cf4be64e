import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { LabelReport } from '../../lib/report/report.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { fillPlain, SHIPPED, Site } from '../run/site.ts';

/** What docs/deploy.md says of the first run after the Python service, and of erasing a record. */

const REPO = 'tester/urgency';
const RUNS_MS = 30_000; // several runs of the whole program
const TAG = 'v20251017_045551';
const CLASSES = ['NORMAL', 'URGENT', 'HIGHLY URGENT'];

await requirePostgres(); // started before a test’s time begins
let site: Site;
let hub: LocalHub;
beforeEach(async () => {
  site = await Site.open();
  hub = await startLocalHub();
  await site.sql(fillPlain(90, 60)); // 60 mistakes: URGENT and HIGHLY URGENT in turn; 30 correct ones
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const repo = () => hub.repos.get(`datasets/${REPO}`) as NonNullable<ReturnType<LocalHub['repos']['get']>>;
const env = () => ({ HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, URGENCY_DATASET: REPO });
async function run(argv: string[] = [], yaml = SHIPPED): Promise<LabelReport> {
  const { report } = await site.run(['--label', 'urgency', ...argv], { env: env(), yaml });
  return report.labels[0] as LabelReport;
}

/** Rows of a query over files of the repo, as lines. */
async function ask(query: string, path: string, revision = 'main'): Promise<unknown[]> {
  const file = join(site.folder, `${revision}-${path.replaceAll('/', '-')}`);
  await writeFile(file, repo().read(path, revision));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const answer = await connection.runAndReadAll(query.replace('FILE', `'${file}'`));
  return answer.getRows().map((row) => row.map(String).join('|'));
}

describe('coming from the Python service', () => {
  const text = (id: number) => `complaint ${id} about ward ${id % 32}`;
  const idOf = (id: number) => (id <= 60 ? 1 + (id % 2) : id % 3);

  /** Bare integers, no ledger, complaint 1 in three rows on both sides. */
  beforeEach(async () => {
    hub.createRepo(REPO);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
    const splits = { train: [1, ...range(1, 71)], eval: range(71, 81), test: [1, ...range(81, 91)] };
    const files: Record<string, Uint8Array | string> = {};
    for (const [split, ids] of Object.entries(splits)) {
      const path = join(site.folder, `${split}.parquet`);
      const rows = ids.map((id) => `('${text(id)}', ${idOf(id)}::BIGINT)`).join(', ');
      await connection.run(
        `COPY (SELECT * FROM (VALUES ${rows}) AS rows(grievance, label)) TO '${path}' (FORMAT parquet)`,
      );
      files[`data/${split}-00000-of-00001.parquet`] = await Bun.file(path).bytes();
    }
    files['dataset_metadata.json'] = JSON.stringify({
      dataset_name: REPO,
      version_tag: TAG,
      label_column: 'urgency',
      num_samples: 92,
    });
    repo().tags.set(TAG, hub.commit(REPO, files));
  });

  const changesOf = ({ difference }: LabelReport) =>
    Object.fromEntries(difference?.changes.map(({ kind, rows }) => [kind, rows]) ?? []);
  const NOTHING_BUT_DUPLICATES = { added: 0, removed: 2, relabelled: 0, recleaned: 0, moved: 0 };

  test(
    'a dry run compares with its version, or with any other by its tag',
    async () => {
      for (const against of [[], ['--against', TAG]]) {
        const label = await run(['--dry-run', ...against]);
        expect(label.outcome?.status).toBe('planned');
        expect(changesOf(label)).toEqual(NOTHING_BUT_DUPLICATES);
        expect(label.split).toMatchObject({ remembered: 90, assigned: 0, merged: 1 });
        expect(label.difference?.rows).toMatchObject({ before: 92, after: 90 });
      }
    },
    RUNS_MS,
  );

  test(
    '`relabelled` tells that the classes are in another order than the service’s ids',
    async () => {
      const reversed = SHIPPED.replace(`[${CLASSES.join(', ')}]`, `[${CLASSES.toReversed().join(', ')}]`);
      expect(reversed).not.toBe(SHIPPED);
      expect(changesOf(await run(['--dry-run'], reversed)).relabelled).toBeGreaterThan(30);
    },
    RUNS_MS,
  );

  test(
    '`duplicates: keep` keeps them, in one split',
    async () => {
      await site.sql(
        `UPDATE complaints SET message = (SELECT message FROM complaints WHERE id = 1) WHERE id IN (3, 5)`,
      );
      const label = await run([], SHIPPED.replace('duplicates: one', 'duplicates: keep'));
      expect(label.kept?.total).toBe(90);
      const metadata = JSON.parse(repo().readText('dataset_metadata.json'));
      expect(metadata).toMatchObject({ num_samples: 90, previous_version: TAG });
      expect(
        await ask(`SELECT count(*) FROM FILE WHERE grievance = '${text(1)}'`, 'data/train-00000-of-00001.parquet'),
      ).toEqual(['3']);
    },
    RUNS_MS,
  );
});

describe('erasing a person’s record', () => {
  const ERASED = `DELETE FROM complaints WHERE id = 7`;
  const DATA = ['train', 'eval', 'test'].map((split) => `data/${split}-00000-of-00001.parquet`);
  const holders = async (revision?: string) => {
    const counts = DATA.map((path) =>
      ask(`SELECT count(*) FROM FILE WHERE grievance LIKE 'complaint 7 %'`, path, revision),
    );
    return (await Promise.all(counts))
      .flat()
      .map(Number)
      .reduce((sum, count) => sum + count, 0);
  };
  const remembered = () => ask('SELECT text_hash, key_hash FROM FILE ORDER BY ALL', 'splits.parquet');

  test(
    'takes it out of the next version; its hashes stay until --resplit, and the old tag has it',
    async () => {
      const first = await run();
      const [old = ''] = repo().tags.keys();
      const hashes = await remembered();
      expect([first.outcome?.status, await holders(), hashes.length]).toEqual(['success', 1, 90]);

      await site.sql(ERASED);
      const planned = await run(['--dry-run']);
      expect(planned.difference?.changes.find(({ kind }) => kind === 'removed')?.rows).toBeGreaterThan(0);
      expect((await run()).outcome?.status).toBe('success');
      expect([await holders(), await holders(old)]).toEqual([0, 1]);
      expect(await remembered()).toEqual(expect.arrayContaining(hashes));

      const { kept } = await run(['--resplit']);
      const left = await remembered();
      expect(left).toHaveLength(kept?.total ?? 0);
      expect(hashes.filter((each) => !left.includes(each)).length).toBeGreaterThan(0);
    },
    RUNS_MS,
  );

  test(
    'a squashed repo without tags goes on: the next run tags its head again',
    async () => {
      await run();
      const hashes = await remembered();
      const [newest = ''] = repo().tags.keys();

      const squashed = repo().append(null, { title: 'Super-squash branch' }, repo().files());
      repo().commits.splice(0, repo().commits.length, squashed);
      repo().tags.clear();
      repo().branches.set('main', squashed.oid);

      expect((await run()).outcome).toEqual({ status: 'unchanged', version: newest });
      expect([...repo().tags]).toEqual([[newest, squashed.oid]]);
      expect(await remembered()).toEqual(hashes);
    },
    RUNS_MS,
  );
});
