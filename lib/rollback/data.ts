import { join } from 'node:path';
import { isData, splitOfShard } from '../dataset/files.ts';
import { describeFile } from '../dataset/hashes.ts';
import type { VersionMetadata } from '../dataset/published.ts';
import type { Existing, Target } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import { fileProblem } from '../publish/files.ts';
import type { FileReport } from '../report/report.ts';

export interface DataSource {
  target: Target;
  /** The version's tag. */
  name: string;
  version: Existing;
  metadata: VersionMetadata | undefined;
  /** Has a folder `data`; the files go below it under the paths that they have in the target. */
  directory: string;
}

/** A data file as a version promises it; without a hash where the version does not say. */
export type Promised = Omit<FileReport, 'sha256'> & { sha256: string | undefined };

/**
 * Plan which files are the data of a version: those that its metadata names, or all shards of a version of the Python service, which
 * names none.
 *
 * @returns a problem where that cannot be told
 */
export function planData(
  { files }: Pick<Existing, 'files'>,
  metadata: Pick<VersionMetadata, 'files'> | undefined,
): Promised[] | { problem: string } {
  const named = metadata?.files && Object.entries(metadata.files);
  const promised = named
    ? named.map(([path, { size, sha256 }]) => ({ path, size, sha256 }))
    : files.filter(({ path }) => isData(path)).map(({ path, size }) => ({ path, size, sha256: undefined }));
  const foreign = promised.find(({ path }) => splitOfShard(path) === undefined); // also keeps each path below the directory
  if (foreign) return { problem: `${foreign.path} is not named as a data file is` };
  const gone = promised.find(({ path }) => !files.some((file) => file.path === path));
  if (gone) return { problem: `${gone.path} is gone` };
  return promised.length === 0 ? { problem: 'it names no data files' } : promised;
}

/**
 * Download the data files of a version and hold each against what the version promises.
 *
 * @throws PipelineError HEAD_UNREADABLE
 */
export async function fetchData({ target, name, version, metadata, directory }: DataSource): Promise<FileReport[]> {
  const refuse = (problem: string) =>
    new PipelineError('HEAD_UNREADABLE', `Cannot roll back to ${name} of ${target.name}: ${problem}`, {
      fix: 'name another version; this one is not what was published',
    });
  const promised = planData(version, metadata);
  if ('problem' in promised) throw refuse(promised.problem);
  const found: FileReport[] = [];
  for (const { path, size, sha256 } of promised) {
    await target.download(version.revision, path, join(directory, path));
    const file = await describeFile(directory, path);
    const problem = fileProblem({ path, size, sha256: sha256 ?? file.sha256 }, file);
    if (problem !== undefined) throw refuse(problem);
    found.push(file);
  }
  return found;
}
