import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { Job, JobLabel, LabelRun, Run } from '../run.ts';
import { type PublishedVersion, readPublished } from './published.ts';

const ATTEMPTS = 3;

/** Read the target's head and work on it; again from the new head when somebody else committed meanwhile, since the split depends on it. */
export async function withHead(
  run: Run,
  label: LabelRun,
  work: (published: PublishedVersion) => Promise<Outcome>,
): Promise<Outcome> {
  return onHead(run, label, async () => work(await readPublished(run, label)));
}

/**
 * The same for work that reads the head itself. A directory is locked from the reading to the switch, except in a dry run, which changes
 * nothing.
 */
export async function onHead<T>(job: Job, { target, report }: JobLabel, work: () => Promise<T>): Promise<T> {
  const attemptAll = async (): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (thrown) {
        if (!(thrown instanceof PipelineError) || thrown.code !== 'TARGET_MOVED' || attempt === ATTEMPTS) throw thrown;
        job.events.emit({ type: 'target.moved', label: report.label, attempt });
      }
    }
  };
  return job.options.dryRun ? attemptAll() : target.locked(attemptAll);
}
