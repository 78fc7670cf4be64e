import { describe, expect, test } from 'bun:test';
import { CODES, type Code } from '../../lib/errors.ts';
import { type RunRecord, recordOf } from '../../lib/history/record.ts';
import { planAlerts } from '../../lib/operations/alerts.ts';
import { isWanted, planEffects } from '../../lib/operations/effects.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { LabelReport } from '../../lib/report/report.ts';
import { NO_OPERATIONS } from '../../lib/spec/operations.ts';
import { CHECK_FAILED, ended, runReport, SUCCESS, UNREACHABLE, VERSION } from '../report/reports.ts';

const problem = (code: Code) => ({ code, message: 'Cannot go on', fix: 'mend it' });
const SKIPPED: Outcome = { status: 'skipped_insufficient_data', rows: 3, minimum: 10, stage: 'fetched' };
const HELD: Outcome = { status: 'held', version: VERSION, since: '2025-01-31T09:30:15.000Z', reason: 'wrong reviews' };
const titles = (...labels: LabelReport[]) =>
  planAlerts(runReport(labels)).map(({ title, severity }) => `${severity} ${title}`);

/** A run of the history in which `label` came to this. */
const recorded = (label: LabelReport, startedAt: string): RunRecord => ({
  ...recordOf(runReport([label]), ''),
  started_at: startedAt,
});

describe('planAlerts()', () => {
  test('has the Python service’s titles', () => {
    expect(titles(ended('urgency', SUCCESS))).toEqual(['INFO Urgency Dataset Updated']);
    const [updated] = planAlerts(runReport([ended('urgency', SUCCESS)]));
    expect(updated?.text.split('\n').at(-1)).toBe(
      `https://huggingface.co/datasets/acme/department-mistakes/tree/${VERSION}`,
    );
    expect(titles(ended('urgency', SKIPPED))).toEqual(['WARN Urgency Dataset Skipped']);
    expect(titles(ended('urgency', { status: 'failed', problem: problem('ENGINE_FAILED') }))).toEqual([
      'ERROR Urgency Dataset Preparation Failed',
    ]);
  });

  test('of a database that cannot be reached tells once, before its labels', () => {
    const lost = { status: 'failed', problem: UNREACHABLE } as const;
    expect(titles(ended('urgency', lost), ended('department', lost))).toEqual([
      'ERROR Database Connection Failed',
      'ERROR Urgency Dataset Preparation Failed',
      'ERROR Department Dataset Preparation Failed',
    ]);
  });

  test('calls no other fault of the database a failed connection', () => {
    for (const code of ['DATABASE_QUERY', 'DATABASE_PERMISSION', 'DATABASE_TIMEOUT'] as const)
      expect(titles(ended('urgency', { status: 'failed', problem: problem(code) }))).toHaveLength(1);
  });

  test('is silent where nothing is to be known', () => {
    expect(titles(ended('urgency', { status: 'unchanged', version: VERSION }))).toEqual([]);
  });

  test('tells of a hold, of a refusal, of checks that warn, and of a restart that is owed', () => {
    expect(titles(ended('urgency', HELD))).toEqual(['WARN Urgency Dataset Held']);
    expect(titles(ended('urgency', { status: 'refused', problem: CHECK_FAILED }))).toEqual([
      'WARN Urgency Dataset Refused',
    ]);
    const checks = [
      { name: 'max_length', severity: 'warn' as const, status: 'failed' as const, limit: 10, found: 12 },
      { name: 'min_per_class', severity: 'refuse' as const, status: 'passed' as const },
    ];
    expect(titles({ ...ended('urgency', SUCCESS), checks })).toEqual([
      'INFO Urgency Dataset Updated',
      'WARN Urgency Dataset Checks Failed',
    ]);
    const restarts = [
      { space: 'acme/one', version: VERSION, status: 'failed' as const, problem: problem('SPACE_FORBIDDEN') },
      { space: 'acme/two', version: VERSION, status: 'done' as const },
      { space: 'acme/three', version: VERSION, status: 'lost' as const, problem: problem('SPACE_FORBIDDEN') },
    ];
    const [, restart, lost, ...more] = planAlerts(runReport([{ ...ended('urgency', SUCCESS), restarts }]));
    expect(restart?.title).toBe('Space Restart Failed');
    for (const part of ['acme/one', VERSION, 'SPACE_FORBIDDEN', 'mend it']) expect(restart?.text).toContain(part);
    expect([restart, lost].map((alert) => alert?.text.includes('next run'))).toEqual([true, false]); // nothing remembers a lost one
    expect(more).toEqual([]);
  });

  test('names the step that failed and the last success', () => {
    const failed = {
      ...ended('urgency', { status: 'failed', problem: problem('DATABASE_QUERY') }),
      failedStep: 'fetch',
    } as const;
    const records = [
      recorded(ended('urgency', { ...SUCCESS, version: 'v20250101_000000' }), '2025-01-01T00:00:00.000Z'),
      recorded(ended('urgency', SUCCESS), '2025-01-31T09:30:11.000Z'),
      recorded(ended('department', { ...SUCCESS, version: 'v20250202_000000' }), '2025-02-02T00:00:00.000Z'),
      recorded(failed, '2025-02-03T00:00:00.000Z'),
    ];
    const [alert] = planAlerts(runReport([failed]), records);
    for (const part of ['fetch', 'DATABASE_QUERY', VERSION, '2025-01-31']) expect(alert?.text).toContain(part);
    expect(alert?.text).not.toContain('v2025010');
    const [unknown] = planAlerts(runReport([{ ...failed, previousVersion: 'v20241231_000000' }]));
    expect(unknown?.text).toContain('v20241231_000000');
    const [both] = planAlerts(runReport([{ ...failed, previousVersion: 'v20241231_000000' }]), records);
    expect(both?.text).toContain(`Last success: ${VERSION}, by the run of 2025-01-31`);
  });

  test('keeps titles within what W&B takes', () => {
    const long = 'l'.repeat(100);
    for (const code of CODES)
      for (const { title } of planAlerts(runReport([ended(long, { status: 'failed', problem: problem(code) })])))
        expect(title.length).toBeLessThan(64);
  });
});

describe('isWanted()', () => {
  const report = (outcome: Outcome, exitCode = 0, warnings: string[] = []) => ({
    ...runReport([ended('urgency', outcome)], warnings),
    exitCode,
  });
  const unchanged: Outcome = { status: 'unchanged', version: VERSION };
  const { outcome: _, ...withoutOutcome } = ended('urgency', unchanged);
  const cases: [string, ReturnType<typeof report>, boolean, boolean][] = [
    ['unchanged', report(unchanged), false, false],
    ['a new version', report(SUCCESS), true, false],
    ['a label that failed', report({ status: 'failed', problem: UNREACHABLE }, 1), true, true],
    ['a label that was refused', report({ status: 'refused', problem: CHECK_FAILED }, 3), true, true],
    ['a label that was skipped', report(SKIPPED), true, true],
    ['a label that is held', report(HELD), true, true],
    ['a warning', report(unchanged, 0, ['something']), true, true],
    ['a label that nothing came of', { ...report(unchanged), labels: [withoutOutcome] }, true, true],
  ];
  test.each(cases)('%s', (_, facts, onChange, onProblem) => {
    expect([isWanted('always', facts), isWanted('on_change', facts), isWanted('on_problem', facts)]).toEqual([
      true,
      onChange,
      onProblem,
    ]);
  });
});

describe('planEffects()', () => {
  test('names neither a key nor an address, and leaves out what the spec leaves out', () => {
    const effects = planEffects({
      untracked: undefined,
      wandb: { apiKey: 'wandb-canary', project: 'mistakes', entity: undefined },
      email: { smtp: 'smtp://u:mail-canary@host', to: ['canary@example.org'], from: 'from-canary@a.b', when: 'always' },
      webhook: { url: 'https://hook-canary', when: 'on_problem' },
      space: { id: 'acme/space', pause: 'always', minIntervalMs: 0 },
      runs: { kind: 'hub', repo: 'acme/runs' },
    });
    expect(effects.map(({ kind }) => kind)).toEqual(['tracking', 'email', 'webhook', 'history', 'pause']);
    expect(JSON.stringify(effects)).not.toContain('canary');
    expect(planEffects(NO_OPERATIONS)).toEqual([]);
    const never = { id: 'acme/space', pause: 'never', minIntervalMs: 0 } as const;
    expect(planEffects({ ...NO_OPERATIONS, space: never })).toEqual([]);
  });
});
