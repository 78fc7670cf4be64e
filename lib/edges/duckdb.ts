import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBScalarFunction,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api';
import { PipelineError } from '../errors.ts';
import { engineOptions, openSandbox, type Sandbox, type SandboxDataset } from './duckdb-sandbox.ts';
import { decodeHtmlEntities } from './html-entities.ts';

/** Values of one row, by column. 64-bit integers come as numbers while they are safe, wider ones as bigint. */
export type Row = Record<string, DuckDBValue>;

/**
 * The data engine: tables in memory, and in the spool directory what does not fit into it. Not a database on disk: DuckDB would compress each
 * table, which takes longer than filling it.
 */
export interface Engine extends AsyncDisposable {
  run(sql: string, parameters?: Record<string, DuckDBValue>): Promise<void>;
  /** Run statements that need nothing of each other and that one thread each is enough for, two at a time. */
  runEach(statements: string[]): Promise<void>;
  rows<T = Row>(sql: string, parameters?: Record<string, DuckDBValue>): Promise<T[]>;
  /** The only row of an aggregate. */
  row<T = Row>(sql: string, parameters?: Record<string, DuckDBValue>): Promise<T>;
  /** Stop what is running; it rejects. */
  interrupt(): void;
  /**
   * A second, locked engine for queries of the spec, over files with the same memory_limit; over an empty table without them. This
   * engine makes room for it: until it is closed, what is kept in memory here lies on the disk.
   */
  openSandbox(dataset?: SandboxDataset): Promise<Sandbox>;
}

const MEMORY_BESIDE_SANDBOX_MB = 64; // with both at memory_limit the process would peak at twice of it

/**
 * @param directory private directory for what spills from memory
 * @param memoryLimitMb DuckDB's memory_limit in MB; the process peaks about 250 MB above it
 */
export async function openEngine(directory: string, memoryLimitMb: number): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...engineOptions(memoryLimitMb, `${directory}/spill`),
    preserve_insertion_order: 'false',
  });
  const connection = await instance.connect();
  const second = await instance.connect();
  registerFunctions(connection);
  return {
    run: (sql, parameters) => attempt(async () => void (await connection.run(sql, parameters))),
    runEach: (statements) => attempt(() => runEach([connection, second], statements)),
    rows: (sql, parameters) => attempt(() => readRows(connection, sql, parameters)),
    row: async (sql, parameters) => {
      const [row] = await attempt(() => readRows(connection, sql, parameters));
      return row as never;
    },
    interrupt() {
      connection.interrupt();
      second.interrupt();
    },
    openSandbox: (dataset) => openBeside(connection, dataset, memoryLimitMb, `${directory}/sandbox-spill`),
    async [Symbol.asyncDispose]() {
      second.disconnectSync();
      connection.disconnectSync();
      instance.closeSync();
    },
  };
}

async function openBeside(
  connection: DuckDBConnection,
  dataset: SandboxDataset | undefined,
  memoryLimitMb: number,
  spill: string,
): Promise<Sandbox> {
  const limit = (megabytes: number) => attempt(() => connection.run(`SET memory_limit = '${megabytes}MB'`));
  if (dataset !== undefined) await limit(MEMORY_BESIDE_SANDBOX_MB).catch(() => {}); // what cannot leave the memory stays
  try {
    const sandbox = await attempt(() => openSandbox(dataset, memoryLimitMb, spill));
    return {
      ...sandbox,
      async [Symbol.asyncDispose]() {
        await sandbox[Symbol.asyncDispose]();
        await limit(memoryLimitMb);
      },
    };
  } catch (thrown) {
    await limit(memoryLimitMb);
    throw thrown;
  }
}

/** When one fails, those that run are waited for, and no other begins. */
async function runEach(connections: DuckDBConnection[], statements: string[]): Promise<void> {
  const left = [...statements];
  const work = async (connection: DuckDBConnection) => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await connection.run(next).catch((thrown) => {
        left.length = 0;
        throw thrown;
      });
    }
  };
  const failed = (await Promise.allSettled(connections.map(work))).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

async function readRows<T>(
  connection: DuckDBConnection,
  sql: string,
  parameters?: Record<string, DuckDBValue>,
): Promise<T[]> {
  const reader = await connection.runAndReadAll(sql, parameters);
  return reader
    .getRowObjects()
    .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])) as T);
}

function narrow(value: DuckDBValue): DuckDBValue {
  return typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value;
}

function registerFunctions(connection: DuckDBConnection): void {
  connection.registerScalarFunction(
    DuckDBScalarFunction.create({
      name: 'decode_html_entities',
      returnType: VARCHAR,
      parameterTypes: [VARCHAR],
      mainFunction: (_info, input, output) => {
        const texts = input.getColumnVector(0);
        for (let row = 0; row < input.rowCount; row++)
          output.setItem(row, decodeHtmlEntities(texts.getItem(row) as string | null));
        output.flush();
      },
    }),
  );
}

/** DuckDB's messages quote values, so only the kind of its error leaves here. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : '';
    if (/no space left|could not write|disk/i.test(message) && /^(IO|Out of Memory) Error/.test(message)) {
      throw new PipelineError('DISK_FULL', 'Cannot go on: the disk of the spool directory is full', {
        fix: 'free some space, or set TMPDIR to a larger disk',
        cause,
      });
    }
    if (message.startsWith('Out of Memory')) {
      throw new PipelineError('ENGINE_MEMORY', 'Cannot go on: the data engine ran out of memory', {
        fix: 'raise database.memory_limit in the YAML',
        cause,
      });
    }
    const kind = /^[A-Za-z ]{2,40}(?= Error)/.exec(message)?.[0] ?? 'unknown';
    throw new PipelineError('ENGINE_FAILED', `Cannot go on: the data engine reports: ${kind} Error`, {
      fix: 'run again with --verbose and report it',
      cause,
    });
  }
}
