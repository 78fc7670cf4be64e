import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '../../lib/run.ts';
import * as balance from '../../lib/steps/balance.ts';
import { fetch } from '../../lib/steps/fetch.ts';
import { main } from '../../pipeline.ts';
import { testWorld } from '../run/world.ts';
import { type PostgresServer, requirePostgres, startPostgres } from './postgres-server.ts';
import { changeUrl, codeOf, failOnUnforeseen, openFetch, planYaml } from './snapshots.ts';

const found = await requirePostgres('postgresql');
const server = found as PostgresServer;
failOnUnforeseen();
let scratch: string;
let url: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'postgres-retry-'));
  if (found) url = await server.createDatabase();
});

afterAll(() => rm(scratch, { recursive: true }));

const rowsOf = async (run: Run, label: string) =>
  (await run.engine.row<{ n: number }>(`SELECT count(*) AS n FROM fetched_${label}`)).n;

describe.skipIf(!found)('a lost connection', () => {
  /** Its own server process ends in the middle of the rows, while the fuse burns. */
  const fragile = `SELECT i AS key, CASE WHEN i = 50000 AND (SELECT fires > 0 FROM fuse) THEN pg_terminate_backend(pg_backend_pid())::text
    ELSE 'text ' || i END AS text, 'A' AS label FROM generate_series(1, 60000) i`;
  const steady = 'SELECT x AS key, x::text AS text, NULL::text AS label FROM steady';
  const bad = `SELECT 1 AS key, 'x' AS text, (1 / 0)::text AS label`;
  const light = (fires: number) =>
    server.psql(
      `DROP TABLE IF EXISTS fuse, steady; CREATE TABLE fuse AS SELECT ${fires} AS fires;
      CREATE TABLE steady AS SELECT 1 AS x`,
      url,
    );
  const burn = () =>
    server.psql('UPDATE fuse SET fires = fires - 1; INSERT INTO steady SELECT max(x) + 1 FROM steady', url);

  test.each([0, 1, 2])('%d times starts the whole fetch again in a new snapshot', async (losses) => {
    await light(losses);
    const { run, waits } = await openFetch(url, scratch, { first: steady, broken: bad, last: fragile }, burn);
    await using _run = run;
    await fetch(run, balance);
    expect(waits).toEqual([2000, 4000].slice(0, losses));
    expect(await rowsOf(run, 'last')).toBe(60_000);
    expect(await rowsOf(run, 'first')).toBe(1 + losses); // what was committed meanwhile: nothing is left of the first read
    expect(run.labels.map(({ report }) => report.outcome)).toMatchObject([
      undefined,
      { status: 'failed', problem: { code: 'DATABASE_QUERY' } },
      undefined,
    ]);
  });

  test('three times is given up', async () => {
    await light(9);
    const { run, waits } = await openFetch(url, scratch, { last: fragile }, burn);
    await using _run = run;
    expect(await codeOf(fetch(run, balance))).toBe('DATABASE_LOST');
    expect(waits).toEqual([2000, 4000]);
  });

  test('to a server that is down is tried three times; it may come back meanwhile', async () => {
    await using own = await startPostgres();
    const steadily = { topic: `SELECT 1 AS key, 'x' AS text, 'A' AS label` };
    await own.stop();
    const gone = await openFetch(own.url, scratch, steadily);
    await using _gone = gone.run;
    expect(await codeOf(fetch(gone.run, balance))).toBe('DATABASE_UNREACHABLE');
    expect(gone.waits).toEqual([2000, 4000]);
    const back = await openFetch(own.url, scratch, steadily, () => own.start());
    await using _back = back.run;
    await fetch(back.run, balance);
    expect(back.waits).toEqual([2000]);
    expect(await rowsOf(back.run, 'topic')).toBe(1);
  }, 20_000);

  test('is tried again, a refused login is not', async () => {
    const { run, waits } = await openFetch(changeUrl(url, { password: 'wrong' }), scratch, { topic: steady });
    await using _run = run;
    expect(await codeOf(fetch(run, balance))).toBe('DATABASE_LOGIN');
    expect(waits).toEqual([]);
  });
});

test.skipIf(!found)('no row is printed, not even by a stack trace with --verbose', async () => {
  const canary = 'canary-5b1';
  const text = `${canary}\\n    at ${canary} (row.ts:1:1)`;
  await server.psql(`CREATE TABLE canaries AS SELECT E'${text}' AS text`, url);
  const yaml = planYaml({ topic: 'SELECT 1 AS key, text, text::int AS label FROM canaries' });
  await Bun.write(join(scratch, 'pipeline.config.yaml'), yaml);
  for (const argv of [['--verbose'], ['--verbose', '--json'], ['--check']]) {
    const world = testWorld({ env: { POSTGRES_URL: url }, cwd: scratch, tmpdir: scratch });
    expect(await main(argv, world)).toBe(1);
    expect(world.stdout.text + world.stderr.text).toContain('DATABASE_QUERY');
    expect(world.stdout.text + world.stderr.text).not.toContain(canary);
  }
});
