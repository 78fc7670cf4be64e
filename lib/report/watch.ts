import type { Event } from '../events.ts';
import type { Options } from '../options.ts';
import type { Job } from '../run.ts';
import { LiveView } from './live.ts';
import { logTo } from './log.ts';

const NARROWEST = 30; // cells

/** Show the job's progress on stderr: live in a terminal, one line per step elsewhere. Disposing it ends the showing. */
export function watch(job: Job): Disposable {
  const { stderr } = job.world;
  const live = isLive(job) ? new LiveView(job) : undefined;
  job.events.subscribe(live?.subscriber ?? logTo((text) => stderr.write(text), job.mask));
  job.events.emit(startOf(job));
  return { [Symbol.dispose]: () => live?.[Symbol.dispose]() };
}

/** The first event of a job; who begins to listen later than the terminal is told it too. */
export function startOf({ version, labels, options }: Job): Event {
  const instead = nameInstead(options);
  return {
    type: 'run.started',
    version,
    labels: labels.map(({ report }) => report.label),
    dryRun: options.dryRun,
    ...(instead === undefined ? {} : { instead }),
  };
}

function nameInstead({ publish, rollback, unhold }: Options): string | undefined {
  if (publish !== undefined) return `publishing what lies in ${publish}`;
  if (rollback !== undefined) return `rolling back to ${rollback}`;
  return unhold ? 'ending a hold' : undefined;
}

/** A build server's terminal is a log, and stack traces (--verbose) do not go with lines that are drawn anew. */
function isLive({ world: { stderr, env }, options }: Job): boolean {
  const log = env.TERM === 'dumb' || (env.CI && env.CI !== 'false') || options.verbose;
  return stderr.isTTY && !log && (stderr.columns ?? 0) >= NARROWEST;
}
