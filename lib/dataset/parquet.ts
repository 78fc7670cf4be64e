import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Engine } from '../edges/duckdb.ts';
import type { FileReport } from '../report/report.ts';
import type { Run } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { identifier, literal, nameAt } from '../sql.ts';
import { LEDGER, shardPath } from './files.ts';
import { describeFile } from './hashes.ts';
import { type Assigned, type Ledger, ORIGINS } from './tables.ts';

const SHARD_BYTES = 500_000_000; // Arrow bytes, as push_to_hub
const ROW_GROUP_ROWS = 50_000; // rows; bounds the writer's memory and what one change re-sends

export interface SplitFiles {
  split: string;
  rows: number;
  /** Bytes of the split as Arrow, the `num_bytes` of a card. */
  arrowBytes: number;
  shards: FileReport[];
}

/** The data files of a version, below a directory of the spool. */
export interface Data {
  directory: string;
  splits: SplitFiles[];
}

/** Write the data files of a label once: the checks read them, and they are what is published. */
export async function writeData({ engine, spool }: Run, spec: LabelSpec, assigned: Assigned): Promise<Data> {
  if (assigned.data) return assigned.data;
  const directory = `${spool}/data-${spec.name}`;
  await rm(directory, { recursive: true, force: true }); // of a head that moved
  assigned.data = { directory, splits: await writeShards(engine, spec, assigned, directory) };
  return assigned.data;
}

/**
 * Write the shards of every split below `directory`. Same rows, same bytes, on any day and with any number of threads.
 *
 * @param shardBytes Arrow bytes per shard
 */
export async function writeShards(
  engine: Engine,
  spec: LabelSpec,
  assigned: Assigned,
  directory: string,
  shardBytes = SHARD_BYTES,
): Promise<SplitFiles[]> {
  await mkdir(`${directory}/data`, { recursive: true, mode: 0o700 });
  const sizes = await engine.rows<{ split: number; rows: number; bytes: number }>(planSizes(assigned));
  const written: SplitFiles[] = [];
  for (const [index, { name }] of spec.split.entries()) {
    const { rows = 0, bytes = 0 } = sizes.find(({ split }) => split === index) ?? {};
    const arrowBytes =
      bytes + 4 * (rows + 1) + 8 * rows + (spec.columns.source === undefined ? 0 : 4 * (rows + 1) + 12 * rows);
    const shards = Math.floor(arrowBytes / shardBytes) + 1;
    const files: FileReport[] = [];
    for (let shard = 0; shard < shards; shard++) {
      const path = shardPath(name, shard, shards);
      const [first, next] = [Math.floor((rows * shard) / shards), Math.floor((rows * (shard + 1)) / shards)];
      await engine.run(planShard(spec, assigned, index, first, next, `${directory}/${path}`));
      files.push(await describeFile(directory, path));
    }
    written.push({ split: name, rows, arrowBytes, shards: files });
  }
  return written;
}

function planSizes({ table, cleaned }: Assigned): string {
  return `SELECT a.split, count(*) AS rows, sum(c.bytes)::BIGINT AS bytes FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row" GROUP BY a.split`;
}

/** The label is a nullable BIGINT: `datasets` makes a ClassLabel of no other type. */
function planShard(
  spec: LabelSpec,
  { table, cleaned }: Assigned,
  split: number,
  first: number,
  next: number,
  file: string,
): string {
  const { text, label, source } = spec.columns;
  const columns = [`c.text AS ${identifier(text)}`, `a.class::BIGINT AS ${identifier(label)}`];
  if (source !== undefined) columns.push(`${nameAt('origin', ORIGINS)} AS ${identifier(source)}`);
  return planCopy(
    `SELECT ${columns.join(', ')} FROM ${table} a JOIN ${cleaned.texts} c ON c."row" = a."row"
WHERE a.split = ${split} AND a.position >= ${first} AND a.position < ${next} ORDER BY a.position`,
    file,
    { huggingface: JSON.stringify({ info: { features: featuresOf(spec) } }) },
  );
}

/** Features as the `huggingface` key of a Parquet file has them. */
export function featuresOf({ columns, classes }: Pick<LabelSpec, 'columns' | 'classes'>): Record<string, unknown> {
  const string = { dtype: 'string', _type: 'Value' };
  return {
    [columns.text]: string,
    [columns.label]: { names: classes, _type: 'ClassLabel' },
    ...(columns.source === undefined ? {} : { [columns.source]: string }),
  };
}

/**
 * Write the new ledger: all that was ever published. A published row replaces its old entry; entries with its text take its split, so that
 * what was merged stays merged, and it takes the version of its text's first entry.
 *
 * @param version the one that is written, for texts that no version had
 */
export async function writeLedger(
  engine: Engine,
  { classes, split }: LabelSpec,
  assigned: Assigned,
  published: Ledger,
  version: string,
  directory: string,
): Promise<string> {
  const splits = split.map((each) => each.name);
  const path = `${directory}/${LEDGER}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await engine.run(
    planCopy(
      `WITH origins AS (SELECT text_hash AS known, arg_min_null(version, ordinal) AS since FROM ${published.table} GROUP BY text_hash),
now AS (
  SELECT text_hash, key_hash, ${nameAt('class', classes)} AS class, ${nameAt('split', splits)} AS split, ordinal,
    CASE WHEN known IS NULL THEN ${literal(version)} ELSE since END AS version
  FROM ${assigned.table} LEFT JOIN origins ON known = text_hash
),
texts AS (SELECT text_hash, any_value(split) AS split FROM now GROUP BY text_hash)
SELECT * FROM (
  SELECT * FROM now
  UNION ALL
  SELECT l.text_hash, l.key_hash, l.class, coalesce(t.split, l.split), l.ordinal, l.version FROM ${published.table} l
  LEFT JOIN texts t ON t.text_hash = l.text_hash
  LEFT JOIN now n ON n.text_hash = l.text_hash AND n.key_hash = l.key_hash
  WHERE n.text_hash IS NULL AND (l.key_hash IS NOT NULL OR t.text_hash IS NULL)
) ORDER BY ordinal, key_hash NULLS FIRST, text_hash`,
      path,
      {},
    ),
  );
  return path;
}

function planCopy(select: string, file: string, keys: Record<string, string>): string {
  const metadata = Object.entries(keys).map(([key, value]) => `${key}: ${literal(value)}`);
  const options = [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`,
    ...(metadata.length > 0 ? [`KV_METADATA {${metadata.join(', ')}}`] : []),
  ];
  return `COPY (${select}) TO ${literal(file)} (${options.join(', ')})`;
}
