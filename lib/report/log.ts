import type { Event, Subscriber } from '../events.ts';
import type { Mask } from '../secrets.ts';
import { plain } from './layout.ts';
import type { EffectReport } from './report.ts';
import { formatCount, formatDrops, formatOutcome, formatSeconds } from './words.ts';

/** One line per step, with the time (UTC), for a log or a pipe. */
export function logTo(write: (text: string) => void, mask: Mask): Subscriber {
  return (event, at) => {
    const line = lineOf(event);
    if (line !== undefined) write(`${at.toISOString().slice(11, 19)} ${plain(mask(line))}\n`);
  };
}

/** What a person reads of an event; undefined for those that are too fine. */
export function lineOf(event: Event): string | undefined {
  switch (event.type) {
    case 'run.started': {
      const what = `dataset preparation pipeline ${event.version}${event.dryRun ? ' (dry run)' : ''}`;
      const instead = event.instead === undefined ? '' : `, ${event.instead}`;
      return `Starting ${what}${instead}: ${event.labels.join(', ')}`;
    }
    case 'tracking.off':
      return `Weights & Biases is off: ${event.why}.`;
    case 'database.connecting':
      return event.attempt === 1
        ? 'Connecting to the database...'
        : `Connecting to the database, attempt ${event.attempt} of ${event.attempts}...`;
    case 'database.connected':
      return `Database connection successful (PostgreSQL ${event.server}).`;
    case 'database.failed':
      return `Attempt ${event.attempt} failed: ${event.code}: ${event.message}.${event.retryInSeconds === undefined ? '' : ` Retrying in ${event.retryInSeconds}s...`}`;
    case 'step.started':
      return event.step === 'fetch' ? `Fetching misclassified data for '${event.label}'...` : undefined;
    case 'rows.balanced':
      return `Retrieved ${event.misclassified + event.correct} records for '${event.label}'.`;
    case 'rows.cleaned':
      return `Cleaned '${event.label}': ${formatCount(event.kept)} rows kept; dropped: ${formatDrops(event.dropped)}.`;
    case 'rows.split':
      return `Split '${event.label}': ${formatDrops(event.splits)}.`;
    case 'checks.failed': {
      const what = event.severity === 'refuse' ? 'refused by' : 'a warning from';
      return `Checks of '${event.label}': ${what} ${event.checks.join(', ')}.`;
    }
    case 'report.written':
      return `Report written: ${event.path}`;
    case 'target.moved':
      return `The target of '${event.label}' changed meanwhile; starting again from its new head.`;
    case 'label.finished':
      return formatOutcome(event.label, event.outcome);
    case 'space.restarted':
      return `Restarted ${event.space} to train on ${event.version} of '${event.label}'.`;
    case 'effect.finished':
      return event.effect.status === 'done' ? formatDone(event.effect) : undefined; // a failure is a warning
    case 'warning':
      return `Warning${event.label ? ` for '${event.label}'` : ''}: ${event.message}.`;
    case 'run.finished':
      return event.exitCode === 0
        ? `Dataset preparation completed successfully in ${formatSeconds(event.seconds)}!`
        : `Dataset preparation ended with exit code ${event.exitCode} after ${formatSeconds(event.seconds)}.`;
    default:
      return undefined;
  }
}

function formatDone({ kind, detail }: EffectReport): string {
  switch (kind) {
    case 'tracking':
      return `Tracked: ${detail}.`;
    case 'email':
      return 'Summary e-mailed.';
    case 'webhook':
      return 'Summary posted to the webhook.';
    case 'history':
      return `Remembered in the history: ${detail}.`;
    case 'pause':
      return `Pausing ${detail}.`;
  }
}
