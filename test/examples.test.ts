import { expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makePullRequest } from '../examples/pull-request/make.ts';

const KEPT = resolve(import.meta.dir, '../examples/pull-request');

test('the example of a pull request is what the program makes of it today (bun run examples)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  try {
    await makePullRequest(folder);
    for (const name of ['change.diff', 'report.md'])
      expect(await Bun.file(join(folder, name)).text()).toBe(await Bun.file(join(KEPT, name)).text());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
