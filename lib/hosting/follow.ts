import type { Job, Jobs } from '../edges/jobs.ts';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';

/** A Job does nothing more: huggingface_hub `TERMINAL_JOB_STAGES`. */
const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'CANCELED', 'ERROR', 'DELETED']);
const NOT_STARTED: ReadonlySet<string> = new Set(['SCHEDULING', 'BUILDING']);

const START_POLL_MS = 2000; // while a machine is looked for
const WATCH_MS = 10_000; // whether it has ended, while its log is read
const TAIL_MS = 5000; // a log that says nothing for so long after the end is complete
const LONGEST_WAIT_MS = 10_000; // between two attempts on a log
const MOST_BREAKS = 6; // of a log, without a new line between them

/** Who hears of a Job. */
export interface Listener {
  /** A line of its log. */
  line(text: string): void;
  /** What becomes of it. */
  say(text: string): void;
}

/**
 * Hand on a Job's log, each line once and in order, until it has ended. A stream that breaks is read again; the Hub then begins at the
 * first line.
 *
 * @returns the Job as it ended
 */
export async function follow(
  jobs: Jobs,
  started: Job,
  world: Pick<World, 'clock' | 'signal'>,
  to: Listener,
): Promise<Job> {
  const { clock, signal } = world;
  const { id } = started;
  let job = started;
  let seen = 0;
  let breaks = 0;
  let waiting = '';
  for (;;) {
    const { stage } = job.status;
    let isRead = breaks > MOST_BREAKS; // nothing more can be had of it
    if (NOT_STARTED.has(stage)) {
      if (stage !== waiting) to.say(`Waiting for a machine (${stage})`);
      waiting = stage;
    } else {
      if (!isRead) {
        const read = await readLog(jobs, id, seen, world, to);
        breaks = read.complete || read.seen > seen ? 0 : breaks + 1;
        seen = read.seen;
        isRead = read.complete;
        if (!isRead)
          to.say(
            breaks > MOST_BREAKS ? 'The log cannot be read; waiting for the end' : 'The log broke off; reading on',
          );
      }
      if (isRead) job = await jobs.get(id);
      if (isRead && ENDED.has(job.status.stage)) return job;
    }
    await clock.sleep(Math.min(START_POLL_MS * 2 ** breaks, LONGEST_WAIT_MS), signal);
    job = await jobs.get(id);
  }
}

/** @param skip lines that are known. @returns how many are known now, and whether the log was read to its end */
async function readLog(
  jobs: Jobs,
  id: string,
  skip: number,
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  to: Listener,
): Promise<{ seen: number; complete: boolean }> {
  let read = 0;
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const watch = async () => {
    // a log can stay open and empty, e.g. after an image that cannot be built
    for (;;) {
      await clock.sleep(WATCH_MS, both);
      const before = read;
      if (!ENDED.has((await jobs.get(id)).status.stage)) continue;
      await clock.sleep(TAIL_MS, both);
      if (read === before) return over.abort();
    }
  };
  const watching = watch().catch(() => {}); // whoever reads the log next learns what is wrong
  try {
    for await (const line of jobs.log(id, both)) {
      read++;
      if (read > skip && !line.startsWith('===== Job started')) to.line(line);
    }
    return { seen: Math.max(read, skip), complete: true };
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof PipelineError) throw thrown;
    return { seen: Math.max(read, skip), complete: over.signal.aborted };
  } finally {
    over.abort();
    await watching;
  }
}

export interface JobEnd {
  exitCode: number;
  /** In words, after "Job … ". */
  text: string;
}

/** What a Job's end means. The Hub tells the exit code in words: `Job failed with exit code: 3. Reason: Error`. */
export function endOf({ status: { stage, message } }: Job): JobEnd {
  if (stage === 'COMPLETED') return { exitCode: 0, text: 'ended well' };
  if (stage === 'CANCELED') return { exitCode: 1, text: 'was cancelled' };
  if (stage === 'DELETED') return { exitCode: 1, text: 'was deleted' };
  if (/timeout/i.test(message ?? ''))
    return { exitCode: 1, text: 'was stopped at its limit of time: job.timeout of the spec' };
  const told = Number(/exit code:? *(\d{1,3})\b/i.exec(message ?? '')?.[1]);
  const code = told >= 1 && told <= 255 ? told : 1; // a process cannot end with more: 256 would be 0
  const killed = code === 137 ? '; it was killed, as a rule for want of memory: job.flavor of the spec' : '';
  return { exitCode: code, text: `ended with exit code ${code}${killed}` };
}
