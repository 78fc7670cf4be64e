import { rm } from 'node:fs/promises';
import { type Fetched, ORIGINS, tableOf } from '../dataset/tables.ts';
import type { Snapshot } from '../edges/postgres.ts';
import { PipelineError } from '../errors.ts';
import type { Source } from '../events.ts';
import { fail, type LabelRun, openLabels, type Run, step } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';

/** Which rows to read; lib/steps/balance.ts decides. */
export interface Selector {
  planCount(spec: LabelSpec): string | undefined;
  planMistakes(spec: LabelSpec, available: number | undefined): Selection;
  planCorrect(spec: LabelSpec, mistakes: number): Selection;
}

interface Selection {
  select: string;
  limit: number | undefined;
}

/** A look into the snapshot that a label was read in, once its rows are loaded; `selects` are the queries that they came by. */
export type Inspect = (snapshot: Snapshot, label: LabelRun, selects: Record<Source, string>) => Promise<void>;

/** The rows of every label that is still open. */
export interface FetchedLabels {
  get(label: LabelRun): Fetched;
}

export const REQUIRED = ['key', 'text', 'label'];

/** Fetch every open label in one snapshot, which ends as soon as the last row is spooled. A label that fails gets its outcome. */
export async function fetch(run: Run, selector: Selector, inspect?: Inspect): Promise<FetchedLabels> {
  if (openLabels(run).length === 0) return { get: missing };
  const failed = new Map<LabelRun, PipelineError>();
  const fetched = await run.inSnapshot(async (snapshot) => {
    failed.clear();
    run.database = { server: snapshot.server, snapshot: snapshot.id, takenAt: snapshot.takenAt.toISOString() };
    const tables = new Map<LabelRun, Fetched>();
    for (const label of [...openLabels(run), ...openBases(run)]) {
      try {
        tables.set(label, await step(run, label, 'fetch', () => fetchLabel(run, snapshot, label, selector, inspect)));
      } catch (thrown) {
        if (!(thrown instanceof PipelineError) || thrown.retryable || run.world.signal.aborted) throw thrown;
        failed.set(label, thrown);
      }
    }
    return tables;
  });
  for (const [label, error] of failed) fail(run, label, error);
  return { get: (label) => fetched.get(label) ?? missing(label) };
}

/** What --compare-config plans beside the labels. */
function openBases(run: Run): LabelRun[] {
  return openLabels(run).flatMap(({ base }) => (base && !base.report.outcome ? [base] : []));
}

function missing({ spec }: LabelRun): never {
  throw new Error(`${spec.name} was not fetched`);
}

async function fetchLabel(
  run: Run,
  snapshot: Snapshot,
  label: LabelRun,
  selector: Selector,
  inspect?: Inspect,
): Promise<Fetched> {
  const { spec } = label;
  run.events.emit({ type: 'label.started', label: spec.name });
  for (const source of ORIGINS) requireColumns(await snapshot.columns(spec.sources[source]), spec.name, source);
  const table = tableOf('fetched', spec.name);
  await run.engine.run(planTable(table));
  const count = selector.planCount(spec);
  const available = count === undefined ? undefined : await snapshot.number(count);
  const mistaken = selector.planMistakes(spec, available).select;
  const misclassified = await load(run, snapshot, label, table, 'misclassified', mistaken);
  const { mistakes } = await run.engine.row<{ mistakes: number }>(
    `SELECT count(DISTINCT key) AS mistakes FROM ${table}`,
  );
  const { select, limit: asked = 0 } = selector.planCorrect(spec, mistakes);
  const correct = asked === 0 ? 0 : await load(run, snapshot, label, table, 'correct', select);
  label.report.queries = [
    await describeQuery(run, snapshot, 'misclassified', mistaken),
    await describeQuery(run, snapshot, 'correct', select),
  ];
  label.report.fetched = { misclassified, correct, asked, total: misclassified + correct };
  run.events.emit({ type: 'rows.balanced', label: spec.name, misclassified, asked, correct });
  await inspect?.(snapshot, label, { misclassified: mistaken, correct: select });
  return { table, snapshot: { id: snapshot.id, takenAt: snapshot.takenAt } };
}

type QueryReport = NonNullable<LabelRun['report']['queries']>[number];

/** The query as it runs; in a dry run with the planner's estimate, which runs nothing. */
async function describeQuery({ options }: Run, snapshot: Snapshot, source: Source, sql: string): Promise<QueryReport> {
  const estimate = options.dryRun ? await snapshot.estimate(sql) : undefined;
  return { source, sql, ...(estimate ? { estimate } : {}) };
}

/**
 * The columns of a source's query are those that a run needs, whatever others it has.
 *
 * @throws PipelineError SOURCE_COLUMNS
 */
export function requireColumns(found: string[], label: string, source: Source): void {
  const missing = REQUIRED.filter((column) => !found.includes(column));
  if (missing.length === 0) return;
  throw new PipelineError(
    'SOURCE_COLUMNS',
    `Cannot use sources.${source} of ${label}: it has columns ${found.join(', ')}, must have ${REQUIRED.join(', ')}`,
    { fix: `name the missing ones with AS, e.g. SELECT id AS ${missing[0]}` },
  );
}

const PART_BYTES = 16_000_000; // of a spool file; the engine loads one while the next is written

/** Spool one source and load it: rows travel as CSV from the server to the disk, and from there into the engine. */
async function load(
  run: Run,
  snapshot: Snapshot,
  { spec }: LabelRun,
  table: string,
  source: Source,
  select: string,
): Promise<number> {
  const rows = await snapshot.copy(select, {
    bytes: PART_BYTES,
    path: (part) => `${run.spool}/${spec.name}-${source}-${part}.csv`,
    take: async (file) => {
      await run.engine.run(planLoad(table, file, source, spec.maxTextBytes));
      await rm(file);
    },
  });
  const { nulls } = await run.engine.row<{ nulls: number }>(`SELECT count(*) AS nulls FROM ${table} WHERE key IS NULL`);
  if (nulls > 0) {
    throw new PipelineError(
      'SOURCE_NULL_KEY',
      `Cannot use sources.${source} of ${spec.name}: ${nulls} rows have no key`,
      { fix: 'select the primary key AS key' },
    );
  }
  run.events.emit({ type: 'rows.fetched', label: spec.name, source, rows });
  return rows;
}

function planTable(table: string): string {
  return `CREATE OR REPLACE TABLE ${table} ("row" BIGINT, key VARCHAR, text VARCHAR, too_long BOOLEAN, value VARCHAR, origin UTINYINT)`;
}

/** Plan the load of a spool file. The reader is single-threaded: in parallel it fails on texts with lines that look like rows. */
function planLoad(table: string, file: string, source: Source, maxTextBytes: number): string {
  const longestLine = 2 * maxTextBytes + 1_000_000; // bytes: a text of nothing but quotes doubles; a key and a label beside it
  const options = [
    'header=false, auto_detect=false, parallel=false, allow_quoted_nulls=false',
    `delim=',', quote='"', escape='"', new_line='\\n', nullstr=''`,
    `columns={key: 'VARCHAR', text: 'VARCHAR', too_long: 'VARCHAR', value: 'VARCHAR'}`,
    `max_line_size=${longestLine}, buffer_size=${longestLine}`,
  ];
  return `INSERT INTO ${table}
SELECT (SELECT count(*) FROM ${table}) + row_number() OVER (), key, text, coalesce(too_long = 't', false), value, ${ORIGINS.indexOf(source)}
FROM read_csv(${literal(file)}, ${options.join(', ')})`;
}
