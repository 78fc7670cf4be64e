import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { World } from './world.ts';

/** Make a folder, and those above it, for others too: with the rights that whoever runs the program gives to what they make. */
export async function makeFolder(folder: string, world: Pick<World, 'umask'>): Promise<void> {
  if ((await lstat(folder).catch(() => undefined)) !== undefined) return;
  await makeFolder(dirname(folder), world);
  try {
    await mkdir(folder);
    await chmod(folder, 0o777 & ~world.umask);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown; // another run was faster
  }
}

/** Let others read a file as far as whoever runs the program lets them. */
export async function share(file: string, { umask }: Pick<World, 'umask'>): Promise<void> {
  await chmod(file, 0o666 & ~umask);
}
