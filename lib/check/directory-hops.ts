import { access, constants, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DirectoryTarget } from '../edges/directory.ts';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, ok } from './hops.ts';

/** Plan the hop of a directory target: absent or ours, and writable. Nothing is created. */
export function planDirectoryHop(label: string, path: string, world: World): Hop {
  return {
    id: `${label}.directory`,
    needs: [],
    run: () => checkDirectory(path, world),
    late: { status: 'fail', code: 'OUTPUT_UNWRITABLE', message: `No answer from the file system about ${path}` },
  };
}

async function checkDirectory(path: string, world: World): Promise<Finding> {
  await new DirectoryTarget(path, world).preflight();
  const link = resolve(world.cwd, path);
  const versions = join(dirname(link), `.${basename(link)}`);
  const isPublished = await exists(versions);
  const parent = await nearestExisting(dirname(link));
  for (const directory of [parent, ...(isPublished ? [versions] : [])]) await requireWritable(directory, path);
  return ok(`${path}: ${isPublished ? 'its versions are ours' : 'will be created'}; ${parent} is writable`);
}

/** A run creates the directories that lead to the target, so the nearest one that exists must be writable. */
export async function nearestExisting(directory: string): Promise<string> {
  const isRoot = dirname(directory) === directory;
  return isRoot || (await exists(directory)) ? directory : nearestExisting(dirname(directory));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

export async function requireWritable(directory: string, path: string): Promise<void> {
  try {
    if (!(await stat(directory)).isDirectory()) throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new PipelineError(
      'OUTPUT_UNWRITABLE',
      `Cannot publish to ${path}: ${directory} cannot be written (${code})`,
      {
        fix: 'name a directory that this user may write',
        cause,
      },
    );
  }
}
