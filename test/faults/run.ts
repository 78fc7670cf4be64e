import { join } from 'node:path';
import { PROJECT } from '../run/world.ts';
import { type Killed, kill, type Moment, rehearse } from './kill.ts';
import { Lane } from './lane.ts';
import { meet, SCENARIOS } from './machine.ts';
import { CELLS, type Cell, nameOf, openBench, SILENT_CELLS, spoil } from './matrix.ts';
import { renderPage } from './page.ts';
import { type Found, planMoments, RANDOM_KILLS } from './plan.ts';

/** `bun run faults`: every kill and every fault, about an hour; writes test/faults/found.json and docs/faults.md. Exit code 1 where a promise was broken. */

const LANES = 3; // runs that are killed at the same time, each on servers of its own
const FOUND = join(PROJECT, 'test/faults/found.json');

const problems: string[] = [];
let looks = 0;

function note(name: string, found: string[]): void {
  for (const problem of found) {
    problems.push(`${name}: ${problem}`);
    console.error(`✘ ${name}: ${problem}`);
  }
}

async function killAll(): Promise<Found['kills']> {
  const killed: Killed[] = [];
  let versions = 0;
  const work = async (lane: Lane, queue: Moment[]) => {
    for (let moment = queue.shift(); moment; moment = queue.shift()) {
      const one = await kill(lane, moment);
      killed.push(one);
      note(`killed at ${JSON.stringify(moment)}`, one.problems);
      if (killed.length % 20 === 0) console.error(`${killed.length} killed, ${queue.length} to go`);
    }
    versions += lane.audited;
    looks += lane.looks;
    await lane[Symbol.asyncDispose]();
  };
  const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open()));
  const first = await rehearse(lanes[0] as Lane, true);
  const later = await rehearse(lanes[0] as Lane, false);
  note('nobody killed it', [...first.problems, ...later.problems]);
  const queue = planMoments({ first: first.kinds, later: later.kinds }, later.ms);
  for (const lane of lanes.slice(1)) note('nobody killed it', (await rehearse(lane, true)).problems);
  await Promise.all(lanes.map((lane) => work(lane, queue)));
  const passages: Record<string, number> = {};
  for (const { moment } of killed) {
    const kind = 'kind' in moment ? moment.kind : 'whatever it was at a random moment';
    passages[kind] = (passages[kind] ?? 0) + 1;
  }
  return {
    tried: killed.length,
    hit: killed.filter(({ hit }) => hit).length,
    passages,
    random: RANDOM_KILLS,
    versions,
  };
}

async function spoilAll(): Promise<Found['wire']> {
  const silent = new Map<string, Found['wire'][string]>();
  const work = async (cells: readonly Cell[], each: (name: string, outcome: Found['wire'][string]) => void) => {
    const bench = await openBench();
    for (const [index, cell] of cells.entries()) {
      const { outcome, problems: found } = await spoil(bench, cell);
      each(nameOf(cell), outcome);
      note(nameOf(cell), found);
      if (index % 50 === 49) console.error(`${index + 1} of ${cells.length} faults met`);
    }
    looks += bench.looks;
    await bench[Symbol.asyncDispose]();
  };
  const wire: Found['wire'] = {};
  await Promise.all([
    work(CELLS, (name, outcome) => {
      wire[name] = outcome;
    }),
    ...SILENT_CELLS.map((cell) => work([cell], (name, outcome) => silent.set(name, outcome))),
  ]);
  for (const cell of SILENT_CELLS) wire[nameOf(cell)] = silent.get(nameOf(cell)) as Found['wire'][string];
  return wire;
}

async function meetAll(): Promise<Found['scenarios']> {
  const scenarios: Found['scenarios'] = {};
  await using lane = await Lane.open();
  for (const each of SCENARIOS) {
    const { scenario, outcome, seconds, problems: found } = await meet(lane, each);
    scenarios[scenario] = { ...outcome, seconds };
    note(scenario, found);
  }
  looks += lane.looks;
  return scenarios;
}

const scenarios = await meetAll();
const wire = await spoilAll();
const kills = await killAll();
const found: Found = { kills, wire, scenarios, looks };
await Bun.write(FOUND, `${JSON.stringify(found, undefined, 1)}\n`);
await Bun.write(join(PROJECT, 'docs/faults.md'), renderPage(found));
console.log(
  `${kills.tried} kills (${kills.hit} before the end), ${Object.keys(wire).length} faults on the wire, ${Object.keys(scenarios).length} of servers and disks, ${looks} looks for a secret: ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);
