import { rm } from 'node:fs/promises';
import { writeData } from '../dataset/parquet.ts';
import { type Assigned, ORIGINS } from '../dataset/tables.ts';
import type { Sandbox, SandboxProblem, SandboxRows } from '../edges/duckdb-sandbox.ts';
import { PipelineError } from '../errors.ts';
import type { LabelRun, Run } from '../run.ts';
import type { CheckSpec, LabelSpec } from '../spec/spec.ts';
import { literal, nameAt } from '../sql.ts';

export type SqlCheck = Extract<CheckSpec, { kind: 'sql' }>;

export function sqlChecks({ checks }: Pick<LabelSpec, 'checks'>): SqlCheck[] {
  return checks.filter((check) => check.kind === 'sql');
}

/**
 * Find what a label's queries name and is not there, before a row is read.
 *
 * @param sandbox one over an empty table
 * @throws PipelineError CHECK_SQL, with DuckDB's own words
 */
export async function prepareQueries(sandbox: Sandbox, label: LabelSpec, signal: AbortSignal): Promise<void> {
  for (const { name, sql } of sqlChecks(label)) {
    const problem = await findProblem(sandbox, sql, signal);
    signal.throwIfAborted();
    if (problem === undefined) continue;
    throw new PipelineError('CHECK_SQL', `Cannot use checks.${name} of ${label.name}: ${problem}`, {
      fix: 'write one query in DuckDB’s SQL over dataset(key, text, label, split, source)',
    });
  }
}

/** The rows that each query of a label returns, up to `limit`, or the kind of its error. */
export async function runQueries(
  run: Run,
  { spec }: LabelRun,
  assigned: Assigned,
  limit: number,
): Promise<Map<string, SandboxRows | SandboxProblem>> {
  const found = new Map<string, SandboxRows | SandboxProblem>();
  const checks = sqlChecks(spec);
  if (checks.length === 0) return found;
  const { directory, splits } = await writeData(run, spec, assigned);
  const shards = splits.flatMap((split) => split.shards.map(({ path }) => `${directory}/${path}`));
  const rows = `${run.spool}/rows-${spec.name}.parquet`;
  await run.engine.run(planRows(spec, assigned, rows));
  try {
    await using sandbox = await run.engine.openSandbox({ shards, text: spec.columns.text, rows });
    for (const { name, sql } of checks) found.set(name, await runQuery(run, sandbox, sql, limit));
  } finally {
    await rm(rows, { force: true });
  }
  return found;
}

async function runQuery(
  { spec, world }: Run,
  sandbox: Sandbox,
  sql: string,
  limit: number,
): Promise<SandboxRows | SandboxProblem> {
  const late = AbortSignal.timeout(spec.database.statementTimeoutMs);
  const signal = AbortSignal.any([world.signal, late]);
  try {
    const problem = await findProblem(sandbox, sql, signal);
    const found = problem === undefined ? await sandbox.rows(sql, limit, signal) : { kind: problem };
    if (!signal.aborted) return found;
  } catch (thrown) {
    if (!signal.aborted) throw thrown; // else it was stopped between two statements
  }
  world.signal.throwIfAborted();
  return { kind: 'stopped after database.statement_timeout' };
}

/** Why a query cannot run, in words that quote the query at most: no row has been read. */
async function findProblem(sandbox: Sandbox, sql: string, signal: AbortSignal): Promise<string | undefined> {
  const outside = findOutside(await sandbox.parse(sql, signal));
  if (outside !== undefined || signal.aborted) return outside;
  const problem = await sandbox.prepare(sql, signal);
  return problem && (problem.words === undefined ? problem.kind : `${problem.kind}: ${problem.words}`);
}

/** Table functions that make rows of their arguments alone; others read files and settings, or change what the process prints. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree']);

/** Names that are tables where no WITH declares them; a WITH counts in all of a query, whatever its scope. */
const CATALOG = /^(sqlite_|duckdb_|pg_|pragma_|information_schema)/;

/**
 * Find what a query uses besides `dataset`, its own WITH and pure functions. The engine's locks keep files and the network away; they leave
 * it the catalog, and functions such as enable_profiling(), which prints the query's plan on stdout.
 *
 * @param parsed the answer of json_serialize_sql()
 */
export function findOutside(parsed: unknown): string | undefined {
  const { error, error_type, error_message, statements } = parsed as Record<string, unknown>;
  if (error === true) return error_type === 'parser' ? `Parser Error: ${error_message}` : 'it is not one SELECT';
  if (!Array.isArray(statements) || statements.length !== 1) return 'it is not one SELECT';
  const nodes = [...walk(statements)];
  const declared = nodes.flatMap(commonTables);
  const hiding = declared.find((name) => CATALOG.test(name));
  if (hiding !== undefined) return `it calls a WITH "${hiding}", which is a name of the catalog`;
  const own = new Set(['dataset', ...declared]);
  for (const node of nodes) {
    const problem = findOutsideNode(node, own);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type Node = Record<string, unknown>;

function findOutsideNode(node: Node, own: Set<string>): string | undefined {
  if (node.type === 'VALUE_PARAMETER') return 'it has a parameter, and nobody gives it a value';
  if (node.type === 'SHOW_REF') return 'it describes tables instead of reading dataset';
  if (node.type === 'BASE_TABLE') {
    const name = String(node.table_name);
    const isQualified = node.catalog_name !== undefined || (node.schema_name ?? 'main') !== 'main';
    if (isQualified || !own.has(name.toLowerCase())) return `it reads "${name}", and the only table is dataset`;
  }
  if (node.type !== 'TABLE_FUNCTION') return undefined;
  const name = String((node.function as Node | undefined)?.function_name);
  return TABLE_FUNCTIONS.has(name.toLowerCase()) ? undefined : `it reads ${name}(), and the only table is dataset`;
}

/** Names that a WITH declares: `cte_map` is a list of keys and values. */
function commonTables({ cte_map: tables }: Node): string[] {
  const entries = (tables as { map?: { key: string }[] } | undefined)?.map ?? [];
  return entries.map(({ key }) => key.toLowerCase());
}

function* walk(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  for (const child of Object.values(value)) yield* walk(child);
}

/** Plan what a query can ask of the rows besides their texts, in the order of the data files and with names instead of ids. */
function planRows({ classes, split }: LabelSpec, { table, cleaned }: Assigned, file: string): string {
  const splits = split.map((each) => each.name);
  return `COPY (
  SELECT c.key, ${nameAt('a.class', classes)} AS label, ${nameAt('a.split', splits)} AS split, ${nameAt('c.origin', ORIGINS)} AS source
  FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row" ORDER BY a.split, a.position
) TO ${literal(file)} (FORMAT parquet)`;
}
