import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { createTables, type Filled, fillComplaints, loadGrievancesCsv } from './complaints.ts';
import { startPgliteServer } from './postgres-server/pglite.ts';
import { requirePostgres } from './postgres-server.ts';

const real = await requirePostgres('postgresql');
/** Of all rows made with OPTIONS. Changes with the generator's phrases, never with the server. */
const GOLDEN_DIGEST = '61d7edfd8d1daa4e3f36d7cc0cbfe32c';
const OPTIONS = { complaints: 3000, mistakes: 1200, duplicates: 0.2, seed: 42 };

describe.each(['postgresql', 'pglite'] as const)('complaints in %s', (kind) => {
  const runs = test.skipIf(kind === 'postgresql' && real === undefined);
  let server: typeof real;
  let sql: postgres.Sql;
  let filled: Filled;

  beforeAll(async () => {
    server = kind === 'pglite' ? await startPgliteServer() : real;
    if (server === undefined) return;
    sql = postgres(await server.createDatabase(), { max: 1, onnotice: () => {} });
    await createTables(sql);
    filled = await fillComplaints(sql, OPTIONS);
  }, 30_000); // ms; PGlite is compiled twice
  afterAll(async () => {
    await sql?.end();
    if (kind === 'pglite') await server?.[Symbol.asyncDispose]();
  });

  const refill = async (options: Parameters<typeof fillComplaints>[1]) => {
    await sql`TRUNCATE complaints, misclassified_complaints RESTART IDENTITY`;
    return await fillComplaints(sql, options);
  };
  const number = async (query: string) => Number((await sql.unsafe(query).values())[0]?.[0]);
  const digest = async () =>
    (
      await sql`SELECT md5(string_agg(concat_ws('|', c.id, message, department, urgency, correct_department, correct_urgency,
      reviewed), '' ORDER BY c.id, m.id)) AS md5
      FROM complaints c LEFT JOIN misclassified_complaints m ON m.complaint_id = c.id`
    )[0]?.md5;

  runs('are as many as asked for', async () => {
    expect(filled).toMatchObject({ complaints: 3000, distinctTexts: 2400 });
    expect(await number('SELECT count(DISTINCT message) FROM complaints')).toBe(2400);
    expect(await number('SELECT count(DISTINCT complaint_id) FROM misclassified_complaints')).toBe(1200);
    expect(await number('SELECT count(*) FROM misclassified_complaints')).toBe(filled.reports);
    expect(filled.reviewed.department).toBeWithin(750, 1000);
    expect(filled.reviewed.urgency).toBeWithin(750, 1000);
  });

  runs('hold what makes real ones hard', async () => {
    const among = (condition: string) => number(`SELECT count(*) FROM complaints WHERE ${condition}`);
    expect(await among('length(message) NOT BETWEEN 60 AND 400')).toBe(0);
    expect(await among(`message ~ '[क-ह]'`)).toBeGreaterThan(900);
    expect(await among(`message !~ '[क-ह]'`)).toBeGreaterThan(900);
    for (const dirt of ['<', '&nbsp;', 'https://', '\n'])
      expect(await among(`message LIKE '%${dirt}%'`)).toBeGreaterThan(60);
    expect(await among('department IS NULL')).toBeGreaterThan(5);
    expect(
      await number(`SELECT count(*) FROM (SELECT FROM complaints a JOIN complaints b USING (message)
        LEFT JOIN misclassified_complaints m ON m.complaint_id = a.id LEFT JOIN misclassified_complaints n ON n.complaint_id = b.id
        WHERE coalesce(m.correct_urgency, a.urgency) < coalesce(n.correct_urgency, b.urgency) AND m.id IS NULL AND n.id IS NULL)
        AS conflict`),
    ).toBeGreaterThan(0);
    const sizes =
      await sql`SELECT count(*)::int AS n FROM complaints GROUP BY urgency HAVING urgency IS NOT NULL ORDER BY n`;
    expect(sizes).toHaveLength(3);
    expect(sizes[2]?.n).toBeGreaterThan(1.5 * sizes[0]?.n);
  });

  runs('are reported once or twice, with one label or two, reviewed or not yet', async () => {
    const among = (condition: string) => number(`SELECT count(*) FROM misclassified_complaints WHERE ${condition}`);
    expect(await among('correct_department IS NULL')).toBeGreaterThan(150);
    expect(await among('correct_urgency IS NULL')).toBeGreaterThan(150);
    expect(await among('correct_department IS NULL AND correct_urgency IS NULL')).toBe(0);
    expect(await among('NOT reviewed')).toBeGreaterThan(50);
    expect(await among('reviewed <> (reviewed_at IS NOT NULL)')).toBe(0);
    expect(await among('correct_department = model_predicted_department')).toBe(0);
    expect(await among('correct_urgency = model_predicted_urgency')).toBe(0);
    expect(
      await number(`SELECT count(*) FROM misclassified_complaints m JOIN complaints c ON c.id = complaint_id
        WHERE (model_predicted_department, model_predicted_urgency) IS DISTINCT FROM (department, urgency)`),
    ).toBe(0);
    const twice = `FROM misclassified_complaints a JOIN misclassified_complaints b
      ON a.complaint_id = b.complaint_id AND a.created_at < b.created_at`;
    expect(await number(`SELECT count(*) ${twice}`)).toBeGreaterThan(30);
    expect(
      await number(`SELECT count(*) ${twice} WHERE (a.correct_department, a.correct_urgency)
        IS NOT DISTINCT FROM (b.correct_department, b.correct_urgency)`),
    ).toBe(0);
  });

  runs('are the same for the same options, in every PostgreSQL', async () => {
    expect(await digest()).toBe(GOLDEN_DIGEST);
    expect(await refill({ ...OPTIONS, seed: 7 })).toMatchObject({ complaints: 3000, distinctTexts: 2400 });
    expect(await digest()).not.toBe(GOLDEN_DIGEST);
    await refill(OPTIONS);
    expect(await digest()).toBe(GOLDEN_DIGEST);
  });

  runs('cannot be of an unknown class, and take their reports with them', async () => {
    const code = (thrown: { code: string }) => thrown.code;
    const [added] = await sql`INSERT INTO complaints (message) VALUES ('') RETURNING id`;
    expect(added?.id).toBe(3001);
    await sql`INSERT INTO misclassified_complaints (complaint_id) VALUES (3001)`;
    await sql`DELETE FROM complaints WHERE id = 3001`;
    expect(await number('SELECT count(*) FROM misclassified_complaints WHERE complaint_id = 3001')).toBe(0);
    expect(await sql`INSERT INTO complaints (message, urgency) VALUES ('', 'SOON')`.catch(code)).toBe('23514');
    const [index] =
      await sql`SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%misclassified_complaints%(complaint_id)'`;
    expect(index).toBeDefined();
  });

  runs('can be loaded from a CSV file whose labels are the truth', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'complaints-'));
    const records = Array.from(
      { length: 500 },
      (_, id) => `719331238868180${id},"Security & Law Enforcement",URGENT,text ${id}`,
    );
    const hard = `5,"Education, Health & Social Welfare",NORMAL,"first, ""quoted""\nsecond line"`;
    await writeFile(join(directory, 'a.csv'), ['id,department,urgency,message', hard, ...records, ''].join('\n'));
    await sql`TRUNCATE complaints, misclassified_complaints RESTART IDENTITY`;
    const loaded = await loadGrievancesCsv(sql, join(directory, 'a.csv'));
    await rm(directory, { recursive: true });
    expect(loaded).toMatchObject({ complaints: 501, distinctTexts: 501 });
    expect(loaded.reports).toBeWithin(260, 341);
    expect((await sql`SELECT message FROM complaints WHERE id = 1`)[0]?.message).toBe('first, "quoted"\nsecond line');
    const [counts] = await sql`
      SELECT count(*) FILTER (WHERE correct_department IS NOT NULL AND correct_urgency IS NOT NULL)::int AS both,
        count(*) FILTER (WHERE correct_department IS NULL)::int AS urgency_only,
        count(*) FILTER (WHERE correct_urgency IS NULL)::int AS department_only,
        count(*) FILTER (WHERE correct_department = 'Security & Law Enforcement' OR correct_urgency = 'URGENT')::int AS truth,
        count(*) FILTER (WHERE correct_department = c.department OR correct_urgency = c.urgency OR NOT reviewed)::int AS wrong
      FROM misclassified_complaints m JOIN complaints c ON c.id = complaint_id WHERE complaint_id > 1`;
    expect(counts?.both).toBeGreaterThan(loaded.reports / 2);
    expect(counts?.urgency_only).toBeGreaterThan(20);
    expect(counts?.department_only).toBeGreaterThan(20);
    expect(counts).toMatchObject({
      truth: await number('SELECT count(*) FROM misclassified_complaints WHERE complaint_id > 1'),
      wrong: 0,
    });
  });
});
