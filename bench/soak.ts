import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PostgresServer, startPostgres } from '../test/edges/postgres-server.ts';
import { planProblems, renderPage, type Soaked } from './soak-page.ts';
import { SoakSite } from './soak-site.ts';

/**
 * `bun run soak [--runs 200] [--processes 40] [--seed N] [--out docs/soak.md]`: runs in a row with changing data, in one process and then in
 * one process each; every version is examined. The same seed makes the same changes.
 */

const PAGE = join(import.meta.dir, '../docs/soak.md');

async function soak(server: PostgresServer, seed: number, runs: number, processes: 'one' | 'many'): Promise<Soaked> {
  await using site = await SoakSite.open(server, seed, processes);
  const rounds: Soaked['rounds'] = [];
  while (rounds.length < runs) {
    const round = await site.round();
    rounds.push(round);
    const { statuses, seconds, held, found } = round;
    const memory = held ? `${Math.round(held.rssBytes / 1e6)} MB, ${held.descriptors} descriptors` : '';
    console.error(`${rounds.length}/${runs} ${statuses.join(', ')}; ${seconds.toFixed(1)} s ${memory}`);
    for (const { violation, detail } of found) console.error(`  ${violation}: ${detail}`);
  }
  const { department, urgency } = site.oracles;
  return {
    rounds,
    counts: { department: department.counts, urgency: urgency.counts },
    changes: site.complaints.counts,
  };
}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '200' },
      processes: { type: 'string', default: '40' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
      out: { type: 'string', default: PAGE },
    },
  });
  const seed = Number(values.seed);
  console.error(`Seed ${seed}`);
  await using server = await startPostgres();
  const one = await soak(server, seed, Number(values.runs), 'one');
  const many = await soak(server, seed + 1, Number(values.processes), 'many');
  const page = renderPage(seed, one, many);
  await writeFile(values.out, page);
  console.log(page);
  return planProblems(one).length + planProblems(many).length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await run();
