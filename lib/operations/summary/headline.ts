import type { Outcome } from '../../outcome.ts';
import type { LabelReport, RunReport } from '../../report/report.ts';
import { nameStatus } from '../../report/words.ts';
import { line } from './bounded.ts';

const MOST_NAMES = 3;
const LONGEST_PATH = 60; // characters

/** What stands in a subject: the worst first, then the rest, then where it comes from. `FAILED: urgency, 1 published — pipeline.config.yaml`. */
export function headline({ labels, action, config }: RunReport): string {
  const of = (status: string) => labels.filter(({ outcome }) => statusOf(outcome) === status);
  const parts = [
    named(FAILED[action], of('failed')),
    named(REFUSED[action], of('refused')),
    action === 'rollback' || action === 'unhold'
      ? named(DONE[action], of('success'))
      : counted(DONE[action], of('success')),
    counted('planned', of('planned')),
    counted('unchanged', of('unchanged')),
    counted('skipped', of('skipped_insufficient_data')),
    counted('held', of('held')),
    counted('not finished', of('not finished')),
  ].filter((part) => part !== '');
  return `${parts.join(', ') || 'no label'} — ${shortPath(config)}`;
}

/** A hold that was ended leaves the rows unchanged, and is what was asked for. */
function statusOf(outcome: Outcome | undefined): string {
  if (outcome?.status === 'unchanged' && outcome.hold === 'ended') return 'success';
  return outcome?.status ?? 'not finished';
}

const DONE = { run: 'published', publish: 'published', rollback: 'Rolled back', unhold: 'No longer held' };
const FAILED = { run: 'FAILED', publish: 'FAILED', rollback: 'ROLLBACK FAILED', unhold: 'UNHOLD FAILED' };
const REFUSED = { run: 'REFUSED', publish: 'REFUSED', rollback: 'ROLLBACK REFUSED', unhold: 'UNHOLD REFUSED' };

function named(word: string, labels: LabelReport[]): string {
  if (labels.length === 0) return '';
  const names = labels.slice(0, MOST_NAMES).map(({ label }) => line(label, 40));
  const more = labels.length - names.length;
  return `${word}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function counted(word: string, labels: LabelReport[]): string {
  return labels.length === 0 ? '' : `${labels.length} ${word}`;
}

/** The end of a path says more than its beginning. */
function shortPath(path: string): string {
  const clean = line(path, 500);
  return clean.length <= LONGEST_PATH ? clean : `…${clean.slice(-LONGEST_PATH).replace(/^[\uDC00-\uDFFF]/, '')}`;
}

/** What came of a label in a word or two, as --rollback and --unhold call it. */
export function verdictWord({ outcome }: LabelReport, action: RunReport['action']): string {
  if (!outcome) return 'not finished';
  if (statusOf(outcome) !== 'success' || action === 'run' || action === 'publish') return nameStatus(outcome.status);
  return DONE[action].toLowerCase();
}
