import type { Event } from '../events.ts';
import type { RunReport } from '../report/report.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import { isPausing } from './effects.ts';

/** Metrics of a run by name; docs/tracking.md explains each. */
export type Metrics = Record<string, number | string>;

/** A job's events as metrics. The first five names are those of the Python service that this program replaces. */
export class MetricsOf {
  /** Steps are repeated when a target moves. */
  readonly #seconds = new Map<string, number>();

  /** @returns undefined for an event that measures nothing */
  event(event: Event): Metrics | undefined {
    switch (event.type) {
      case 'database.connected':
        return { db_connection_status: 'success' };
      case 'database.failed':
        return event.retryInSeconds === undefined ? { db_connection_status: 'failed' } : undefined;
      case 'rows.balanced':
        return {
          [`${event.label}_records_fetched`]: event.misclassified + event.correct,
          [`${event.label}_rows_misclassified`]: event.misclassified,
          [`${event.label}_rows_correct`]: event.correct,
        };
      case 'rows.cleaned':
        return {
          [`${event.label}_rows_cleaned`]: event.kept,
          ...prefixed(`${event.label}_dropped`, event.dropped),
        };
      case 'rows.split':
        return prefixed(`${event.label}_split`, event.splits);
      case 'step.finished': {
        const name = `${event.label}_seconds_${event.step}`;
        const seconds = (this.#seconds.get(name) ?? 0) + event.seconds;
        this.#seconds.set(name, seconds);
        return { [name]: seconds };
      }
      case 'label.finished': {
        const { label, outcome } = event;
        const version = 'version' in outcome && outcome.version !== '' ? { [`${label}_version`]: outcome.version } : {};
        return { [`${label}_push_status`]: outcome.status, ...version };
      }
      default:
        return undefined;
    }
  }
}

/** The last metrics of a run. The pause is told before it comes: it is the last thing that a run does. */
export function endMetrics({ exitCode, seconds }: RunReport, space: OperationsSpec['space']): Metrics {
  return {
    status: statusOf(exitCode),
    seconds,
    ...(space ? { hf_space_pause: isPausing(space, exitCode) ? 'requested' : 'not_requested' } : {}),
  };
}

/** @param exitCode see docs/report.md; 130 and 143 are SIGINT and SIGTERM */
export function statusOf(exitCode: number): 'success' | 'refused' | 'interrupted' | 'failed' {
  if (exitCode === 0) return 'success';
  if (exitCode === 3) return 'refused';
  return exitCode === 130 || exitCode === 143 ? 'interrupted' : 'failed';
}

function prefixed(prefix: string, counts: Record<string, number>): Metrics {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}_${name}`, count]));
}
