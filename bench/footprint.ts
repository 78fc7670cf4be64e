import { copyFile, lstat, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ourEnvironment, pythonEnvironment } from './contenders.ts';
import { inScratch, inTurn, type Measure, measure } from './measure.ts';
import { benchPython } from './python.ts';
import type { FootprintResult, Installed } from './results.ts';

/** Installed size and cold start. */

const ROOT = resolve(import.meta.dir, '..');
const LEAST_STARTS = 5;
const IMPORTS =
  'import pandas, sqlalchemy, psycopg2; from sklearn.model_selection import train_test_split; from datasets import Dataset';
const PACKAGE = /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/; // its own, not one that lies within
const PYTHONS_OWN = /^(pip|setuptools|_distutils_hack|pkg_resources|distutils-precedence)/; // every venv has them

export async function measureFootprint(runs: number): Promise<FootprintResult> {
  const python = await benchPython();
  const [ours, theirs] = [await installOurs(), await describeVenv(python)];
  const helpArgv = [process.execPath, join(ROOT, 'pipeline.ts'), '--help'];
  const starts = {
    help: () => start(helpArgv, ourEnvironment),
    firstHelp: () => start(helpArgv, (directory) => ourEnvironment(directory, join(directory, 'home'))),
    pythonImports: () => start([python, '-c', IMPORTS], pythonEnvironment),
  };
  await inTurn(starts, 1); // what is read from the disk is in memory afterwards
  const coldStart = await inTurn(starts, Math.max(LEAST_STARTS, runs));
  return { ours, python: theirs, bunBytes: (await lstat(process.execPath)).size, coldStart };
}

async function start(
  argv: string[],
  environment: (directory: string) => Promise<Record<string, string>>,
): Promise<Measure> {
  return await inScratch(async (cwd) => {
    const ended = await measure({ argv, cwd, env: await environment(cwd) });
    if (ended === undefined) throw new Error(`Cannot start ${argv.join(' ')}`);
    return ended.measure;
  });
}

/** What `bun install --production` puts into a fresh clone. */
async function installOurs(): Promise<Installed> {
  return await inScratch(async (directory) => {
    for (const file of ['package.json', 'bun.lock']) await copyFile(join(ROOT, file), join(directory, file));
    const argv = [process.execPath, 'install', '--production', '--frozen-lockfile', '--silent'];
    await measure({ argv, cwd: directory, env: { HOME: process.env.HOME ?? directory } }); // with Bun's cache
    const modules = join(directory, 'node_modules');
    const manifests = new Bun.Glob('**/package.json').scan({ cwd: directory, dot: true });
    const packages = (await Array.fromAsync(manifests)).filter((path) => PACKAGE.test(path)).length;
    return { packages, bytes: await sizeOf(modules) };
  });
}

/** The packages of a virtual environment; Python itself and its installer are not counted, as Bun is not in ours. */
async function describeVenv(python: string): Promise<Installed> {
  const [packages = ''] = await Array.fromAsync(
    new Bun.Glob('lib/*/site-packages').scan({ cwd: dirname(dirname(python)), absolute: true, onlyFiles: false }),
  );
  const entries = (await readdir(packages)).filter((name) => !PYTHONS_OWN.test(name));
  let bytes = 0;
  for (const entry of entries) bytes += await sizeOf(join(packages, entry));
  return { packages: entries.filter((name) => name.endsWith('.dist-info')).length, bytes };
}

/** Apparent bytes of a file, or of all files of a folder. */
async function sizeOf(path: string): Promise<number> {
  const status = await lstat(path);
  if (!status.isDirectory()) return status.size;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  let bytes = 0;
  for (const { parentPath, name } of files) bytes += (await lstat(join(parentPath, name))).size;
  return bytes;
}
