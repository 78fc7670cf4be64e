import { parseArgs } from 'node:util';
import { Databases } from './databases.ts';
import { describeMachine } from './machine.ts';
import { say } from './measure.ts';
import { isAlone, measureAlone, measurePart, PARTS, type Part, planSizes } from './parts.ts';
import { writePages } from './render.ts';
import { DIRECTORY, mergeResults, type Results } from './results.ts';

/**
 * `bun bench/run.ts [--sizes 100000,1000000,6000000] [--runs 3] [--only PART,…] [--out DIRECTORY]`: measures everything, or some parts, and
 * writes results.json, results.md and results.svg. Parts that are not measured stay as they are.
 */

interface Options {
  /** Complaints, ascending. */
  sizes: number[];
  runs: number;
  parts: Part[];
  out: string;
}

export function parseOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      sizes: { type: 'string', default: '100000,1000000,6000000' },
      runs: { type: 'string', default: '3' },
      only: { type: 'string', default: PARTS.join(',') },
      out: { type: 'string', default: DIRECTORY },
    },
  });
  const sizes = values.sizes.split(',').map((size) => positive('--sizes', size));
  const parts = values.only.split(',').map((name) => {
    const part = PARTS.find((each) => each === name);
    if (part === undefined) throw new Error(`Cannot use --only ${name}: parts are ${PARTS.join(', ')}`);
    return part;
  });
  const ascending = [...new Set(sizes)].sort((a, b) => a - b);
  return { sizes: ascending, runs: positive('--runs', values.runs), parts, out: values.out };
}

function positive(flag: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`Cannot use ${flag} ${value}: must be a positive integer`);
  return number;
}

async function run({ sizes, runs, parts, out }: Options): Promise<void> {
  await using databases = await Databases.open();
  const measured: Results = { machine: await describeMachine(databases.server.version) };
  const keep = async (found: Results) => {
    Object.assign(measured, found);
    await writePages(await mergeResults(measured, out), out); // what was measured outlives what fails later
  };
  for (const part of parts.filter(isAlone)) {
    say(part);
    await keep(await measureAlone(part, runs));
  }
  for (const complaints of sizes) {
    for (const part of parts) {
      if (isAlone(part) || !planSizes(part, sizes).includes(complaints)) continue;
      say(`${part}, ${complaints} complaints`);
      await keep(await measurePart(part, databases, complaints, runs, measured));
    }
    await databases.drop(complaints);
  }
}

if (import.meta.main) await run(parseOptions(process.argv.slice(2)));
