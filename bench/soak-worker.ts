import { getEventListeners } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { main } from '../pipeline.ts';

/** Runs the program again and again in this one process, and says after each run what the process holds. */

/** What the parent asks for. */
export interface Order {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
}

export interface Held {
  rssBytes: number;
  heapBytes: number;
  descriptors: number;
  threads: number;
  /** Listeners on the signal that every run is told of. */
  listeners: number;
}

export interface Done {
  exitCode: number;
  stdout: string;
  stderr: string;
  seconds: number;
  held: Held;
}

const { signal } = new AbortController(); // one for all runs: what a run leaves on it stays

async function carryOut({ argv, env, cwd }: Order): Promise<Done> {
  const [stdout, stderr]: string[][] = [[], []];
  const keep = (lines: string[] = []) => ({
    write: (text: string) => void lines.push(text),
    isTTY: false,
    columns: undefined,
  });
  const start = performance.now();
  const exitCode = await main(argv, {
    env,
    cwd,
    umask: 0o022,
    tmpdir: tmpdir(),
    fetch,
    clock: { now: () => new Date(), sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }) },
    stdout: keep(stdout),
    stderr: keep(stderr),
    confirm: async () => undefined,
    signal,
  });
  const seconds = (performance.now() - start) / 1000;
  return { exitCode, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '', seconds, held: measure() };
}

function measure(): Held {
  Bun.gc(true);
  const status = readFileSync('/proc/self/status', 'utf8');
  const { rss, heapUsed } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapBytes: heapUsed,
    descriptors: readdirSync('/proc/self/fd').length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1]),
    listeners: getEventListeners(signal, 'abort').length,
  };
}

if (import.meta.main)
  process.on('message', async (order: Order) => {
    process.send?.(await carryOut(order));
  });
