import { PipelineError } from '../errors.ts';
import type { Clock, World } from '../world.ts';

/** What W&B answers where nothing is gained by asking again, as its own client has it. */
const FINAL: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 410, 413, 422, 501]);
const FIRST_WAIT_MS = 2000; // doubled for each further one
const LONGEST_WAIT_MS = 60_000;
const ANSWER_MS = 15_000; // for one attempt: half of what a run waits in all, so that a connection that hangs is tried again
const MOST_ANSWER = 1_000_000; // bytes; real ones have a few thousand
const TLS_FAULT = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

export interface Sending {
  /** In words, for an error: "create the run". */
  doing: string;
  method: 'POST' | 'PUT';
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer>;
  /** Statuses that are asked again although they are final elsewhere. */
  retried?: readonly number[];
  signal?: AbortSignal;
}

/**
 * Requests to W&B, each repeated until it is answered for good or its signal is aborted: 2 s, 4 s … 60 s apart, or as the server
 * asks. Meant for the background; who waits for it sets the limit.
 */
export class WandbRequests {
  readonly #fetch: typeof fetch;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #hurry = new AbortController();

  /** @param signal ends all */
  constructor({ fetch, clock }: Pick<World, 'fetch' | 'clock'>, signal: AbortSignal) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Somebody waits from now on: a pause that nobody asked for ends here, and those to come start at 2 s again. */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  /**
   * @returns the answer's JSON; undefined where it is none
   * @throws PipelineError TRACKING_FAILED
   */
  async send(sending: Sending): Promise<unknown> {
    const signal = sending.signal ? AbortSignal.any([this.#signal, sending.signal]) : this.#signal;
    let hurry = this.#hurry.signal;
    for (let failures = 0; ; ) {
      const answer = await this.#attempt(sending, signal);
      if (answer && answer.status < 300) return answer.body;
      if (answer && FINAL.has(answer.status) && !sending.retried?.includes(answer.status))
        throw refused(sending.doing, answer.status);
      failures = hurry.aborted ? 1 : failures + 1; // the answer may have come after somebody began to wait
      hurry = this.#hurry.signal;
      await this.#pause(answer && waitAsked(answer.headers, this.#clock.now()), failures, signal);
      if (hurry.aborted) failures = 0;
      hurry = this.#hurry.signal;
    }
  }

  /** @returns undefined where no answer came */
  async #attempt({ doing, method, url, headers, body }: Sending, signal: AbortSignal) {
    const over = new AbortController();
    const silent = new AbortController();
    const timer = this.#clock.sleep(ANSWER_MS, over.signal).then(
      () => silent.abort(),
      () => {},
    );
    const limits = AbortSignal.any([signal, silent.signal]);
    try {
      const answer = await this.#fetch(url, { method, headers, body, signal: limits });
      return { status: answer.status, headers: answer.headers, body: parse(await readText(answer)) };
    } catch (thrown) {
      if (signal.aborted) throw cancelled(doing);
      const { code } = (thrown ?? {}) as { code?: unknown };
      if (typeof code === 'string' && TLS_FAULT.test(code))
        throw trackingFailed(doing, `its certificate is not trusted (${code})`, 'check WANDB_BASE_URL', thrown);
      return undefined;
    } finally {
      over.abort();
      await timer;
    }
  }

  async #pause(asked: number | undefined, failures: number, signal: AbortSignal): Promise<void> {
    const wait = asked ?? Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
    const limits = asked === undefined ? AbortSignal.any([signal, this.#hurry.signal]) : signal;
    await this.#clock.sleep(wait, limits).catch(() => {});
    if (signal.aborted) throw cancelled('go on');
  }
}

/** Milliseconds that a server asks to wait: Retry-After in seconds or as a date, or RateLimit-Reset where nothing remains. */
export function waitAsked(headers: Headers, now: Date): number | undefined {
  const after = headers.get('Retry-After');
  if (after !== null) {
    const seconds = Number(after);
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - now.getTime();
    if (ms >= 0) return ms;
  }
  const [remaining, reset] = [headers.get('RateLimit-Remaining'), headers.get('RateLimit-Reset')];
  const seconds = Number(reset);
  if (reset === null || !(seconds >= 0) || (remaining !== null && Number(remaining) > 0)) return undefined;
  return seconds * 1000;
}

function refused(doing: string, status: number): PipelineError {
  return trackingFailed(doing, `the server refused it (${status})`, FIXES[status] ?? 'check WANDB_BASE_URL');
}

const FIXES: Record<number, string> = {
  401: 'set WANDB_API_KEY to a valid key of this server',
  403: 'check tracking.wandb.entity: the key must be allowed to write there',
  404: 'check tracking.wandb.entity and project',
  409: 'set WANDB_RUN_ID to an id that was never used, or leave it out',
};

export function trackingFailed(doing: string, why: string, fix: string, cause?: unknown): PipelineError {
  return new PipelineError('TRACKING_FAILED', `Cannot ${doing} at Weights & Biases: ${why}`, { fix, cause });
}

function cancelled(doing: string): PipelineError {
  return trackingFailed(doing, 'no answer in time', 'check the network and WANDB_BASE_URL');
}

/** An answer that does not end is left, and is as good as none. */
async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_ANSWER) return '';
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
