import { describe, expect, test } from 'bun:test';
import Ajv from 'ajv';
import type { HopResult } from '../../lib/check/hops.ts';
import { formatReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { publicHop, publicReport } from '../../lib/status/public.ts';
import schema from '../../report.schema.json' with { type: 'json' };
import { dryRun } from '../report/realistic.ts';
import { CHECK_FAILED, RESTARTS, reviewed, UNREACHABLE } from '../report/reports.ts';

const SECRET = 'canary';

/** A report with a canary wherever somebody could have said something. */
function telling(): RunReport {
  const problem = {
    code: 'DATABASE_UNREACHABLE',
    message: `Cannot connect to ${SECRET}:5432`,
    fix: `ask ${SECRET}`,
  } as const;
  const label = reviewed();
  return {
    ...dryRun(),
    config: `/home/${SECRET}/pipeline.config.yaml`,
    reason: SECRET,
    database: { server: SECRET, snapshot: SECRET, takenAt: SECRET },
    planDigest: SECRET,
    effects: [
      { kind: 'email', detail: 'always, to 1 address', status: 'failed', problem },
      { kind: 'history', detail: `/srv/${SECRET}/runs`, status: 'done' },
    ],
    warnings: [`EMAIL_FAILED: ${SECRET}`, `EMAIL_FAILED: again ${SECRET}`, `NOT_OURS: ${SECRET}`, SECRET],
    labels: [
      {
        ...label,
        target: `/srv/${SECRET}/urgency`,
        queries: [{ source: 'correct', sql: `SELECT ${SECRET}` }],
        unknownClasses: [
          { value: SECRET, rows: 12, nearest: SECRET },
          { value: `${SECRET} 2`, rows: 1 },
        ],
        cleaning: [
          { step: 'whitespace', rows: 3 },
          { step: `\\b${SECRET}\\b`, rows: 4 },
          { step: `${SECRET}$`, rows: 5 },
        ],
        checks: [
          { name: 'min_per_class', severity: 'warn', status: 'passed', limit: 1, found: 2, detail: 'URGENT' },
          { name: 'sql.odd', severity: 'warn', status: 'failed', limit: 0, detail: `Parser Error: ${SECRET}` },
        ],
        outcome: { status: 'planned', version: 'v20250131_093015', directory: `/home/${SECRET}/out/dry-run/urgency` },
        attribution: { base: `/tmp/${SECRET}/base.yaml`, problem, measures: [] },
        restarts: RESTARTS.map((each) => ({ ...each, problem })),
        plan: { ...(label.plan as NonNullable<typeof label.plan>), directory: `/home/${SECRET}/out/dry-run/urgency` },
      },
      {
        ...label,
        label: 'held',
        outcome: { status: 'held', version: 'v1', since: '2025-01-31T09:30:15.000Z', reason: SECRET },
      },
      { ...label, label: 'failed', outcome: { status: 'failed', problem } },
      { ...label, label: 'refused', outcome: { status: 'refused', problem: { ...CHECK_FAILED, message: SECRET } } },
      {
        ...label,
        label: 'directory',
        outcome: { status: 'success', version: 'v1', revision: 'c0ffee', url: `/srv/${SECRET}/x` },
      },
    ],
  };
}

describe('publicReport()', () => {
  test('leaves out what was said of servers, people, queries and values', () => {
    const text = formatReport(publicReport(telling()));
    expect(text.length).toBeGreaterThan(1000);
    expect(text.match(new RegExp(`.*${SECRET}.*`, 'g'))).toBeNull();
    expect(text).not.toMatch(/"(queries|database|plan_digest|reason|nearest|fix)": [^"(]/);
  });

  test('keeps the figures and the codes', () => {
    const { labels, warnings, effects, config } = publicReport(telling());
    const [first] = labels;
    expect(first?.unknownClasses?.map(({ rows }) => rows)).toEqual([12, 1]);
    expect(first?.cleaning).toEqual([
      { step: 'whitespace', rows: 3 },
      { step: 'pattern 1', rows: 4 },
      { step: 'pattern 2', rows: 5 },
    ]);
    expect(first?.checks?.map(({ found, detail }) => [found, detail])).toEqual([
      [2, 'URGENT'],
      [undefined, undefined],
    ]);
    expect(labels.flatMap(({ outcome }) => (outcome && 'problem' in outcome ? [outcome.problem.code] : []))).toEqual([
      'DATABASE_UNREACHABLE',
      'CHECK_FAILED',
    ]);
    expect(effects.map(({ problem }) => problem?.code)).toEqual(['DATABASE_UNREACHABLE', undefined]);
    expect(warnings[0]).toBe('EMAIL_FAILED');
    expect(warnings).toHaveLength(2); // and how many have no code
    expect(config).toBe('pipeline.config.yaml');
    const { queries: _, unknownClasses: __, cleaning: ___, checks: ____, ...same } = reviewed();
    expect(publicReport({ ...telling(), labels: [same] }).labels[0]).toEqual(same);
  });

  test('is a report by the schema, also while the run goes on', () => {
    const validate = new Ajv({ strict: false }).compile(schema);
    for (const report of [publicReport(telling()), { ...publicReport(dryRun()), running: true as const }]) {
      validate(JSON.parse(formatReport(report)));
      expect(validate.errors).toBeNull();
    }
  });
});

test('publicHop() tells neither the message nor the host', () => {
  const hop: HopResult = { id: 'database.tcp(db.example.org:5432)', ...{ status: 'fail', ...UNREACHABLE }, seconds: 1 };
  expect(publicHop(hop)).toEqual({ id: 'database.tcp', status: 'fail', code: 'DATABASE_UNREACHABLE', seconds: 1 });
});
