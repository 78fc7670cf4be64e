import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Readable } from 'node:stream';
import postgres from 'postgres';
import { type DemoDatabase, startDemoDatabase } from '../../lib/demo/database.ts';
import { type Grievances, generateGrievances, type Report } from '../../lib/demo/grievances.ts';
import { DEPARTMENTS, URGENCIES } from '../../lib/demo/tables.ts';

const LABELS = ['department', 'urgency'] as const;
type Label = (typeof LABELS)[number];

const { complaints, reports }: Grievances = generateGrievances();
const messages = complaints.map(({ message }) => message);

describe('generateGrievances()', () => {
  test('makes 6,000 complaints unless told otherwise, numbered from 1', () => {
    expect(complaints).toHaveLength(6000);
    expect(complaints.map(({ id }) => id)).toEqual(Array.from({ length: 6000 }, (_, index) => index + 1));
    expect(generateGrievances({ count: 7 }).complaints).toHaveLength(7);
  });

  test('makes the same rows from the same seed and others from another', () => {
    expect(generateGrievances()).toEqual({ complaints, reports });
    expect(generateGrievances({ seed: 43 }).complaints[0]?.message).not.toBe(messages[0]);
    expect(generateGrievances({ count: 100 }).complaints).toEqual(complaints.slice(0, 100));
  });

  test.each([5000, 6000])('has 1,500 reviewed mistakes of each label among %i complaints', (count) => {
    const generated = generateGrievances({ count });
    for (const label of LABELS) expect(corrected(generated.reports, label).size).toBeGreaterThanOrEqual(1500);
  });

  test('keeps the prediction in complaints, and a report never corrects a label to what was predicted', () => {
    for (const report of reports) {
      const complaint = complaints[report.complaint_id - 1];
      expect(report.model_predicted_department).toBe(complaint?.department as Report['model_predicted_department']);
      expect(report.model_predicted_urgency).toBe(complaint?.urgency as Report['model_predicted_urgency']);
      expect(report.correct_department ?? report.correct_urgency).not.toBeNull();
      expect(report.correct_department).not.toBe(report.model_predicted_department);
      expect(report.correct_urgency).not.toBe(report.model_predicted_urgency);
    }
  });

  test('leaves one label NULL in some reports, some reports unreviewed and some complaints unclassified', () => {
    for (const label of LABELS)
      expect(reports.filter((report) => correctLabel(report, label) === null)).not.toBeEmpty();
    const unreviewed = reports.filter(({ reviewed }) => !reviewed);
    expect(unreviewed.length).toBeGreaterThan(50);
    expect(unreviewed.every(({ reviewed_at }) => reviewed_at === null)).toBeTrue();
    const unclassified = complaints.filter(({ department }) => department === null);
    expect(unclassified.length).toBeWithin(20, 120);
  });

  test('reviews some complaints twice, and the later review has another answer', () => {
    const repeated = [...Map.groupBy(reports, (report) => report.complaint_id).values()].filter(
      ({ length }) => length > 1,
    );
    expect(repeated.length).toBeGreaterThan(50);
    for (const [first, second] of repeated as [Report, Report][]) {
      expect(Date.parse(second.reviewed_at ?? '')).toBeGreaterThan(Date.parse(first.reviewed_at ?? ''));
      expect([second.correct_department, second.correct_urgency]).not.toEqual([
        first.correct_department,
        first.correct_urgency,
      ]);
    }
  });

  test('repeats about 8% of the messages, character by character', () => {
    expect(1 - new Set(messages).size / messages.length).toBeWithin(0.06, 0.1);
  });

  test('has classes of clearly different size, each of them present', () => {
    for (const [label, classes] of [
      ['department', DEPARTMENTS],
      ['urgency', URGENCIES],
    ] as const) {
      const sizes = classes.map((name) => complaints.filter((complaint) => complaint[label] === name).length);
      expect(Math.min(...sizes)).toBeGreaterThan(300);
      expect(Math.max(...sizes)).toBeGreaterThan(1.5 * Math.min(...sizes));
    }
  });

  test.each([
    ['English', /\b(the|please)\b/i, 0.4],
    ['Nepali', /[\u0900-\u097f]{2}/, 0.3],
    ['HTML tags', /<(p|br\/?|div[^>]*)>/, 0.05],
    ['HTML entities', /&nbsp;/, 0.02],
    ['URLs', /https?:\/\/|www\./, 0.05],
    ['line breaks', /\n/, 0.1],
    ['no-break spaces', /\u00a0/, 0.02],
    ['odd white space', /[\t\u2003]/, 0.02],
    ['almost nothing', /^.{0,8}$/s, 0.003],
  ])('writes %s', (_, pattern, share) => {
    expect(messages.filter((message) => pattern.test(message)).length / messages.length).toBeGreaterThan(share);
  });

  test('leaves no slot of a template unfilled', () => {
    expect(messages.filter((message) => /[{}]|undefined/.test(message))).toEqual([]);
  });
});

describe('startDemoDatabase()', () => {
  let demo: DemoDatabase;
  beforeAll(async () => {
    demo = await startDemoDatabase();
  }, 30_000); // ms; compiling PostgreSQL takes 2 s on a free machine
  afterAll(() => demo[Symbol.asyncDispose]());

  const connect = () =>
    postgres(demo.url, { max: 1, prepare: false, fetch_types: false, ssl: false, connect_timeout: 5 });

  test('holds every generated row as it was generated', async () => {
    const sql = connect();
    expect(demo.rows).toEqual({ complaints: complaints.length, reports: reports.length });
    const stored = await sql`SELECT message, department, urgency FROM complaints ORDER BY id`;
    expect([...stored]).toEqual(
      complaints.map(({ message, department, urgency }) => ({ message, department, urgency })),
    );
    const reviews = await sql`
      SELECT complaint_id, correct_department, correct_urgency, reviewed FROM misclassified_complaints ORDER BY id`;
    expect([...reviews]).toEqual(
      reports.map(({ complaint_id, correct_department, correct_urgency, reviewed }) => ({
        complaint_id,
        correct_department,
        correct_urgency,
        reviewed,
      })),
    );
    await sql.end();
  });

  test('goes on numbering after the rows and refuses an unknown class', async () => {
    const sql = connect();
    const [added] = await sql`INSERT INTO complaints (message) VALUES ('one more') RETURNING id`;
    expect(added?.id).toBe(complaints.length + 1);
    await sql`DELETE FROM complaints WHERE id = ${added?.id}`;
    expect(await sql`INSERT INTO complaints (message, urgency) VALUES ('', 'SOON')`.catch(({ code }) => code)).toBe(
      '23514',
    );
    await sql.end();
  });

  test('streams a COPY out of a read-only snapshot, from one connection after another', async () => {
    for (let connection = 1; connection <= 4; connection++) {
      const sql = connect();
      const rows = await sql.begin('isolation level repeatable read read only', async (transaction) => {
        const query = transaction.unsafe(
          'COPY (SELECT message, 1 FROM complaints) TO STDOUT (FORMAT csv, FORCE_QUOTE *)',
        );
        const stream = (await query.readable()) as Readable;
        const chunks = await Array.fromAsync(stream as AsyncIterable<Buffer>);
        stream._read(0); // the driver may leave its socket paused: porsager/postgres#499
        return Buffer.concat(chunks).toString().split('","1"\n').length - 1;
      });
      expect(rows).toBe(complaints.length);
      await sql.end({ timeout: 0 });
    }
  });

  test('rolls back what a lost connection left open, and the next one reads on', async () => {
    const lost = connect();
    const transaction = lost.begin(async (open) => {
      await open`DELETE FROM misclassified_complaints`;
      await lost.end({ timeout: 0 });
    });
    expect(await transaction.catch(({ code }) => code)).toBe('CONNECTION_DESTROYED');
    const sql = connect();
    const [left] = await sql`SELECT count(*)::int AS n FROM misclassified_complaints`;
    expect(left?.n).toBe(reports.length);
    await sql.end();
  });

  test('says how to install its packages when they are missing', async () => {
    const missing = startDemoDatabase(() => Promise.reject(new Error('Cannot find package')));
    await expect(missing).rejects.toMatchObject({
      code: 'DEMO_UNAVAILABLE',
      fix: expect.stringContaining('bun install'),
    });
  });
});

function correctLabel(report: Report, label: Label): string | null {
  return label === 'department' ? report.correct_department : report.correct_urgency;
}

/** Complaints with a reviewed correction of the label. */
function corrected(among: Report[], label: Label): Set<number> {
  return new Set(
    among
      .filter((report) => report.reviewed && correctLabel(report, label) !== null)
      .map(({ complaint_id }) => complaint_id),
  );
}
