import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One run of a whole process, as the operating system counts it. */
export interface Measure {
  /** Wall clock. */
  seconds: number;
  /** User and system, of all its threads. */
  cpuSeconds: number;
  /** The most memory that was resident at once. */
  peakBytes: number;
}

export interface Command {
  argv: string[];
  cwd: string;
  /** All of its environment but PATH. */
  env: Record<string, string>;
  /** What it prints goes to /dev/null. */
  discard?: boolean;
  /** Killed after this; an hour unless told otherwise. */
  limitSeconds?: number;
}

const LAUNCHER = join(import.meta.dir, 'measure.py');
const LIMIT_SECONDS = 3600;

/**
 * Run a command to its end.
 *
 * @returns what it took and what it printed; undefined when it was killed at `limitSeconds`
 * @throws Error with its stderr when it fails
 */
export async function measure(command: Command): Promise<{ measure: Measure; stdout: string } | undefined> {
  const { argv, cwd, env, discard = false, limitSeconds = LIMIT_SECONDS } = command;
  return await inScratch(async (scratch) => {
    const result = join(scratch, 'measure.json');
    const child = Bun.spawn(['python3', LAUNCHER, result, String(limitSeconds), ...argv], {
      cwd,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdin: 'ignore',
      stdout: discard ? 'ignore' : 'pipe',
      stderr: 'pipe',
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout ?? '').text(), child.stderr.text()]);
    if ((await child.exited) !== 0) throw new Error(`Cannot measure ${argv[0]}:\n${stderr}`);
    const { exitCode, ...figures } = (await Bun.file(result).json()) as Measure & { exitCode: number | null };
    if (exitCode === null) return undefined;
    if (exitCode !== 0) throw new Error(`Cannot measure ${argv.join(' ')}: it exited with ${exitCode}\n${stderr}`);
    return { measure: figures, stdout };
  });
}

/** A directory of its own, gone afterwards. */
export async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Measure contenders in turn, A B A B …, so that what slows the machine for a while slows all of them. */
export async function inTurn<Name extends string>(
  contenders: Record<Name, () => Promise<Measure>>,
  runs: number,
): Promise<Record<Name, Measure[]>> {
  const names = Object.keys(contenders) as Name[];
  const measures = Object.fromEntries(names.map((name) => [name, [] as Measure[]])) as Record<Name, Measure[]>;
  for (let run = 1; run <= runs; run++) {
    for (const name of names) {
      const figures = await contenders[name]();
      measures[name].push(figures);
      say(`  ${name} ${run}/${runs}: ${figures.seconds.toFixed(2)} s, ${Math.round(figures.peakBytes / 1e6)} MB`);
    }
  }
  return measures;
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
