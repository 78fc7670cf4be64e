import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeShards } from '../../lib/dataset/parquet.ts';
import { labelSpec, type SourceRow, Workshop } from './harness.ts';

const rowsOf = (count: number): SourceRow[] =>
  Array.from({ length: count }, (_, key) => ({
    key: String(key),
    text: `text ${key}`,
    label: 'ABC'.charAt(key % 3),
    origin: key % 2 ? 'correct' : 'misclassified',
  }));

describe('push() to a directory', () => {
  let workshop: Workshop;
  let published: string;
  let store: string;
  beforeEach(async () => {
    workshop = await Workshop.open();
    published = join(workshop.directory, 'published');
    store = join(workshop.directory, '.published');
  });
  afterEach(() => workshop[Symbol.asyncDispose]());
  const versions = () => readdirSync(store).filter((name) => name.startsWith('v'));
  const metadata = () => JSON.parse(readFileSync(join(published, 'dataset_metadata.json'), 'utf8'));

  test('links the directory to one whole version', async () => {
    const { outcome } = await workshop.publish(rowsOf(100));
    expect(outcome).toMatchObject({ status: 'success', version: 'v20260101_000100' });
    expect(readlinkSync(published)).toBe('.published/v20260101_000100');
    expect(readdirSync(published).sort()).toEqual(['README.md', 'data', 'dataset_metadata.json', 'splits.parquet']);
    expect(readdirSync(join(published, 'data')).sort()).toEqual(
      ['eval', 'test', 'train'].map((name) => `${name}-00000-of-00001.parquet`),
    );
  });

  test('writes nothing when nothing changed, whatever the order of the rows', async () => {
    await workshop.publish(rowsOf(100));
    const { outcome } = await workshop.publish(rowsOf(100).reverse());
    expect(outcome).toEqual({ status: 'unchanged', version: 'v20260101_000100' });
    expect(versions()).toEqual(['v20260101_000100']);
  });

  test('writes a new version on one changed text, label, split name or class', async () => {
    const rows = rowsOf(100);
    const variants: [SourceRow[], string][] = [
      [rows.map((row) => (row.key === '7' ? { ...row, text: 'other' } : row)), ''],
      [rows.map((row) => (row.key === '8' ? { ...row, label: 'B' } : row)), ''],
      [rows, 'classes: [A, B, C, D]'],
      [rows, 'columns: { text: body }'],
    ];
    await workshop.publish(rows);
    for (const [changed, yaml] of variants) {
      expect((await workshop.publish(changed, labelSpec(yaml))).outcome.status).toBe('success');
      expect((await workshop.publish(rows, labelSpec(), { allowClassChange: true, force: true })).outcome.status).toBe(
        'success',
      );
    }
  });

  test('writes a new version when only the splits, or only a text in place, differ', async () => {
    await workshop.publish(rowsOf(100), labelSpec('seed: 1'));
    const again = { resplit: true }; // ordinals begin anew, so that nothing else tells the versions apart
    expect((await workshop.publish(rowsOf(100), labelSpec('seed: 1'), again)).outcome.status).toBe('unchanged');
    expect((await workshop.publish(rowsOf(100), labelSpec('seed: 2'), again)).outcome.status).toBe('success');
    const edited = rowsOf(100).map((row) => (row.key === '99' ? { ...row, text: 'edited' } : row));
    expect((await workshop.publish(edited, labelSpec('seed: 2'), again)).outcome.status).toBe('success');
  });

  test('publishes again on --force and when: always', async () => {
    await workshop.publish(rowsOf(100));
    expect((await workshop.publish(rowsOf(100), labelSpec(), { force: true })).outcome.status).toBe('success');
    expect((await workshop.publish(rowsOf(100), labelSpec('push: { when: always }'))).outcome.status).toBe('success');
    expect(versions()).toHaveLength(3);
  });

  test('publishes again when a data file of the head is gone or cut', async () => {
    await workshop.publish(rowsOf(100));
    writeFileSync(join(published, 'data/test-00000-of-00001.parquet'), 'cut');
    expect((await workshop.publish(rowsOf(100))).outcome.status).toBe('success');
  });

  test('writes the same bytes for the same rows', async () => {
    await workshop.publish(rowsOf(500));
    const bytes = (version: string) =>
      readdirSync(join(store, version, 'data')).map((name) =>
        Bun.hash(readFileSync(join(store, version, 'data', name))),
      );
    await workshop.publish(rowsOf(500).reverse(), labelSpec(), { force: true });
    const [first = '', second = ''] = versions().sort();
    expect(bytes(second)).toEqual(bytes(first));
  });

  test('refuses a class list that does not begin with the published one', async () => {
    await workshop.publish(rowsOf(100));
    const reordered = labelSpec('classes: [B, A, C]');
    await expect(workshop.publish(rowsOf(100), reordered)).rejects.toMatchObject({ code: 'CLASSES_CHANGED' });
    await expect(workshop.publish(rowsOf(100), labelSpec('classes: [A, B]'))).rejects.toMatchObject({
      code: 'CLASSES_CHANGED',
    });
    expect((await workshop.publish(rowsOf(100), reordered, { allowClassChange: true })).outcome.status).toBe('success');
  });

  test('keeps the fields of the service that it replaces, and adds its own', async () => {
    await workshop.publish(rowsOf(100), labelSpec('card: { author: me, description: "{label} records" }'));
    expect(Object.keys(metadata()).slice(0, 9)).toEqual([
      'dataset_name',
      'version_tag',
      'label_column',
      'created_at',
      'commit_message',
      'num_samples',
      'splits',
      'author',
      'description',
    ]);
    expect(metadata()).toMatchObject({
      dataset_name: './published',
      version_tag: 'v20260101_000100',
      label_column: 'topic',
      commit_message: 'Dataset update (topic) - 20260101_000100',
      num_samples: 100,
      author: 'me',
      description: 'topic records',
      label2id: { A: 0, B: 1, C: 2 },
      sources: { misclassified: { fetched: 50, kept: 50 }, correct: { fetched: 50, kept: 50 } },
      seed: 42,
      previous_version: null,
      spec: { repo: './published' },
    });
  });

  test('keeps what a person wrote into the card, and their own YAML keys', async () => {
    await workshop.publish(rowsOf(100));
    const card = readFileSync(join(published, 'README.md'), 'utf8');
    writeFileSync(
      join(published, 'README.md'),
      `${card.replace('---\n', '---\nannotations_creators: [expert]\n')}\n## Contact\n\nAsk *me*.\n`,
    );
    await workshop.publish(rowsOf(120));
    const next = readFileSync(join(published, 'README.md'), 'utf8');
    expect(next).toContain('## Contact\n\nAsk *me*.');
    expect(next).toContain('annotations_creators');
    expect(next.match(/prepare-dataset:start/g)).toHaveLength(1);
    expect(next).toContain('after `v20260101_000100`');
  });

  test('removes what a run that died left behind', async () => {
    await workshop.publish(rowsOf(100));
    mkdirSync(join(store, '.draft-v20260101_000200'));
    cpSync(join(store, 'v20260101_000100'), join(store, 'v20260101_000200'), { recursive: true }); // written, never switched to
    await workshop.publish(rowsOf(120));
    expect(versions().sort()).toEqual(['v20260101_000100', readlinkSync(published).slice('.published/'.length)]);
    expect(existsSync(join(store, '.draft-v20260101_000200'))).toBe(false);
  });

  test('refuses a directory that it did not make', async () => {
    mkdirSync(published);
    await expect(workshop.publish(rowsOf(100))).rejects.toMatchObject({ code: 'TARGET_NOT_OURS' });
    expect(lstatSync(published).isDirectory()).toBe(true);
  });

  test('fails on a ledger that is gone, cut, or made with another key', async () => {
    await workshop.publish(rowsOf(100));
    const ledger = join(published, 'splits.parquet');
    const original = readFileSync(ledger);
    writeFileSync(ledger, original.subarray(0, 100));
    await expect(workshop.publish(rowsOf(120))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
    writeFileSync(ledger, original);
    workshop.env.LEDGER_KEY = 'another key';
    await expect(workshop.publish(rowsOf(120))).rejects.toMatchObject({ code: 'LEDGER_KEY' });
    expect(
      (await workshop.publish(rowsOf(120), labelSpec(), { resplit: true, dryRun: true, out: './plan' })).outcome.status,
    ).toBe('planned'); // the way out that the error names
    delete workshop.env.LEDGER_KEY;
    writeFileSync(join(published, 'dataset_metadata.json'), '{');
    await expect(workshop.publish(rowsOf(120))).rejects.toMatchObject({ code: 'HEAD_UNREADABLE' });
    writeFileSync(join(published, 'dataset_metadata.json'), '{}');
    await expect(workshop.publish(rowsOf(120))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
  });

  test('fails on a link whose version is gone', async () => {
    await workshop.publish(rowsOf(100));
    renameSync(join(store, 'v20260101_000100'), join(store, 'elsewhere'));
    await expect(workshop.publish(rowsOf(120))).rejects.toMatchObject({ code: 'HEAD_UNREADABLE' });
  });

  test('keys the ledger with LEDGER_KEY, and keeps the splits', async () => {
    workshop.env.LEDGER_KEY = 'a key';
    const first = await workshop.publish(rowsOf(100));
    const second = await workshop.publish(rowsOf(150));
    const before = new Map(first.rows.map(({ text, split }) => [text, split]));
    for (const { text, split } of second.rows) if (before.has(text)) expect(split).toBe(before.get(text) as string);
    expect(second.report.split).toMatchObject({ remembered: 100, assigned: 50 });
    expect(JSON.stringify(metadata())).not.toContain('a key');
  });

  test('a dry run writes below --out only', async () => {
    const { outcome } = await workshop.publish(rowsOf(100), labelSpec(), { dryRun: true, out: './plan' });
    expect(outcome).toMatchObject({ status: 'planned', directory: './plan/dry-run/topic' });
    expect(existsSync(store)).toBe(false);
    expect(readdirSync(join(workshop.directory, 'plan/dry-run/topic')).sort()).toEqual([
      'README.md',
      'data',
      'dataset_metadata.json',
      'splits.parquet',
    ]);
  });

  test('shards a split that is larger than a shard, in order', async () => {
    await workshop.publish(rowsOf(1000));
    const spec = labelSpec();
    const assigned = {
      table: '"assigned_topic"',
      members: '"members_topic"',
      remembered: '"remembered_topic"',
      cleaned: {
        table: '"cleaned_topic"',
        texts: '"texts_topic"',
        fetched: { view: '', files: [], snapshot: { id: '', takenAt: new Date(0) } },
      },
    };
    const folder = join(workshop.directory, 'sharded');
    const files = await writeShards(workshop.engine, spec, assigned, folder, 5000);
    expect(files.map(({ shards }) => shards.length)).toEqual([4, 1, 1]);
    expect(await workshop.read(spec, folder)).toEqual(await workshop.read(spec));
  });
});
