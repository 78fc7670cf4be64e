import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { drawChart } from './chart.ts';
import { renderResults } from './page.ts';
import { DIRECTORY, type Results, readResults } from './results.ts';

/** `bun bench/render.ts [DIRECTORY]`: writes results.md and results.svg anew from results.json, without measuring. */

const CHART = 'results.svg';

export async function writePages(results: Results, directory = DIRECTORY): Promise<void> {
  const chart = await drawChart(results);
  if (chart === undefined) await rm(join(directory, CHART), { force: true });
  else await Bun.write(join(directory, CHART), chart);
  await Bun.write(join(directory, 'results.md'), renderResults(results, chart === undefined ? undefined : CHART));
}

if (import.meta.main) {
  const directory = process.argv[2] ?? DIRECTORY;
  await writePages(await readResults(directory), directory);
}
