import type { Outcome } from '../outcome.ts';
import type { Drops, RunReport } from './report.ts';

/** 1234567 → `1,234,567`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 row`, `2 rows`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** `12.3 s`, `4 min 05 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}

/** `duplicate 180, empty_text 20`; `none`. */
export function formatDrops(dropped: Drops | Record<string, number>): string {
  const parts = Object.entries(dropped).map(([reason, rows]) => `${reason} ${formatCount(rows ?? 0)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** `fetch 1.2 s, clean 0.4 s`. */
export function formatTimes(seconds: Record<string, number>): string {
  return Object.entries(seconds)
    .map(([name, time]) => `${name} ${formatSeconds(time)}`)
    .join(', ');
}

/** What the program did, as a title before the name of the spec. */
export function nameAction({ action, dryRun }: Pick<RunReport, 'action' | 'dryRun'>): string {
  if (action === 'rollback') return dryRun ? 'Dry run of a rollback by' : 'Rollback by';
  if (action === 'unhold') return dryRun ? 'Dry run of the end of a hold by' : 'End of a hold by';
  return dryRun ? 'Dry run of' : 'Run of';
}

/** Where a rollback goes to, and what that means for the runs to come; undefined for anything else. */
export function describeRollback({ rolledBackTo, dryRun, labels }: RunReport): string | undefined {
  if (rolledBackTo === undefined) return undefined;
  const held = labels.filter(({ outcome }) => outcome && HELD_AFTERWARDS.has(outcome.status)).map(({ label }) => label);
  const then = `; runs ${dryRun ? 'would publish' : 'publish'} nothing of ${held.join(', ')} until --unhold`;
  return `to ${rolledBackTo}${held.length > 0 ? then : ''}`;
}

const HELD_AFTERWARDS: ReadonlySet<Outcome['status']> = new Set(['success', 'planned', 'unchanged']);

/** What --unhold did: the label is neither compared nor published then. */
export const HOLDS = {
  ended: 'the hold is ended, and the next run publishes',
  'would end': 'the hold would end, and the next run publish',
};

export type Tone = 'good' | 'quiet' | 'warn' | 'bad';

/** How urgently a person should look at what came of a label. */
export const TONES: Record<Outcome['status'], Tone> = {
  success: 'good',
  planned: 'good',
  unchanged: 'quiet',
  skipped_insufficient_data: 'warn',
  held: 'warn',
  refused: 'bad',
  failed: 'bad',
};

/** What came of a label in one word. */
export function nameStatus(status: Outcome['status']): string {
  return status.replace(/_.*/, '');
}

/** What came of a label, in the few words that fit beside its name. */
export function formatStatus(outcome: Outcome): string {
  switch (outcome.status) {
    case 'success':
      return `success ${outcome.version}`;
    case 'planned':
      return `planned ${outcome.version}`;
    case 'unchanged':
      if (outcome.hold) return `${outcome.version}: ${HOLDS[outcome.hold]}`;
      return outcome.version ? `unchanged since ${outcome.version}` : 'unchanged';
    case 'skipped_insufficient_data':
      return `skipped, ${formatCount(outcome.rows)} rows of ${formatCount(outcome.minimum)} needed`;
    case 'held':
      return `held at ${outcome.version}`;
    default:
      return `${outcome.status} ${outcome.problem.code}: ${outcome.problem.message}`;
  }
}

/** One line on what came of a label. */
export function formatOutcome(label: string, outcome: Outcome): string {
  switch (outcome.status) {
    case 'success':
      return `Successfully pushed '${label}' dataset: ${outcome.version} (${outcome.url}).`;
    case 'planned':
      return `Planned '${label}' dataset: ${outcome.version}${outcome.directory && `, built in ${outcome.directory}`}.`;
    case 'unchanged':
      if (outcome.hold === 'ended')
        return `Ended the hold of '${label}' dataset at ${outcome.version}; the next run publishes.`;
      if (outcome.hold) return `Planned to end the hold of '${label}' dataset at ${outcome.version}.`;
      return `Unchanged '${label}' dataset: ${outcome.version || 'the published version'} holds the same rows; nothing was written.`;
    case 'skipped_insufficient_data':
      return `Skipped pushing '${label}' dataset — insufficient data (${outcome.rows} < ${outcome.minimum}).`;
    case 'held':
      return `Held '${label}' dataset at ${outcome.version} since ${outcome.since.slice(0, 10)}: ${outcome.reason}`;
    case 'refused':
      return `Refused to push '${label}' dataset: ${outcome.problem.code}: ${outcome.problem.message}`;
    case 'failed':
      return `Error processing '${label}' dataset: ${outcome.problem.code}: ${outcome.problem.message}`;
  }
}
