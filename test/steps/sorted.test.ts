import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sortRows } from '../../lib/dataset/sorted.ts';
import type { Assigned } from '../../lib/dataset/tables.ts';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import { literal } from '../../lib/sql.ts';

const MEMORY_MB = 200; // the least that a spec may give
const ROWS = 60_000;
const TEXT_BYTES = 4000; // 240 MB in all

let scratch: string;
let engine: Engine;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sorted-'));
  engine = await openEngine(scratch, MEMORY_MB);
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

const assigned = { table: 'assigned', cleaned: { texts: 'texts' } } as unknown as Assigned;

/** Rows in an order of their own; every tenth goes to the third split, and the second is empty. */
async function fill(rows: number, textBytes: number) {
  await engine.run(
    `CREATE OR REPLACE TABLE texts AS SELECT i AS "row", 0::UTINYINT AS origin, rpad(i::VARCHAR, ${textBytes}, 'x') AS text FROM range(${rows}) t(i)`,
  );
  await engine.run(`CREATE OR REPLACE TABLE assigned AS
SELECT "row", 0 AS class, split, row_number() OVER (PARTITION BY split ORDER BY hash("row")) - 1 AS position
FROM (SELECT "row", CASE WHEN "row" % 10 = 0 THEN 2 ELSE 0 END AS split FROM texts)`);
  const third = Math.ceil(rows / 10);
  const sizeOf = (rows: number) => ({ rows, bytes: rows * textBytes });
  return [sizeOf(rows - third), sizeOf(0), sizeOf(third)];
}

test('more text than memory_limit is sorted: each split in its order, every row once', async () => {
  const sizes = await fill(ROWS, TEXT_BYTES);
  const directory = join(scratch, 'large');
  await mkdir(directory);
  const files = await sortRows(engine, assigned, sizes, directory);
  expect(files.map(({ length }) => length)).toEqual([14, 0, 2]);
  expect((await readdir(directory)).toSorted()).toEqual(
    files
      .flat()
      .map((file) => basename(file))
      .toSorted(),
  );
  for (const [split, paths] of files.entries()) {
    let next = 0;
    for (const path of paths) {
      const found = await engine.row<{
        rows: number;
      }>(`SELECT count(*) AS rows, min(position) AS first, max(position) AS last,
  count(*) FILTER (position <> ${next} + file_row_number OR text <> rpad(a."row"::VARCHAR, ${TEXT_BYTES}, 'x')) AS wrong
FROM read_parquet(${literal(path)}, file_row_number=true) f JOIN (FROM assigned WHERE split = ${split}) a USING (position)`);
      expect(found).toEqual({ rows: found.rows, first: next, last: next + found.rows - 1, wrong: 0 } as never);
      next += found.rows;
    }
    expect(next).toBe(sizes[split]?.rows ?? Number.NaN);
  }
}, 60_000);

test('a text that is larger than a piece is a piece', async () => {
  const sizes = await fill(2, 17_000_000);
  const files = await sortRows(engine, assigned, sizes, join(scratch, 'huge'));
  expect(files.map(({ length }) => length)).toEqual([1, 0, 1]);
});

test('the files are the same with any number of threads', async () => {
  const sizes = await fill(400_000, 60);
  const shas = async (threads: number) => {
    const directory = join(scratch, `threads-${threads}`);
    await mkdir(directory);
    await engine.run(`SET threads = ${threads}`);
    const files = await sortRows(engine, assigned, sizes, directory);
    return Promise.all(files.flat().map(async (file) => Bun.SHA256.hash(await Bun.file(file).bytes(), 'hex')));
  };
  const single = await shas(1);
  expect(single.length).toBe(3);
  expect(await shas(4)).toEqual(single);
});

test('no rows are no files', async () => {
  const sizes = await fill(0, 10);
  expect(await sortRows(engine, assigned, sizes, join(scratch, 'empty'))).toEqual([[], [], []]);
});
