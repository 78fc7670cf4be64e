import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Head } from '../edges/target.ts';
import type { Outcome } from '../outcome.ts';
import { DRY_RUN, shownPath } from '../report/names.ts';
import type { FileReport } from '../report/report.ts';
import type { Job, LabelRun } from '../run.ts';
import { commitVersion, type Shipping, staleFiles } from './commit.ts';

/** A job that builds a version's files. */
export interface Building extends Job {
  readonly spool: string;
}

/** A version whose files are written. */
export interface Built {
  version: string;
  message: string;
  fingerprint: string;
  /** Where the files lie, below which they have their paths. */
  directory: string;
  files: FileReport[];
}

/** Where a label's files are built; what an earlier dry run left there is gone, also when nothing is written now. */
export async function clearDirectory({ options, world, spool }: Building, label: string): Promise<string> {
  const { dryRun, explain, out } = options;
  const parent = dryRun && explain === undefined ? join(resolve(world.cwd, out), DRY_RUN) : join(spool, 'files');
  const directory = join(parent, label);
  await rm(directory, { recursive: true, force: true });
  return directory;
}

export async function writeText(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 }); // Bun.write() ignores a mode
}

/** What publishing a label's version needs. */
export function shippingOf(job: Building, { spec, target, sent }: LabelRun): Shipping {
  return { run: job, target, label: spec.name, sent, private: spec.push.private };
}

/** Publish what was built on top of `head`; a dry run puts down what that would be. */
export async function ship(job: Building, label: LabelRun, head: Head, built: Built): Promise<Outcome> {
  const { version, message, fingerprint, directory, files } = built;
  const { spec, report } = label;
  const deletions = staleFiles(head, new Set(files.map(({ path }) => path)));
  report.files = files;
  if (job.options.dryRun) {
    report.plan = {
      head: head.state === 'absent' ? null : head.revision,
      createsRepo: head.state === 'absent',
      private: spec.push.private,
      version,
      message,
      fingerprint,
      directory: join(DRY_RUN, spec.name),
      files,
      deletions,
      restarts: spec.afterPush.restartSpaces,
      setVariable: spec.afterPush.setVariable,
    };
    return { status: 'planned', version, directory: shownPath(job.options.out, report.plan.directory) };
  }
  const change = {
    version,
    message,
    files: new Map(files.map(({ path }) => [path, join(directory, path)])),
    deletions,
  };
  const { revision, url } = await commitVersion(shippingOf(job, label), head, change, { version, fingerprint });
  return { status: 'success', version, revision, url };
}
