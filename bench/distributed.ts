import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { sha256File } from '../lib/dataset/hashes.ts';
import type { RunReport } from '../lib/report/report.ts';
import { fillComplaints } from '../test/edges/complaints.ts';
import { type PostgresServer, startPostgres } from '../test/edges/postgres-server.ts';
import { distributeTables, type Shards, startShards } from '../test/edges/postgres-shards.ts';
import { Site, TABLES } from '../test/run/site.ts';
import { PROJECT } from '../test/run/world.ts';
import { shortenPlan } from './plans.ts';

export interface Distributed {
  complaints: number;
  /** Servers that the rows are spread over; none is the coordinator. */
  shards: number;
  /** Whether every file is. */
  identical: boolean;
  files: ComparedFile[];
  /** Whole processes, both labels, into directories; the median of the runs. */
  seconds: { single: number; distributed: number };
  /** How the coordinator runs each query of the program. */
  plans: { label: string; source: 'misclassified' | 'correct'; plan: string }[];
}

export interface ComparedFile {
  path: string;
  /** Of what the single server gave. */
  sha256: string;
  identical: boolean;
}

/** The same rows twice: on one server, and spread over shards behind a coordinator. Each has a folder to publish into. */
export interface Pair extends AsyncDisposable {
  single: Site;
  distributed: Site;
  shards: Shards;
}

const SHARDS = 3;
const RUNS = 3;

/** Run the shipped spec against one server and against a coordinator over three, and compare what comes out. */
export async function measureDistributed(complaints: number, runs = RUNS): Promise<Distributed> {
  await using server = await startPostgres();
  await using pair = await openPair(server, complaints);
  const { files, report } = await comparePublished(pair);
  const identical = files.every((file) => file.identical);
  const plans = await explainQueries(pair.distributed, report);
  return { complaints, shards: SHARDS, identical, files, seconds: await timeRuns(pair, runs), plans };
}

/** @param server holds the single database and, as another one, the coordinator's, which has no rows */
export async function openPair(server: PostgresServer, complaints: number): Promise<Pair> {
  await using opened = new AsyncDisposableStack();
  const shards = opened.use(await startShards(SHARDS));
  const single = opened.use(await Site.open(TABLES, server));
  const distributed = opened.use(await Site.open('', server));
  await using sql = closing(postgres(single.url, { max: 1, onnotice: () => {} }));
  await fillComplaints(sql.client, { complaints });
  await single.sql('ANALYZE');
  await distributeTables(distributed.url, single.url, shards);
  const stack = opened.move();
  return { single, distributed, shards, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function closing(client: postgres.Sql) {
  return { client, [Symbol.asyncDispose]: () => client.end() };
}

/** One clock for both, so that they publish a version of one name. */
const CLOCK = { now: () => new Date('2030-01-01T00:00:00Z'), sleep: async () => {} };

/** Publish both labels from both, and compare each file byte for byte; of the metadata all but the snapshot's id and time. */
export async function comparePublished({ single, distributed }: Pair): Promise<{
  files: ComparedFile[];
  report: RunReport;
}> {
  const reports: RunReport[] = [];
  for (const site of [single, distributed]) {
    const { exitCode, report, world } = await site.run(['--force'], { clock: CLOCK });
    if (exitCode !== 0) throw new Error(`Cannot compare: exit ${exitCode}\n${world.stderr.text}`);
    reports.push(report);
  }
  const [report] = reports as [RunReport];
  const files: ComparedFile[] = [];
  for (const { label } of report.labels) {
    const [ours, theirs] = await Promise.all([single, distributed].map(({ folder }) => hashFiles(join(folder, label))));
    for (const path of new Set([...(ours?.keys() ?? []), ...(theirs?.keys() ?? [])])) {
      const sha256 = ours?.get(path) ?? '';
      files.push({ path: `${label}/${path}`, sha256, identical: sha256 === theirs?.get(path) });
    }
  }
  return { files, report };
}

const METADATA = 'dataset_metadata.json';

/** The files of a version, by path, in order. */
async function hashFiles(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(`${folder}/`, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashes = await Promise.all(
    paths.sort().map(async (path) => {
      const sha256 = path.endsWith(METADATA) ? await hashMetadata(path) : await sha256File(path);
      return [path.slice(folder.length + 1), sha256] as const;
    }),
  );
  return new Map(hashes);
}

/** Without the snapshot: each server counts its own transactions, and has its own clock. */
async function hashMetadata(path: string): Promise<string> {
  const { snapshot: _, ...rest } = JSON.parse(await readFile(path, 'utf8'));
  return new Bun.CryptoHasher('sha256').update(JSON.stringify(rest)).digest('hex');
}

/** The plans of the queries as the report has them, which is as they ran. */
export async function explainQueries(site: Site, { labels }: RunReport): Promise<Distributed['plans']> {
  const queries = labels.flatMap(({ label, queries = [] }) => queries.map((query) => ({ label, ...query })));
  const plans: Distributed['plans'] = [];
  for (const { label, source, sql } of queries) {
    const lines = await site.sql(`EXPLAIN (VERBOSE, COSTS OFF) ${sql}`);
    plans.push({ label, source, plan: shortenPlan(lines.split('\n')) });
  }
  return plans;
}

/** In turn, so that both meet the same noise. */
async function timeRuns({ single, distributed }: Pair, runs: number): Promise<Distributed['seconds']> {
  const seconds = { single: [] as number[], distributed: [] as number[] };
  for (let run = 0; run < runs; run++) {
    seconds.single.push(await timeRun(single));
    seconds.distributed.push(await timeRun(distributed));
  }
  return { single: median(seconds.single), distributed: median(seconds.distributed) };
}

async function timeRun({ env }: Site): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'distributed-'));
  try {
    const started = performance.now();
    const child = Bun.spawn(
      [process.execPath, join(PROJECT, 'pipeline.ts'), '--config', join(PROJECT, 'pipeline.config.yaml')],
      {
        cwd: folder,
        env: { PATH: process.env.PATH, TMPDIR: folder, SERVE: 'off', ...env },
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'pipe',
      },
    );
    const log = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(`Cannot time a run: exit ${child.exitCode}\n${log}`);
    return (performance.now() - started) / 1000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

if (import.meta.main) {
  const { values } = (await import('node:util')).parseArgs({
    options: { complaints: { type: 'string', default: '100000' } },
  });
  console.log(JSON.stringify(await measureDistributed(Number(values.complaints)), null, 2));
}
