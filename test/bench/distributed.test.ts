import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { comparePublished, explainQueries, openPair, type Pair } from '../../bench/distributed.ts';
import { shortenPlan } from '../../bench/plans.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { reportMissing } from '../edges/postgres-server/binaries.ts';
import { requirePostgres } from '../edges/postgres-server.ts';

const server = await requireForeignTables();

/** PostgreSQL with the extension that reaches other servers; distributions pack it apart. */
async function requireForeignTables() {
  const found = await requirePostgres('postgresql');
  const available = await found?.psql(`SELECT 1 FROM pg_available_extensions WHERE name = 'postgres_fdw'`);
  if (found === undefined || available === '1') return found;
  return reportMissing('no postgres_fdw in this PostgreSQL (postgresql-contrib): its tests cannot run');
}

describe.skipIf(server === undefined)('a coordinator over three servers', () => {
  let pair: Pair;
  let report: RunReport;
  const different = async () => {
    const compared = await comparePublished(pair);
    report = compared.report;
    expect(compared.files.length).toBe(12); // of two labels: three splits, card, metadata, ledger
    return compared.files.filter(({ identical }) => !identical).map(({ path }) => path);
  };

  beforeAll(async () => {
    if (server) pair = await openPair(server, 3000);
  }, 60_000); // ms; three servers start
  afterAll(async () => {
    await pair?.[Symbol.asyncDispose]();
  });

  test('holds no row itself; each server has about a third', async () => {
    const kinds = await pair.distributed.sql(`SELECT DISTINCT relkind FROM pg_class WHERE relname ~ 'complaints_\\d$'`);
    expect(kinds).toBe('f');
    const counts = await pair.distributed.sql('SELECT count(*) FROM complaints GROUP BY tableoid');
    const rows = counts.split('\n').map(Number);
    expect(rows).toHaveLength(3);
    expect(Math.min(...rows)).toBeGreaterThan(900);
    expect(rows.reduce((sum, count) => sum + count)).toBe(3000);
  });

  test('gives the bytes that one server gives', async () => {
    expect(await different()).toEqual([]);
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'success']);
  });

  test('asks the servers for the columns and rows that a query needs, and joins itself', async () => {
    const plans = await explainQueries(pair.distributed, report);
    expect(plans.map(({ label, source }) => `${label} ${source}`)).toEqual([
      'department misclassified',
      'department correct',
      'urgency misclassified',
      'urgency correct',
    ]);
    const [mistakes = '', correct = ''] = plans.map(({ plan }) => plan);
    expect(mistakes).toMatch(/Remote SQL: SELECT .* WHERE \(reviewed\).* ORDER BY complaint_id/);
    expect(correct).toMatch(/Hash Anti Join[\s\S]*Remote SQL: SELECT .* WHERE \(\(department IS NOT NULL\)\)/);
    for (const { plan } of plans) expect(plan).not.toContain('Output:');
  });

  test('one row that is missing on one server shows', async () => {
    await pair.distributed.sql(
      'DELETE FROM complaints WHERE id = (SELECT min(complaint_id) FROM misclassified_complaints WHERE reviewed AND correct_urgency IS NOT NULL)',
    );
    const [department, urgency] = ['department/splits.parquet', 'urgency/splits.parquet'];
    expect(await different()).toEqual(expect.arrayContaining([department, urgency]));
  });

  test('a server that is down fails the run; nothing is published from the others', async () => {
    const [first] = pair.shards.servers;
    await first?.stop();
    const clock = { now: () => new Date(), sleep: async () => {} };
    const { exitCode, report } = await pair.distributed.run(['--force'], { clock });
    expect(exitCode).toBe(1);
    expect(report.labels.map(({ outcome }) => outcome)).toEqual(
      Array(2).fill({ status: 'failed', problem: expect.objectContaining({ code: 'DATABASE_LOST' }) }),
    );
  });
});

describe('shortenPlan()', () => {
  const shard = (number: number, remote: string) => [
    `  ->  Foreign Scan on public.complaints_${number} c_${number + 1}`,
    '        Output: c.id, c.message',
    `        Remote SQL: ${remote}`,
  ];

  test('shows one of the shards where they differ by their number only', () => {
    const same = [0, 1, 2].flatMap((number) => shard(number, 'SELECT id FROM public.complaints'));
    expect(shortenPlan(['Append', ...same, '  ->  Seq Scan on other'])).toBe(
      `Append
  ->  Foreign Scan on public.complaints_0 c_1
    Remote SQL: SELECT id FROM public.complaints
  (and 2 like it)
  ->  Seq Scan on other`,
    );
  });

  test('takes joins that the shards do for the same, whatever their aliases', () => {
    const joins = [shard(0, 'SELECT r4.message FROM r4 JOIN r7'), shard(1, 'SELECT r5.message FROM r5 JOIN r8')];
    expect(shortenPlan(['Append', ...joins.flat()])).toEndWith('JOIN r7\n  (and 1 like it)');
  });

  test('shows each where they differ, and never cuts what a shard is asked', () => {
    const long = `SELECT ${'column, '.repeat(50)}id FROM public.complaints`;
    const plan = shortenPlan(['Append', ...shard(0, long), ...shard(1, 'SELECT 1'), `  Sort Key: ${'a'.repeat(500)}`]);
    expect(plan).toContain(long);
    expect(plan).toContain('SELECT 1');
    expect(plan).not.toContain('like it');
    expect(
      Math.max(
        ...plan
          .split('\n')
          .slice(5)
          .map(({ length }) => length),
      ),
    ).toBeLessThan(210);
  });
});
