import { type LocalRun, Refusal } from './runs.ts';

const MOST_BYTES = 10 << 20; // per line, and per request as its lines
const ENVELOPE_BYTES = 1 << 20; // what JSON adds to the lines of a request
const KEYS = new Set(['files', 'uploaded', 'preempting', 'complete', 'exitcode']);

interface Chunk {
  offset: number;
  content: string[];
}

/**
 * Take one request of the file stream. A hole is refused, and so is a line that is already there unless it is sent again as it was
 * (an answer was lost).
 *
 * @param rewrites whether lines of the console may be replaced, as a terminal's are
 */
export function takeFileStream(run: LocalRun, body: unknown, bytes: number, rewrites: boolean): void {
  if (bytes > MOST_BYTES + ENVELOPE_BYTES) throw new Refusal(413, 'request too large');
  const request = objectOf(body, 'the request');
  for (const key of Object.keys(request)) if (!KEYS.has(key)) throw new Refusal(400, `unknown key ${key}`);
  if (Object.keys(request).length === 0) run.heartbeats++;
  const wasComplete = run.complete;
  const before = run.history.length + run.output.length;
  for (const [name, chunk] of Object.entries(objectOf(request.files ?? {}, 'files')))
    takeChunk(run, name, chunkOf(chunk), rewrites);
  if (wasComplete && run.history.length + run.output.length !== before) throw new Refusal(400, 'the run is complete');
  if (request.complete === undefined) return;
  if (request.complete !== true || !Number.isInteger(request.exitcode)) throw new Refusal(400, 'complete, exitcode');
  if (wasComplete && run.exitcode !== request.exitcode) throw new Refusal(400, 'the run is complete');
  run.complete = true;
  run.exitcode = request.exitcode as number;
}

function takeChunk(run: LocalRun, name: string, { offset, content }: Chunk, rewrites: boolean): void {
  switch (name) {
    case 'wandb-history.jsonl':
      append(run.history, offset, content.map(historyLine), false);
      requireSteps(run.history);
      return;
    case 'wandb-events.jsonl':
      append(
        run.events,
        offset,
        content.map((line) => parse(line)),
        false,
      );
      return;
    case 'output.log':
      append(run.output, offset, content.map(consoleLine), rewrites);
      return;
    case 'wandb-summary.json':
      if (offset !== 0 || content.length !== 1) throw new Refusal(400, 'a summary is one line at 0');
      run.summary = parse(content[0] ?? '');
      return;
    default:
      throw new Refusal(400, `unknown file ${name}`);
  }
}

function append<T>(lines: T[], offset: number, content: T[], rewrites: boolean): void {
  if (offset > lines.length) throw new Refusal(400, `a hole: ${lines.length} lines are there, ${offset} is next`);
  for (const [index, line] of content.entries()) {
    const old = lines[offset + index];
    if (old !== undefined && !rewrites && !Bun.deepEquals(old, line))
      throw new Refusal(400, `an overlap: line ${offset + index} is there`);
    lines[offset + index] = line;
  }
}

function historyLine(line: string): Record<string, unknown> {
  const row = parse(line);
  for (const key of ['_step', '_runtime', '_timestamp'])
    if (typeof row[key] !== 'number') throw new Refusal(400, `${key} is missing`);
  return row;
}

function requireSteps(history: Record<string, unknown>[]): void {
  const steps = history.map(({ _step }) => _step as number);
  if (steps.some((step, index) => index > 0 && step <= (steps[index - 1] ?? 0)))
    throw new Refusal(400, '_step does not grow');
}

function consoleLine(line: string): string {
  if (line.includes('\n')) throw new Refusal(400, 'a line break in a line');
  if (!/^(ERROR )?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6} /.test(line)) throw new Refusal(400, 'a line without its time');
  return line;
}

function chunkOf(value: unknown): Chunk {
  const { offset, content, ...rest } = objectOf(value, 'a file');
  const isChunk =
    Number.isInteger(offset) && Array.isArray(content) && content.every((line) => typeof line === 'string');
  if (!isChunk || Object.keys(rest).length > 0) throw new Refusal(400, 'a file is { offset, content }');
  if (content.some((line) => Buffer.byteLength(line) > MOST_BYTES)) throw new Refusal(413, 'line too large');
  return { offset: offset as number, content };
}

function parse(line: string): Record<string, unknown> {
  try {
    return objectOf(JSON.parse(line), 'a line');
  } catch (thrown) {
    throw thrown instanceof Refusal ? thrown : new Refusal(400, 'a line is not JSON');
  }
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(400, `${what} is not an object`);
  return value as Record<string, unknown>;
}
