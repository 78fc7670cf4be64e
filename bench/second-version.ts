import { cp, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { getChunks, hashToHex } from '@huggingface/xetchunk-wasm';
import { literal } from '../lib/sql.ts';
import { planChange } from './changes.ts';
import { addTransfers, type Chunk, planTransfer, type Transfer } from './chunks.ts';
import { LABELS, PYTHON_WORK_MEM, pythonEnvironment, runOurs, runPython } from './contenders.ts';
import type { Databases } from './databases.ts';
import { inScratch, measure, say } from './measure.ts';
import { benchPython } from './python.ts';
import { CHANGES, type Change, type TransferResult, WRITERS, type Writer } from './results.ts';

/** What a content-defined-chunking store would have to receive for a second version of both labels. */

/** Folders of one version: label → folder. */
type Version = Record<string, string>;

/** Of the database as it was, and after a change. */
type State = 'first' | Change;

export async function measureSecondVersions(databases: Databases, complaints: number): Promise<TransferResult[]> {
  const url = await databases.of(complaints);
  return await inScratch(async (directory) => {
    const first = await writeAll(url, directory, 'first');
    const results: TransferResult[] = [];
    for (const change of CHANGES) {
      const changed = await databases.copy(url, planChange(change, complaints));
      const second = await writeAll(changed, directory, change);
      await databases.dropCopy(changed);
      for (const writer of WRITERS) results.push(await compare(change, writer, first[writer], second[writer]));
    }
    return results;
  });
}

async function compare(change: Change, writer: Writer, first: Version, second: Version): Promise<TransferResult> {
  const data = await transferOf(first, second, isRows);
  say(`  ${change}, ${writer}: ${data.sent} of ${data.bytes} bytes`);
  return { change, writer, data, ...(writer === 'ours' ? { all: await transferOf(first, second, () => true) } : {}) };
}

const isRows = (path: string) => path.endsWith('.parquet') && basename(path) !== 'splits.parquet';

/** One version by each writer. Ours publishes upon a copy of the first version. */
async function writeAll(url: string, root: string, state: State): Promise<Record<Writer, Version>> {
  const ours = join(root, state, 'ours');
  await mkdir(ours, { recursive: true });
  if (state !== 'first') await cp(join(root, 'first', 'ours'), ours, { recursive: true, verbatimSymlinks: true });
  await runOurs(url, ours);
  const service = join(root, state, 'service');
  await mkdir(service, { recursive: true });
  await runPython(url, service, { workMem: PYTHON_WORK_MEM });
  const version = await foldersOf((label) => latestVersion(ours, label));
  return {
    ours: version,
    shuffled: await foldersOf((label) => shuffle(version[label] ?? '', join(root, state, 'shuffled', label), state)),
    official: await foldersOf((label) => writeOfficial(version[label] ?? '', join(root, state, 'official', label))),
    service: await foldersOf(async (label) => join(service, label)),
  };
}

async function foldersOf(folder: (label: string) => Promise<string>): Promise<Version> {
  const version: Version = {};
  for (const label of LABELS) version[label] = await folder(label);
  return version;
}

/** A directory target keeps each version in a folder of its own. */
async function latestVersion(directory: string, label: string): Promise<string> {
  const versions = (await readdir(join(directory, `.${label}`))).filter((name) => name.startsWith('v')).sort();
  return join(directory, `.${label}`, versions.at(-1) ?? '');
}

/** The same rows by the same writer, in an order that is another one for each version, as a fresh random split has it. */
async function shuffle(version: string, target: string, seed: string): Promise<string> {
  await mkdir(target, { recursive: true });
  const engine = await DuckDBInstance.create();
  const connection = await engine.connect();
  for (const file of await readdir(join(version, 'data'))) {
    const rows = `SELECT * FROM read_parquet(${literal(join(version, 'data', file))}, file_row_number = true)`;
    await connection.run(`COPY (
      SELECT * EXCLUDE file_row_number FROM (${rows}) ORDER BY md5(${literal(seed)} || file_row_number)
    ) TO ${literal(join(target, file))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)`);
  }
  connection.closeSync();
  engine.closeSync();
  return target;
}

/** The same rows in the same order by the official writer. */
async function writeOfficial(version: string, target: string): Promise<string> {
  await mkdir(target, { recursive: true });
  await measure({
    argv: [await benchPython(), join(import.meta.dir, 'to_parquet.py'), join(version, 'data'), target],
    cwd: target,
    env: await pythonEnvironment(target),
  });
  return target;
}

async function transferOf(first: Version, second: Version, wanted: (path: string) => boolean): Promise<Transfer> {
  const transfers: Transfer[] = [];
  for (const label of LABELS) {
    const [stored, files] = [await chunksOf(first[label], wanted), await chunksOf(second[label], wanted)];
    transfers.push(planTransfer(stored, files));
  }
  return addTransfers(transfers);
}

async function chunksOf(folder = '', wanted: (path: string) => boolean): Promise<Chunk[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const chunks: Chunk[] = [];
  for (const path of paths.filter(wanted)) {
    for (const { hash, length } of getChunks(await Bun.file(path).bytes()))
      chunks.push({ hash: hashToHex(hash), length });
  }
  return chunks;
}
