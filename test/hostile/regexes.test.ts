import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES, clean } from '../../bench/regexes.ts';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';

/** Patterns that explode a backtracking engine end, and with the right text; how long it takes is for bun bench/regexes.ts to say. */

setDefaultTimeout(30_000);

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'regexes-'));
  engine = await openEngine(folder, 256);
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test.each(CASES)('$name', async ({ pattern, text, left, from }) => {
  const n = from ?? 200_000;
  const cleaned = await clean(engine, pattern, text(n));
  expect([cleaned.length, cleaned === left(n)]).toEqual([left(n).length, true]);
});
