import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { planCard } from '../dataset/card.ts';
import { commitVersion, revisionOf, staleFiles, tagVersion } from '../dataset/commit.ts';
import { CARD, LEDGER, METADATA } from '../dataset/files.ts';
import { fingerprintOf } from '../dataset/fingerprint.ts';
import { describeFile } from '../dataset/hashes.ts';
import { commitMessage, type Draft, formatMetadata, planMetadata } from '../dataset/metadata.ts';
import { writeLedger, writeShards } from '../dataset/parquet.ts';
import { classesOf, type PublishedVersion } from '../dataset/published.ts';
import type { Assigned } from '../dataset/tables.ts';
import { nextVersion } from '../dataset/version.ts';
import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import { DRY_RUN, shownPath } from '../report/names.ts';
import type { LabelRun, Run } from '../run.ts';

/** Publish one label's rows as a new version, unless the target holds the same already. A dry run only writes the files, --explain not even those. */
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
  const shipping = { run, target, label: spec.name, sentVersions: label.sentVersions, private: spec.push.private };
  const landed =
    published.fingerprint === fingerprint &&
    published.version !== undefined &&
    label.sentVersions.includes(published.version);
  if (landed) {
    const identity = { version: published.version ?? '', fingerprint };
    const revision = revisionOf(published.head);
    await tagVersion(shipping, revision, identity);
    return { status: 'success', version: identity.version, revision, url: target.name };
  }
  if (!run.options.dryRun) await tagUntagged(label, published, known);
  const same =
    published.fingerprint === fingerprint && published.intact && spec.push.when === 'changed' && !run.options.force;
  if (same) return { status: 'unchanged', version: published.version ?? '' };

  const createdAt = run.world.clock.now();
  const version = nextVersion(createdAt, [...known.keys(), ...(published.version ? [published.version] : [])]);
  if (run.options.explain !== undefined) return { status: 'planned', version, directory: '' };
  const message = commitMessage(spec.name, version);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const splits = await writeShards(run.engine, spec, assigned, directory);
  const draft: Draft = { version, createdAt, message, fingerprint, previousVersion: published.version, splits };
  const files = await writeFiles(run, label, assigned, published, directory, draft);
  const deletions = staleFiles(published.head, new Set(files.keys()));
  const { head } = published;
  if (run.options.dryRun) {
    label.report.plan = {
      head: head.state === 'absent' ? null : head.revision,
      createsRepo: head.state === 'absent',
      private: spec.push.private,
      version,
      message,
      fingerprint,
      directory: join(DRY_RUN, spec.name),
      files: label.report.files ?? [],
      deletions,
      restarts: spec.afterPush.restartSpaces,
      setVariable: spec.afterPush.setVariable,
    };
    return { status: 'planned', version, directory: shownPath(run.options.out, label.report.plan.directory) };
  }
  const identity = { version, fingerprint };
  const { revision, url } = await commitVersion(shipping, head, { version, message, files, deletions }, identity);
  return { status: 'success', version, revision, url };
}

/** Published ids mean what they meant: a class list may only grow at its end. */
function refuseClassChange(run: Run, { spec, target }: LabelRun, { metadata }: PublishedVersion): void {
  const classes = classesOf(metadata);
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
  const { dryRun, explain, out } = run.options;
  const parent =
    dryRun && explain === undefined ? join(resolve(run.world.cwd, out), DRY_RUN) : join(run.spool, 'files');
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
  const ledger = await writeLedger(run.engine, spec, assigned, published.ledger, draft.version, directory);
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
  await writeFile(file, text, { mode: 0o600 }); // Bun.write() ignores a mode
}
