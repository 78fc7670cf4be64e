import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { LabelRun, Run } from '../run.ts';
import { type PublishedVersion, readPublished } from './published.ts';

const ATTEMPTS = 3;

/**
 * Read the target's head and work on it; again from the new head when somebody else committed meanwhile, since the split
 * depends on it. A directory is locked from the reading to the switch, except in a dry run, which changes nothing.
 */
export async function withHead(
  run: Run,
  label: LabelRun,
  work: (published: PublishedVersion) => Promise<Outcome>,
): Promise<Outcome> {
  const attemptAll = async (): Promise<Outcome> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(await readPublished(run, label));
      } catch (thrown) {
        if (!(thrown instanceof PipelineError) || thrown.code !== 'TARGET_MOVED' || attempt === ATTEMPTS) throw thrown;
        run.events.emit({ type: 'target.moved', label: label.spec.name, attempt });
      }
    }
  };
  return run.options.dryRun ? attemptAll() : label.target.locked(attemptAll);
}
