import { EventSourceParserStream } from 'eventsource-parser/stream';

/** How long a stream may say nothing, not even a comment, before it counts as lost. */
export const SILENCE_MS = 120_000; // a Hub's keep-alive comes every 30 s: huggingface_hub, fetch_job_logs

/**
 * The data of each server-sent event of an answer.
 *
 * @param heard called for whatever comes, comments too
 * @throws when the connection breaks before the server has ended the stream
 */
export async function* readEvents(answer: Response, heard: () => void = () => {}): AsyncGenerator<string> {
  const events = answer.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ onComment: heard }));
  for await (const { data } of events ?? []) {
    heard();
    yield data;
  }
}
