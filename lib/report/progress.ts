import type { Event, Step } from '../events.ts';
import type { Outcome } from '../outcome.ts';
import type { EffectReport } from './report.ts';
import { formatCount, formatDrops, formatStatus } from './words.ts';

export type Mark = 'waiting' | 'running' | 'done' | 'stopped' | Outcome['status'];

/** Readable without colour. */
export const SIGNS: Record<Mark, string> = {
  waiting: '·',
  running: '●',
  done: '✔',
  stopped: '■',
  success: '✔',
  planned: '✔',
  unchanged: '=',
  skipped_insufficient_data: '↓',
  held: '‖',
  refused: '⊘',
  failed: '✖',
};

/** One line of the progress; `level` 1 is a step of the label above it. */
export interface Row {
  level: 0 | 1;
  mark: Mark;
  name: string;
  detail: string;
  /** The detail for who may see neither a server's name and version nor a message. */
  brief: string;
  seconds: number | undefined;
}

/** A label with all of its steps so far. */
export interface LabelRows {
  label: Row;
  steps: Row[];
}

interface Activity {
  detail: string;
  /** Where it is not the detail. */
  brief?: string;
  mark: Mark;
  startedAt: Date;
  /** Undefined while it runs. */
  seconds: number | undefined;
}

const TELLING: Record<EffectReport['kind'], string> = {
  tracking: 'sending the rest to Weights & Biases',
  email: 'sending the summary',
  webhook: 'posting the summary',
  history: 'writing',
  pause: 'asking the Hub',
};

interface LabelProgress {
  steps: Map<Step, Activity>;
  outcome: Outcome | undefined;
  /** The split depends on a head that changed meanwhile: splitting again. */
  moved: boolean;
}

/** Where a run is, kept up to date by its events. */
export class Progress {
  readonly #labels = new Map<string, LabelProgress>();
  #database: Activity | undefined;
  #readsDatabase = true;
  #attempts = 1;
  #active: string | undefined;
  #effect: { kind: EffectReport['kind']; startedAt: Date } | undefined;

  apply(event: Event, at: Date): void {
    if (event.type === 'run.started') {
      this.#readsDatabase = event.instead === undefined;
      for (const label of event.labels) this.#labels.set(label, { steps: new Map(), outcome: undefined, moved: false });
    } else if (event.type === 'effect.started') this.#effect = { kind: event.kind, startedAt: at };
    else if (event.type === 'effect.finished') this.#effect = undefined;
    else if (event.type.startsWith('database.')) this.#applyDatabase(event, at);
    else if ('label' in event && event.label !== undefined) {
      const label = this.#labels.get(event.label);
      if (label) this.#applyLabel(label, event, at);
    }
  }

  #applyDatabase(event: Event, at: Date): void {
    if (event.type === 'database.connecting') {
      const { attempt, attempts } = event;
      const detail = attempt === 1 ? 'connecting' : `connecting, attempt ${attempt} of ${attempts}`;
      const startedAt = this.#database?.startedAt ?? at;
      this.#attempts = attempts;
      this.#database = { detail, mark: 'running', startedAt, seconds: undefined };
    } else if (this.#database && event.type === 'database.connected') {
      this.#database.detail = `PostgreSQL ${event.server}`;
      this.#database.brief = 'connected';
      finish(this.#database, 'done', at);
    } else if (this.#database && event.type === 'database.failed') {
      const { attempt, code, message, retryInSeconds } = event;
      const again = retryInSeconds !== undefined;
      this.#database.detail = again
        ? `again in ${retryInSeconds} s (${attempt} of ${this.#attempts} failed): ${code}`
        : `${code}: ${message}`;
      this.#database.brief = again ? this.#database.detail : code;
      if (again) this.#database.mark = 'running';
      else finish(this.#database, 'failed', at);
    }
  }

  #applyLabel(label: LabelProgress, event: Event, at: Date): void {
    const { steps } = label;
    switch (event.type) {
      case 'step.started':
        this.#active = event.label;
        if (event.step === 'fetch') steps.clear(); // a lost connection starts again in a new snapshot
        steps.set(event.step, {
          detail: event.step === 'split' && label.moved ? 'again, the target changed meanwhile' : '',
          mark: 'running',
          startedAt: at,
          seconds: undefined,
        });
        break;
      case 'rows.fetched':
        describe(steps, 'fetch', `${event.source} ${formatCount(event.rows)}`);
        break;
      case 'rows.balanced': {
        const { misclassified, asked, correct } = event;
        describe(steps, 'fetch', `${formatCount(misclassified + correct)} rows`);
        const of = correct < asked ? ` of ${formatCount(asked)}` : '';
        const detail = `misclassified ${formatCount(misclassified)}, correct ${formatCount(correct)}${of}`;
        steps.set('balance', { detail, mark: 'done', startedAt: at, seconds: 0 });
        break;
      }
      case 'rows.cleaned': {
        const dropped = Object.values(event.dropped).reduce((sum, rows) => sum + rows, 0);
        describe(steps, 'clean', `${formatCount(event.kept)} rows kept, ${formatCount(dropped)} dropped`);
        break;
      }
      case 'rows.split':
        describe(steps, 'split', formatDrops(event.splits));
        break;
      case 'checks.failed':
        describe(
          steps,
          'check',
          `${event.severity === 'refuse' ? 'refused by' : 'warning from'} ${event.checks.join(', ')}`,
        );
        break;
      case 'upload.progress':
        describe(steps, 'push', `${Math.floor(100 * event.share)}% ${event.path}`);
        break;
      case 'target.moved':
        label.moved = true;
        steps.delete('split');
        steps.delete('push');
        break;
      case 'step.finished': {
        const step = steps.get(event.step);
        if (step) Object.assign(step, { mark: 'done', seconds: event.seconds });
        if (step?.detail && event.step === 'push') step.detail = 'uploaded'; // which file came last says nothing any more
        break;
      }
      case 'label.finished':
        label.outcome = event.outcome;
        for (const step of steps.values())
          if (step.mark === 'running') finish(step, 'problem' in event.outcome ? event.outcome.status : 'stopped', at);
        if (this.#active === event.label) this.#active = undefined;
        break;
    }
  }

  /** The lines: the database, the labels, the steps of the one that is worked on, and who is being told. `ended`: what still runs has been stopped. */
  rows(now: Date, ended: boolean): Row[] {
    const labels = this.labels(now, ended);
    return [
      this.database(now, ended) ?? [],
      labels.flatMap(({ label, steps }) => (label.name === this.#active && !ended ? [label, ...steps] : [label])),
      this.effect(now, ended) ?? [],
    ].flat();
  }

  /** Undefined where none is read. */
  database(now: Date, ended: boolean): Row | undefined {
    if (this.#database) return { level: 0, name: 'database', ...shown(this.#database, now, ended) };
    if (ended || !this.#readsDatabase) return undefined;
    return { level: 0, name: 'database', mark: 'waiting', detail: '', brief: '', seconds: undefined };
  }

  /** All labels, whichever is worked on. */
  labels(now: Date, ended: boolean): LabelRows[] {
    return [...this.#labels].map(([name, label]) => ({
      label: labelRow(name, label, name === this.#active && !ended, now, ended),
      steps: [...label.steps].map(([step, activity]) => ({ level: 1, name: step, ...shown(activity, now, ended) })),
    }));
  }

  /** Who is being told. */
  effect(now: Date, ended: boolean): Row | undefined {
    if (!this.#effect || ended) return undefined;
    const { kind, startedAt } = this.#effect;
    const seconds = (now.getTime() - startedAt.getTime()) / 1000;
    return { level: 0, name: kind, mark: 'running', detail: TELLING[kind], brief: TELLING[kind], seconds };
  }
}

function labelRow(name: string, { steps, outcome }: LabelProgress, active: boolean, now: Date, ended: boolean): Row {
  const last = [...steps].at(-1);
  const seconds =
    steps.size === 0
      ? undefined
      : [...steps.values()].reduce((sum, step) => sum + (shown(step, now, ended).seconds ?? 0), 0);
  const row = (mark: Mark, detail: string, brief = detail): Row => ({ level: 0, name, mark, detail, brief, seconds });
  if (outcome)
    return row(outcome.status, formatStatus(outcome), 'problem' in outcome ? outcome.problem.code : undefined);
  if (ended) return row('stopped', stoppedAt(last));
  if (active) return row('running', '');
  const fetched = steps.get('fetch');
  return row('waiting', fetched?.detail ? `fetched ${fetched.detail}` : '');
}

function stoppedAt(last: [Step, Activity] | undefined): string {
  if (!last) return 'stopped';
  const [step, { mark }] = last;
  return `stopped ${mark === 'running' ? 'at' : 'after'} ${step}`;
}

function shown({ detail, brief = detail, mark, startedAt, seconds }: Activity, now: Date, ended: boolean) {
  return {
    detail,
    brief,
    mark: ended && mark === 'running' ? ('stopped' as const) : mark,
    seconds: seconds ?? (now.getTime() - startedAt.getTime()) / 1000,
  };
}

function describe(steps: Map<Step, Activity>, name: Step, detail: string): void {
  const step = steps.get(name);
  if (step) step.detail = detail;
}

function finish(activity: Activity, mark: Mark, at: Date): void {
  activity.mark = mark;
  activity.seconds = (at.getTime() - activity.startedAt.getTime()) / 1000;
}
