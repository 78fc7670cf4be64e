import { Exit } from './cli.ts';
import { toPipelineError } from './errors.ts';
import { exitCodeOf } from './outcome.ts';
import type { LabelReport, RunReport } from './report/report.ts';
import { renderReport } from './report/terminal.ts';
import type { Run } from './run.ts';
import { planMask } from './secrets.ts';
import { SpecError } from './spec/problems.ts';
import type { World } from './world.ts';

/** End a run: the report on stdout, the exit code of all labels together. */
export function finish(run: Run): number {
  const { world, options } = run;
  const exitCode = exitCodeOf(run.labels.flatMap(({ report }) => report.outcome ?? []));
  const seconds = (world.clock.now().getTime() - run.startedAt.getTime()) / 1000;
  run.events.emit({ type: 'run.finished', exitCode, seconds });
  const report: RunReport = {
    version: run.version,
    startedAt: run.startedAt.toISOString(),
    seconds,
    dryRun: options.dryRun,
    exitCode,
    labels: run.labels.map((label) => label.report),
    warnings: run.warnings,
  };
  const { stdout, env } = world;
  const colour = stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
  stdout.write(
    options.json
      ? run.mask(`${JSON.stringify(report, null, 2)}\n`)
      : renderReport(report, { colour, columns: stdout.columns, mask: run.mask }) +
          run.mask(renderLoads(report.labels)),
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
