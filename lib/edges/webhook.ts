import { PipelineError } from '../errors.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { kindOf, waitBefore } from './http.ts';

const ATTEMPTS = 3;
const ANSWER_TIMEOUT_MS = 15_000;
const LONGEST_WAIT_MS = 30_000; // Slack asks for a second, rarely more; whoever asks for longer is not waited for

/**
 * Post JSON to a chat. Sent again after 429, 5xx and where no connection came about; not where no answer came, since it may have
 * arrived. The URL is a secret: whoever knows it can write to the chat.
 *
 * @param timeout milliseconds until an answer
 * @throws PipelineError WEBHOOK_FAILED
 */
export async function postWebhook(
  { url }: NonNullable<OperationsSpec['webhook']>,
  body: object,
  world: Pick<World, 'fetch' | 'clock' | 'signal'>,
  timeout = ANSWER_TIMEOUT_MS,
): Promise<void> {
  const { clock, signal } = world;
  if (!URL.canParse(url)) throw failed('its URL is none', 'set the variable that notify.webhook.url names to a URL');
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const tried = await post(url, body, world, timeout);
    if (tried === undefined) return;
    const wait = Math.min(waitBefore(attempt, tried.answer), LONGEST_WAIT_MS);
    if (!tried.again || attempt === ATTEMPTS) throw tried.error;
    await clock.sleep(wait, signal);
  }
}

interface Failure {
  error: PipelineError;
  again: boolean;
  answer?: Response;
}

/** @returns undefined when it was taken */
async function post(
  url: string,
  body: object,
  { fetch, signal }: Pick<World, 'fetch' | 'signal'>,
  timeout: number,
): Promise<Failure | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual', // a POST that is redirected becomes a GET, which nobody reads
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    await answer.body?.cancel();
    return answer.ok ? undefined : { ...describeAnswer(answer.status), answer };
  } catch (thrown) {
    signal.throwIfAborted();
    const kind = kindOf(thrown);
    const what = kind === LATE ? 'it does not answer in time' : `it cannot be reached (${kind})`;
    return { error: failed(what, 'check the network, and the host of the URL'), again: !MAY_HAVE_ARRIVED.has(kind) };
  }
}

function describeAnswer(status: number): Omit<Failure, 'answer'> {
  const again = status === 429 || status >= 500;
  const fix = again
    ? 'nothing needs mending unless it happens again'
    : status === 400
      ? 'it does not take Slack’s JSON: for Discord, put /slack behind the URL'
      : 'make a new URL where the webhook was made, and set the variable that notify.webhook.url names';
  return { error: failed(`it answered ${status}`, fix), again };
}

const LATE = 'TimeoutError';
const MAY_HAVE_ARRIVED: ReadonlySet<string> = new Set([LATE, 'ECONNRESET']);

function failed(what: string, fix: string): PipelineError {
  return new PipelineError('WEBHOOK_FAILED', `Cannot post the summary to the webhook: ${what}`, { fix });
}
