import type { Outcome } from './outcome.ts';
import type { EffectReport } from './report/report.ts';

/** Where the rows of a label come from: `misclassified` is reviewed by a person, `correct` is the model's own label. */
export type Source = 'misclassified' | 'correct';

export const STEPS = ['fetch', 'balance', 'clean', 'split', 'check', 'push'] as const;

export type Step = (typeof STEPS)[number];

/** What a run says of itself. The terminal, the log and the report are subscribers; none of the events holds a row's text. */
export type Event =
  /** `instead`: what is done instead of a run, in words; nothing is read from a database then. */
  | { type: 'run.started'; version: string; labels: string[]; dryRun: boolean; instead?: string }
  | { type: 'database.connecting'; attempt: number; attempts: number }
  | { type: 'database.connected'; server: string }
  | { type: 'database.failed'; attempt: number; code: string; message: string; retryInSeconds: number | undefined }
  | { type: 'label.started'; label: string }
  | { type: 'step.started'; label: string; step: Step }
  | { type: 'rows.fetched'; label: string; source: Source; rows: number }
  | { type: 'rows.balanced'; label: string; misclassified: number; asked: number; correct: number }
  | { type: 'rows.cleaned'; label: string; kept: number; dropped: Record<string, number> }
  | { type: 'rows.split'; label: string; splits: Record<string, number> }
  | { type: 'checks.failed'; label: string; severity: 'refuse' | 'warn'; checks: string[] }
  | { type: 'upload.progress'; label: string; path: string; share: number }
  | { type: 'target.moved'; label: string; attempt: number }
  | { type: 'step.finished'; label: string; step: Step; seconds: number }
  | { type: 'label.finished'; label: string; outcome: Outcome }
  /** The run has a page in W&B. */
  | { type: 'tracking.started'; url: string }
  /** Nothing is tracked, and why. */
  | { type: 'tracking.off'; why: string }
  /** A Space was restarted to train on a version. */
  | { type: 'space.restarted'; label: string; space: string; version: string }
  /** Someone is about to be told, which may take a while. */
  | { type: 'effect.started'; kind: EffectReport['kind'] }
  /** Someone was told: `detail` holds no secret and no address. */
  | { type: 'effect.finished'; effect: EffectReport }
  | { type: 'warning'; label?: string; message: string }
  | { type: 'report.written'; path: string }
  | { type: 'run.finished'; exitCode: number; seconds: number };

export type Subscriber = (event: Event, at: Date) => void;

/** One stream of events for the whole run. */
export class EventStream {
  readonly #subscribers: Subscriber[] = [];
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.push(subscriber);
  }

  emit(event: Event): void {
    const at = this.#now();
    for (const subscriber of this.#subscribers) subscriber(event, at);
  }
}
