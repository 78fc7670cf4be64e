import { tagUntagged } from '../dataset/commit.ts';
import { CARD, METADATA } from '../dataset/files.ts';
import { formatMetadata } from '../dataset/metadata.ts';
import { parseMetadata } from '../dataset/published.ts';
import type { Building } from '../dataset/ship.ts';
import type { Existing } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { LabelRun } from '../run.ts';
import { planUnheldCard } from './card.ts';
import { planUnheldMetadata } from './metadata.ts';

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 1000; // doubled for each further one

/**
 * End a hold: the head's metadata and card without it. The rows, the version and its tag stay; the next run publishes.
 *
 * @throws PipelineError NOT_HELD; as Target.amend()
 */
export function unhold(job: Building, label: LabelRun): Promise<Outcome> {
  const { dryRun } = job.options;
  return dryRun ? endHold(job, label) : label.target.locked(() => endHold(job, label));
}

/** Whatever became of an attempt, the head tells: somebody else may have committed, or an answer was lost. */
async function endHold({ options, world }: Building, label: LabelRun): Promise<Outcome> {
  const { target, report } = label;
  for (let attempt = 1; ; attempt++) {
    const head = await target.readHead();
    const metadata = head.state === 'absent' ? undefined : parseMetadata(label, head.metadata);
    const version = metadata?.version_tag ?? '';
    if (version !== '') report.previousVersion = version;
    if (head.state === 'absent' || !metadata?.hold) {
      if (attempt > 1) return { status: 'unchanged', version, hold: 'ended' };
      throw notHeld(label);
    }
    if (options.dryRun) return { status: 'unchanged', version, hold: 'would end' };
    await tagUntagged(target, head, version, await target.versions());
    try {
      await target.amend(head, `End of the hold (${report.label}) - ${version.slice(1)}`, planFiles(head));
      return { status: 'unchanged', version, hold: 'ended' };
    } catch (thrown) {
      world.signal.throwIfAborted();
      if (!(thrown instanceof PipelineError) || !thrown.retryable || attempt === ATTEMPTS) throw thrown;
      if (thrown.code !== 'TARGET_MOVED') await world.clock.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1), world.signal);
    }
  }
}

/** The card first: a directory that is left between the two is still held, and nobody is told otherwise. */
function planFiles({ card, metadata = '{}' }: Existing): Map<string, string> {
  const unheld = card === undefined ? undefined : planUnheldCard(card);
  return new Map([
    ...(unheld === undefined || unheld === card ? [] : ([[CARD, unheld]] as const)),
    [METADATA, formatMetadata(planUnheldMetadata(metadata))],
  ]);
}

function notHeld({ target }: LabelRun): PipelineError {
  return new PipelineError('NOT_HELD', `Cannot end the hold of ${target.name}: it is not held`, {
    fix: 'nothing is to be done; the next run publishes',
  });
}
