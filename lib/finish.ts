import { Exit } from './cli.ts';
import { type Code, toPipelineError } from './errors.ts';
import type { Inquiry } from './explain/explain.ts';
import type { Operations } from './operations/operations.ts';
import { exitCodeOf } from './outcome.ts';
import { formatReport } from './report/json.ts';
import { hasColour, plain } from './report/layout.ts';
import { REPORT_HTML } from './report/names.ts';
import { planDigest } from './report/plan-digest.ts';
import { type LabelReport, REPORT_VERSION, type RunReport } from './report/report.ts';
import { escapeJson, quote } from './report/terminal/text.ts';
import { renderReport } from './report/terminal.ts';
import { writeReports } from './report/write.ts';
import type { Job, Run } from './run.ts';
import { maskStrings, planMask } from './secrets.ts';
import { SpecError } from './spec/problems.ts';
import type { World } from './world.ts';

/** What only a spec, or an earlier report, can tell of a job. */
export type About = Pick<RunReport, 'action' | 'config' | 'rolledBackTo' | 'reason' | 'database' | 'planDigest'>;

/**
 * End a run: the report on stdout and, after a dry run or the demo, below --out; the exit code of all labels together.
 *
 * @param inquiry what --explain asks; its answer stands for the report, and nothing is written
 */
export async function finish(run: Run, operations: Operations, inquiry?: Inquiry): Promise<number> {
  return inquiry ? await answer(run, inquiry) : await conclude(run, aboutRun(run), operations);
}

export function aboutRun({ spec, database }: Run): About {
  return { action: 'run', config: spec.file, ...(database ? { database } : {}) };
}

async function answer(run: Run, inquiry: Inquiry): Promise<number> {
  const { stdout } = run.world;
  const text = await inquiry.answer({ colour: hasColour(run.world), columns: stdout.columns });
  const { exitCode, seconds } = measure(run);
  run.events.emit({ type: 'run.finished', exitCode, seconds });
  stdout.write(text);
  return exitCode;
}

/** The exit code of all labels together, and how long it took. */
function measure({ world, options, labels, startedAt }: Job): { exitCode: number; seconds: number } {
  const outcomes = labels.flatMap(({ report }) => report.outcome ?? []);
  return {
    exitCode: exitCodeOf(outcomes, options.detailedExitcode),
    seconds: (world.clock.now().getTime() - startedAt.getTime()) / 1000,
  };
}

/** The report of a job, secrets masked. @param exitCode that of all labels together when left out */
export function reportOf(job: Job, about: About, effects: RunReport['effects'] = [], exitCode?: number): RunReport {
  const { startedAt, options } = job;
  const measured = measure(job);
  const report: RunReport = {
    reportVersion: REPORT_VERSION,
    version: job.version,
    run: nameRun(startedAt),
    startedAt: startedAt.toISOString(),
    seconds: measured.seconds,
    dryRun: options.dryRun,
    exitCode: exitCode ?? measured.exitCode,
    ...about,
    labels: job.labels.map((label) => label.report),
    effects,
    warnings: job.warnings,
  };
  return withPlanDigest(maskStrings(report, job.mask)); // of what is written: it is computed again from the file
}

/** `20261124-030012-345`: sorts by time, and no two runs of one history start in the same millisecond. */
function nameRun(startedAt: Date): string {
  const [day = '', time = ''] = startedAt.toISOString().replace(/[-:Z]/g, '').split('T');
  return `${day}-${time.replace('.', '-')}`;
}

/** The same for any job. @param operations whom to tell; nobody when left out */
export async function conclude(job: Job, about: About, operations?: Operations): Promise<number> {
  const { world, options, mask } = job;
  const effects = (await operations?.tell(reportOf(job, about))) ?? [];
  const report = reportOf(job, about, effects);
  const { exitCode, seconds } = report;
  const samples = new Map(job.labels.map((label) => [label.report.label, maskStrings(label.samples, mask)]));
  const written = (options.dryRun && options.publish === undefined) || options.demo;
  if (written) await writeReports(job, report, samples);
  job.events.emit({ type: 'run.finished', exitCode, seconds });
  const { stdout } = world;
  const colour = hasColour(world);
  stdout.write(
    options.json
      ? escapeJson(formatReport(report))
      : renderReport(report, samples, { colour, columns: stdout.columns }) +
          renderLoads(report.labels) +
          (written ? `\nReport: ${options.out.replace(/\/+$/, '')}/${REPORT_HTML}\n` : ''),
  );
  return exitCode;
}

/** A dry run's plan gets its digest; --publish brings that of the plan it ships. */
function withPlanDigest(report: RunReport): RunReport {
  const digest = report.planDigest ?? (report.dryRun ? planDigest(report) : undefined);
  return digest === undefined ? report : { ...report, planDigest: digest };
}

/** How to load what was published, ready to paste. */
function renderLoads(labels: LabelReport[]): string {
  const loads = labels.flatMap(({ target, outcome }) => {
    if (outcome?.status === 'planned') return [JSON.stringify(outcome.directory)];
    if (outcome?.status !== 'success' && outcome?.status !== 'unchanged') return [];
    return [/^[./]/.test(target) ? quote(target) : `"${target}", revision="${outcome.version}"`];
  });
  const lines = loads.map((load) => `  load_dataset(${load})\n`);
  return lines.length === 0 ? '' : `\nLoad with: from datasets import load_dataset\n${lines.join('')}`;
}

/** Run the program; whatever it throws becomes a message on stderr and an exit code. */
export async function guard(world: World, program: () => Promise<number>): Promise<number> {
  const mask = planMask(world.env);
  try {
    return await program();
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.exitCode;
    if (world.signal.aborted) {
      const { message, exitCode = 130 } = world.signal.reason as Error & { exitCode?: number };
      world.stderr.write(`\nINTERRUPTED\n  Stopped by ${message}; nothing more is published\n`);
      return exitCode;
    }
    if (thrown instanceof SpecError) {
      world.stderr.write(mask(thrown.rendered));
      return 2;
    }
    const { code, message, fix } = toPipelineError(thrown);
    const say = (text: string) => plain(mask(text)); // a message may quote a report that somebody edited
    world.stderr.write(`${code}\n  ${say(message)}\n${fix ? `  fix: ${say(fix)}\n` : ''}`);
    return USAGE.has(code) ? 2 : 1;
  }
}

const USAGE: ReadonlySet<string> = new Set([
  'USAGE',
  'SPEC_NOT_FOUND',
  'LABEL_UNKNOWN',
  'DEMO_UNAVAILABLE',
  'PLAN_UNREADABLE',
  'HISTORY_MISSING',
  'RUN_UNKNOWN',
  'PAGE_UNAVAILABLE',
  'ENV_FILE',
] satisfies Code[]);
