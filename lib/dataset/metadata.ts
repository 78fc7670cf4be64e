import type { LabelRun, Run } from '../run.ts';
import { LEDGER } from './files.ts';
import { sha256File } from './hashes.ts';
import { keyId } from './ledger-key.ts';
import type { SplitFiles } from './parquet.ts';
import type { Fetched } from './tables.ts';

/** What a version knows of itself before its files are written. */
export interface Draft {
  version: string;
  createdAt: Date;
  message: string;
  fingerprint: string;
  previousVersion: string | undefined;
  splits: SplitFiles[];
}

/** The commit message, as the Python service wrote it. */
export function commitMessage(label: string, version: string): string {
  return `Dataset update (${label}) - ${version.slice(1)}`;
}

/**
 * dataset_metadata.json: the fields of the Python service (dataset_name … description), then ours.
 *
 * @param ledger local path of the new ledger
 */
export async function planMetadata(
  run: Run,
  { spec, report, target }: LabelRun,
  draft: Draft,
  snapshot: Fetched['snapshot'],
  ledger: string,
): Promise<Record<string, unknown>> {
  const { fetched, kept, split } = report;
  return {
    dataset_name: target.name,
    version_tag: draft.version,
    label_column: spec.name,
    created_at: draft.createdAt.toISOString(),
    commit_message: draft.message,
    num_samples: kept?.total ?? 0,
    splits: Object.fromEntries(split?.splits.map(({ name, rows }) => [name, rows]) ?? []),
    author: spec.card.author ?? null,
    description: spec.card.description ?? `Processed and versioned dataset for ${spec.name} classification.`,
    label2id: Object.fromEntries(spec.classes.map((name, id) => [name, id])),
    class_counts: Object.fromEntries(
      split?.splits.map((each) => [
        each.name,
        Object.fromEntries(spec.classes.map((name, id) => [name, each.classes[id] ?? 0])),
      ]) ?? [],
    ),
    columns: spec.columns,
    sources: {
      misclassified: { fetched: fetched?.misclassified ?? 0, kept: kept?.misclassified ?? 0, reviewed: true },
      correct: {
        asked: fetched?.asked ?? 0,
        fetched: fetched?.correct ?? 0,
        kept: kept?.correct ?? 0,
        reviewed: false,
      },
    },
    dropped: report.dropped ?? {},
    seed: spec.seed,
    spec: spec.template,
    fingerprint: draft.fingerprint,
    files: Object.fromEntries(
      draft.splits.flatMap(({ shards }) => shards.map(({ path, size, sha256 }) => [path, { size, sha256 }])),
    ),
    ledger: { file: LEDGER, sha256: await sha256File(ledger), key_id: keyId(run.world.env.LEDGER_KEY) },
    snapshot: { id: snapshot.id, taken_at: snapshot.takenAt.toISOString() },
    previous_version: draft.previousVersion ?? null,
    pipeline_version: run.version,
  };
}

export function formatMetadata(metadata: Record<string, unknown>): string {
  return `${JSON.stringify(metadata, null, 2)}\n`;
}
