import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import type { World } from '../../lib/world.ts';
import { main } from '../../pipeline.ts';
import type { FaultRule } from '../edges/local-hub.ts';
import { VirtualClock } from '../edges/virtual-clock.ts';
import { type TestWorld, testWorld } from '../run/world.ts';
import { HUB_REQUESTS, type RequestKind, SILENCES, WANDB_REQUESTS, WIRE_FAULTS, type WireFault } from './faults.ts';
import { Lane } from './lane.ts';
import { describe, judge, type Outcome } from './outcome.ts';
import { type Surroundings, YAML } from './surroundings.ts';

const TIMES = ['once', 'always'] as const;

/** One fault of one request, once or every time. */
export interface Cell {
  server: 'Hub' | 'W&B';
  request: RequestKind;
  fault: WireFault;
  times: (typeof TIMES)[number];
}

const ALL = [
  ...HUB_REQUESTS.map((request) => ['Hub', request] as const),
  ...WANDB_REQUESTS.map((request) => ['W&B', request] as const),
];

export const CELLS: readonly Cell[] = ALL.flatMap(([server, request]) =>
  WIRE_FAULTS.flatMap((fault) => TIMES.map((times) => ({ server, request, fault, times }))),
);

/** W&B is asked in the background, by a clock that tests bring: test/edges/wandb.test.ts. */
export const SILENT_CELLS: readonly Cell[] = ALL.filter(([server]) => server === 'Hub').flatMap(([server, request]) =>
  TIMES.map((times) => ({ server, request, fault: SILENCES[times], times })),
);

export const nameOf = ({ server, request, fault, times }: Cell) =>
  `${server}: ${request.name}: ${fault.name}, ${times}`;

export interface Tried {
  outcome: Outcome;
  /** Promises that were broken. */
  problems: string[];
}

/** A lane whose runs go on in this process, and publish one label to the Hub. */
export async function openBench(): Promise<Lane> {
  const bench = await Lane.open(['department'], async (around) => {
    const { exitCode, world } = await run(around);
    return { exitCode, stdout: world.stdout.text, stderr: world.stderr.text };
  });
  await bench.prepare();
  const problems = await bench.recover(''); // a first version, which the next ones build on
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return bench;
}

/** Let a run meet a fault, then let one go through. */
export async function spoil(bench: Lane, { server, request, fault, times }: Cell): Promise<Tried> {
  const { around } = bench;
  await bench.prepare(request.first);
  const { answer, land = false, silence } = fault;
  const rule: FaultRule = {
    ...request,
    ...(answer === undefined ? {} : { answer, land }),
    ...(silence === undefined ? {} : { before: () => Bun.sleep(silence) }),
    times: times === 'once' ? 1 : Number.MAX_SAFE_INTEGER,
  };
  const met = (server === 'Hub' ? around.hub : around.wandb).fail(rule);
  const { exitCode, report, world, waited } = await run(around, server === 'W&B');
  rule.times = 0; // all is well again
  const outcome: Outcome = { ...describe(report, world.stderr.text), exitCode, waited };
  const said = world.stdout.text + world.stderr.text;
  const problems = judge(report, said);
  if (met.hits === 0) problems.push('the fault was never met');
  if (request.besides && exitCode !== 0) problems.push(`failed the run: exit code ${exitCode}`);
  return { outcome, problems: [...problems, ...(await bench.recover(said))] };
}

interface Ran {
  exitCode: number;
  report: RunReport | undefined;
  world: TestWorld;
  /** Seconds that the run meant to wait before it tried again. */
  waited: number;
}

async function run({ folder, tmpdir, env, wandb }: Surroundings, isTracked = false): Promise<Ran> {
  await writeFile(join(folder, 'pipeline.config.yaml'), YAML);
  using virtual = isTracked ? new VirtualClock() : undefined;
  let waited = 0;
  const impatient: World['clock'] = {
    now: () => new Date(Date.now() + waited),
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      const until = waited + ms;
      await Bun.sleep(0); // who waits meanwhile waits at the same time
      if (signal === world.signal) waited = Math.max(waited, until); // not what only says that something is slow
    },
  };
  const without = { WANDB_API_KEY: isTracked ? wandb.key : '', SMTP_URL: '', WEBHOOK_URL: '' };
  const world: TestWorld = testWorld({
    cwd: folder,
    tmpdir,
    env: { ...env, ...without },
    ...(virtual ? { clock: virtual, fetch: virtual.fetch } : { clock: impatient }),
  });
  const exitCode = await main(['--label', 'department', '--json', '--verbose'], world);
  const { text } = world.stdout;
  const report = text.startsWith('{') ? parseReport(text) : undefined;
  return { exitCode, report, world, waited: Math.round(waited / 1000) };
}
