import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import { planSandbox, type Sandbox, toProblem } from '../../lib/edges/duckdb-sandbox.ts';

const CANARY = 'canary-5e1d';
const never = new AbortController().signal;
let directory: string;
let engine: Engine;
let sandbox: Sandbox;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  engine = await openEngine(directory, 200);
  await writeFile(join(directory, 'file.csv'), `${CANARY}\n`);
  await engine.run('CREATE TABLE inside AS SELECT 1 AS a');
  await engine.run(
    `COPY (SELECT i::VARCHAR AS key, '${CANARY} ' || i AS text, 'A' AS label, 'train' AS split, 'correct' AS source FROM range(1000) t(i)) TO '${directory}/dataset.parquet' (FORMAT parquet)`,
  );
  await engine.run(`COPY (SELECT '${CANARY}' AS secret) TO '${directory}/other.parquet' (FORMAT parquet)`);
  sandbox = await engine.openSandbox(datasetOf('dataset.parquet'));
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const path = (name: string) => join(directory, name);
const datasetOf = (name: string) => ({ shards: [path(name)], text: 'text', rows: path(name) });

describe('a query in the sandbox', () => {
  test('reads the rows, in their order, up to the limit', async () => {
    expect(await sandbox.rows('SELECT key, source FROM dataset', 3, never)).toEqual({
      columns: ['key', 'source'],
      rows: [
        ['0', 'correct'],
        ['1', 'correct'],
        ['2', 'correct'],
      ],
    });
  });

  test('gives every value as text, and columns with one name two names', async () => {
    expect(
      await sandbox.rows(`SELECT 1 AS a, NULL AS a, {'x': [2]} AS b, 'q'::BLOB AS c, DATE '2026-01-02' AS d`, 1, never),
    ).toEqual({ columns: ['a', 'a_1', 'b', 'c', 'd'], rows: [['1', null, "{'x': [2]}", 'q', '2026-01-02']] });
  });

  test('gives no more than 600 characters of a value', async () => {
    const found = await sandbox.rows('SELECT string_agg(text) FROM dataset', 1, never);
    expect('rows' in found && found.rows[0]?.[0]?.length).toBe(600);
  });

  test('may end in a comment', async () => {
    expect(await sandbox.rows('SELECT 1 AS a -- it is', 1, never)).toEqual({ columns: ['a'], rows: [['1']] });
  });
});

describe('a query in the sandbox cannot read', () => {
  test.each([
    ['a text file', () => `SELECT * FROM read_text('${path('file.csv')}')`],
    ['a CSV file', () => `SELECT * FROM read_csv('${path('file.csv')}')`],
    ['bytes of a file', () => `SELECT * FROM read_blob('${path('file.csv')}')`],
    ['another Parquet file beside its own', () => `SELECT * FROM read_parquet('${path('other.parquet')}')`],
    ['a path as a table', () => `SELECT * FROM '${path('other.parquet')}'`],
    ['names of files', () => `SELECT * FROM glob('${directory}/*')`],
    ['the dialect of a file', () => `SELECT * FROM sniff_csv('${path('file.csv')}')`],
    ['the metadata of a file', () => `SELECT * FROM parquet_metadata('${path('other.parquet')}')`],
    ['the database of the main engine', () => `SELECT * FROM read_duckdb('${path('work.duckdb')}')`],
    ['a table of the main engine', () => 'SELECT * FROM inside'],
    ['a URL', () => `SELECT * FROM read_text('https://127.0.0.1:1/x')`],
    ['a bucket', () => `SELECT * FROM read_parquet('s3://bucket/x.parquet')`],
    ['the environment', () => `SELECT getenv('HOME')`],
    ['secrets', () => 'SELECT * FROM duckdb_secrets()'],
    ['the home directory', () => 'SELECT * FROM duckdb_extensions()'],
  ])('%s', async (_, sql) => {
    const found = await sandbox.rows(sql(), 1, never);
    expect(found).not.toHaveProperty('rows');
    expect(JSON.stringify(found)).not.toContain(CANARY);
  });
});

describe('a query in the sandbox cannot do anything but read', () => {
  test.each([
    ['write a file', () => `COPY dataset TO '${path('out.csv')}'`],
    ['write a file after it ended the subquery', () => `SELECT 1) TO '${path('out.csv')}'; COPY (SELECT 1`],
    ['attach a database', () => `ATTACH '${path('work.duckdb')}'`],
    ['install', () => 'INSTALL httpfs'],
    ['load', () => 'LOAD httpfs'],
    ['set', () => 'SET enable_external_access = true'],
    ['reset', () => 'RESET lock_configuration'],
    ['ask a pragma', () => 'PRAGMA database_list'],
    ['create', () => 'CREATE TABLE mine AS SELECT 1'],
    ['drop', () => 'DROP VIEW dataset'],
    ['run two statements', () => 'SELECT 1; SELECT 2'],
    ['end the subquery', () => 'SELECT 1) LIMIT 1; SELECT * FROM (SELECT 2'],
    ['have parameters', () => 'SELECT ?'],
  ])('%s', async (_, sql) => {
    expect(await sandbox.rows(sql(), 1, never)).not.toHaveProperty('rows');
    expect(existsSync(path('out.csv'))).toBe(false);
  });

  test.each(['SET enable_external_access = true', 'RESET lock_configuration', `SET allowed_paths = ['/etc/passwd']`])(
    'the configuration is locked: %s',
    async (statement) => {
      const { DuckDBInstance } = await import('@duckdb/node-api');
      const connection = await (await DuckDBInstance.create(':memory:')).connect();
      for (const each of planSandbox(datasetOf('dataset.parquet'))) await connection.run(each);
      await expect(connection.run(statement)).rejects.toThrow();
      expect((await connection.runAndReadAll('SELECT count(*) FROM dataset')).getRows()).toEqual([[1000n]]);
      connection.disconnectSync();
    },
  );
});

describe('a problem', () => {
  test.each([
    ['SELECT body FROM dataset', 'Binder Error', 'Referenced column "body" not found'],
    ['SELECT nothing_of_this_name(key) FROM dataset', 'Catalog Error', 'nothing_of_this_name'],
  ])('of a name is in DuckDB’s words: %s', async (sql, kind, words) => {
    const found = await sandbox.prepare(sql, never);
    expect(found?.kind).toBe(kind);
    expect(found?.words).toContain(words);
    expect(found?.words).not.toMatch(/LINE|\n|\^/);
  });

  test.each([
    ['SELECT text::INT FROM dataset', 'Conversion Error'],
    ['SELECT error(text) FROM dataset', 'Invalid Input Error'],
  ])('of a row has no words: %s', async (sql, kind) => {
    expect(await sandbox.prepare(sql, never)).toBeUndefined();
    expect(await sandbox.rows(sql, 1, never)).toEqual({ kind });
  });

  test('of another form has no words', () => {
    expect(toProblem(`what is this: ${CANARY}`)).toEqual({ kind: 'Unknown Error' });
    expect(toProblem(`Invalid Input Error: Binder Error: ${CANARY}`)).toEqual({ kind: 'Invalid Input Error' });
  });
});

describe('a signal', () => {
  const FOREVER = 'SELECT count(*) FROM range(1000000000000) a, range(1000000000000) b';

  test('that aborts stops the query that runs, and the sandbox goes on', async () => {
    const controller = new AbortController();
    const running = sandbox.rows(FOREVER, 1, controller.signal);
    controller.abort();
    expect(await running).toEqual({ kind: 'INTERRUPT Error' });
    expect(await sandbox.rows('SELECT 1 AS a', 1, never)).toEqual({ columns: ['a'], rows: [['1']] });
  });

  test('that has aborted lets nothing begin', async () => {
    await expect(sandbox.rows(FOREVER, 1, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

test('the main engine has its memory back when the sandbox is closed', async () => {
  const limit = async () =>
    (await engine.row<{ limit: string }>(`SELECT current_setting('memory_limit') AS "limit"`)).limit;
  await sandbox[Symbol.asyncDispose]();
  const before = await limit();
  sandbox = await engine.openSandbox(datasetOf('dataset.parquet'));
  expect(await limit()).not.toBe(before);
  await sandbox[Symbol.asyncDispose]();
  expect(await limit()).toBe(before);
  await expect(engine.openSandbox(datasetOf('missing.parquet'))).rejects.toThrow('IO Error');
  expect(await limit()).toBe(before);
  sandbox = await engine.openSandbox();
  expect(await sandbox.rows('FROM dataset', 1, never)).toEqual({
    columns: ['key', 'text', 'label', 'split', 'source'],
    rows: [],
  });
  expect(readdirSync(directory)).not.toContain('out.csv');
});
