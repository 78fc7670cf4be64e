import { jest } from 'bun:test';
import { type Event, EventStream, type Step } from '../../lib/events.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { watch } from '../../lib/report/watch.ts';
import type { Job } from '../../lib/run.ts';
import { planMask } from '../../lib/secrets.ts';
import { Screen } from './screen.ts';

export interface Setting {
  columns?: number | undefined;
  labels?: string[];
  env?: Record<string, string>;
  verbose?: boolean;
  /** Directory whose files are shipped. */
  publish?: string;
  /** Whether stdout is a terminal, too. */
  stdout?: boolean;
}

/** A run whose progress is watched on a terminal of our own; time passes only by `pass`. */
export function watched({
  columns = 80,
  labels = ['department', 'urgency'],
  env = {},
  verbose = false,
  publish,
  stdout = true,
}: Setting = {}) {
  let now = Date.parse('2025-01-31T09:30:00Z');
  const screen = new Screen(columns);
  const events = new EventStream(() => new Date(now));
  const run = {
    version: '0.1.0',
    world: { env, stderr: screen, stdout: { isTTY: stdout }, clock: { now: () => new Date(now) } },
    events,
    mask: planMask(env),
    labels: labels.map((label) => ({ report: { label } })),
    options: { dryRun: false, verbose, ...(publish === undefined ? {} : { publish }) },
  } as unknown as Job;
  const progress = watch(run);
  const pass = (ms: number) => {
    now += ms;
    jest.advanceTimersByTime(ms);
  };
  const emit = (...many: Event[]) => {
    for (const event of many) {
      events.emit(event);
      pass(100);
    }
  };
  const text = () =>
    screen.lines
      .join('\n')
      .replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '~')
      .trimEnd();
  return { screen, events, progress, pass, emit, text };
}

export const started = (label: string, step: Step): Event => ({
  type: 'step.started',
  label,
  step,
});
export const done = (label: string, step: Step, seconds: number): Event => ({
  type: 'step.finished',
  label,
  step,
  seconds,
});
export const finished = (label: string, outcome: Outcome): Event => ({ type: 'label.finished', label, outcome });
export const CONNECTED: Event[] = [
  { type: 'database.connecting', attempt: 1, attempts: 3 },
  { type: 'database.connected', server: '18.6' },
];
export const fetched = (label: string): Event[] => [
  { type: 'label.started', label },
  started(label, 'fetch'),
  { type: 'rows.fetched', label, source: 'misclassified', rows: 1885 },
  { type: 'rows.fetched', label, source: 'correct', rows: 942 },
  { type: 'rows.balanced', label, misclassified: 1885, asked: 1000, correct: 942 },
  done(label, 'fetch', 0.2),
];
export const prepared = (label: string): Event[] => [
  started(label, 'clean'),
  { type: 'rows.cleaned', label, kept: 2674, dropped: { empty_text: 24, duplicate: 129 } },
  done(label, 'clean', 0.1),
  started(label, 'split'),
  { type: 'rows.split', label, splits: { train: 2138, eval: 269, test: 267 } },
  done(label, 'split', 0.3),
  started(label, 'push'),
  { type: 'upload.progress', label, path: 'data/train-00000-of-00001.parquet', share: 0.638 },
];
export const END: Event = { type: 'run.finished', exitCode: 0, seconds: 4.2 };
