import pRetry from 'p-retry';
import type { World } from '../world.ts';

const RETRIES = 5; // as huggingface_hub
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 8000;
const LONGEST_RATE_LIMIT_MS = 300_000; // the Hub's window is 5 minutes
const ANSWER_TIMEOUT_MS = 60_000; // until an answer begins; the Hub gives up on a commit after 60 s itself
const TRANSFER_TIMEOUT_MS = 30 * 60_000; // for a whole upload or download
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

type Fetch = typeof fetch;

/**
 * A fetch that retries what may safely be sent again: reads, tags, and uploads of content-addressed bytes. A commit, a new
 * repo, a Space's restart and a Job are sent once, except after 429, which says that nothing was done.
 */
export function retryingFetch({ fetch, clock, signal }: Pick<World, 'fetch' | 'clock' | 'signal'>): Fetch {
  const retrying = (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = String(input instanceof Request ? input.url : input);
    const method = (init.method ?? 'GET').toUpperCase();
    const repeatable = isRepeatable(method, url);
    let answer: Response | undefined;
    const once = async () => {
      answer = undefined;
      const silence = new AbortController();
      const timer = setTimeout(
        () => silence.abort(new DOMException('no answer', 'TimeoutError')),
        method === 'PUT' ? TRANSFER_TIMEOUT_MS : ANSWER_TIMEOUT_MS,
      );
      const signals = [
        signal,
        silence.signal,
        AbortSignal.timeout(TRANSFER_TIMEOUT_MS),
        ...(init.signal ? [init.signal] : []),
      ];
      try {
        answer = await follow(fetch, input, { ...init, signal: AbortSignal.any(signals) });
      } catch (cause) {
        throw new LostAnswer('no answer', { cause });
      } finally {
        clearTimeout(timer);
      }
      if (answer.status === 429 || (repeatable && TRANSIENT.has(answer.status))) throw new TransientAnswer(answer);
      return answer;
    };
    return pRetry(once, {
      retries: RETRIES,
      minTimeout: 0,
      shouldRetry: () => !signal.aborted && (repeatable || answer !== undefined),
      onFailedAttempt: async ({ attemptNumber, retriesLeft }) => {
        if (retriesLeft > 0 && !signal.aborted && (repeatable || answer))
          await clock.sleep(waitBefore(attemptNumber, answer), signal);
      },
    }).catch((thrown) => {
      signal.throwIfAborted();
      if (thrown instanceof TransientAnswer) return thrown.answer; // the caller reads the status
      if (thrown instanceof LostAnswer) throw thrown.cause;
      throw thrown;
    });
  };
  return Object.assign(retrying, { preconnect: fetch.preconnect }) as Fetch;
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
