import { measureFloor, queriesOf, runOurs } from './contenders.ts';
import { Databases } from './databases.ts';
import { ratio, spread } from './figures.ts';
import { inScratch, inTurn } from './measure.ts';

/**
 * `bun run bench:guard`: fails when a change makes a run much slower or larger. Time is a ratio to what PostgreSQL and psql take for the same
 * rows, so that a slow machine does not fail it; both bounds leave room for a noisy one.
 */

const COMPLAINTS = 100_000;
const RUNS = 3;
export const BOUNDS = {
  /** Median of ours ÷ median of the COPY floor. */
  floorRatio: 12,
  /** The highest of the runs. */
  peakMB: 700,
};

interface Found {
  floorRatio: number;
  peakMB: number;
}

/** @returns a line for each bound that is exceeded */
export function planVerdict(found: Found, bounds: Found = BOUNDS): string[] {
  const lines: string[] = [];
  if (found.floorRatio > bounds.floorRatio)
    lines.push(`time is ${found.floorRatio.toFixed(2)} times the COPY floor’s, wanted at most ${bounds.floorRatio}`);
  if (found.peakMB > bounds.peakMB)
    lines.push(`peak memory is ${Math.round(found.peakMB)} MB, wanted at most ${bounds.peakMB}`);
  return lines;
}

async function guard(): Promise<number> {
  await using databases = await Databases.open();
  const url = await databases.of(COMPLAINTS);
  let queries: string[] = []; // of the run before
  const contenders = {
    ours: async () => {
      const { measure, report } = await inScratch((directory) => runOurs(url, directory));
      queries = queriesOf(report);
      return measure;
    },
    floor: () => measureFloor(url, queries),
  };
  const { ours, floor } = await inTurn(contenders, RUNS);
  const found = { floorRatio: ratio(ours, floor, 'seconds'), peakMB: spread(ours, 'peakBytes').max / 1e6 };
  const problems = planVerdict(found);
  console.log(`${found.floorRatio.toFixed(2)} times the COPY floor’s time, ${Math.round(found.peakMB)} MB at the peak`);
  for (const problem of problems) console.error(`Regression: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await guard();
