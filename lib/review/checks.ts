import type { Assigned } from '../dataset/tables.ts';
import type { SandboxProblem, SandboxRows } from '../edges/duckdb-sandbox.ts';
import { PipelineError } from '../errors.ts';
import type { CheckReport, LabelReport } from '../report/report.ts';
import type { LabelSamples } from '../report/samples.ts';
import { type LabelRun, type Run, warn } from '../run.ts';
import type { CheckSpec, LimitCheck } from '../spec/spec.ts';
import { runQueries } from './sql-check.ts';

const COUNTED = 1000; // rows of a query; whether there are more is known, how many more is not
const MORE = `more than ${COUNTED}`;
const SHOWN_CHARACTERS = 300; // of a value in the samples

/** What the checks are held against. Rows, unless said otherwise. */
export interface CheckFacts {
  fetched: number;
  /** Dropped for any reason. */
  dropped: number;
  kept: number;
  /** Rows with the text of another row that is kept. */
  duplicates: number;
  /** Kept rows of each class, in the order of the spec. */
  classes: { name: string; rows: number }[];
  /** Population stability index against the published version; undefined: nothing is published. */
  drift: number | undefined;
  /** Characters. */
  longest: number;
  /** Kept rows with an e-mail address or a telephone number. */
  personal: number;
  /** Texts under more than one class, before they were settled. */
  conflicts: number;
  queries: ReadonlyMap<string, QueryFact>;
}

/** The rows that a query returned, and whether it has more than were asked for; or the kind of its error. */
export type QueryFact = { rows: number; more: boolean } | { error: string };

/** Hold the facts against every check of a label; in the order of the checks. */
export function evaluateChecks(checks: readonly CheckSpec[], facts: CheckFacts): CheckReport[] {
  return checks.map((check): CheckReport => {
    const { name, severity } = check;
    if (check.kind === 'limit') return evaluateLimit(check.name, check.limit, severity, facts);
    if (check.kind === 'conflicts') return { name, severity, ...verdict(facts.conflicts, 0) };
    const result = facts.queries.get(name) ?? { error: 'it did not run' };
    if ('error' in result) return { name, severity, status: 'failed', limit: 0, detail: result.error };
    return { name, severity, ...verdict(result.rows, 0), ...(result.more ? { detail: MORE } : {}) };
  });
}

function evaluateLimit(
  name: LimitCheck,
  limit: number,
  severity: CheckReport['severity'],
  facts: CheckFacts,
): CheckReport {
  if (name === 'min_per_class') {
    const smallest = facts.classes.reduce((least, each) => (each.rows < least.rows ? each : least));
    const status = smallest.rows < limit ? 'failed' : 'passed';
    return { name, severity, status, limit, found: smallest.rows, detail: smallest.name };
  }
  const found = measure(name, facts);
  if (found === undefined) return { name, severity, status: 'skipped', limit };
  return { name, severity, ...verdict(found, limit) };
}

function measure(name: Exclude<LimitCheck, 'min_per_class'>, facts: CheckFacts): number | undefined {
  switch (name) {
    case 'max_duplicate_share':
      return shareOf(facts.duplicates, facts.fetched);
    case 'max_dropped_share':
      return shareOf(facts.dropped, facts.fetched);
    case 'max_class_drift':
      return facts.drift;
    case 'max_length':
      return facts.longest;
    case 'max_pii_share':
      return shareOf(facts.personal, facts.kept);
  }
}

function shareOf(rows: number, total: number): number {
  return total === 0 ? 0 : rows / total;
}

function verdict(found: number, limit: number): Pick<CheckReport, 'status' | 'limit' | 'found'> {
  return { status: found > limit ? 'failed' : 'passed', limit, found };
}

/**
 * Evaluate a label's checks once everything about it is measured. Failed ones of severity warn become a warning.
 *
 * @param drift population stability index against the published version; undefined: nothing is published
 * @param mask hides personal data in the texts that queries returned
 * @throws PipelineError CHECK_FAILED when one of severity refuse failed
 */
export async function runChecks(
  run: Run,
  label: LabelRun,
  assigned: Assigned,
  drift: number | undefined,
  mask: (texts: string[]) => Promise<string[]>,
): Promise<void> {
  const { spec, report, samples } = label;
  const queried = await runQueries(run, label, assigned, COUNTED + 1);
  const queries = new Map([...queried].map(([name, found]) => [name, countRows(found)]));
  const facts = { ...readFacts(report), drift, queries };
  if (spec.duplicates === 'keep') facts.duplicates = await countRepeated(run, assigned);
  report.checks = evaluateChecks(spec.checks, facts);
  samples.checks = run.options.samples > 0 ? await sampleRows(queried, run.options.samples, mask) : [];
  settle(run, label, report.checks);
}

function countRows(found: SandboxRows | SandboxProblem): QueryFact {
  if ('kind' in found) return { error: found.kind };
  return { rows: Math.min(found.rows.length, COUNTED), more: found.rows.length > COUNTED };
}

/** The facts that the report has; a check of what nobody measured is a fault of the program. */
function readFacts({
  fetched,
  dropped = {},
  kept,
  split,
  lengths,
  conflicts,
  personalData,
  classes,
}: LabelReport): Omit<CheckFacts, 'drift' | 'queries'> {
  if (!fetched || !kept || !split || !lengths || !conflicts || !personalData)
    throw new Error('the checks come after all measures');
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  return {
    fetched: fetched.total,
    dropped: sum(Object.values(dropped)),
    kept: kept.total,
    duplicates: dropped.duplicate ?? 0,
    classes: classes.map((name, id) => ({ name, rows: sum(split.splits.map((each) => each.classes[id] ?? 0)) })),
    longest: lengths.max,
    personal: sum(personalData.map(({ any }) => any)),
    conflicts: conflicts.texts,
  };
}

/** With `duplicates: keep` no row is dropped as one: kept rows beyond the first of each text. */
async function countRepeated({ engine }: Run, { cleaned }: Assigned): Promise<number> {
  const { rows } = await engine.row<{ rows: number }>(
    `SELECT count(*) - count(DISTINCT hash) AS rows FROM ${cleaned.table} WHERE reason IS NULL`,
  );
  return rows;
}

/** Values are masked before they are cut: half a number looks like none. */
async function sampleRows(
  queried: Map<string, SandboxRows | SandboxProblem>,
  limit: number,
  mask: (texts: string[]) => Promise<string[]>,
): Promise<LabelSamples['checks']> {
  const samples: LabelSamples['checks'] = [];
  for (const [check, found] of queried) {
    if ('kind' in found || found.rows.length === 0) continue;
    const shown = found.rows.slice(0, limit);
    const texts = await mask(shown.flat().map((value) => value ?? 'NULL'));
    const rows = shown.map((row, index) => texts.slice(index * row.length, (index + 1) * row.length).map(cut));
    samples.push({ check, columns: found.columns, rows });
  }
  return samples;
}

function cut(text: string): string {
  const characters = [...text];
  return characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…`;
}

/** Say which checks failed, and stop the label where one of them refuses it. */
function settle(run: Run, { spec }: LabelRun, checks: CheckReport[]): void {
  for (const severity of ['warn', 'refuse'] as const) {
    const failed = checks.filter((check) => check.severity === severity && check.status === 'failed');
    if (failed.length === 0) continue;
    run.events.emit({ type: 'checks.failed', label: spec.name, severity, checks: failed.map(({ name }) => name) });
    const what = failed.map(describeFailure).join('; ');
    if (severity === 'warn') warnOnce(run, `checks of ${spec.name} failed: ${what}`, spec.name);
    else
      throw new PipelineError('CHECK_FAILED', `Cannot publish ${spec.name}: ${what}`, {
        fix: 'look at the checks in the report; correct the data, or change the limit in the YAML',
      });
  }
}

/** A target that moved meanwhile has the label checked again. */
function warnOnce(run: Run, message: string, label: string): void {
  if (!run.warnings.includes(message)) warn(run, message, label);
}

/** `min_per_class found 3 (URGENT), must be at least 20`. */
function describeFailure({ name, limit = 0, found, detail }: CheckReport): string {
  if (found === undefined) return `${name} could not run (${detail})`;
  if (name === 'min_per_class') return `${name} found ${found} (${detail}), must be at least ${limit}`;
  if (name === 'no_conflicts') return `${name} found ${found} ${found === 1 ? 'text' : 'texts'}, must be none`;
  if (name.startsWith('sql.')) return `${name} found ${detail ?? found} ${found === 1 ? 'row' : 'rows'}, must be none`;
  return `${name} found ${formatFigure(found, limit)}, must be at most ${limit}`;
}

/** Four digits, or as many as tell it from the limit. */
function formatFigure(found: number, limit: number): string {
  const short = Number(found.toPrecision(4));
  return String(Number.isInteger(found) || short === limit ? found : short);
}
