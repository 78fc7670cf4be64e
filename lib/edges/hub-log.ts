import { EventSourceParserStream } from 'eventsource-parser/stream';
import * as v from 'valibot';

/** How long a log may say nothing, not even a comment, before its connection counts as lost. */
const SILENCE_MS = 120_000; // a Hub's keep-alive comes every 30 s: huggingface_hub, fetch_job_logs

/** Keep-alives are events without data. */
const LogEvent = v.object({ data: v.string() });

/**
 * The lines of a log of the Hub, of a Job or a Space, from its first one on, as they come, until the Hub ends the stream.
 *
 * @param open asks for it, and takes its success
 * @throws what `open` throws; what the connection throws where it breaks, is silent, or `signal` ends it
 */
export async function* readLog(
  open: (signal: AbortSignal) => Promise<Response>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const silence = new AbortController();
  const lose = () => silence.abort(new DOMException('no keep-alive', 'TimeoutError'));
  let timer = setTimeout(lose, SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(lose, SILENCE_MS);
  };
  try {
    for await (const data of readEvents(await open(AbortSignal.any([signal, silence.signal])), heard)) {
      const event = v.safeParse(v.pipe(v.string(), v.parseJson(), LogEvent), data);
      if (event.success) yield* event.output.data.replace(/\r?\n$/, '').split(/\r?\n/);
    }
  } finally {
    clearTimeout(timer); // it would keep the process
    silence.abort();
  }
}

/** The data of each server-sent event of an answer. @param heard called for whatever comes, comments too */
async function* readEvents(answer: Response, heard: () => void): AsyncGenerator<string> {
  const events = answer.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ onComment: heard }));
  for await (const { data } of events ?? []) {
    heard();
    yield data;
  }
}
