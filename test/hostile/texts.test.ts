import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { parseDocument } from 'yaml';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { officialPython, runOfficial } from '../official/venv.ts';
import { type Ended, Site } from '../run/site.ts';
import { FIXED, NAMES, TEXT } from './alphabet.ts';
import { fillRecords, isEmpty, type Record, specOf } from './records.ts';

/** What is published is what the database holds, byte for byte, through the whole program: one run for thousands of texts. */

setDefaultTimeout(120_000); // the machine may be busy, and Python reads from a cold disk

const REPO = 'tester/hostile';
const SEED = Date.now() % 2 ** 31; // told when something differs
const FUZZED = 4000;
const COLUMNS = { text: 'te"xt\'; DROP TABLE a; --|<b>', label: '../la`bel\n' };
const CLASSES = [...NAMES];
const YAML = specOf({
  repo: REPO,
  classes: CLASSES,
  columns: COLUMNS,
  max_text_bytes: 2_000_000,
  split: { train: 0.8, eval: 0.1, test: 0.1 },
});

let site: Site;
let hub: LocalHub;
let records: Record[];
let ended: Ended;
let folder: string;

beforeAll(async () => {
  [site, hub] = await Promise.all([Site.open(''), startLocalHub({ lfsThreshold: 1000 })]);
  const texts = [...new Set([...FIXED, ...fc.sample(TEXT, { numRuns: FUZZED, seed: SEED })])];
  const keys = [...new Set([...NAMES, ...fc.sample(TEXT, { numRuns: texts.length, seed: SEED + 1 })])];
  records = texts.map((text, index) => ({
    key: keys[index] ?? `key ${index}`,
    text,
    label: CLASSES[index % CLASSES.length] as string,
  }));
  await fillRecords(site, records);
  await site.sql(`INSERT INTO records VALUES ('long', repeat('<a', 25000000), 'yes')`);
  ended = await run();
  expect(ended.report, ended.world.stderr.text).toBeObject();
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  for (const [path, { content }] of hub.repos.get(`datasets/${REPO}`)?.head('main').files ?? [])
    await Bun.write(join(folder, path), content);
});
afterAll(async () => {
  await Promise.all([
    site[Symbol.asyncDispose](),
    hub[Symbol.asyncDispose](),
    rm(folder ?? '', { recursive: true, force: true }),
  ]);
});

const run = () => site.run([], { yaml: YAML, env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token } });
const kept = () => records.filter(({ text }) => !isEmpty(text));

/** Text and class as hexadecimal digits, in order. */
async function published(): Promise<string[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const name = (column: string) => `"${column.replaceAll('"', '""')}"`;
  const rows = await connection.runAndReadAll(
    `SELECT hex(${name(COLUMNS.text)}), ${name(COLUMNS.label)} FROM read_parquet('${folder}/data/*.parquet')`,
  );
  return rows
    .getRows()
    .map(([text, label]) => `${text} ${label}`)
    .sort();
}

describe('thousands of hostile texts', () => {
  test('are published as the database holds them, byte for byte', async () => {
    const expected = kept()
      .map(({ text, label }) => `${Buffer.from(text).toString('hex').toUpperCase()} ${CLASSES.indexOf(label)}`)
      .sort();
    const found = await published();
    const differs = expected.findIndex((row, index) => row !== found[index]);
    expect({ seed: SEED, rows: found.length, differs, wanted: expected[differs]?.slice(0, 200) }).toEqual({
      seed: SEED,
      rows: expected.length,
      differs: -1,
      wanted: undefined,
    });
  });

  test('are all accounted for, and one of 50 MB was not fetched', () => {
    const [label] = ended.report.labels;
    const empty = records.length - kept().length;
    expect(ended.exitCode).toBe(0);
    expect(label?.outcome?.status).toBe('success');
    expect(label?.fetched?.total).toBe(records.length + 1);
    expect(label?.kept?.total).toBe(kept().length);
    expect(Object.fromEntries(Object.entries(label?.dropped ?? {}).filter(([, rows]) => rows > 0))).toEqual({
      too_long: 1,
      ...(empty > 0 ? { empty_text: empty } : {}),
    });
  });

  test('have keys that are as hostile, and are known again', async () => {
    const again = await run();
    expect(again.report.labels[0]?.outcome).toMatchObject({ status: 'unchanged' });
  });

  test('have classes with hostile names, which the card’s YAML and the Parquet files say alike', async () => {
    const card = await Bun.file(join(folder, 'README.md')).text();
    const [, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(card) ?? [];
    const { features } = parseDocument(front).toJS().dataset_info;
    expect(features.map(({ name }: { name: string }) => name)).toEqual([COLUMNS.text, COLUMNS.label]);
    expect(Object.values(features[1].dtype.class_label.names)).toEqual(CLASSES);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const rows = await connection.runAndReadAll(
      `SELECT decode(value) FROM parquet_kv_metadata('${folder}/data/train-*.parquet') WHERE decode(key) = 'huggingface'`,
    );
    const { info } = JSON.parse(String(rows.getRows()[0]?.[0]));
    expect(info.features[COLUMNS.label].names).toEqual(CLASSES);
  });
});

const found = await officialPython();
test.skipIf('skipped' in found)('the official Python clients read the same texts and names', async () => {
  const python = 'python' in found ? found.python : '';
  const args = [REPO, COLUMNS.text, COLUMNS.label];
  const read = (await runOfficial(python, '../hostile/texts.py', args, hub)) as {
    card: { dataset_info: { features: { name: string; dtype: { class_label: { names: object } } }[] } };
    [key: string]: unknown;
  };
  const { card, ...data } = read;
  const sha256 = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash: Bun.CryptoHasher, part) => hash.update(part), new Bun.CryptoHasher('sha256')).digest();
  const digests = kept().map(({ text, label }) => sha256(text, '\0', label));
  digests.sort(Buffer.compare);
  expect(data).toEqual({
    loaded: CLASSES,
    bare: CLASSES,
    rows: digests.length,
    sha256: Buffer.from(sha256(...digests)).toString('hex'),
  });
  const [text, label] = card.dataset_info.features;
  expect([text?.name, label?.name]).toEqual([COLUMNS.text, COLUMNS.label]);
  expect(Object.values(label?.dtype.class_label.names ?? {})).toEqual(CLASSES);
});
