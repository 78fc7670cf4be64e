import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { identifier, literal } from '../sql.ts';

/** Columns of the one table, `dataset`; all of them are text. */
export const DATASET_COLUMNS = ['key', 'text', 'label', 'split', 'source'] as const;

const SHOWN_CHARACTERS = 600; // of a value; who shows it masks it first and cuts it then
const INTERRUPT_AGAIN_MS = 50; // an interruption that comes before the statement has begun is lost

/** The rows of a version as files: what is published, and beside it, row by row, what is not. */
export interface SandboxDataset {
  /** Parquet files in their order. */
  shards: string[];
  /** The column of `shards` that has the texts. */
  text: string;
  /** A Parquet file with the other columns of the table. */
  rows: string;
}

/** Why a query cannot run. `words` are DuckDB's own, where it said them before it could have read a row: later ones quote values. */
export interface SandboxProblem {
  kind: string;
  words?: string;
}

export interface SandboxRows {
  columns: string[];
  /** Values as text, cut; null is NULL. */
  rows: (string | null)[][];
}

/**
 * An engine of its own for queries that the spec brings. It has one table, `dataset`; no file, no network, no extension and no other
 * table can be reached, and its configuration is locked. A signal that aborts interrupts what runs.
 */
export interface Sandbox extends AsyncDisposable {
  /** The syntax tree of a query, as json_serialize_sql() of DuckDB has it. Nothing is looked up. */
  parse(sql: string, signal: AbortSignal): Promise<unknown>;
  /** Look up all names of a query without reading a row; undefined: it can run. */
  prepare(sql: string, signal: AbortSignal): Promise<SandboxProblem | undefined>;
  /** The first rows of a query. */
  rows(sql: string, limit: number, signal: AbortSignal): Promise<SandboxRows | SandboxProblem>;
}

/** Options of every DuckDB instance of the program. */
export function engineOptions(memoryLimitMb: number, spill: string): Record<string, string> {
  return {
    memory_limit: `${memoryLimitMb}MB`,
    temp_directory: spill,
    checkpoint_threshold: '1TB', // a checkpoint of a database in memory only compresses its tables
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Give freed memory back at once: kept for later, it stands beside memory_limit and doubles the process.
    allocator_background_threads: 'true',
    allocator_flush_threshold: '1MB',
    allocator_bulk_deallocation_flush_threshold: '1MB',
  };
}

/**
 * @param dataset an empty table without it
 * @param spill private directory for what does not fit into memory; it need not exist
 */
export async function openSandbox(
  dataset: SandboxDataset | undefined,
  memoryLimitMb: number,
  spill: string,
): Promise<Sandbox> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...engineOptions(memoryLimitMb, spill),
    threads: '1', // rows come in the same order each time, and joins of long texts need half the memory
  });
  const connection = await instance.connect();
  const close = () => {
    connection.disconnectSync();
    instance.closeSync();
  };
  try {
    for (const statement of planSandbox(dataset)) await connection.run(statement);
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    parse: async (sql, signal) => {
      const parsed = await bounded(connection, signal, () => parse(connection, sql));
      return 'kind' in parsed ? { error: true, error_type: parsed.kind } : parsed.tree;
    },
    prepare: async (sql, signal) => {
      const found = await bounded(connection, signal, async () => {
        (await connection.prepare(planRows(sql, 1))).destroySync();
        return {};
      });
      return 'kind' in found ? found : undefined;
    },
    rows: (sql, limit, signal) => bounded(connection, signal, () => readRows(connection, sql, limit)),
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}

/** The table first, then the locks: allowed_paths are the files that a view over them may still read. */
export function planSandbox(dataset: SandboxDataset | undefined): string[] {
  return [
    ...(dataset
      ? planView(dataset)
      : [`CREATE TABLE dataset (${DATASET_COLUMNS.map((name) => `${name} VARCHAR`).join(', ')})`]),
    'SET enable_external_access = false',
    'SET lock_configuration = true',
  ];
}

function planView({ shards, text, rows }: SandboxDataset): string[] {
  const list = (files: string[]) => `[${files.map(literal).join(', ')}]`;
  const columns = DATASET_COLUMNS.map((name) => `${name}::VARCHAR AS ${name}`);
  const beside = DATASET_COLUMNS.filter((name) => name !== 'text');
  return [
    `CREATE VIEW dataset AS SELECT ${columns.join(', ')} FROM (SELECT ${identifier(text)} AS text FROM read_parquet(${list(shards)}))
POSITIONAL JOIN (SELECT ${beside.join(', ')} FROM read_parquet(${list([rows])}))`,
    `SET allowed_paths = ${list([...shards, rows])}`,
  ];
}

/** On lines of its own, as a source's query: what it ends with cannot hide what comes after. */
function planRows(sql: string, limit: number): string {
  return `SELECT left(COLUMNS(*)::VARCHAR, ${SHOWN_CHARACTERS}) FROM (SELECT * FROM (\n${sql}\n) LIMIT ${limit})`;
}

async function parse(connection: DuckDBConnection, sql: string): Promise<{ tree: unknown }> {
  const select = 'SELECT json_serialize_sql($sql::VARCHAR, skip_empty := true, skip_null := true)::VARCHAR AS tree';
  const reader = await connection.runAndReadAll(select, { sql });
  return { tree: JSON.parse(String(reader.getRows()[0]?.[0])) };
}

async function readRows(connection: DuckDBConnection, sql: string, limit: number): Promise<SandboxRows> {
  const reader = await connection.runAndReadAll(planRows(sql, limit));
  return { columns: reader.deduplicatedColumnNames(), rows: reader.getRows() as (string | null)[][] };
}

async function bounded<T extends object>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T | SandboxProblem> {
  signal.throwIfAborted();
  let again: Timer | undefined;
  const stop = () => {
    connection.interrupt();
    again = setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } catch (thrown) {
    return toProblem(thrown instanceof Error ? thrown.message : '');
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(again);
  }
}

const BEFORE_ROWS = /^(?:Parser|Binder|Catalog) Error$/;

/** `Binder Error: …` and the lines after it, which show the query again. */
export function toProblem(message: string): SandboxProblem {
  const [, kind = 'Unknown Error', said = ''] = /^([A-Za-z ]{2,40} Error): ([\s\S]*)$/.exec(message) ?? [];
  const words = said
    .replace(/\n+LINE \d+:[\s\S]*$/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return BEFORE_ROWS.test(kind) && words ? { kind, words } : { kind };
}
