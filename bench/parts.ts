import { measureFloor, measureOurs, measurePython, rehearse, runPython } from './contenders.ts';
import type { Databases } from './databases.ts';
import { measureDistributed } from './distributed.ts';
import { measureFootprint } from './footprint.ts';
import { inScratch, inTurn, type Measure, say } from './measure.ts';
import { measureProfile } from './profile.ts';
import type { CompareResult, GrowthResult, Results } from './results.ts';
import { measureSecondVersions } from './second-version.ts';

/** The parts of the benchmark, and at which sizes each is measured. */

const PYTHON_DEFAULT_LIMIT_SECONDS = 60;
const DISTRIBUTED_COMPLAINTS = 100_000;
const MEMORY_LIMITS = ['256MB', '512MB', '1GB'];

/** Parts that make all they need themselves. */
const ALONE = {
  footprint: async (runs: number): Promise<Results> => ({
    footprint: { measuredAt: now(), ...(await measureFootprint(runs)) },
  }),
  distributed: async (runs: number): Promise<Results> => ({
    distributed: { measuredAt: now(), ...(await measureDistributed(DISTRIBUTED_COMPLAINTS, runs)) },
  }),
};
const SIZED = ['secondVersion', 'compare', 'memory', 'profile', 'growth'] as const;

export type AlonePart = keyof typeof ALONE;
export type SizedPart = (typeof SIZED)[number];
export type Part = AlonePart | SizedPart;

export const isAlone = (part: Part): part is AlonePart => part in ALONE;
export const PARTS: readonly Part[] = [...(Object.keys(ALONE) as AlonePart[]), ...SIZED];

/**
 * Plan the sizes that a part is measured at: growth at all, whatever is compared at the middle one, second versions at the smallest too.
 *
 * @param sizes complaints, ascending
 */
export function planSizes(part: SizedPart, sizes: readonly number[]): readonly number[] {
  if (part === 'growth') return sizes;
  const middle = Math.floor(sizes.length / 2);
  return sizes.filter((_, index) => index === middle || (part === 'secondVersion' && index === 0));
}

export const measureAlone = (part: AlonePart, runs: number): Promise<Results> => ALONE[part](runs);

/**
 * Measure a part at one size.
 *
 * @param before what this part found at smaller sizes
 */
export async function measurePart(
  part: SizedPart,
  databases: Databases,
  complaints: number,
  runs: number,
  before: Results,
): Promise<Results> {
  const url = await databases.of(complaints);
  const dated = { measuredAt: now() };
  switch (part) {
    case 'secondVersion':
      return {
        secondVersion: {
          ...dated,
          sizes: [
            ...(before.secondVersion?.sizes ?? []),
            { complaints, transfers: await measureSecondVersions(databases, complaints) },
          ],
        },
      };
    case 'compare':
      return { compare: { ...dated, ...(await compare(databases, url, complaints, runs)) } };
    case 'memory':
      return { memory: { ...dated, complaints, limits: await measureMemory(url, runs) } };
    case 'profile':
      return { profile: { ...dated, ...(await measureProfile(url, complaints, runs)) } };
    case 'growth':
      return { growth: { ...dated, sizes: [...(before.growth?.sizes ?? []), await grow(url, complaints, runs)] } };
  }
}

function now(): string {
  return new Date().toISOString();
}

async function compare(databases: Databases, url: string, complaints: number, runs: number): Promise<CompareResult> {
  const { queries, rows } = await rehearse(url);
  const contenders = {
    ours: () => measureOurs(url),
    python: () => measurePython(url),
    floor: () => measureFloor(url, queries),
  };
  const measures = await inTurn(contenders, runs);
  const limitSeconds = PYTHON_DEFAULT_LIMIT_SECONDS;
  const run = (await inScratch((directory) => runPython(url, directory, { limitSeconds }))) ?? null;
  await databases.endQueries(url);
  say(`  python with the default work_mem: ${run ? `${run.seconds.toFixed(2)} s` : `killed after ${limitSeconds} s`}`);
  return { complaints, rows, ...measures, pythonDefault: { limitSeconds, run } };
}

async function grow(url: string, complaints: number, runs: number): Promise<GrowthResult> {
  const { queries, rows } = await rehearse(url);
  const measures = await inTurn({ ours: () => measureOurs(url), floor: () => measureFloor(url, queries) }, runs);
  return { complaints, rows, ...measures };
}

async function measureMemory(url: string, runs: number): Promise<{ memoryLimit: string; ours: Measure[] }[]> {
  const contenders = MEMORY_LIMITS.map(
    (memoryLimit) => [memoryLimit, () => measureOurs(url, { memoryLimit })] as const,
  );
  const measures = await inTurn(Object.fromEntries(contenders), runs);
  return MEMORY_LIMITS.map((memoryLimit) => ({ memoryLimit, ours: measures[memoryLimit] ?? [] }));
}
