import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabelReport } from '../../lib/report/report.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { fillPlain, Site } from '../run/site.ts';
import { type LoadedSplit, loadOfficial, officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const PYTHON_MS = 120_000; // importing pyarrow from a cold disk is slow
const CLASSES: Record<string, string[]> = {
  department: [
    'Municipal Governance & Community Services',
    'Education, Health & Social Welfare',
    'Infrastructure, Utilities & Natural Resources',
    'Security & Law Enforcement',
  ],
  urgency: ['NORMAL', 'URGENT', 'HIGHLY URGENT'],
};

type Loaded = Record<string, LoadedSplit>;

function expectDataset(loaded: Loaded, label: string, { split }: LabelReport): void {
  expect(new Set(Object.keys(loaded))).toEqual(new Set(['train', 'eval', 'test'])); // without a card, `datasets` orders them itself
  for (const { name, rows } of split?.splits ?? []) {
    expect(loaded[name]).toMatchObject({
      num_rows: rows,
      features: { grievance: 'string', label: CLASSES[label] },
      keys: ['grievance', 'label'],
    });
  }
}

describe.skipIf(python === '')('load_dataset() reads what we publish', () => {
  let site: Site;
  let hub: LocalHub;
  let reports: LabelReport[];
  const hubEnv = () => ({
    HF_ENDPOINT: hub.url,
    HF_TOKEN: hub.token,
    DEPARTMENT_DATASET: 'tester/department',
    URGENCY_DATASET: 'tester/urgency',
  });

  beforeAll(async () => {
    site = await Site.open();
    hub = await startLocalHub({ lfsThreshold: 1000 });
    await site.sql(fillPlain(600, 240));
    reports = (await site.run()).report.labels;
    await site.run([], { env: hubEnv() });
  }, PYTHON_MS);
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });
  const reportOf = (label: string) => reports.find((report) => report.label === label) as LabelReport;

  test.each(Object.keys(CLASSES))(
    'from the directory, with class names in order: %s',
    async (label) => {
      expectDataset(await loadOfficial(python, join(site.folder, label)), label, reportOf(label));
    },
    PYTHON_MS,
  );

  test.each(Object.keys(CLASSES))(
    'from the repo on the Hub, by its tag, with the same rows: %s',
    async (label) => {
      const directory = await loadOfficial(python, join(site.folder, label));
      const [tag = ''] = hub.repos.get(`datasets/tester/${label}`)?.tags.keys() ?? [];
      for (const revision of [undefined, tag]) {
        const loaded = await loadOfficial(python, `tester/${label}`, { hub, ...(revision ? { revision } : {}) });
        expectDataset(loaded, label, reportOf(label));
        expect(loaded).toEqual(directory);
      }
    },
    PYTHON_MS,
  );

  test(
    'also without README.md',
    async () => {
      await site.run(['--dry-run', '--force', '--out', './bare']);
      const folder = join(site.folder, 'bare/dry-run/urgency');
      await rm(join(folder, 'README.md'));
      expectDataset(await loadOfficial(python, folder), 'urgency', reportOf('urgency'));
      hub.commit('tester/urgency', { 'README.md': null });
      expectDataset(await loadOfficial(python, 'tester/urgency', { hub }), 'urgency', reportOf('urgency'));
    },
    PYTHON_MS,
  );

  test(
    'the first run on a repo that the Python service pushed keeps that version’s splits',
    async () => {
      const text = (id: number) => `complaint ${id} about ward ${id % 32}`;
      const rows = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, index) => [text(from + index), 1]);
      const pushed = { train: rows(1, 61), eval: rows(61, 81), test: [...rows(81, 121), [text(1), 1]] }; // its defect: one text on both sides
      await writeFile(join(site.folder, 'rows.json'), JSON.stringify(pushed));
      await runOfficial(python, 'push_service.py', ['tester/migrated', join(site.folder, 'rows.json')], hub);
      const { report } = await site.run(['--label', 'urgency'], {
        env: { ...hubEnv(), URGENCY_DATASET: 'tester/migrated' },
      });
      const [label] = report.labels;
      expect(label?.outcome?.status).toBe('success');
      expect(label?.split).toMatchObject({ remembered: 120, assigned: 240, merged: 1 });
      expect(label?.previousVersion).toBe('v20251017_045551');
      const dry = join(site.folder, 'migrated');
      await Bun.write(join(dry, 'x'), '');
      const repo = hub.repos.get('datasets/tester/migrated');
      for (const [path, file] of repo?.files() ?? [])
        if (path.startsWith('data/')) await Bun.write(join(dry, path), file.content);
      const now = await splitsOf(dry);
      for (const [split, old] of Object.entries(pushed))
        for (const [each] of old)
          expect(`${each}: ${now.get(String(each))}`).toBe(`${each}: ${each === text(1) ? 'train' : split}`);
      expectDataset(await loadOfficial(python, 'tester/migrated', { hub }), 'urgency', label as LabelReport);
    },
    PYTHON_MS,
  );

  /** Text → split of the shards in a folder. */
  async function splitsOf(folder: string): Promise<Map<string, string>> {
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const rows = await connection.runAndReadAll(
      `SELECT grievance, regexp_extract(filename, 'data/(\\w+)-', 1) FROM read_parquet('${folder}/data/*.parquet', filename=true)`,
    );
    return new Map(rows.getRows().map(([text, split]) => [String(text), String(split)]));
  }
});
