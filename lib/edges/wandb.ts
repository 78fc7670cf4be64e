import { type PipelineError, toPipelineError } from '../errors.ts';
import type { Clock, World } from '../world.ts';
import { type BucketSettings, type RunPath, type WandbAlert, WandbApi } from './wandb-api.ts';
import { trackingFailed } from './wandb-requests.ts';
import { type Row, type StreamRequest, WandbStream } from './wandb-stream.ts';

export type { WandbAlert } from './wandb-api.ts';

export interface WandbSettings extends BucketSettings {
  apiKey: string;
  /** Without a final slash, e.g. https://api.wandb.ai */
  baseUrl: string;
  /** Where pages are, e.g. https://wandb.ai */
  appUrl: string;
  /** The account's own when undefined. */
  entity: string | undefined;
}

/** How a run ends. */
export interface Ending {
  exitCode: number;
  /** A page that is stored, and shown under `report`. */
  page?: string;
}

const TRANSMIT_MS = 15_000; // between two requests while the run works, as the official client
const HEARTBEAT_MS = 30_000; // a run that is silent for longer is "crashed" after a while
const BUDGET_MS = 30_000; // that a run may wait for W&B in all
const EXTRAS_MS = 15_000; // of it, for alerts and the page: the end of the run comes after them
const ABORT_MS = 5_000; // for a run that was interrupted

/**
 * One run in W&B. Everything is sent in the background while the run works, in order and by one loop; finish() waits for the rest, for 30 s
 * in all. The loop stands on a signal of its own: an interrupted run is still told of.
 */
export class WandbRun {
  readonly #settings: WandbSettings;
  readonly #clock: Clock;
  readonly #onBegun: (url: string) => void;
  readonly #api: WandbApi;
  readonly #stream: WandbStream;
  readonly #stopped = new AbortController();
  readonly #loop: Promise<void>;
  readonly #wake = new AbortController();
  /** Ends alerts and the page, which come before the end of the run. */
  readonly #brief = new AbortController();
  #where: RunPath | undefined;
  #alerts: WandbAlert[] = [];
  #ending: Ending | undefined;
  #failure: PipelineError | undefined;
  #isOver = false;
  #waitedMs = 0;
  #sentAt: number;

  /** Connects in the background. @param onBegun told once that the run has a page */
  constructor(
    settings: WandbSettings,
    world: Pick<World, 'fetch' | 'clock'>,
    startedAt: Date,
    onBegun: (url: string) => void = () => {},
  ) {
    this.#settings = settings;
    this.#clock = world.clock;
    this.#onBegun = onBegun;
    this.#sentAt = startedAt.getTime();
    this.#stream = new WandbStream(startedAt);
    this.#api = new WandbApi(settings.baseUrl, settings.apiKey, world, this.#stopped.signal);
    this.#loop = this.#work().catch((thrown) => this.#note(thrown));
  }

  /** Page of the run; undefined until the server answered. */
  get url(): string | undefined {
    if (!this.#where) return undefined;
    const { entity, project, run } = this.#where;
    return `${this.#settings.appUrl}/${[entity, project, 'runs', run].map(encodeURIComponent).join('/')}`;
  }

  log(row: Row): void {
    this.#stream.log(row, this.#clock.now());
  }

  print(text: string, at: Date, isError: boolean): void {
    this.#stream.print(text, at, isError);
  }

  /** Sent when the run ends; alerts of one title become one, since the server drops the second. Afterwards: sent at once. */
  async alert(alert: WandbAlert): Promise<void> {
    if (this.#isOver) return await this.#alertAfterwards(alert);
    const same = this.#alerts.find(({ title, severity }) => title === alert.title && severity === alert.severity);
    if (same) same.text += `\n\n${alert.text}`;
    else this.#alerts.push({ ...alert });
  }

  /**
   * Send what is left, and end the run there.
   *
   * @param signal ends the waiting, not the sending: abort() goes on from there
   * @throws PipelineError TRACKING_FAILED
   */
  async finish(ending: Ending, signal: AbortSignal): Promise<void> {
    await this.#end(ending, BUDGET_MS - this.#waitedMs, signal);
  }

  /** The same in short for a run that was interrupted or that threw. */
  async abort(exitCode: number): Promise<void> {
    if (this.#isOver) return;
    this.#brief.abort();
    await this.#end({ exitCode }, ABORT_MS);
  }

  async #end(ending: Ending, ms: number, signal?: AbortSignal): Promise<void> {
    this.#ending = ending;
    this.#api.hurry();
    this.#wake.abort();
    const inTime = await this.#waitFor(this.#loop, ms, signal);
    this.#isOver = true;
    if (!inTime) this.#stopped.abort();
    if (this.#failure) throw this.#failure;
    if (!inTime) throw late(this.#where ? 'end the run' : 'begin a run');
  }

  /** @returns whether it came to its end in time; what it throws is thrown */
  async #waitFor(work: Promise<void>, ms: number, signal?: AbortSignal): Promise<boolean> {
    const start = this.#clock.now().getTime();
    try {
      const inTime = await settles(work, Math.max(0, ms), this.#clock, signal);
      if (!inTime) signal?.throwIfAborted();
      return inTime;
    } finally {
      this.#waitedMs += this.#clock.now().getTime() - start;
    }
  }

  async #alertAfterwards(alert: WandbAlert): Promise<void> {
    if (!this.#where) return; // that there is no run was told by finish()
    const over = new AbortController();
    const sent = this.#api.alert(this.#where, alert, over.signal);
    const inTime = await this.#waitFor(sent, BUDGET_MS - this.#waitedMs);
    over.abort();
    if (!inTime) await sent.catch(() => {}); // it says so by itself
    if (!inTime) throw late('send an alert');
  }

  /** The one that sends, from the first request to the last. */
  async #work(): Promise<void> {
    const { baseUrl, entity } = this.#settings;
    if (!URL.canParse(baseUrl)) throw trackingFailed('log in', 'the address is none', 'check WANDB_BASE_URL');
    const own = await this.#api.viewer();
    this.#where = await this.#api.upsertBucket(this.#settings, entity ?? own);
    if (this.url !== undefined) this.#onBegun(this.url);
    while (!this.#ending) {
      await this.#flush();
      await this.#rest();
    }
    await this.#flush();
    await this.#sendExtras();
    await this.#flush();
    await this.#send({ complete: true, exitcode: this.#ending.exitCode });
  }

  async #send(request: StreamRequest): Promise<void> {
    if (this.#where) await this.#api.stream(this.#where, request);
    this.#sentAt = this.#clock.now().getTime();
  }

  async #flush(): Promise<void> {
    for (let request = this.#stream.take(); request; request = this.#stream.take()) await this.#send(request);
  }

  /** Until there may be something to send, or the run ends. */
  async #rest(): Promise<void> {
    await this.#clock.sleep(TRANSMIT_MS, this.#wake.signal).catch(() => {});
    if (this.#ending || this.#clock.now().getTime() - this.#sentAt < HEARTBEAT_MS) return;
    if (this.#stream.isEmpty) await this.#send({});
  }

  /** What is worth a part of the time only, and whose failure does not keep the run from ending. */
  async #sendExtras(): Promise<void> {
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, this.#brief.signal]);
    const extras = this.#carryExtras(signal);
    if (!(await settles(extras, EXTRAS_MS, this.#clock, signal))) limit.abort();
    await extras;
  }

  async #carryExtras(signal: AbortSignal): Promise<void> {
    const where = this.#where;
    if (!where) return;
    for (const alert of this.#alerts.splice(0))
      await this.#api.alert(where, alert, signal).catch((thrown) => this.#note(thrown));
    const page = this.#ending?.page;
    if (page !== undefined && !signal.aborted)
      await this.#storePage(where, page, signal).catch((thrown) => this.#note(thrown));
  }

  async #storePage(where: RunPath, page: string, signal: AbortSignal): Promise<void> {
    const content = new TextEncoder().encode(page);
    const sha256 = new Bun.CryptoHasher('sha256').update(content).digest('hex');
    const path = `media/html/report_${this.#stream.step}_${sha256.slice(0, 20)}.html`; // as the official client names them
    await this.#api.upload(where, path, content, signal);
    this.#stream.uploaded(path);
    this.log({ report: { _type: 'html-file', path, sha256, size: content.length } });
  }

  /** The first failure is the one that is told. */
  #note(thrown: unknown): void {
    this.#failure ??= toPipelineError(thrown);
  }
}

function late(doing: string): PipelineError {
  return trackingFailed(doing, 'no answer in time', 'check the network and WANDB_BASE_URL');
}

/** Whether `work` comes to its end within `ms`, and before the signal; what it throws is thrown. */
async function settles(work: Promise<void>, ms: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const limit = clock.sleep(ms, AbortSignal.any(signal ? [over.signal, signal] : [over.signal])).catch(() => {});
  try {
    return await Promise.race([work.then(() => true), limit.then(() => false)]);
  } finally {
    over.abort();
  }
}
