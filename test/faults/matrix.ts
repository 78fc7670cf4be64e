import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import type { World } from '../../lib/world.ts';
import { main } from '../../pipeline.ts';
import type { FaultRule } from '../edges/local-hub.ts';
import { VirtualClock } from '../edges/virtual-clock.ts';
import { type TestWorld, testWorld } from '../run/world.ts';
import { Audit } from './audit.ts';
import { HUB_REQUESTS, type RequestKind, WANDB_REQUESTS, WIRE_FAULTS, type WireFault } from './faults.ts';
import { planRows } from './kill.ts';
import { Surroundings, YAML } from './surroundings.ts';

/** One fault of one request, once or every time. */
export interface Cell {
  server: 'Hub' | 'W&B';
  request: RequestKind;
  fault: WireFault;
  times: 'once' | 'always';
}

export const CELLS: readonly Cell[] = (
  [
    ['Hub', HUB_REQUESTS],
    ['W&B', WANDB_REQUESTS],
  ] as const
).flatMap(([server, requests]) =>
  requests.flatMap((request) =>
    WIRE_FAULTS.flatMap((fault) => (['once', 'always'] as const).map((times) => ({ server, request, fault, times }))),
  ),
);

export const nameOf = ({ server, request, fault, times }: Cell) =>
  `${server}: ${request.name}: ${fault.name}, ${times}`;

/** What came of a run. */
export interface Outcome {
  /** The label's status, and the code of its problem. */
  label: string;
  /** Codes of what went wrong besides. */
  besides: string[];
  exitCode: number;
  /** Seconds that the run meant to wait before it tried again. */
  waited: number;
}

export interface Tried {
  cell: string;
  outcome: Outcome;
  /** Of the run after it, without the fault. */
  next: string;
  /** Promises that were broken. */
  problems: string[];
}

/** Runs in this process, on servers of their own, one fault after the other. */
export class Bench implements AsyncDisposable {
  #rounds = 0;
  #audit: Audit;
  #published = 0;

  private constructor(
    readonly around: Surroundings,
    audit: Audit,
  ) {
    this.#audit = audit;
  }

  static async open(): Promise<Bench> {
    const around = await Surroundings.open();
    const bench = new Bench(around, await Audit.open(around, ['department']));
    await bench.#healthy();
    return bench;
  }

  async try(cell: Cell): Promise<Tried> {
    const { around } = this;
    if (cell.request.first) await this.#forget();
    const { sql, text } = planRows(this.#rounds++);
    await around.sql(sql);
    const { answer, land = false } = cell.fault;
    const rule: FaultRule = { ...cell.request, answer, land, times: cell.times === 'once' ? 1 : 1_000_000 };
    const server = cell.server === 'Hub' ? around.hub : around.wandb;
    const fault = server.fail(rule);
    const problems: string[] = [];
    const { outcome, report, world } = await this.#run(cell.server === 'W&B');
    rule.times = 0; // the servers are well again
    if (fault.hits === 0) problems.push('the fault was never met');
    problems.push(...(await this.#audit.whole()), ...this.#judge(cell, outcome, report, world));
    const next = await this.#healthy();
    this.#published++;
    problems.push(...(await this.#audit.settled({ versions: this.#published, text })));
    if (next.exitCode !== 0) problems.push(`the next run ended with ${next.exitCode}: ${next.label}`);
    return { cell: nameOf(cell), outcome, next: next.label, problems };
  }

  /** The repo is not there, as before the first version. */
  async #forget(): Promise<void> {
    this.around.hub.repos.delete('datasets/tester/department');
    await this.#audit[Symbol.asyncDispose]();
    this.#audit = await Audit.open(this.around, ['department']);
    this.#published = 0;
  }

  async #healthy(): Promise<Outcome> {
    const { outcome } = await this.#run(false);
    if (this.#rounds === 0) this.#published++;
    return outcome;
  }

  async #run(isTracked: boolean): Promise<{ outcome: Outcome; report: RunReport | undefined; world: TestWorld }> {
    const { folder, tmpdir, env, wandb } = this.around;
    await writeFile(join(folder, 'pipeline.config.yaml'), YAML);
    using clock = isTracked ? new VirtualClock() : undefined;
    let waited = 0;
    const impatient: World['clock'] = {
      now: () => new Date(),
      async sleep(ms, signal) {
        signal?.throwIfAborted();
        if (signal === world.signal) waited += ms; // not what only says that something is slow
      },
    };
    const without = { WANDB_API_KEY: isTracked ? wandb.key : '', SMTP_URL: '', WEBHOOK_URL: '' };
    const world: TestWorld = testWorld({
      cwd: folder,
      tmpdir,
      env: { ...env, ...without },
      ...(clock ? { clock, fetch: clock.fetch } : { clock: impatient }),
    });
    const exitCode = await main(['--label', 'department', '--json', '--verbose'], world);
    const { text } = world.stdout;
    const report = text.startsWith('{') ? parseReport(text) : undefined;
    return { report, world, outcome: { ...describe(report, world), exitCode, waited: Math.round(waited / 1000) } };
  }

  /** What is promised of every run, however it ends. */
  #judge({ request }: Cell, outcome: Outcome, report: RunReport | undefined, world: TestWorld): string[] {
    const problems: string[] = [];
    const said = world.stdout.text + world.stderr.text;
    if (/\bINTERNAL\b/.test(said)) problems.push('INTERNAL');
    if (request.besides && outcome.exitCode !== 0) problems.push(`failed the run: exit code ${outcome.exitCode}`);
    for (const label of report?.labels ?? []) {
      const found = label.outcome && 'problem' in label.outcome ? [label.outcome.problem] : [];
      for (const problem of [...found, ...(label.restarts ?? []).flatMap((each) => each.problem ?? [])]) {
        if (!problem.fix) problems.push(`${problem.code} without a fix`);
        if (!problem.message.includes('tester/')) problems.push(`${problem.code} without a place: ${problem.message}`);
      }
    }
    return problems;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#audit[Symbol.asyncDispose]();
    await this.around[Symbol.asyncDispose]();
    await rm(this.around.folder, { recursive: true, force: true });
  }
}

function describe(report: RunReport | undefined, { stderr }: TestWorld): Pick<Outcome, 'label' | 'besides'> {
  if (!report) return { label: /^[A-Z_]+$/m.exec(stderr.text)?.[0] ?? 'nothing', besides: [] };
  const [label] = report.labels;
  const outcome = label?.outcome;
  const status = outcome === undefined ? 'nothing' : outcome.status;
  const problem = outcome && 'problem' in outcome ? ` ${outcome.problem.code}` : '';
  const codes = new Set([
    ...(label?.restarts ?? []).flatMap((each) => each.problem?.code ?? []),
    ...report.effects.flatMap((each) => each.problem?.code ?? []),
    ...[...report.warnings.join('\n').matchAll(/\b([A-Z]+_[A-Z_]+): /g)].map(([, code = '']) => code),
    ...[...stderr.text.matchAll(/^Warning: ([A-Z_]+):/gm)].map(([, code = '']) => code),
  ]);
  return { label: status + problem, besides: [...codes].sort() };
}
