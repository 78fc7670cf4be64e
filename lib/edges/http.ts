import pRetry from 'p-retry';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';

const RETRIES = 5; // as huggingface_hub
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 8000;
const LONGEST_RATE_LIMIT_MS = 300_000; // the Hub's window is 5 minutes
const ANSWER_TIMEOUT_MS = 60_000; // until an answer begins; the Hub gives up on a commit after 60 s itself
const TRANSFER_TIMEOUT_MS = 30 * 60_000; // for a whole upload or download
const SLOWEST_BYTES = 250_000; // a second, of an upload
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

type Fetch = typeof fetch;

/** Reads the body of an answer. @param alive to be called as its parts come: the answer may take long, and may not be silent for long */
export type Take<T> = (answer: Response, alive: () => void) => Promise<T>;

/** Sends a request and reads its answer, which is one step: an answer that breaks off has not come. */
export type Send = <T>(url: string | URL | Request, init: RequestInit, take: Take<T>) => Promise<T>;

/**
 * Retries what may safely be sent again: reads, tags, and uploads of content-addressed bytes. A commit, a new repo, a Space's
 * restart and a Job are sent once, except after 429, which says that nothing was done.
 */
export function retrying({ fetch, clock, signal }: Pick<World, 'fetch' | 'clock' | 'signal'>): Send {
  return (input, init, take) => {
    const url = String(input instanceof Request ? input.url : input);
    const repeatable = isRepeatable((init.method ?? 'GET').toUpperCase(), url);
    let refused: Response | undefined;
    const once = async () => {
      refused = undefined;
      using limit = limitSilence(answerTimeout(init.body));
      const signals = [signal, limit.signal, AbortSignal.timeout(TRANSFER_TIMEOUT_MS)];
      if (init.signal) signals.push(init.signal);
      try {
        const answer = await follow(fetch, input, { ...init, signal: AbortSignal.any(signals) });
        if (answer.status !== 429 && !(repeatable && TRANSIENT.has(answer.status)))
          return await take(answer, limit.alive);
        refused = answer;
      } catch (cause) {
        throw cause instanceof PipelineError ? cause : new LostAnswer('no answer', { cause }); // ours: it cannot be kept here
      }
      throw new TransientAnswer(refused);
    };
    const isWanted = () => !signal.aborted && !init.signal?.aborted; // the other uploads of a commit end with the one that failed
    const isPassing = (thrown: unknown) =>
      isWanted() && (thrown instanceof TransientAnswer || (repeatable && thrown instanceof LostAnswer));
    return pRetry(once, {
      retries: RETRIES,
      minTimeout: 0,
      shouldRetry: ({ error }) => isPassing(error),
      onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
        if (retriesLeft > 0 && isPassing(error)) await clock.sleep(waitBefore(attemptNumber, refused), signal);
      },
    }).catch((thrown) => {
      signal.throwIfAborted();
      if (thrown instanceof TransientAnswer) return take(thrown.answer, () => {}); // the caller reads the status
      if (thrown instanceof LostAnswer) throw thrown.cause;
      throw thrown;
    });
  };
}

/** The same as a fetch, for answers that fit into memory. */
export function retryingFetch(world: Pick<World, 'fetch' | 'clock' | 'signal'>): Fetch {
  const send = retrying(world);
  const whole: Take<Response> = async (answer) => {
    const { status, headers } = answer;
    const hasNone = status === 204 || status === 304;
    return new Response(hasNone ? null : await answer.arrayBuffer(), { status, headers });
  };
  const retryingIt = (input: string | URL | Request, init: RequestInit = {}) => send(input, init, whole);
  return Object.assign(retryingIt, { preconnect: world.fetch.preconnect }) as Fetch;
}

/** Milliseconds until an answer must have begun: the longer, the more is sent. */
function answerTimeout(body: RequestInit['body']): number {
  if (!body) return ANSWER_TIMEOUT_MS;
  const { size, byteLength, length } = body as { size?: number; byteLength?: number; length?: number };
  const bytes = size ?? byteLength ?? length;
  return bytes === undefined ? TRANSFER_TIMEOUT_MS : ANSWER_TIMEOUT_MS + (bytes / SLOWEST_BYTES) * 1000;
}

/** A signal that aborts after so many milliseconds in which nobody called `alive`. */
function limitSilence(ms: number) {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException('no answer', 'TimeoutError'));
  let timer = setTimeout(abort, ms);
  const stop = () => clearTimeout(timer);
  const alive = () => {
    stop();
    timer = setTimeout(abort, ANSWER_TIMEOUT_MS);
  };
  return { signal: controller.signal, alive, [Symbol.dispose]: stop };
}

const MOST_HOPS = 5;

/**
 * What carries a token and a body follows a redirect, e.g. of a renamed Space, on the same host only: fetch itself leaves the token out elsewhere,
 * but sends the body, and that may be a secret.
 */
async function follow(fetch: Fetch, input: string | URL | Request, init: RequestInit): Promise<Response> {
  const carries = init.body && new Headers(init.headers).has('Authorization');
  if (!carries || input instanceof Request) return await fetch(input, init);
  let url = new URL(input);
  for (let hops = 0; ; hops++) {
    const answer = await fetch(url.href, { ...init, redirect: 'manual' });
    const isMoved = answer.status === 307 || answer.status === 308; // others make a GET of it
    const to = isMoved ? URL.parse(answer.headers.get('Location') ?? '', url.href) : null;
    if (to?.origin !== url.origin || hops === MOST_HOPS) return answer;
    url = to;
  }
}

/** p-retry takes a TypeError for a mistake of the program, and Bun throws one for a connection that is lost. */
class LostAnswer extends Error {}

class TransientAnswer extends Error {
  constructor(readonly answer: Response) {
    super(`HTTP ${answer.status}`);
  }
}

/**
 * POSTs that only ask, that store bytes under their own hash (Git LFS, Xet), whose second answer tells that the first one landed
 * (tags), or that set a state (a Space's pause, variables and secrets).
 */
const REPEATABLE_POST =
  /\/preupload\/|\/tag\/|\/info\/lfs\/|\/paths-info\/|\/lfs\/|\/v1\/(shards$|xorbs\/)|\/api\/spaces\/[^/]+\/[^/]+\/(pause|variables|secrets)$/;

/** Of what is not there any more: no error, or a 404 that tells that the first one landed. */
const REPEATABLE_DELETE = /\/api\/(spaces\/[^/]+\/[^/]+\/(variables|secrets)$|scheduled-jobs\/)/;

function isRepeatable(method: string, url: string): boolean {
  if (method === 'POST') return REPEATABLE_POST.test(url);
  if (method === 'DELETE') return REPEATABLE_DELETE.test(url);
  return method === 'GET' || method === 'HEAD' || method === 'PUT';
}

/** What became of a request that was not answered: a code of the system or the runtime; never a message, which may quote what was sent. */
export function kindOf(thrown: unknown): string {
  const { code, name } = (thrown ?? {}) as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name ?? 'unknown');
}

/** Milliseconds to wait: what the server asks for, else doubling from 1 s to 8 s. */
export function waitBefore(attempt: number, answer: Response | undefined): number {
  const asked = Number(
    answer?.headers.get('Retry-After') ?? /;t=(\d+)/.exec(answer?.headers.get('RateLimit') ?? '')?.[1],
  );
  if (answer && Number.isFinite(asked) && asked > 0) return Math.min((asked + 1) * 1000, LONGEST_RATE_LIMIT_MS);
  return Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
}
