import type { Assigned } from './dataset/tables.ts';
import type { Engine } from './edges/duckdb.ts';
import type { Snapshot } from './edges/postgres.ts';
import type { Target } from './edges/target.ts';
import { toPipelineError } from './errors.ts';
import type { EventStream, Step } from './events.ts';
import type { Options } from './options.ts';
import { InsufficientData, type Outcome, outcomeOf } from './outcome.ts';
import type { LabelReport, RunReport } from './report/report.ts';
import type { LabelSamples } from './report/samples.ts';
import { prepareQueries, sqlChecks } from './review/sql-check.ts';
import type { Mask } from './secrets.ts';
import type { LabelSpec, Spec } from './spec/spec.ts';
import type { World } from './world.ts';

/** What a run and the publishing of an earlier one's files (lib/publish/) have in common. */
export interface Job {
  /** The program's version. */
  readonly version: string;
  readonly options: Options;
  readonly world: World;
  readonly events: EventStream;
  readonly mask: Mask;
  readonly labels: JobLabel[];
  readonly startedAt: Date;
  readonly warnings: string[];
}

/** One label of a job: where it goes, and what came of it so far. */
export interface JobLabel {
  readonly target: Target;
  readonly report: LabelReport;
  /** Rows' texts for the terminal and report.html; empty with --samples 0. */
  readonly samples: LabelSamples;
}

/** One execution of the five steps: what they work with. Opened by lib/open.ts. */
export interface Run extends Job, AsyncDisposable {
  readonly spec: Spec;
  readonly labels: LabelRun[];
  readonly engine: Engine;
  /** Private directory (0700), removed when the run is disposed. */
  readonly spool: string;
  /** Keys the ledger's hashes, from LEDGER_KEY; empty without it. */
  readonly salt: string;
  /** The snapshot that the rows were read in; set by the fetch step. */
  database?: RunReport['database'];
  /** Read in one transaction; a lost connection starts `work` again in a new snapshot. */
  inSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
}

/** One label of a run, with what is asked of it. */
export interface LabelRun extends JobLabel {
  readonly spec: LabelSpec;
  /** See Shipping. */
  readonly sent: string[];
  /** The same label as the spec of --compare-config has it, planned on the same snapshot. */
  base?: LabelRun;
  /** The rows that would be published, once they have their splits. */
  assigned?: Assigned;
}

/** Labels that have no outcome yet. */
export function openLabels<L extends JobLabel>({ labels }: { labels: readonly L[] }): L[] {
  return labels.filter(({ report }) => !report.outcome);
}

/** Run `work` for a label; what it throws becomes the label's outcome and the next label goes on. An interruption ends the run. */
export async function attempt(job: Job, label: JobLabel, work: () => Promise<Outcome | undefined>): Promise<void> {
  if (label.report.outcome) return;
  try {
    const outcome = await work();
    if (outcome) settle(job, label, outcome);
  } catch (thrown) {
    job.world.signal.throwIfAborted();
    fail(job, label, thrown);
  }
}

/** The same for work that serves all labels: what it throws becomes the outcome of each that is still open. */
export async function attemptAll(job: Job, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    job.world.signal.throwIfAborted();
    for (const label of openLabels(job)) fail(job, label, thrown);
  }
}

/** Make what was thrown the label's outcome; --verbose says where it came from. */
export function fail(job: Job, label: JobLabel, thrown: unknown): void {
  settle(job, label, toOutcome(job, thrown));
}

function settle({ events }: Job, { report }: JobLabel, outcome: Outcome): void {
  report.outcome = outcome;
  events.emit({ type: 'label.finished', label: report.label, outcome });
}

function toOutcome({ options, world, mask }: Job, thrown: unknown): Outcome {
  if (thrown instanceof InsufficientData) {
    const { rows, minimum, stage } = thrown;
    return { status: 'skipped_insufficient_data', rows, minimum, stage };
  }
  const error = toPipelineError(thrown);
  if (options.verbose) world.stderr.write(mask(`${stackOf(error)}\n`));
  return outcomeOf(error);
}

/** Names and places of an error and its causes, without their messages: those may quote rows. */
function stackOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const code = (error as { code?: unknown }).code;
  const head = `${error.name}${code ? ` ${code}` : ''}`;
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return [head, ...frames].join('\n') + cause;
}

/** Time a step of a label, and say when it starts and ends. */
export async function step<T>(job: Job, { report }: JobLabel, name: Step, work: () => Promise<T>): Promise<T> {
  const { clock, signal } = job.world;
  signal.throwIfAborted();
  job.events.emit({ type: 'step.started', label: report.label, step: name });
  const start = clock.now().getTime();
  report.failedStep = name; // unless it ends
  const result = await work();
  delete report.failedStep;
  const seconds = (clock.now().getTime() - start) / 1000;
  report.seconds[name] = (report.seconds[name] ?? 0) + seconds;
  job.events.emit({ type: 'step.finished', label: report.label, step: name, seconds });
  return result;
}

export function warn(job: Pick<Job, 'warnings' | 'events'>, message: string, label?: string): void {
  job.warnings.push(message);
  job.events.emit(label === undefined ? { type: 'warning', message } : { type: 'warning', message, label });
}

/** Find what stands in the way of publishing before a row is read. */
export async function preflight(run: Run): Promise<void> {
  for (const label of openLabels(run)) {
    await attempt(run, label, async () => {
      await label.target.preflight({ private: label.spec.push.private, write: !run.options.dryRun });
      await preflightQueries(run, label);
      return undefined;
    });
  }
}

async function preflightQueries({ engine, world }: Run, { spec }: LabelRun): Promise<void> {
  if (sqlChecks(spec).length === 0) return;
  await using sandbox = await engine.openSandbox();
  await prepareQueries(sandbox, spec, world.signal);
}
