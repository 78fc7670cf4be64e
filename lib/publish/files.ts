import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { LEDGER, METADATA, splitOfShard } from '../dataset/files.ts';
import { PipelineError, writeFault } from '../errors.ts';
import type { FileReport, PlanReport } from '../report/report.ts';

const CHUNK_BYTES = 1_000_000;
const SHOWN_FILES = 5; // in a message
const SHOWN_DIGITS = 12;

/** What lies where a file should: its size, and its hash where the size fits; or what is there instead. */
type Found = Pick<FileReport, 'size'> & Partial<Pick<FileReport, 'sha256'>>;

/** What is wrong with a file; undefined where it is the one that the plan names. */
export function fileProblem(wanted: FileReport, found: Found | string): string | undefined {
  if (typeof found === 'string') return `${wanted.path} ${found}`;
  if (found.size !== wanted.size) return `${wanted.path} has ${found.size} bytes, not ${wanted.size}`;
  if (found.sha256 === wanted.sha256) return undefined;
  const short = (hash = 'none') => hash.slice(0, SHOWN_DIGITS);
  return `${wanted.path} has sha256 ${short(found.sha256)}…, not ${short(wanted.sha256)}…`;
}

const Metadata = v.object({
  version_tag: v.string(),
  fingerprint: v.string(),
  files: v.record(v.string(), v.object({ sha256: v.string() })),
  ledger: v.object({ sha256: v.string() }),
});

/** Why a dataset_metadata.json is not the one of these files; undefined where it is. */
export function metadataProblem({ version, fingerprint, files }: PlanReport, text: string): string | undefined {
  const hashes = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  const shards = [...hashes.keys()].filter((path) => splitOfShard(path) !== undefined);
  try {
    const metadata = v.parse(Metadata, JSON.parse(text));
    if (metadata.version_tag !== version) return `${METADATA} is of version ${metadata.version_tag}, not ${version}`;
    if (metadata.fingerprint !== fingerprint) return `${METADATA} has another fingerprint`;
    const isOfFiles =
      metadata.ledger.sha256 === hashes.get(LEDGER) &&
      Object.keys(metadata.files).length === shards.length &&
      shards.every((path) => metadata.files[path]?.sha256 === hashes.get(path));
    return isOfFiles ? undefined : `${METADATA} is of other data files`;
  } catch {
    return `${METADATA} cannot be read`;
  }
}

/**
 * Hold each file of a plan against its size and hash. With `copies`, a private directory, each is copied there as it is hashed: what
 * ships is what was hashed, whatever happens to the directory meanwhile.
 *
 * @param root directory of the dry run
 * @returns path in the target → local file
 * @throws PipelineError PLAN_CHANGED with every file that differs; DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function verifyFiles(
  root: string,
  plan: PlanReport,
  copies: string | undefined,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const problems: string[] = [];
  for (const wanted of plan.files) {
    signal.throwIfAborted();
    const copy = copies && join(copies, wanted.path);
    const problem = fileProblem(wanted, await inspect(root, join(plan.directory, wanted.path), wanted.size, copy));
    if (problem !== undefined) problems.push(problem);
    files.set(wanted.path, copy ?? join(root, plan.directory, wanted.path));
  }
  const mismatch =
    problems.length > 0 ? undefined : metadataProblem(plan, await Bun.file(files.get(METADATA) ?? '').text());
  if (mismatch !== undefined) problems.push(mismatch);
  if (problems.length > 0) throw planChanged(plan.directory, problems);
  return files;
}

export function planChanged(what: string, problems: string[]): PipelineError {
  const more = problems.length > SHOWN_FILES ? `; ${problems.length - SHOWN_FILES} more` : '';
  return new PipelineError(
    'PLAN_CHANGED',
    `Cannot publish ${what}: it is not what the dry run made: ${problems.slice(0, SHOWN_FILES).join('; ')}${more}`,
    { fix: 'make the dry run again, and have it reviewed again' },
  );
}

/** Read a file that must lie where it seems to: no part of its path below the root is a link. */
async function inspect(
  root: string,
  path: string,
  wantedSize: number,
  copy: string | undefined,
): Promise<Found | string> {
  try {
    const file = join(await realpath(root), path);
    if ((await realpath(file)) !== file) return 'is a symbolic link, or lies behind one';
    await using source = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const status = await source.stat();
    if (!status.isFile()) return 'is no file';
    return status.size === wantedSize ? await hash(source, copy) : { size: status.size };
  } catch (thrown) {
    if (thrown instanceof PipelineError) throw thrown;
    const { code } = thrown as { code?: string };
    if (code === undefined) throw thrown;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'is gone' : `cannot be read (${code})`;
  }
}

/** Hash what is read, and write the same bytes to `copy`. */
async function hash(source: FileHandle, copy: string | undefined): Promise<Found> {
  const hasher = new Bun.CryptoHasher('sha256');
  await using sink = copy === undefined ? undefined : await create(copy);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let size = 0; ; ) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return { size, sha256: hasher.digest('hex') };
    size += bytesRead;
    hasher.update(buffer.subarray(0, bytesRead));
    for (let at = 0; sink && at < bytesRead; )
      at += (await sink.write(buffer, at, bytesRead - at).catch(refuseCopy)).bytesWritten;
  }
}

async function create(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(refuseCopy);
  return open(file, 'wx', 0o600).catch(refuseCopy);
}

function refuseCopy(cause: NodeJS.ErrnoException): never {
  throw writeFault(cause, 'copy the files to be published');
}
