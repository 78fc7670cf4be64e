import { rm } from 'node:fs/promises';
import type { Engine } from '../edges/duckdb.ts';
import { literal } from '../sql.ts';
import type { Assigned } from './tables.ts';

const PIECE_BYTES = 16_000_000; // of texts; two pieces are sorted at once
const BUFFER_BYTES = 16_000_000; // of texts that a thread holds back while it scatters
const MOST_BUFFERED_ROWS = 524_288; // the engine's own default

/** What a split holds. */
export interface SplitSize {
  rows: number;
  /** Of the texts, as UTF-8. */
  bytes: number;
}

/**
 * Sort the rows of every split by position, however long their texts: the engine's own sort holds 122,880 rows a thread in memory, and fails
 * where their texts are more than memory_limit. One pass scatters the rows into pieces that follow each other, and each is sorted alone.
 *
 * @param sizes by split
 * @param directory to be made, private; the caller removes it
 * @returns for each split its Parquet files of (position, class, origin, text), in order
 */
export async function sortRows(
  engine: Engine,
  assigned: Assigned,
  sizes: SplitSize[],
  directory: string,
): Promise<string[][]> {
  const counts = sizes.map(({ rows, bytes }) => Math.min(rows, Math.ceil(bytes / PIECE_BYTES))); // no piece is empty
  const starts = counts.map((_, split) => sum(counts.slice(0, split)));
  if (sum(counts) === 0) return sizes.map(() => []);
  const bytesPerRow = Math.max(1, sum(sizes.map(({ bytes }) => bytes)) / sum(sizes.map(({ rows }) => rows)));
  const buffered = Math.min(MOST_BUFFERED_ROWS, Math.ceil(BUFFER_BYTES / bytesPerRow));
  await engine.run(`SET partitioned_write_flush_threshold = ${buffered}`);
  await engine.run(planScatter(assigned, sizes, counts, starts, directory));
  const pieces = Array.from({ length: sum(counts) }, (_, piece) => `${directory}/sorted-${piece}.parquet`);
  await engine.runEach(pieces.map((sorted, piece) => planSort(scatteredPath(directory, piece), sorted)));
  await Promise.all(pieces.map((_, piece) => rm(scatteredPath(directory, piece), { recursive: true })));
  return counts.map((count, split) => pieces.slice(starts[split], (starts[split] ?? 0) + count));
}

function scatteredPath(directory: string, piece: number): string {
  return `${directory}/piece=${piece}`;
}

const PLAIN = 'FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1'; // written once, read once

function planScatter(
  { table, cleaned }: Assigned,
  sizes: SplitSize[],
  counts: number[],
  starts: number[],
  directory: string,
): string {
  const pieces = sizes.flatMap(({ rows }, split) =>
    rows === 0 ? [] : [`WHEN ${split} THEN ${starts[split]} + a.position * ${counts[split]} // ${rows}`],
  );
  return `COPY (
  SELECT CASE a.split ${pieces.join(' ')} END AS piece, a.position, a.class, t.origin, t.text
  FROM ${table} a JOIN ${cleaned.texts} t ON t."row" = a."row"
) TO ${literal(directory)} (${PLAIN}, PARTITION_BY (piece))`;
}

function planSort(scattered: string, file: string): string {
  return `COPY (SELECT * FROM read_parquet(${literal(`${scattered}/*.parquet`)}, hive_partitioning=false) ORDER BY position)
TO ${literal(file)} (${PLAIN})`;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
