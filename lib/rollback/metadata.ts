import type { VersionMetadata } from '../dataset/published.ts';
import type { FileReport } from '../report/report.ts';

/** A version that a rollback makes. */
export interface Rollback {
  /** The version whose data files it has. */
  tag: string;
  reason: string;
  version: string;
  createdAt: Date;
  message: string;
  previousVersion: string | undefined;
  shards: FileReport[];
  fingerprint: string;
}

export function rollbackMessage(label: string, version: string, tag: string): string {
  return `Dataset rollback (${label}) to ${tag} - ${version.slice(1)}`;
}

/**
 * What a version's rows say. A run compares it with its own, so the next one after the hold finds a difference. Where the version says
 * nothing, as those of the Python service, its files stand for the rows.
 *
 * @returns 64 hex digits
 */
export function fingerprintOf(
  metadata: Pick<VersionMetadata, 'fingerprint'> | undefined,
  shards: readonly FileReport[],
): string {
  if (metadata?.fingerprint && /^[0-9a-f]{64}$/.test(metadata.fingerprint)) return metadata.fingerprint;
  const files = shards.map(({ path, sha256 }) => [path, sha256]).sort();
  return new Bun.CryptoHasher('sha256').update(JSON.stringify(files)).digest('hex');
}

/** What metadata says that no version says of itself. */
export interface Facts {
  targetName: string;
  label: string;
  /** The program's version. */
  program: string;
}

/**
 * dataset_metadata.json of a rollback: what the version says that it goes back to, with the head's ledger and the hold. What that version
 * does not say stays unsaid.
 *
 * @param texts of the head's metadata, and of that version's
 */
export function planRollbackMetadata(
  { targetName, label, program }: Facts,
  { tag, reason, version, createdAt, message, previousVersion, shards, fingerprint }: Rollback,
  texts: Record<'from' | 'to', string | undefined>,
): Record<string, unknown> {
  return {
    dataset_name: targetName,
    label_column: label,
    ...parse(texts.to),
    version_tag: version,
    created_at: createdAt.toISOString(),
    commit_message: message,
    fingerprint,
    files: Object.fromEntries(shards.map(({ path, size, sha256 }) => [path, { size, sha256 }])),
    ledger: parse(texts.from).ledger,
    previous_version: previousVersion ?? null,
    pipeline_version: program,
    rolled_back_to: tag,
    hold: { since: createdAt.toISOString(), reason, version: tag },
  };
}

/** The same without the hold; that it was rolled back stays true. */
export function planUnheldMetadata(text: string): Record<string, unknown> {
  const { hold: _, ...rest } = parse(text);
  return rest;
}

/** @param text has been read by parseMetadata() already */
function parse(text: string | undefined): Record<string, unknown> {
  return text === undefined ? {} : JSON.parse(text);
}
