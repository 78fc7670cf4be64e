import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import { type Event, EventStream } from '../../lib/events.ts';
import { type LabelSamples, noSamples } from '../../lib/report/samples.ts';
import { runChecks } from '../../lib/review/checks.ts';
import type { LabelRun, Run } from '../../lib/run.ts';
import { labelSpec } from '../steps/harness.ts';

let directory: string;
let engine: Engine;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'run-checks-'));
  engine = await openEngine(directory, 200);
  await engine.run(`CREATE TABLE cleaned AS SELECT i AS "row", 'k' || i AS key, (i % 2)::UTINYINT AS origin,
    CASE i WHEN 0 THEN repeat('क', 290) || ' call 9841234567 now' ELSE 'text ' || i % 5 END AS text, 0::SMALLINT AS class, (i % 5)::UHUGEINT AS hash, NULL::VARCHAR AS reason, 100 AS bytes FROM range(10) t(i)`);
  await engine.run(
    `CREATE TABLE assigned AS SELECT "row", class, CASE WHEN "row" < 8 THEN 0 ELSE "row" - 7 END AS split, "row" AS ordinal, CASE WHEN "row" < 8 THEN "row" ELSE 0 END AS position FROM cleaned`,
  );
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const ASSIGNED = {
  table: 'assigned',
  members: 'members',
  remembered: 'remembered',
  cleaned: { table: 'cleaned', texts: 'cleaned', fetched: {} as never },
};

interface Checked {
  thrown: unknown;
  label: LabelRun;
  events: Event[];
  run: Run;
}

/** Ten rows, eight in train; nothing was dropped, and one has a telephone number. */
async function checked(
  checks: string,
  {
    samples = 5,
    mask = async (texts) => texts,
  }: { samples?: number; mask?: (texts: string[]) => Promise<string[]> } = {},
): Promise<Checked> {
  const events = new EventStream(() => new Date(0));
  const seen: Event[] = [];
  events.subscribe((event) => seen.push(event));
  const spec = labelSpec(`duplicates: keep\nchecks:\n${checks.replaceAll(/^/gm, '  ')}`);
  const label = {
    spec,
    samples: noSamples(),
    report: {
      classes: spec.classes,
      fetched: { total: 10 },
      dropped: {},
      kept: { total: 10 },
      split: { splits: [{ classes: [8, 0, 0] }, { classes: [1, 0, 0] }, { classes: [1, 0, 0] }] },
      lengths: { max: 310 },
      conflicts: { texts: 0 },
      personalData: [{ any: 1 }, { any: 0 }, { any: 0 }],
    },
  } as unknown as LabelRun;
  const run = {
    engine,
    spool: directory,
    events,
    warnings: [],
    options: { samples },
    spec: { database: { statementTimeoutMs: 60_000 } },
    world: { signal: new AbortController().signal },
  } as unknown as Run;
  const thrown = await runChecks(run, label, ASSIGNED, 0.3, mask).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect((await readdir(directory)).filter((name) => name.endsWith('.parquet'))).toEqual([]);
  return { thrown, label, events: seen, run };
}

const rowsOf = (samples: LabelSamples) => samples.checks[0]?.rows;

describe('runChecks()', () => {
  test('reads its facts from the report, and repeated texts from the table', async () => {
    const { label, thrown } = await checked(
      'min_per_class: { limit: 1, severity: warn }\nmax_class_drift: 0.3\nmax_length: 310\nmax_pii_share: 0.1\nmax_duplicate_share: 0.5',
    );
    expect(thrown).toBeUndefined();
    expect(label.report.checks?.map(({ name, found, status }) => [name, found, status])).toEqual([
      ['min_per_class', 0, 'failed'],
      ['max_duplicate_share', 0.5, 'passed'],
      ['max_class_drift', 0.3, 'passed'],
      ['max_length', 310, 'passed'],
      ['max_pii_share', 0.1, 'passed'],
    ]);
  });

  test('names each failed check with what was found and what is allowed, and quotes no row', async () => {
    const { thrown, events, run } = await checked(
      `min_per_class: 20
max_dropped_share: 0
max_length: { limit: 300, severity: warn }
max_class_drift: 0.29999
sql:
  one: SELECT key FROM dataset WHERE key = 'k7'
  many: { query: SELECT key FROM dataset, severity: warn }
  broken: SELECT text::INT FROM dataset`,
      { samples: 3 },
    );
    expect(thrown).toMatchObject({ code: 'CHECK_FAILED' });
    const { message } = thrown as Error;
    expect(message).toMatch(
      /min_per_class\D* 0 \(B\)\D* 20;.*max_class_drift\D* 0\.3\D* 0\.29999;.*sql\.broken.*Conversion Error.*sql\.one\D* 1 row\b/,
    );
    expect(message).not.toMatch(/max_dropped_share|max_length|sql\.many|text \d|k7/);
    expect(run.warnings).toHaveLength(1);
    expect(run.warnings[0]).toMatch(/max_length\D* 310\D* 300;.*sql\.many\D* \d+ rows,/);
    expect(events.filter(({ type }) => type === 'checks.failed')).toEqual([
      { type: 'checks.failed', label: 'topic', severity: 'warn', checks: ['max_length', 'sql.many'] },
      {
        type: 'checks.failed',
        label: 'topic',
        severity: 'refuse',
        checks: ['min_per_class', 'max_class_drift', 'sql.broken', 'sql.one'],
      },
    ]);
  });

  test('shows as many rows as samples are asked for, of queries that returned some', async () => {
    const sql =
      'sql:\n  all: { query: "SELECT key, split, source FROM dataset", severity: warn }\n  none: TABLE dataset LIMIT 0';
    const { label } = await checked(sql, { samples: 2 });
    expect(label.samples.checks).toEqual([
      {
        check: 'sql.all',
        columns: ['key', 'split', 'source'],
        rows: [
          ['k0', 'train', 'misclassified'],
          ['k1', 'train', 'correct'],
        ],
      },
    ]);
    const without = await checked(sql, { samples: 0 });
    expect(without.label.samples.checks).toEqual([]);
    expect(without.label.report.checks?.[0]).toEqual(label.report.checks?.[0] as never);
    expect(label.report.checks?.[0]?.found).toBeGreaterThan(2);
  });

  test('masks a value before it is cut, so that half a number cannot stay', async () => {
    const mask = async (texts: string[]) => texts.map((text) => text.replaceAll(/\d{10}/g, '[phone]'));
    const { label } = await checked(
      `sql: { long: { query: "SELECT NULL AS a, text FROM dataset WHERE key = 'k0'", severity: warn } }`,
      { mask },
    );
    const [absent, text = ''] = rowsOf(label.samples)?.[0] ?? [];
    expect(absent).toBe('NULL');
    expect([...text]).toHaveLength(300);
    expect(text).toEndWith(' call [ph…');
    expect(text).not.toMatch(/\d/);
  });
});
