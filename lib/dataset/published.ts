import { mkdir } from 'node:fs/promises';
import * as v from 'valibot';
import type { Existing, Head } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import { type JobLabel, type LabelRun, type Run, warn } from '../run.ts';
import { identifier, literal } from '../sql.ts';
import { isData, LEDGER, METADATA, splitOfShard } from './files.ts';
import { sha256File } from './hashes.ts';
import { keyId } from './ledger-key.ts';
import { type Ledger, planHash, planTextHash, tableOf } from './tables.ts';

/** The version that a target holds, read and verified. */
export interface PublishedVersion {
  head: Head;
  ledger: Ledger;
  /** Undefined on a first version, or after the Python service. */
  version: string | undefined;
  fingerprint: string | undefined;
  /** Whether the data files that the metadata names are all there, in their sizes. */
  intact: boolean;
  /** What the version says of itself; undefined on a first version. */
  metadata: VersionMetadata | undefined;
}

/** Class names by id; undefined where the version does not say. */
export function classesOf(metadata: VersionMetadata | undefined): string[] | undefined {
  return (
    metadata?.label2id &&
    Object.entries(metadata.label2id)
      .sort(([, a], [, b]) => a - b)
      .map(([name]) => name)
  );
}

/** A field that a report may miss: another program's file may have another shape there. */
const informative = <const S extends v.GenericSchema>(schema: S) => v.fallback(v.optional(schema), undefined);

/** As v.record(), which leaves out `__proto__`, `constructor` and `prototype` without a word: a class may be named so. */
const byName = <const S extends v.GenericSchema>(value: S) =>
  v.pipe(
    v.custom<object>((input) => typeof input === 'object' && input !== null && !Array.isArray(input)),
    v.transform((input): [string, unknown][] => Object.entries(input)),
    v.array(v.tuple([v.string(), value])),
    v.transform((entries): Record<string, v.InferOutput<S>> => Object.fromEntries(entries)),
  );

/** The fields of dataset_metadata.json that the next run depends on. A file of the Python service has version_tag and counts only. */
const Metadata = v.object({
  version_tag: v.optional(v.string()),
  num_samples: informative(v.number()),
  splits: informative(v.record(v.string(), v.number())),
  fingerprint: v.optional(v.string()),
  label2id: v.optional(byName(v.number())),
  class_counts: informative(v.record(v.string(), byName(v.number()))),
  columns: informative(v.object({ text: v.string(), label: v.string() })),
  sources: informative(v.record(v.string(), v.object({ fetched: v.number() }))),
  dropped: informative(v.record(v.string(), v.number())),
  spec: informative(v.record(v.string(), v.unknown())),
  snapshot: informative(v.object({ taken_at: v.string() })),
  /** Set by --rollback. Not `informative`: a hold that cannot be read must not be taken for none. */
  hold: v.optional(v.object({ since: v.string(), reason: v.string(), version: v.string() })),
  ledger: v.optional(v.object({ sha256: v.string(), key_id: v.nullable(v.string()) })),
  files: v.optional(v.record(v.string(), v.object({ size: v.number(), sha256: v.optional(v.string()) }))),
});

/**
 * Read the head and its ledger. First version = the target did not exist or has no data. Data without a ledger is the Python service's
 * last version: the ledger is rebuilt from its texts. Anything else that cannot be read is an error, never a fresh split.
 */
export async function readPublished(run: Run, label: LabelRun): Promise<PublishedVersion> {
  const head = await label.target.readHead();
  const ledger: Ledger = { table: tableOf('ledger', label.spec.name) };
  await createLedger(run, ledger);
  if (head.state === 'absent')
    return { head, ledger, version: undefined, fingerprint: undefined, intact: false, metadata: undefined };
  const metadata = parseMetadata(label, head.metadata);
  if (run.options.resplit)
    warn(run, 'the published split is forgotten: rows move between train and test', label.spec.name);
  else await readLedger(run, label, head, metadata, ledger);
  return {
    head,
    ledger,
    version: metadata?.version_tag,
    fingerprint: metadata?.fingerprint,
    intact: isIntact(head, metadata),
    metadata,
  };
}

/** Whether the data files that a version's metadata names are all there, in their sizes. */
export function isIntact({ files }: Existing, metadata: VersionMetadata | undefined): boolean {
  return Object.entries(metadata?.files ?? {}).every(([path, { size }]) =>
    files.some((file) => file.path === path && file.size === size),
  );
}

export async function createLedger(run: Run, { table }: Ledger): Promise<void> {
  await run.engine.run(
    `CREATE OR REPLACE TABLE ${table} (text_hash UBIGINT, key_hash UBIGINT, class VARCHAR, split VARCHAR, ordinal BIGINT, version VARCHAR)`,
  );
}

/**
 * Fill a new ledger table from a version.
 *
 * @throws PipelineError LEDGER_KEY, LEDGER_UNREADABLE
 */
export async function readLedger(
  run: Run,
  label: LabelRun,
  head: Existing,
  metadata: VersionMetadata | undefined,
  ledger: Ledger,
): Promise<void> {
  if (metadata?.ledger) await loadLedger(run, label, head, ledger, metadata.ledger);
  else if (head.files.some(({ path }) => path === LEDGER))
    throw ledgerUnreadable(label, `${LEDGER} is there, but ${METADATA} does not name it`);
  else if (head.state === 'published') await rebuildLedger(run, label, head, ledger, metadata?.version_tag);
  else if ((metadata?.num_samples ?? 0) > 0)
    throw ledgerUnreadable(label, `there is none, and the data files that ${METADATA} counts are gone`);
}

export function parseMetadata(label: JobLabel, text: string | undefined): VersionMetadata | undefined {
  if (text === undefined) return undefined;
  try {
    return v.parse(Metadata, JSON.parse(text));
  } catch (cause) {
    throw new PipelineError('HEAD_UNREADABLE', `Cannot read ${METADATA} of ${label.target.name}`, {
      fix: `restore the file from the last version’s tag`,
      cause,
    });
  }
}

export type VersionMetadata = v.InferOutput<typeof Metadata>;

async function loadLedger(
  run: Run,
  label: LabelRun,
  head: Existing,
  ledger: Ledger,
  expected: { sha256: string; key_id: string | null },
): Promise<void> {
  if (expected.key_id !== keyId(run.world.env.LEDGER_KEY)) {
    const fix =
      expected.key_id === null ? 'unset LEDGER_KEY' : 'set LEDGER_KEY to the key that the last version was made with';
    throw new PipelineError(
      'LEDGER_KEY',
      `Cannot read the ledger of ${label.target.name}: LEDGER_KEY is not the one that it was written with`,
      {
        fix: `${fix}; --resplit starts a new split without the old ledger`,
      },
    );
  }
  const file = await fetchLedger(run, label, head, expected);
  const columns =
    'text_hash::UBIGINT, key_hash::UBIGINT, class::VARCHAR, split::VARCHAR, ordinal::BIGINT, version::VARCHAR';
  // The first ledgers had no versions; a lack of any other column is an error.
  const stored = `FROM read_parquet(${literal(file)}) UNION ALL BY NAME SELECT NULL::VARCHAR AS version WHERE false`;
  await run.engine.run(`INSERT INTO ${ledger.table} SELECT ${columns} FROM (${stored})`).catch((cause) => {
    throw ledgerUnreadable(label, 'it is no ledger', cause);
  });
}

/**
 * Download the ledger of a version into the spool; returns its path.
 *
 * @throws PipelineError LEDGER_UNREADABLE where it is not the one that the metadata names
 */
export async function fetchLedger(
  run: Pick<Run, 'spool'>,
  label: JobLabel,
  head: Existing,
  { sha256 }: { sha256: string },
): Promise<string> {
  if (!head.files.some(({ path }) => path === LEDGER)) throw ledgerUnreadable(label, 'it is gone');
  const file = await fetchFile(run, label, head, LEDGER);
  if ((await sha256File(file)) !== sha256) throw ledgerUnreadable(label, `its sha256 is not the one in ${METADATA}`);
  return file;
}

/** The Python service left shards, and no keys: its texts keep their splits. Duplicates in several splits are merged by the split step. */
async function rebuildLedger(
  run: Run,
  label: LabelRun,
  head: Existing,
  ledger: Ledger,
  version: string | undefined,
): Promise<void> {
  for (const { path } of head.files.filter((file) => isData(file.path))) {
    const split = splitOfShard(path);
    if (!split)
      throw ledgerUnreadable(label, `there is none, and ${path} is not a shard that one could be rebuilt from`);
    const file = await fetchFile(run, label, head, path);
    await run.engine
      .run(
        `INSERT INTO ${ledger.table}
SELECT ${planTextHash(planHash('text'))}, NULL, NULL, ${literal(split)}, (SELECT count(*) FROM ${ledger.table}) + file_row_number, ${version === undefined ? 'NULL' : literal(version)}
FROM (SELECT ${identifier(label.spec.columns.text)} AS text, file_row_number FROM read_parquet(${literal(file)}, file_row_number=true)) WHERE text IS NOT NULL`,
        { salt: run.salt },
      )
      .catch((cause) => {
        throw ledgerUnreadable(
          label,
          `there is none, and ${path} has no text column "${label.spec.columns.text}"`,
          cause,
        );
      });
  }
}

/** Download a file of a version into the spool; returns its path. */
export async function fetchFile(
  run: Pick<Run, 'spool'>,
  label: JobLabel,
  head: Existing,
  path: string,
): Promise<string> {
  const folder = `${run.spool}/${label.report.label}-${head.revision}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = `${folder}/${path.replaceAll('/', '_')}`;
  await label.target.download(head.revision, path, file);
  return file;
}

export function ledgerUnreadable(label: JobLabel, why: string, cause?: unknown): PipelineError {
  return new PipelineError('LEDGER_UNREADABLE', `Cannot use the ledger ${LEDGER} of ${label.target.name}: ${why}`, {
    fix: 'restore it from the last version’s tag; a new split would move rows between train and test',
    cause,
  });
}
