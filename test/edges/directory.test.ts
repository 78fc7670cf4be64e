import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryTarget } from '../../lib/edges/directory.ts';
import type { Change } from '../../lib/edges/target.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'directory-'));
  await writeFile(join(folder, 'file'), 'rows');
});
afterEach(() => rm(folder, { recursive: true }));

const open = (sleep: (ms: number) => Promise<void> = async () => {}) =>
  new DirectoryTarget('./published', {
    cwd: folder,
    umask: 0o022,
    clock: { now: () => new Date(), sleep },
    signal: new AbortController().signal,
  });
const change = (version: string): Change => ({
  version,
  message: '',
  files: new Map([['data/train-00000-of-00001.parquet', join(folder, 'file')]]),
  deletions: [],
});
const options = { private: true, onProgress: () => {} };

describe('DirectoryTarget', () => {
  test('refuses a commit on a head that is no longer there', async () => {
    const target = open();
    await target.locked(async () => {
      const absent = await target.readHead();
      await target.commit(absent, change('v20260101_000000'), options);
      await expect(target.commit(absent, change('v20260101_000001'), options)).rejects.toMatchObject({
        code: 'TARGET_MOVED',
      });
      const first = await target.readHead();
      await target.commit(first, change('v20260101_000001'), options);
      await expect(target.commit(first, change('v20260101_000002'), options)).rejects.toMatchObject({
        code: 'TARGET_MOVED',
      });
    });
    expect(await readlink(join(folder, 'published'))).toBe('.published/v20260101_000001');
  });

  test('lets a second run wait until the first has switched', async () => {
    const order: string[] = [];
    const [held, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = open().locked(async () => {
      held.resolve();
      order.push('first in');
      await first.promise;
      order.push('first out');
    });
    await held.promise;
    const waiting = open(async () => {
      if (order.length === 1) {
        order.push('second waits');
        first.resolve();
      }
      await holding;
    }).locked(async () => void order.push('second in'));
    await Promise.all([holding, waiting]);
    expect(order).toEqual(['first in', 'second waits', 'first out', 'second in']);
  });

  test('gives up on a lock that is never released, after ten minutes', async () => {
    const waits: number[] = [];
    const [held, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = open().locked(() => {
      held.resolve();
      return done.promise;
    });
    await held.promise;
    const late = open(async (ms) => void waits.push(ms)).locked(async () => {});
    await expect(late).rejects.toMatchObject({ code: 'TARGET_LOCKED' });
    expect(waits.reduce((total, ms) => total + ms, 0)).toBe(600_000);
    done.resolve();
    await holding;
  });

  test('lets go of the lock when its process dies', async () => {
    const script = `const { DirectoryTarget } = await import(${JSON.stringify(join(import.meta.dir, '../../lib/edges/directory.ts'))});
      const target = new DirectoryTarget('./published', { cwd: ${JSON.stringify(folder)}, clock: {}, signal: new AbortController().signal });
      await target.locked(async () => { console.log('held'); await new Promise(() => setInterval(() => {}, 1000)); });`;
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
    await child.stdout.getReader().read();
    child.kill('SIGKILL');
    await child.exited;
    expect(await open(() => Promise.reject(new Error('it waits'))).locked(async () => 'free')).toBe('free');
  });
});
