/** How long a stream may say nothing, not even a comment, before it counts as lost. */
export const SILENCE_MS = 120_000; // a Hub's keep-alive comes every 30 s: huggingface_hub, fetch_job_logs

/**
 * The data of each server-sent event of an answer, one line each.
 *
 * @param heard called for whatever comes, comments too
 * @throws when the connection breaks before the server has ended the stream
 */
export async function* readEvents(answer: Response, heard: () => void): AsyncGenerator<string> {
  if (!answer.body) return;
  let rest = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    heard();
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trimStart();
  }
}
