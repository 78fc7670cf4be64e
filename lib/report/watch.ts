import type { Run } from '../run.ts';
import { LiveView } from './live.ts';
import { logTo } from './log.ts';

const NARROWEST = 30; // cells

/** Show the run's progress on stderr: live in a terminal, one line per step elsewhere. Disposing it ends the showing. */
export function watch(run: Run): Disposable {
  const { stderr } = run.world;
  const live = isLive(run) ? new LiveView(run) : undefined;
  run.events.subscribe(live?.subscriber ?? logTo((text) => stderr.write(text), run.mask));
  run.events.emit({
    type: 'run.started',
    version: run.version,
    labels: run.labels.map(({ spec }) => spec.name),
    dryRun: run.options.dryRun,
  });
  return { [Symbol.dispose]: () => live?.[Symbol.dispose]() };
}

/** A build server's terminal is a log, and stack traces (--verbose) do not go with lines that are drawn anew. */
function isLive({ world: { stderr, env }, options }: Run): boolean {
  const log = env.TERM === 'dumb' || (env.CI && env.CI !== 'false') || options.verbose;
  return stderr.isTTY && !log && (stderr.columns ?? 0) >= NARROWEST;
}
