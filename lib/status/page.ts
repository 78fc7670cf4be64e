import { basename } from 'node:path';
import pkg from '../../package.json' with { type: 'json' };
import type { HopResult } from '../check/hops.ts';
import type { PageServer } from '../edges/page-server.ts';
import type { Rest } from '../history/interval.ts';
import { planEffects } from '../operations/effects.ts';
import type { Options } from '../options.ts';
import { formatReport } from '../report/json.ts';
import { Progress } from '../report/progress.ts';
import type { EffectReport, RunReport } from '../report/report.ts';
import { startOf } from '../report/watch.ts';
import type { Run } from '../run.ts';
import { type Mask, maskStrings, planMask } from '../secrets.ts';
import { spaceOf } from '../spec/operations.ts';
import { isSameName } from '../spec/target.ts';
import type { World } from '../world.ts';
import { Broadcast, type Limits } from './broadcast.ts';
import { publicHop, publicHopId, publicReport } from './public.ts';
import { type Doing, isChecked, type State } from './state.ts';
import { Drawing } from './view.ts';

/** Where somebody waits for the page's end. */
export type Place = 'desk' | 'space';

type Outside = Pick<World, 'env' | 'clock' | 'signal' | 'stderr'>;

/**
 * The status page of one program: what it knows, from the moment when nothing is known. Opened by lib/open.ts before any work, and disposed
 * last of all; what goes wrong here never breaks a run.
 */
export class StatusPage implements AsyncDisposable {
  readonly broadcast: Broadcast;
  readonly #world: Outside;
  readonly #place: Place;
  readonly #mask: Mask;
  readonly #config: string;
  readonly #progress = new Progress();
  #doing: Doing = { kind: 'starting' };
  /** The run's report, were it to end now. */
  #report: (() => RunReport) | undefined;
  #effects: EffectReport[] = [];
  #pause: State['pause'];
  #trackingUrl: string | undefined;
  #isDone = false;
  #over = false;
  #server: PageServer | undefined;

  constructor({ config }: Pick<Options, 'config'>, world: Outside, place: Place, limits?: Limits) {
    this.#config = basename(config);
    this.#world = world;
    this.#place = place;
    this.#mask = planMask(world.env);
    const drawing = new Drawing(() => world.clock.now());
    this.broadcast = new Broadcast(() => drawing.draw(this.#state()), limits);
  }

  /** Say where it is, and end that with the program. */
  serve(server: PageServer): void {
    this.#server = server;
    this.#world.stderr.write(`Status page: ${server.url}\n`);
  }

  /** The report so far as JSON; undefined where there is none yet. */
  report(): string | undefined {
    const doing = this.#now();
    const report = 'report' in doing ? doing.report : undefined;
    return report && formatReport(report);
  }

  /** Show hops of --check as they end. @returns takes each result */
  check(ids: readonly string[]): (result: HopResult) => void {
    const hops = ids.map((id) => ({ id: publicHopId(id), status: 'waiting' as const }));
    this.#doing = { kind: 'checking', hops };
    this.broadcast.changed();
    let next = 0;
    return (result) => {
      Object.assign(hops[next++] ?? {}, publicHop(maskStrings(result, this.#mask)));
      this.#isDone = isChecked(hops);
      this.broadcast.changed();
    };
  }

  /** Show a run from here on. @param report its report, were it to end now */
  follow(run: Run, report: (effects: EffectReport[]) => RunReport): void {
    this.#effects = planEffects(run.spec.operations);
    this.#report = () => report(this.#effects);
    this.#progress.apply(startOf(run), run.startedAt);
    run.events.subscribe((event, at) => {
      this.#progress.apply(event, at);
      if (event.type === 'tracking.started') this.#trackingUrl = this.#mask(event.url);
      if (event.type === 'effect.finished')
        this.#effects = this.#effects.map((each) => (each.kind === event.effect.kind ? event.effect : each));
      if (event.type === 'run.finished') this.#finish(event.exitCode);
      this.broadcast.changed();
    });
    this.broadcast.changed();
  }

  /** From now on its report does not change, nor do its times. */
  #finish(exitCode: number): void {
    const report = this.#report?.();
    if (!report) return;
    this.#report = () => ({ ...report, exitCode });
    this.#isDone = true;
  }

  /** Show that there is nothing to do yet. @param report of the last run, where it is kept */
  rest({ record, due }: Rest, report: RunReport | undefined): void {
    const shown = report && publicReport(maskStrings(report, this.#mask));
    this.#doing = { kind: 'resting', rest: { record, due }, ...(shown && { report: shown }) };
    this.#isDone = true;
  }

  /** What becomes of a Space that is paused at the end; another one than this does not matter. */
  pause(id: string, pause: NonNullable<State['pause']>): void {
    if (!isSameName(id, spaceOf(this.#world.env) ?? '')) return;
    this.#pause = pause;
    this.broadcast.changed();
  }

  /** It stays while somebody may want to look at what was done. */
  get #stays(): boolean {
    const isGone = this.#place === 'space' && this.#pause === 'done';
    return this.#isDone && !isGone && !this.#world.signal.aborted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.broadcast.end();
    if (this.#stays) await this.#stay();
    await this.#server?.stop();
  }

  async #stay(): Promise<void> {
    const { signal, stderr } = this.#world;
    const until = this.#place === 'desk' ? 'until Ctrl-C' : 'as long as the Space runs';
    stderr.write(`The status page stays at ${this.#server?.url} ${until}.\n`);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  #state(): State {
    return {
      config: this.#config,
      version: pkg.version,
      doing: this.#now(),
      over: this.#over,
      ...(this.#pause && { pause: this.#pause }),
      ...(this.#trackingUrl !== undefined && { trackingUrl: this.#trackingUrl }),
    };
  }

  #now(): Doing {
    if (!this.#report) return this.#doing;
    const { clock } = this.#world;
    const report = publicReport(this.#report());
    const stage = this.#isDone ? 'ended' : this.#over ? 'stopped' : 'under way';
    const ended = stage !== 'under way';
    const [at, progress] = [clock.now(), this.#progress];
    const shown = {
      database: progress.database(at, ended),
      labels: progress.labels(at, ended),
      effect: progress.effect(at, ended),
    };
    return {
      kind: 'running',
      stage,
      report: ended ? report : { ...report, running: true },
      progress: maskStrings(shown, this.#mask),
    };
  }
}
