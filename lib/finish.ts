import { Exit } from './cli.ts';
import { toPipelineError } from './errors.ts';
import { exitCodeOf } from './outcome.ts';
import { formatReport } from './report/json.ts';
import { type LabelReport, REPORT_VERSION, type RunReport } from './report/report.ts';
import { renderReport } from './report/terminal.ts';
import { REPORT_HTML, writeReports } from './report/write.ts';
import type { Run } from './run.ts';
import { maskStrings, planMask } from './secrets.ts';
import { SpecError } from './spec/problems.ts';
import type { World } from './world.ts';

/** End a run: the report on stdout and, after a dry run or the demo, below --out; the exit code of all labels together. */
export async function finish(run: Run): Promise<number> {
  const { world, options, spec, mask } = run;
  const exitCode = exitCodeOf(
    run.labels.flatMap(({ report }) => report.outcome ?? []),
    options.detailedExitcode,
  );
  const seconds = (world.clock.now().getTime() - run.startedAt.getTime()) / 1000;
  const unmasked: RunReport = {
    reportVersion: REPORT_VERSION,
    version: run.version,
    config: spec.file,
    startedAt: run.startedAt.toISOString(),
    seconds,
    dryRun: options.dryRun,
    exitCode,
    ...(run.database ? { database: run.database } : {}),
    labels: run.labels.map((label) => label.report),
    effects: spec.effects.map((effect) => ({ ...effect, carriedOut: false })),
    warnings: run.warnings,
  };
  const report = maskStrings(unmasked, mask);
  const samples = new Map(run.labels.map((label) => [label.spec.name, maskStrings(label.samples, mask)]));
  const written = options.dryRun || options.demo;
  if (written) await writeReports(run, report, samples);
  run.events.emit({ type: 'run.finished', exitCode, seconds });
  const { stdout, env } = world;
  const colour = stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
  stdout.write(
    options.json
      ? formatReport(report)
      : renderReport(report, samples, { colour, columns: stdout.columns }) +
          renderLoads(report.labels) +
          (written ? `\nReport: ${options.out.replace(/\/+$/, '')}/${REPORT_HTML}\n` : ''),
  );
  return exitCode;
}

/** How to load what was published, ready to paste. */
function renderLoads(labels: LabelReport[]): string {
  const loads = labels.flatMap(({ target, outcome }) => {
    if (outcome?.status === 'planned') return [JSON.stringify(outcome.directory)];
    if (outcome?.status !== 'success' && outcome?.status !== 'unchanged') return [];
    return [/^[./]/.test(target) ? JSON.stringify(target) : `"${target}", revision="${outcome.version}"`];
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
    world.stderr.write(mask(`${code}\n  ${message}\n${fix ? `  fix: ${fix}\n` : ''}`));
    return USAGE.has(code) ? 2 : 1;
  }
}

const USAGE: ReadonlySet<string> = new Set(['USAGE', 'SPEC_NOT_FOUND', 'LABEL_UNKNOWN', 'DEMO_UNAVAILABLE']);
