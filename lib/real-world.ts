import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Output, World } from './world.ts';

/** The signal that asked the program to stop. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(signal);
    this.exitCode = signal === 'SIGINT' ? 130 : 143; // 128 + the signal's number, as shells report it
  }
}

/** One Ctrl-C comes twice to a script of `bun run`, npm or npx: from the terminal, and handed on by its runner. */
const SAME_MS = 500;

/** The world that a process lives in. The first Ctrl-C or SIGTERM asks for a clean stop, the second one stops at once. @param umask of whoever runs it */
export function realWorld(umask = process.umask()): World {
  const controller = new AbortController();
  let asked = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      const reason = new Interrupted(name);
      if (controller.signal.aborted && performance.now() - asked > SAME_MS) process.exit(reason.exitCode);
      if (controller.signal.aborted) return;
      asked = performance.now();
      controller.abort(reason);
    });
  }
  return {
    env: process.env,
    cwd: process.cwd(),
    tmpdir: tmpdir(),
    umask,
    fetch,
    clock: { now: () => new Date(), sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}) },
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    confirm: (question) => confirm(question, controller.signal),
    signal: controller.signal,
  };
}

async function confirm(question: string, signal: AbortSignal): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT')); // a terminal that is read by lines sends no signal
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } catch (thrown) {
    if (signal.aborted || (thrown as Error).name !== 'AbortError') throw thrown;
    process.stderr.write('\n'); // Ctrl-D: no answer is no
    return false;
  } finally {
    lines.close();
  }
}

function outputOf(stream: NodeJS.WriteStream): Output {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error; // the reader of a pipe went away, e.g. | head
  });
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns;
    },
  };
}
