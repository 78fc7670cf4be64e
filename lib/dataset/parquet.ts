import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Engine } from '../edges/duckdb.ts';
import type { FileReport } from '../report/report.ts';
import type { Run } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { identifier, literal, nameAt } from '../sql.ts';
import { LEDGER, shardPath } from './files.ts';
import { describeFile } from './hashes.ts';
import { type SplitSize, sortRows } from './sorted.ts';
import { type Assigned, type Ledger, ORIGINS } from './tables.ts';

const SHARD_BYTES = 500_000_000; // Arrow bytes, as push_to_hub
const ROW_GROUP_ROWS = 50_000; // rows; bounds what one change re-sends
const ROW_GROUP_BYTES = 32_000_000; // of texts; bounds the writer's memory

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
  const sizes = await readSizes(engine, spec, assigned);
  const sorting = `${directory}/sorting`;
  try {
    const sorted = await sortRows(engine, assigned, sizes, sorting);
    await engine.run('SET threads = 1'); // as fast for one file, and rows keep their order
    const written: SplitFiles[] = [];
    for (const [index, { name }] of spec.split.entries()) {
      const size = sizes[index] as SplitSize;
      written.push(await writeSplit(engine, spec, name, size, sorted[index] ?? [], directory, shardBytes));
    }
    return written;
  } finally {
    await engine.run('RESET threads');
    await rm(sorting, { recursive: true, force: true });
  }
}

async function writeSplit(
  engine: Engine,
  spec: LabelSpec,
  name: string,
  { rows, bytes }: SplitSize,
  sorted: string[],
  directory: string,
  shardBytes: number,
): Promise<SplitFiles> {
  const arrowBytes =
    bytes + 4 * (rows + 1) + 8 * rows + (spec.columns.source === undefined ? 0 : 4 * (rows + 1) + 12 * rows);
  const count = Math.floor(arrowBytes / shardBytes) + 1;
  const keys = { huggingface: JSON.stringify({ info: { features: featuresOf(spec) } }) };
  const shards: FileReport[] = [];
  for (let shard = 0; shard < count; shard++) {
    const path = shardPath(name, shard, count);
    const [first, next] = [Math.floor((rows * shard) / count), Math.floor((rows * (shard + 1)) / count)];
    const select = planShard(spec, sorted, first, next);
    await engine.run(planCopy(select, `${directory}/${path}`, keys, rowGroupOf(bytes / rows)));
    shards.push(await describeFile(directory, path));
  }
  return { split: name, rows, arrowBytes, shards };
}

async function readSizes(engine: Engine, spec: LabelSpec, { table, cleaned }: Assigned): Promise<SplitSize[]> {
  const sizes = await engine.rows<SplitSize & { split: number }>(
    `SELECT a.split, count(*) AS rows, sum(c.bytes)::BIGINT AS bytes FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row" GROUP BY a.split`,
  );
  return spec.split.map((_, index) => sizes.find(({ split }) => split === index) ?? { rows: 0, bytes: 0 });
}

/** Rows of a row group: halved until they fit, so that a small change of the mean leaves the groups where they are. */
function rowGroupOf(bytesPerRow: number): number {
  let rows = ROW_GROUP_ROWS;
  while (rows > 1 && rows * bytesPerRow > ROW_GROUP_BYTES) rows = Math.ceil(rows / 2);
  return rows;
}

/** The label is a nullable BIGINT: `datasets` makes a ClassLabel of no other type. */
function planShard(
  { columns: { text, label, source } }: LabelSpec,
  sorted: string[],
  first: number,
  next: number,
): string {
  const columns = [`text AS ${identifier(text)}`, `class::BIGINT AS ${identifier(label)}`];
  if (source !== undefined) columns.push(`${nameAt('origin', ORIGINS)} AS ${identifier(source)}`);
  const from =
    sorted.length > 0
      ? `read_parquet([${sorted.map(literal).join(', ')}]) WHERE position >= ${first} AND position < ${next}`
      : `(SELECT '' AS text, 0 AS class, 0 AS origin) WHERE false`;
  return `SELECT ${columns.join(', ')} FROM ${from}`;
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

function planCopy(select: string, file: string, keys: Record<string, string>, groupRows = ROW_GROUP_ROWS): string {
  const metadata = Object.entries(keys).map(([key, value]) => `${key}: ${literal(value)}`);
  const options = [
    'FORMAT parquet',
    'COMPRESSION zstd',
    `ROW_GROUP_SIZE ${groupRows}`,
    ...(metadata.length > 0 ? [`KV_METADATA {${metadata.join(', ')}}`] : []),
  ];
  return `COPY (${select}) TO ${literal(file)} (${options.join(', ')})`;
}
