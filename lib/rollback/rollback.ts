import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isOurs, revisionOf, tagUntagged, tagVersion } from '../dataset/commit.ts';
import { CARD, LEDGER, METADATA } from '../dataset/files.ts';
import { describeFile } from '../dataset/hashes.ts';
import { formatMetadata } from '../dataset/metadata.ts';
import { fetchLedger, isIntact, ledgerUnreadable, parseMetadata, type VersionMetadata } from '../dataset/published.ts';
import { type Building, clearDirectory, ship, shippingOf, writeText } from '../dataset/ship.ts';
import { nextVersion, requireVersion } from '../dataset/version.ts';
import { onHead } from '../dataset/with-head.ts';
import type { Existing } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { FileReport } from '../report/report.ts';
import type { LabelRun } from '../run.ts';
import { planRollbackCard } from './card.ts';
import { fetchData } from './data.ts';
import { fingerprintOf, planRollbackMetadata, type Rollback, rollbackMessage } from './metadata.ts';

/** What a person asks for. */
export interface Wish {
  /** The version to go back to. */
  tag: string;
  /** Without secrets. */
  reason: string;
}

/** A version, and what it says of itself. */
interface Stored {
  files: Existing;
  metadata: VersionMetadata | undefined;
}

/**
 * Publish the data files of an earlier version again, as a new version that is held. The ledger stays the head's, the newest: no text ever
 * changes its split.
 *
 * @throws PipelineError VERSION_UNKNOWN, ROLLBACK_SAME; HEAD_UNREADABLE, LEDGER_UNREADABLE; as commitVersion()
 */
export function rollBack(job: Building, label: LabelRun, wish: Wish): Promise<Outcome> {
  return onHead(job, label, () => rollBackFrom(job, label, wish));
}

async function rollBackFrom(job: Building, label: LabelRun, { tag, reason }: Wish): Promise<Outcome> {
  const { spec, target, report } = label;
  const directory = await clearDirectory(job, spec.name);
  const to = await readVersion(label, tag);
  const from = await readHead(label);
  const current = from.metadata?.version_tag;
  const known = await target.versions();
  if (current !== undefined) report.previousVersion = current;
  if (from.metadata?.hold?.version === tag && isIntact(from.files, from.metadata))
    return await keep(job, label, from, known);
  refuseSame(label, tag, from, to);
  if (!job.options.dryRun) await tagUntagged(target, from.files, current, known);

  const createdAt = job.world.clock.now();
  const version = nextVersion(createdAt, [...known.keys(), ...(current ? [current] : [])]);
  const message = rollbackMessage(spec.name, version, tag);
  await mkdir(join(directory, 'data'), { recursive: true, mode: 0o700 });
  const shards = await fetchData({ target, name: tag, version: to.files, metadata: to.metadata, directory });
  const fingerprint = fingerprintOf(to.metadata, shards);
  const rollback: Rollback = {
    tag,
    reason,
    version,
    createdAt,
    message,
    previousVersion: current,
    shards,
    fingerprint,
  };
  const files = await writeFiles(job, label, { from, to }, rollback, directory);
  return await ship(job, label, from.files, { version, message, fingerprint, directory, files });
}

async function readVersion(label: LabelRun, tag: string): Promise<Stored> {
  await requireVersion(label, tag, '--rollback');
  const files = await label.target.readVersion(tag);
  if (files.state !== 'published') throw withoutData(label, tag);
  return { files, metadata: parseMetadata(label, files.metadata) };
}

async function readHead(label: LabelRun): Promise<Stored> {
  const files = await label.target.readHead();
  if (files.state !== 'published') throw withoutData(label, 'its head');
  return { files, metadata: parseMetadata(label, files.metadata) };
}

function withoutData({ target }: LabelRun, what: string): PipelineError {
  return new PipelineError('HEAD_UNREADABLE', `Cannot roll back ${target.name}: ${what} holds no data files`, {
    fix: 'name a version that has data; a head without data is published anew by a run',
  });
}

/** It is held there already: by an earlier attempt, or by this one, which lost the answer. An earlier one may have left it without its tag. */
async function keep(
  job: Building,
  label: LabelRun,
  { files, metadata }: Stored,
  known: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const { target } = label;
  const version = metadata?.version_tag ?? '';
  if (isOurs(files, label)) {
    const revision = revisionOf(files);
    await tagVersion(shippingOf(job, label), revision, { version, fingerprint: metadata?.fingerprint ?? '' });
    return { status: 'success', version, revision, url: target.name };
  }
  if (!job.options.dryRun) await tagUntagged(target, files, version, known);
  return { status: 'unchanged', version };
}

function refuseSame({ target }: LabelRun, tag: string, from: Stored, to: Stored): void {
  if (from.metadata?.version_tag !== tag && from.files.revision !== to.files.revision) return;
  throw new PipelineError('ROLLBACK_SAME', `Cannot roll back ${target.name} to ${tag}: that is what it holds`, {
    fix: 'name an earlier version',
  });
}

/** Write ledger, metadata and card beside the shards; returns all files of the version. */
async function writeFiles(
  job: Building,
  label: LabelRun,
  { from, to }: Record<'from' | 'to', Stored>,
  rollback: Rollback,
  directory: string,
): Promise<FileReport[]> {
  if (!from.metadata?.ledger)
    throw ledgerUnreadable(label, 'there is none, so nothing says where the texts of later versions stood');
  await rename(await fetchLedger(job, label, from.files, from.metadata.ledger), join(directory, LEDGER));
  const { target, report } = label;
  const facts = { targetName: target.name, label: report.label, program: job.version };
  const metadata = planRollbackMetadata(facts, rollback, { from: from.files.metadata, to: to.files.metadata });
  await writeText(join(directory, METADATA), job.mask(formatMetadata(metadata)));
  const card = planRollbackCard(label, rollback, { from: from.files.card, to: to.files.card });
  await writeText(join(directory, CARD), job.mask(card));
  const described = await Promise.all([CARD, METADATA, LEDGER].map((path) => describeFile(directory, path)));
  return [...rollback.shards, ...described];
}
