import { mkdtempSync } from 'node:fs';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { tryLock } from './edges/file-lock.ts';
import { PipelineError } from './errors.ts';
import { makeFolder } from './folders.ts';
import type { Options } from './options.ts';
import type { World } from './world.ts';

const PREFIX = 'prepare-dataset-';
const SPOOL = new RegExp(`^${PREFIX}[A-Za-z0-9]{6}$`);
const LOCK = '.lock'; // held as long as the run lives
const ATTEMPTS = 10; // to open one; another run's cleaning may come between

/** A run's private directory (0700); removed with all that is in it. */
export interface Spool extends AsyncDisposable {
  readonly path: string;
}

/** A dry run writes below --out and nowhere else. What killed runs left behind is removed first. */
export async function openSpool(
  { dryRun, explain, out }: Pick<Options, 'dryRun' | 'explain' | 'out'>,
  { cwd, tmpdir, umask }: Pick<World, 'cwd' | 'tmpdir' | 'umask'>,
): Promise<Spool> {
  const parent = dryRun && explain === undefined ? resolve(cwd, out) : tmpdir;
  try {
    await makeFolder(parent, { umask });
    await removeOrphans(parent);
    return await create(parent);
  } catch (cause) {
    throw new PipelineError('OUTPUT_UNWRITABLE', `Cannot write ${parent}: ${(cause as { code?: string }).code}`, {
      fix: 'set TMPDIR, or --out for a dry run, to a directory that can be written',
      cause,
    });
  }
}

/** Between the making of a directory and its lock another run may take it for an orphan: then it is busy or gone, and a new one is made. */
async function create(parent: string): Promise<Spool> {
  for (let attempt = 1, fault: unknown = { code: 'ENOLCK' }; ; attempt++) {
    const path = mkdtempSync(join(parent, PREFIX)); // the lock at once: nobody else has long to come between
    try {
      const lock = lockIn(path, true);
      if (lock && (await exists(path))) return { path, [Symbol.asyncDispose]: () => remove(path, lock) };
      lock?.[Symbol.dispose]();
    } catch (thrown) {
      fault = thrown;
    }
    if (attempt === ATTEMPTS) throw fault;
  }
}

/**
 * A spool whose lock nobody holds is an orphan. Its process could not tell: a container that shares the disk has processes of its own, and
 * a number is given again. Whoever cannot remove one leaves it to the next run.
 */
async function removeOrphans(parent: string): Promise<void> {
  const spools = (await readdir(parent)).filter((name) => SPOOL.test(name));
  for (const path of spools.map((name) => join(parent, name))) {
    if ((await stat(path).catch(() => undefined))?.uid !== process.getuid?.()) continue;
    await removeOrphan(path).catch(() => {});
  }
}

async function removeOrphan(path: string): Promise<void> {
  if (!(await exists(path))) return await rmdir(path); // without a lock: not locked yet, or not quite gone; never with files in it
  const lock = lockIn(path, false);
  if (lock) await remove(path, lock);
}

const lockIn = (path: string, create: boolean) => tryLock(join(path, LOCK), create);

const exists = async (path: string) => (await stat(join(path, LOCK)).catch(() => undefined)) !== undefined;

/** The lock goes last, so that what has none is empty. */
async function remove(path: string, lock: Disposable): Promise<void> {
  try {
    for (const name of await names(path)) await rm(join(path, name), { recursive: true, force: true });
    await rm(join(path, LOCK), { force: true });
    await rmdir(path).catch(() => {}); // another run's cleaning came first
  } finally {
    lock[Symbol.dispose]();
  }
}

async function names(path: string): Promise<string[]> {
  return (await readdir(path).catch(() => [])).filter((name) => name !== LOCK);
}
