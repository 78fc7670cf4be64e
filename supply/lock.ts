import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** What bun.lock installs to run the program, held against what is installed. */

const ROOT = resolve(import.meta.dir, '..');

/** An entry of bun.lock: `name@version`, registry, what it needs, hash. */
type Entry = [id: string, registry: string, needs: Needs, integrity: string];
interface Needs {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
export interface Lock {
  workspaces: { '': Needs };
  /** By name, or below the package that has a version of its own: `d3-dsv/commander`. */
  packages: Record<string, Entry>;
}

export interface Manifest {
  name: string;
  version: string;
  description?: string;
  license?: string;
  scripts?: Record<string, string>;
}

export interface Locked {
  /** In bun.lock; with `node_modules/` between its names it is the path. */
  key: string;
  /** `sha512-…` */
  integrity: string;
  /** Keys of what it needs itself. */
  needs: string[];
  manifest: Manifest;
}

export const folderOf = (key: string): string => join(ROOT, ...namesOf(key).map((name) => join('node_modules', name)));

/** `a/@b/c` → `a`, `@b/c` */
const namesOf = (key: string): string[] => key.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];

export async function readLock(): Promise<Lock> {
  return Bun.JSONC.parse(await readFile(join(ROOT, 'bun.lock'), 'utf8')) as Lock;
}

/**
 * Keys of all that `bun install --production` installs, and what each needs. Optional packages for other platforms are left out, as it leaves
 * them out, and so are peers, which nobody here asks for.
 *
 * @param isInstalled of an optional package
 */
export function planProduction(lock: Lock, isInstalled: (key: string) => boolean): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const needsOf = (key: string, { dependencies = {}, optionalDependencies = {} }: Needs): string[] => [
    ...Object.keys(dependencies).map((name) => resolveKey(lock, key, name)),
    ...Object.keys(optionalDependencies)
      .map((name) => resolveKey(lock, key, name))
      .filter(isInstalled),
  ];
  const open = needsOf('', lock.workspaces['']);
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (found.has(key)) continue;
    const needs = needsOf(key, lock.packages[key]?.[2] ?? {});
    found.set(key, needs);
    open.push(...needs);
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * As a package finds another one: below itself, then below each that it lies in, then at the top.
 *
 * @throws Error where it is not locked: a binary for another platform, too, would be missing there
 */
export function resolveKey({ packages }: Lock, from: string, name: string): string {
  const parents = namesOf(from);
  for (let depth = parents.length; depth >= 0; depth--) {
    const key = [...parents.slice(0, depth), name].join('/');
    if (packages[key]) return key;
  }
  throw new Error(`Cannot read bun.lock: ${from || 'the program'} needs ${name}, which is not in it`);
}

const readManifest = async (key: string): Promise<Manifest | undefined> =>
  await readFile(join(folderOf(key), 'package.json'), 'utf8').then(JSON.parse, () => undefined);

/**
 * All of them, with their manifests.
 *
 * @throws Error where something is not installed, or in another version
 */
export async function readProduction(): Promise<Locked[]> {
  const lock = await readLock();
  const manifests = new Map<string, Manifest>();
  for (const key of Object.keys(lock.packages)) {
    const manifest = await readManifest(key);
    if (manifest) manifests.set(key, manifest);
  }
  return [...planProduction(lock, (key) => manifests.has(key))].map(([key, needs]) => {
    const [id, , , integrity] = lock.packages[key] as Entry;
    const manifest = manifests.get(key);
    if (manifest === undefined || id !== `${manifest.name}@${manifest.version}`)
      throw new Error(`Cannot say what is installed: ${id} is not; run bun install`);
    return { key, integrity, needs, manifest };
  });
}
