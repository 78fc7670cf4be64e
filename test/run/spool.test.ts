import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSpool } from '../../lib/spool.ts';
import { PROJECT } from './world.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'spools-'));
});
afterEach(() => rm(parent, { recursive: true }));

const open = () => openSpool({ dryRun: false, out: '' }, { cwd: parent, tmpdir: parent, umask: 0o022 });
const left = async () => (await readdir(parent)).sort();

/** A process that holds a spool with a row in it, until it is killed. */
async function hold(): Promise<{ path: string } & AsyncDisposable> {
  const script = `const { openSpool } = await import(${JSON.stringify(join(PROJECT, 'lib/spool.ts'))});
    const spool = await openSpool({ dryRun: false, out: '' }, { cwd: ${JSON.stringify(parent)}, tmpdir: ${JSON.stringify(parent)} });
    await Bun.write(spool.path + '/rows/urgency.csv', 'rows');
    console.log(spool.path);
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  const { value } = await child.stdout.getReader().read();
  return {
    path: new TextDecoder().decode(value).trim(),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

describe('openSpool()', () => {
  test('makes a private directory, and leaves nothing of it', async () => {
    const spool = await open();
    await mkdir(join(spool.path, 'rows'));
    await writeFile(join(spool.path, 'rows', 'urgency.csv'), 'rows');
    await spool[Symbol.asyncDispose]();
    expect(await left()).toEqual([]);
  });

  test('removes what a killed run left behind, and nothing else', async () => {
    const killed = await hold();
    await writeFile(join(parent, 'note'), '');
    await killed[Symbol.asyncDispose]();
    await using spool = await open();
    expect(await left()).toEqual(['note', spool.path.slice(parent.length + 1)].sort());
    expect(spool.path).not.toBe(killed.path);
  });

  test('never removes the spool of a run that lives, in this process or another, whatever its name says', async () => {
    await using held = await hold();
    const own = await open();
    const dead = Bun.spawnSync(['true']).pid;
    const elsewhere = join(parent, `prepare-dataset-${String(dead).padStart(6, '0').slice(-6)}`); // a number that runs in another container only
    await rename(held.path, elsewhere);
    const next = await open();
    expect(await readdir(elsewhere)).toContain('rows');
    expect(await left()).toHaveLength(3);
    for (const spool of [own, next]) await spool[Symbol.asyncDispose]();
    await held[Symbol.asyncDispose]();
    await (await open())[Symbol.asyncDispose]();
    expect(await left()).toEqual([]);
  });

  test('takes away an empty one that was never locked; one with files but without a lock is not ours', async () => {
    await mkdir(join(parent, 'prepare-dataset-aaaaaa'));
    await Bun.write(join(parent, 'prepare-dataset-bbbbbb', 'mine'), '');
    await (await open())[Symbol.asyncDispose]();
    expect(await left()).toEqual(['prepare-dataset-bbbbbb']);
  });

  test('opened by many at once gives each its own', async () => {
    const spools = await Promise.all(Array.from({ length: 20 }, open));
    expect(await left()).toHaveLength(20);
    for (const { path } of spools) expect(await readdir(path)).toContain('.lock');
    await Promise.all(spools.map((spool) => spool[Symbol.asyncDispose]()));
    expect(await left()).toEqual([]);
  });
});
