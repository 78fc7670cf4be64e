import { mkdir, rm } from 'node:fs/promises';
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
    await rm(rowsBelow(run), { recursive: true, force: true }); // of an attempt before
    await mkdir(rowsBelow(run), { mode: 0o700 });
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
  const count = selector.planCount(spec);
  const available = count === undefined ? undefined : await snapshot.number(count);
  const mistaken = selector.planMistakes(spec, available).select;
  const misclassified = await spool(run, snapshot, label, 'misclassified', mistaken);
  const { select, limit: asked = 0 } = selector.planCorrect(spec, misclassified.keys);
  const correct = asked === 0 ? NOTHING : await spool(run, snapshot, label, 'correct', select);
  label.report.queries = [
    await describeQuery(run, snapshot, 'misclassified', mistaken),
    await describeQuery(run, snapshot, 'correct', select),
  ];
  const view = tableOf('fetched', spec.name);
  const selects = [misclassified, correct].filter(({ files }) => files.length > 0).map(({ select }) => select);
  await run.engine.run(`CREATE OR REPLACE VIEW ${view} AS ${selects.join(' UNION ALL ')}`);
  const total = misclassified.rows + correct.rows;
  label.report.fetched = { misclassified: misclassified.rows, correct: correct.rows, asked, total };
  run.events.emit({
    type: 'rows.balanced',
    label: spec.name,
    misclassified: misclassified.rows,
    asked,
    correct: correct.rows,
  });
  await inspect?.(snapshot, label, { misclassified: mistaken, correct: select });
  const files = [...misclassified.files, ...correct.files];
  return { view, files, snapshot: { id: snapshot.id, takenAt: snapshot.takenAt } };
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

const PART_BYTES = 4_000_000; // of a spool file: the engine reads several at once, each with one thread

interface Spooled {
  /** Plan to read them back: (key, text, too_long, value, origin). */
  select: string;
  files: string[];
  rows: number;
  /** Distinct ones. */
  keys: number;
}

const rowsBelow = ({ spool }: Run) => `${spool}/rows`;

const NOTHING: Spooled = { select: '', files: [], rows: 0, keys: 0 };

/** Spool one source: rows travel as CSV from the server to the disk, where the cleaning reads them. */
async function spool(
  run: Run,
  snapshot: Snapshot,
  { spec }: LabelRun,
  source: Source,
  select: string,
): Promise<Spooled> {
  const { engine, events } = run;
  const { rows, files } = await snapshot.copy(select, {
    bytes: PART_BYTES,
    path: (part) => `${rowsBelow(run)}/${spec.name}-${source}-${part}.csv`,
  });
  const spooled = planRead(files, source, spec.maxTextBytes);
  const { keys, nulls } = await engine.row<{ keys: number; nulls: number }>(
    `SELECT count(DISTINCT key) AS keys, count(*) FILTER (key IS NULL) AS nulls FROM (${spooled})`,
  );
  if (nulls > 0) {
    throw new PipelineError(
      'SOURCE_NULL_KEY',
      `Cannot use sources.${source} of ${spec.name}: it has rows without a key`,
      { fix: 'select the primary key AS key' },
    );
  }
  events.emit({ type: 'rows.fetched', label: spec.name, source, rows });
  return { select: spooled, files, rows, keys };
}

/** Plan to read spool files, one thread a file: with several in one it fails on texts with lines that look like rows. */
function planRead(files: string[], source: Source, maxTextBytes: number): string {
  const longestLine = 2 * maxTextBytes + 1_000_000; // bytes: a text of nothing but quotes doubles; a key and a label beside it
  const options = [
    'header=false, auto_detect=false, parallel=false, allow_quoted_nulls=false',
    `delim=',', quote='"', escape='"', new_line='\\n', nullstr=''`,
    `columns={key: 'VARCHAR', text: 'VARCHAR', too_long: 'VARCHAR', value: 'VARCHAR'}`,
    `max_line_size=${longestLine}, buffer_size=${longestLine}`,
  ];
  return `SELECT key, text, coalesce(too_long = 't', false) AS too_long, value, ${ORIGINS.indexOf(source)}::UTINYINT AS origin
FROM read_csv([${files.map(literal).join(', ')}], ${options.join(', ')})`;
}
