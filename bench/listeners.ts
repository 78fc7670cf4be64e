import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ourEnvironment } from './contenders.ts';
import { Databases } from './databases.ts';
import { median, spreadOf } from './figures.ts';
import { say } from './measure.ts';

/**
 * `bun bench/listeners.ts [PAIRS]`: whether those who watch the status page slow a run. Runs without the page and runs that 200 listeners watch
 * take turns, as whole processes; the listeners are one more process, on the same cores. Fails where the median of the pairs’ ratios exceeds the bound.
 */

const COMPLAINTS = 100_000;
const LISTENERS = 200;
const PAIRS = 9;
const BOUND = 1.1;
const ROOT = resolve(import.meta.dir, '..');

/** What one run took, and what those who watched it received. */
interface Watched {
  /** From the start of the process to its report. */
  seconds: number;
  /** User and system, of all its threads, to its end. */
  cpuSeconds: number;
  peakBytes: number;
  heard: Heard | undefined;
}

interface Heard {
  listeners: number;
  /** Of all of them. */
  events: number;
  bytes: number;
  /** Of the listener that received the fewest. */
  least: number;
}

/** One run in a directory of its own. @param listeners 0: without a page */
async function run(url: string, listeners: number): Promise<Watched> {
  const directory = await mkdtemp(join(tmpdir(), 'listeners-'));
  await Bun.write(join(directory, 'pipeline.config.yaml'), Bun.file(join(ROOT, 'pipeline.config.yaml')));
  const env = {
    PATH: process.env.PATH ?? '',
    ...(await ourEnvironment(directory)),
    POSTGRES_URL: url,
    DEPARTMENT_DATASET: './department',
    URGENCY_DATASET: './urgency',
    SERVE: listeners > 0 ? '127.0.0.1:0' : 'off',
  };
  const start = performance.now();
  const argv = [process.execPath, join(ROOT, 'pipeline.ts'), '--json'];
  const child = Bun.spawn(argv, { cwd: directory, env, stdout: 'pipe', stderr: 'pipe' });
  let seconds = 0;
  let audience: ReturnType<typeof listenTo> | undefined;
  const report = eachText(child.stdout, () => {
    seconds ||= (performance.now() - start) / 1000;
  });
  const log = await eachText(child.stderr, (text) => {
    const page = /^Status page: (\S+)$/m.exec(text)?.[1];
    if (page !== undefined && listeners > 0) audience ??= listenTo(page, listeners);
    if (text.includes('The status page stays')) child.kill('SIGTERM'); // all is done
  });
  await report;
  const heard = await audience;
  await rm(directory, { recursive: true, force: true });
  if ((await child.exited) !== 0) throw new Error(`Cannot measure a run: it exited with ${child.exitCode}\n${log}`);
  const used = child.resourceUsage();
  return { seconds, cpuSeconds: Number(used?.cpuTime.total ?? 0) / 1e6, peakBytes: used?.maxRSS ?? 0, heard };
}

/** @param work gets all that came so far */
async function eachText(stream: ReadableStream<Uint8Array>, work: (text: string) => void): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    work(text);
  }
  return text;
}

/** Listeners in a process of their own, to the end of the page. */
async function listenTo(page: string, listeners: number): Promise<Heard> {
  const argv = [process.execPath, import.meta.path, 'listen', page, String(listeners)];
  const child = Bun.spawn(argv, { stdout: 'pipe', stderr: 'inherit' });
  return (await new Response(child.stdout).json()) as Heard;
}

/** What `listenTo()` starts. Sockets without a client, which would take the run’s cores. */
async function listen(page: string, listeners: number): Promise<Heard> {
  const { hostname, port, host } = new URL(page);
  const counts = await Promise.all(Array.from({ length: listeners }, () => hear(hostname, Number(port), host)));
  const events = counts.map((count) => count.events);
  return {
    listeners: events.filter((count) => count > 0).length,
    events: events.reduce((sum, count) => sum + count, 0),
    bytes: counts.reduce((sum, count) => sum + count.bytes, 0),
    least: Math.min(...events),
  };
}

function hear(hostname: string, port: number, host: string): Promise<{ events: number; bytes: number }> {
  const EVENT = Buffer.from('event: state\n');
  const END = Buffer.from('\r\n0\r\n\r\n'); // of the stream, not of the connection
  const heard = { events: 0, bytes: 0 };
  let tail: Buffer = Buffer.alloc(0); // an event’s first line may come in two pieces
  return new Promise((resolve) => {
    const socket = connect(port, hostname, () => socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    socket.on('data', (data: Buffer) => {
      heard.bytes += data.length;
      heard.events += countOf(EVENT, Buffer.concat([tail, data.subarray(0, EVENT.length - 1)])) + countOf(EVENT, data);
      tail = data.subarray(-(EVENT.length - 1));
      if (data.subarray(-END.length).equals(END)) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

function countOf(part: Buffer, whole: Buffer): number {
  let count = 0;
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + part.length)) count++;
  return count;
}

async function compare(pairs: number): Promise<number> {
  await using databases = await Databases.open();
  const url = await databases.of(COMPLAINTS);
  await run(url, 0); // what is read from the disk is in memory afterwards
  const ratios: number[] = [];
  const cpuRatios: number[] = []; // less disturbed by what else the machine does
  const all: Record<'alone' | 'watched', Watched[]> = { alone: [], watched: [] };
  for (let pair = 1; pair <= pairs; pair++) {
    const first = pair % 2 === 0 ? LISTENERS : 0; // A B, B A: what grows slower or faster with time is in both
    const [one, other] = [await run(url, first), await run(url, LISTENERS - first)];
    const [alone, watched] = first === 0 ? [one, other] : [other, one];
    all.alone.push(alone);
    all.watched.push(watched);
    ratios.push(watched.seconds / alone.seconds);
    cpuRatios.push(watched.cpuSeconds / alone.cpuSeconds);
    const { events = 0, bytes = 0, least = 0 } = watched.heard ?? {};
    if (watched.heard?.listeners !== LISTENERS)
      throw new Error(`Cannot compare: of ${LISTENERS} listeners ${watched.heard?.listeners} heard something`);
    say(
      `  ${pair}/${pairs}: ${alone.seconds.toFixed(2)} s alone, ${watched.seconds.toFixed(2)} s watched, ratio ${ratios.at(-1)?.toFixed(3)}; ${events} events, at least ${least} each, ${Math.round(bytes / 1e6)} MB`,
    );
  }
  const { min, median: middle, max } = spreadOf(ratios);
  const of = (who: keyof typeof all, quantity: 'seconds' | 'cpuSeconds' | 'peakBytes') =>
    median(all[who].map((each) => each[quantity]));
  for (const who of ['alone', 'watched'] as const)
    console.log(
      `${who}: median ${of(who, 'seconds').toFixed(2)} s, ${of(who, 'cpuSeconds').toFixed(2)} s of CPU, ${Math.round(of(who, 'peakBytes') / 1e6)} MB at the peak`,
    );
  console.log(
    `${LISTENERS} listeners: ${middle.toFixed(3)} times the time of a run that nobody watches (${min.toFixed(3)} to ${max.toFixed(3)} in ${pairs} pairs), wanted at most ${BOUND}; ${median(cpuRatios).toFixed(3)} times its CPU`,
  );
  return middle > BOUND ? 1 : 0;
}

if (import.meta.main) {
  const [mode, page = '', listeners = ''] = process.argv.slice(2);
  if (mode === 'listen') console.log(JSON.stringify(await listen(page, Number(listeners))));
  else process.exitCode = await compare(Number(mode ?? PAIRS));
}
