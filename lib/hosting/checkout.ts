import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RemoteFiles } from '../edges/space-files.ts';
import { PipelineError } from '../errors.ts';
import { DEFAULT_CONFIG } from '../options.ts';
import { plain } from '../report/layout.ts';
import type { World } from '../world.ts';
import { spaceCard } from './card.ts';

export type Files = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** What a commit to the Space would do. */
export interface FileChanges {
  added: string[];
  changed: string[];
  /** Ours once, and gone here. */
  removed: string[];
  same: number;
  /** README.md of the Space is another one than we would write, and stays. */
  keepsCard: boolean;
}

const CARD = 'README.md';
const ALWAYS = ['Dockerfile', '.dockerignore', CARD];

/** Names that .dockerignore lets through, files and folders: what the image is built from. */
export function imageNames(dockerignore: string): string[] {
  const lines = dockerignore.split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1).replace(/\/+$/, ''));
}

/**
 * Read what a Space needs of a checkout.
 *
 * @param config the YAML that is pipeline.config.yaml there
 * @throws PipelineError USAGE where the checkout lacks a file, or has one that is not of the program
 */
export async function readFiles(config: string, { cwd }: Pick<World, 'cwd'>): Promise<Files> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const missing: string[] = [];
  const add = async (path: string, from = path) => {
    const found = await filesBelow(resolve(cwd, from), path);
    if (!found) missing.push(from);
    for (const [name, content] of found ?? []) files.set(name, content);
  };
  await add('.dockerignore');
  const names = imageNames(new TextDecoder().decode(files.get('.dockerignore')));
  for (const name of new Set([...ALWAYS, ...names])) await add(name, name === DEFAULT_CONFIG ? config : name);
  if (missing.length > 0)
    throw new PipelineError('USAGE', `Cannot deploy: ${[...new Set(missing)].join(', ')} not found in ${cwd}`, {
      fix: 'run it in a whole checkout of the repository',
    });
  files.set(CARD, Buffer.from(spaceCard(new TextDecoder().decode(files.get(CARD)))));
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What the program's folders consist of. Something else there, e.g. a key, is nothing that should leave this machine. */
const OURS = /\.(ts|js|css)$/;

function refuseFile(path: string): never {
  throw new PipelineError('USAGE', `Cannot deploy: ${plain(path)} is no file of the program`, {
    fix: 'move it elsewhere: all of the folder would be uploaded',
  });
}

/** A file, or all of a folder but what editors and systems leave there; undefined where there is neither. */
async function filesBelow(path: string, name: string): Promise<[string, Uint8Array<ArrayBuffer>][] | undefined> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (!entries) {
    const content = await readFile(path).catch(() => undefined);
    return content && [[name, new Uint8Array(content)]];
  }
  const below = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({
      isFile: entry.isFile(),
      path: join(entry.parentPath, entry.name).slice(path.length).replaceAll('\\', '/'),
    }))
    .filter((each) => !/\/\.|[~#]$/.test(each.path));
  for (const each of below) if (!each.isFile || !OURS.test(each.path)) refuseFile(name + each.path);
  return Promise.all(below.map(async (each) => [name + each.path, new Uint8Array(await readFile(path + each.path))]));
}

/**
 * Plan what differs.
 *
 * @param remote files of the Space; undefined where there is none yet
 */
export function planFiles(local: Files, remote: RemoteFiles | undefined): FileChanges {
  const there: RemoteFiles = remote ?? new Map();
  const isOurs = there.has('pipeline.ts'); // deployed before: from then on the card is its owner's
  const keepsCard = isOurs && there.has(CARD) && differs(local, there, CARD);
  const paths = [...local.keys()].filter((path) => !(keepsCard && path === CARD));
  const folders = [...local.keys()].flatMap((path) => /^[^/]+\//.exec(path)?.[0] ?? []);
  const isBelowOurs = (path: string) => folders.some((folder) => path.startsWith(folder));
  const added = paths.filter((path) => !there.has(path));
  const changed = paths.filter((path) => there.has(path) && differs(local, there, path));
  const removed = [...there.keys()].filter((path) => !local.has(path) && isBelowOurs(path));
  return { added, changed, removed, same: paths.length - added.length - changed.length, keepsCard };
}

function differs(local: Files, remote: RemoteFiles, path: string): boolean {
  const content = local.get(path) ?? new Uint8Array();
  const found = remote.get(path);
  const hash = new Bun.CryptoHasher(found?.isLfs ? 'sha256' : 'sha1');
  if (!found?.isLfs) hash.update(`blob ${content.length}\0`); // as git names a blob
  return hash.update(content).digest('hex') !== found?.oid;
}

export function isChanged({ added, changed, removed }: FileChanges): boolean {
  return added.length + changed.length + removed.length > 0;
}
