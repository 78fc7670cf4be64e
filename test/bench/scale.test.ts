import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import postgres from 'postgres';
import type { RunReport } from '../../lib/report/report.ts';
import { fillComplaints } from '../edges/complaints.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { Site } from '../run/site.ts';
import { PROJECT } from '../run/world.ts';

const PAGE = await Bun.file(join(PROJECT, 'docs/scale.md')).text();
const server = await requirePostgres('postgresql');

/** The one statement of docs/scale.md that begins like this. */
function documented(start: string): string {
  const found = PAGE.split('\n').filter((line) => line.trim().startsWith(start));
  expect(found).toHaveLength(1);
  return (found[0] ?? '').trim();
}

describe.skipIf(server === undefined)('the index on the sample in docs/scale.md', () => {
  let site: Site;
  let report: RunReport;
  const planCorrect = (label: string) => {
    const queries = report.labels.find((each) => each.label === label)?.queries ?? [];
    const { sql = '' } = queries.find(({ source }) => source === 'correct') ?? {};
    return site.sql(`EXPLAIN (COSTS OFF) ${sql}`);
  };

  beforeAll(async () => {
    if (server === undefined) return;
    site = await Site.open();
    const sql = postgres(site.url, { max: 1, onnotice: () => {} });
    await fillComplaints(sql, { complaints: 20_000, mistakes: 400 });
    await sql.end();
    ({ report } = await site.run(['--dry-run']));
  }, 60_000); // ms
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
  });

  test('spares a look at every complaint: the sample is read in its order', async () => {
    await site.sql('ANALYZE');
    for (const label of ['department', 'urgency']) expect(await planCorrect(label)).toContain('Seq Scan on complaints');
    await site.sql(`${documented('CREATE INDEX ON complaints ((md5')} ANALYZE`);
    for (const label of ['department', 'urgency']) {
      const plan = await planCorrect(label);
      expect(plan).toContain('Index Scan using complaints_md5_idx on complaints');
      expect(plan).not.toContain('Seq Scan on complaints');
    }
  });

  test('changes no byte of what is published', async () => {
    const shipped = report.labels.map(({ files = [] }) => files.filter(({ path }) => path.startsWith('data/')));
    const { report: again } = await site.run(['--dry-run']);
    expect(again.labels.map(({ files = [] }) => files.filter(({ path }) => path.startsWith('data/')))).toEqual(shipped);
    expect(shipped.flat()).toHaveLength(6);
  });
});
