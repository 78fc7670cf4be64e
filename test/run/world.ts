import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Interrupted } from '../../lib/real-world.ts';
import type { Clock, Output, World } from '../../lib/world.ts';

/** Where pipeline.config.yaml lies. */
export const PROJECT = resolve(import.meta.dir, '../..');

export interface CapturedOutput extends Output {
  /** All that was written so far. */
  readonly text: string;
}

export interface TestWorld extends World {
  stdout: CapturedOutput;
  stderr: CapturedOutput;
  /** What Ctrl-C (SIGINT) or a container's stop does. */
  interrupt(signal?: 'SIGINT' | 'SIGTERM'): void;
}

export interface TestWorldOptions
  extends Partial<Pick<World, 'env' | 'cwd' | 'tmpdir' | 'fetch' | 'clock' | 'confirm'>> {
  /** Width of the terminal that stdout and stderr are; a pipe when left out. */
  columns?: number;
}

/** The real clock. @param faster waits are that many times shorter */
export function clockOf(faster = 1): Clock {
  return {
    now: () => new Date(),
    sleep: (ms, signal) => sleep(ms / faster, undefined, signal ? { signal } : {}),
  };
}

/** A world for main(argv, world): an environment of its own, the real clock, streams that are kept as text. */
export function testWorld({ columns, ...given }: TestWorldOptions = {}): TestWorld {
  const controller = new AbortController();
  return {
    cwd: PROJECT,
    tmpdir: tmpdir(),
    umask: 0o022,
    fetch,
    clock: clockOf(),
    confirm: async () => undefined,
    ...given,
    env: { SERVE: 'off', ...given.env }, // a Space would serve a page on its port, and stay up
    stdout: captureOutput(columns),
    stderr: captureOutput(columns),
    signal: controller.signal,
    interrupt: (signal = 'SIGINT') => controller.abort(new Interrupted(signal)),
  };
}

function captureOutput(columns: number | undefined): CapturedOutput {
  const written: string[] = [];
  return {
    write: (text) => void written.push(text),
    isTTY: columns !== undefined,
    columns,
    get text() {
      return written.join('');
    },
  };
}
