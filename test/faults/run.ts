import { join } from 'node:path';
import { PROJECT } from '../run/world.ts';
import { type Killed, kill, type Moment, rehearse } from './kill.ts';
import { Lane } from './lane.ts';
import { meet, SCENARIOS } from './machine.ts';
import { CELLS, type Cell, nameOf, openBench, SILENT_CELLS, spoil } from './matrix.ts';
import type { Outcome } from './outcome.ts';
import { renderPage } from './page.ts';
import { type Found, planMoments, RANDOM_KILLS } from './plan.ts';

/**
 * `bun run faults [machines] [wire] [silence] [kills]`: every kill and every fault, about an hour; what was found is written to
 * test/faults/found.json and docs/faults.md. Exit code 1 where a promise was broken.
 */

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

async function spoilAll(cells: readonly Cell[]): Promise<Found['wire']> {
  const wire: Found['wire'] = {};
  const bench = await openBench();
  for (const [index, cell] of cells.entries()) {
    const { outcome, problems: found } = await spoil(bench, cell);
    wire[nameOf(cell)] = outcome;
    note(nameOf(cell), found);
    if (index % 50 === 49) console.error(`${index + 1} of ${cells.length} faults met`);
  }
  looks += bench.looks;
  await bench[Symbol.asyncDispose]();
  return wire;
}

/** Each on servers of its own, `width` of them at the same time. */
async function spoilInLanes(cells: readonly Cell[], width: number): Promise<Found['wire']> {
  const lanes = Array.from({ length: width }, (_, lane) => cells.filter((_, index) => index % width === lane));
  const found = Object.assign({}, ...(await Promise.all(lanes.map(spoilAll)))) as Found['wire'];
  return Object.fromEntries(cells.map((cell) => [nameOf(cell), found[nameOf(cell)] as Outcome]));
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

const PARTS = {
  machines: async () => ({ scenarios: await meetAll() }),
  wire: async () => ({ wire: await spoilInLanes(CELLS, 2) }),
  silence: async () => ({ silence: await spoilInLanes(SILENT_CELLS, SILENT_CELLS.length) }),
  kills: async () => ({ kills: await killAll() }),
} satisfies Record<string, () => Promise<Partial<Found>>>;

const asked = Bun.argv.slice(2);
const found = (await Bun.file(FOUND)
  .json()
  .catch(() => ({ looks: {} }))) as Found;
for (const [name, part] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  looks = 0;
  Object.assign(found, await part());
  found.looks[name] = looks;
  await Bun.write(FOUND, `${JSON.stringify(found, undefined, 1)}\n`);
}
const isWhole = Object.keys(PARTS).every((name) => found.looks[name] !== undefined);
if (isWhole) await Bun.write(join(PROJECT, 'docs/faults.md'), renderPage(found));
console.log(`${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
