import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { planCard } from '../dataset/card.ts';
import { isOurs, revisionOf, tagUntagged, tagVersion } from '../dataset/commit.ts';
import { CARD, LEDGER, METADATA } from '../dataset/files.ts';
import { fingerprintOf } from '../dataset/fingerprint.ts';
import { describeFile } from '../dataset/hashes.ts';
import { commitMessage, type Draft, formatMetadata, planMetadata } from '../dataset/metadata.ts';
import { writeData, writeLedger } from '../dataset/parquet.ts';
import { classesOf, type PublishedVersion } from '../dataset/published.ts';
import { clearDirectory, ship, shippingOf, writeText } from '../dataset/ship.ts';
import type { Assigned } from '../dataset/tables.ts';
import { nextVersion } from '../dataset/version.ts';
import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { FileReport } from '../report/report.ts';
import { type LabelRun, type Run, warn } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';

/** Publish one label's rows as a new version, unless the target holds the same already. A dry run only writes the files, --explain not even those. */
export async function push(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  published: PublishedVersion,
): Promise<Outcome> {
  const { spec, target, report } = label;
  const { head, version: current } = published;
  const { dryRun, force, resplit, explain } = run.options;
  const directory = await clearDirectory(run, spec.name);
  const known = await target.versions();
  const held = planHeld(run, published);
  if (!held) refuseClassChange(run, label, published);
  if (current !== undefined) report.previousVersion = current;
  const fingerprint = await fingerprintOf(run.engine, spec, assigned);
  if (published.fingerprint === fingerprint && current !== undefined && isOurs(head, label)) {
    const revision = revisionOf(head); // of this run, which lost the answer
    await tagVersion(shippingOf(run, label), revision, { version: current, fingerprint });
    return { status: 'success', version: current, revision, url: target.name };
  }
  if (!dryRun) await tagUntagged(target, head, current, known);
  if (held) return held;
  const same = published.fingerprint === fingerprint && published.intact && spec.push.when === 'changed' && !force;
  if (same) return { status: 'unchanged', version: current ?? '' };
  if (!force && !resplit && isOutdated(published, spec, assigned)) {
    warn(run, 'another run read the database later and published first: these rows are not published', spec.name);
    return { status: 'unchanged', version: current ?? '' };
  }

  const createdAt = run.world.clock.now();
  const version = nextVersion(createdAt, [...known.keys(), ...(current ? [current] : [])]);
  if (explain !== undefined) return { status: 'planned', version, directory: '' };
  const message = commitMessage(spec.name, version);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { splits, ...data } = await writeData(run, spec, assigned);
  await rename(join(data.directory, 'data'), join(directory, 'data'));
  const draft: Draft = { version, createdAt, message, fingerprint, previousVersion: current, splits };
  const files = await writeFiles(run, label, assigned, published, directory, draft);
  return await ship(run, label, head, { version, message, fingerprint, directory, files });
}

/** A person rolled back: nothing that a run is told overrides that. */
function planHeld({ mask }: Run, { version = '', metadata }: PublishedVersion): Outcome | undefined {
  if (!metadata?.hold) return undefined;
  const { since, reason } = metadata.hold;
  return { status: 'held', version, since, reason: mask(reason) };
}

const MEANWHILE_MS = 86_400_000; // a day; rows that seem to be read later by more were read by a clock that was set since

/** Whether the head has rows of the same spec that were read later than ours: by a run that was faster, and must not be undone. */
function isOutdated({ metadata }: PublishedVersion, { template }: LabelSpec, { cleaned }: Assigned): boolean {
  if (!metadata?.snapshot || JSON.stringify(metadata.spec) !== JSON.stringify(template)) return false;
  const later = Date.parse(metadata.snapshot.taken_at) - cleaned.fetched.snapshot.takenAt.getTime();
  return later > 0 && later < MEANWHILE_MS;
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

/** Write ledger, metadata and card beside the shards; returns all files of the version. */
async function writeFiles(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  published: PublishedVersion,
  directory: string,
  draft: Draft,
): Promise<FileReport[]> {
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
  return [...shards, ...(await Promise.all([CARD, METADATA, LEDGER].map((path) => describeFile(directory, path))))];
}
