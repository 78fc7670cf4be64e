import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { planCard } from '../dataset/card.ts';
import { CARD, LEDGER, METADATA, splitOfShard } from '../dataset/files.ts';
import { fingerprintOf } from '../dataset/fingerprint.ts';
import { describeFile } from '../dataset/hashes.ts';
import { commitMessage, type Draft, formatMetadata, planMetadata } from '../dataset/metadata.ts';
import { writeLedger, writeShards } from '../dataset/parquet.ts';
import type { PublishedVersion } from '../dataset/published.ts';
import type { Assigned } from '../dataset/tables.ts';
import { nextVersion } from '../dataset/version.ts';
import type { Head, Published } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { LabelRun, Run } from '../run.ts';

const COMMIT_ATTEMPTS = 5;
const FIRST_WAIT_MS = 1000;

/** Publish one label's rows as a new version, unless the target holds the same already. A dry run only writes the files. */
export async function push(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  published: PublishedVersion,
): Promise<Outcome> {
  const { spec, target } = label;
  refuseClassChange(run, label, published);
  const directory = await clearDirectory(run, label);
  const fingerprint = await fingerprintOf(run.engine, spec, assigned);
  if (published.version !== undefined) label.report.previousVersion = published.version;
  const known = await target.versions();
  const landed =
    published.fingerprint === fingerprint &&
    published.version !== undefined &&
    label.sentVersions.includes(published.version);
  if (landed)
    return finish(run, label, {
      version: published.version ?? '',
      revision: revisionOf(published.head),
      url: target.name,
      fingerprint,
    });
  if (!run.options.dryRun) await tagUntagged(label, published, known);
  const same =
    published.fingerprint === fingerprint && published.intact && spec.push.when === 'changed' && !run.options.force;
  if (same) return { status: 'unchanged', version: published.version ?? '' };

  const createdAt = run.world.clock.now();
  const version = nextVersion(createdAt, [...known.keys(), ...(published.version ? [published.version] : [])]);
  const message = commitMessage(spec.name, version);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const splits = await writeShards(run.engine, spec, assigned, directory);
  const draft: Draft = { version, createdAt, message, fingerprint, previousVersion: published.version, splits };
  const files = await writeFiles(run, label, assigned, published, directory, draft);
  if (run.options.dryRun) return { status: 'planned', version, directory };

  const deletions = staleFiles(published.head, files);
  const commit = { version, message, files, deletions };
  const { revision, url } = await commitWithRetries(run, label, published.head, commit, fingerprint);
  return finish(run, label, { version, revision, url, fingerprint });
}

/** Published ids mean what they meant: a class list may only grow at its end. */
function refuseClassChange(run: Run, { spec, target }: LabelRun, { classes }: PublishedVersion): void {
  const kept = classes?.every((name, id) => spec.classes[id] === name) ?? true;
  if (kept || run.options.allowClassChange) return;
  const id = classes?.findIndex((name, index) => spec.classes[index] !== name) ?? 0;
  const found = spec.classes[id] === undefined ? 'nothing' : `"${spec.classes[id]}"`;
  throw new PipelineError(
    'CLASSES_CHANGED',
    `Cannot publish to ${target.name}: class ${id} was "${classes?.[id]}", and is ${found} now`,
    {
      fix: 'append new classes at the end; --allow-class-change if no trained model reads these ids',
    },
  );
}

/** A run that died between commit and tag left a version without its name. */
async function tagUntagged(
  { target }: LabelRun,
  { head, version }: PublishedVersion,
  known: Map<string, string>,
): Promise<void> {
  if (version !== undefined && head.state !== 'absent' && !known.has(version)) await target.tag(head.revision, version);
}

/** Where the files are written; what an earlier dry run left there is gone, also when nothing is written now. */
async function clearDirectory(run: Run, { spec }: LabelRun): Promise<string> {
  const { dryRun, out } = run.options;
  const parent = dryRun ? join(resolve(run.world.cwd, out), 'dry-run') : join(run.spool, 'files');
  const directory = join(parent, spec.name);
  await rm(directory, { recursive: true, force: true });
  return directory;
}

/** Write ledger, metadata and card beside the shards. Returns path in the target → local file. */
async function writeFiles(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  published: PublishedVersion,
  directory: string,
  draft: Draft,
): Promise<Map<string, string>> {
  const { spec, report, target } = label;
  const ledger = await writeLedger(run.engine, spec, assigned, published.ledger, directory);
  const { snapshot } = assigned.cleaned.fetched;
  const metadata = await planMetadata(run, label, draft, snapshot, ledger);
  await writeText(join(directory, METADATA), run.mask(formatMetadata(metadata)));
  const shards = draft.splits.flatMap((split) => split.shards);
  const downloadSize = shards.reduce((total, { size }) => total + size, 0);
  const previous = published.head.state === 'absent' ? undefined : published.head.card;
  await writeText(
    join(directory, CARD),
    run.mask(planCard({ spec, report, draft, downloadSize, targetName: target.name }, previous)),
  );
  report.files = [
    ...shards,
    ...(await Promise.all([CARD, METADATA, LEDGER].map((path) => describeFile(directory, path)))),
  ];
  return new Map(report.files.map(({ path }) => [path, join(directory, path)]));
}

async function writeText(file: string, text: string): Promise<void> {
  await Bun.write(file, text, { mode: 0o600 });
}

/** Shards of the head that the new version does not have: they would be loaded with it. Other files of the repo are not ours to delete. */
function staleFiles(head: Head, files: Map<string, string>): string[] {
  if (head.state === 'absent') return [];
  return head.files.map(({ path }) => path).filter((path) => splitOfShard(path) !== undefined && !files.has(path));
}

type Commit = Parameters<LabelRun['target']['commit']>[1];

/**
 * Send the commit. A locked branch: the same again. A lost answer: it may have landed, so the head decides. A head that moved goes up
 * to the caller, since the split depends on it.
 */
async function commitWithRetries(
  run: Run,
  label: LabelRun,
  parent: Head,
  commit: Commit,
  fingerprint: string,
): Promise<Published> {
  const { target, spec } = label;
  const onProgress = (path: string, share: number) =>
    run.events.emit({ type: 'upload.progress', label: spec.name, path, share });
  label.sentVersions.push(commit.version);
  for (let attempt = 1; ; attempt++) {
    try {
      return await target.commit(parent, commit, { private: spec.push.private, onProgress });
    } catch (thrown) {
      run.world.signal.throwIfAborted();
      if (!(thrown instanceof PipelineError) || !thrown.retryable || thrown.code === 'TARGET_MOVED') throw thrown;
      if (thrown.code === 'TARGET_ANSWER') {
        const head = await target.readHead();
        if (holds(head, fingerprint, commit.version)) return { revision: revisionOf(head), url: target.name };
        if (revisionOf(head) !== revisionOf(parent))
          throw new PipelineError('TARGET_MOVED', `${target.name} changed while the commit was sent`, {
            retryable: true,
            cause: thrown,
          });
      }
      if (attempt === COMMIT_ATTEMPTS) throw thrown;
      await run.world.clock.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1), run.world.signal);
    }
  }
}

function holds(head: Head, fingerprint: string, version: string): boolean {
  if (head.state === 'absent' || head.metadata === undefined) return false;
  return head.metadata.includes(fingerprint) && head.metadata.includes(`"${version}"`);
}

function revisionOf(head: Head): string {
  return head.state === 'absent' ? '' : head.revision;
}

interface Landed extends Published {
  version: string;
  fingerprint: string;
}

/** Tag the commit, then read back that the tag is there and holds what was made. */
async function finish(run: Run, label: LabelRun, { version, revision, url, fingerprint }: Landed): Promise<Outcome> {
  const { target } = label;
  await target.tag(revision, version);
  const file = join(run.spool, `verify-${label.spec.name}.json`);
  const tagged = (await target.versions()).get(version);
  await target.download(version, METADATA, file);
  if (tagged !== revision || !(await Bun.file(file).text()).includes(fingerprint)) {
    throw new PipelineError(
      'PUSH_UNVERIFIED',
      `Cannot confirm version ${version} of ${target.name}: the tag does not hold what was sent`,
      {
        fix: 'look at the repo’s history; the next run tags or publishes again',
      },
    );
  }
  return { status: 'success', version, revision, url };
}
