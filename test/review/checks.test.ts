import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type CheckFacts, evaluateChecks } from '../../lib/review/checks.ts';
import { type CheckSpec, LIMIT_CHECKS, type LimitCheck } from '../../lib/spec/spec.ts';

const FACTS: CheckFacts = {
  fetched: 1000,
  dropped: 300,
  kept: 700,
  duplicates: 250,
  classes: [
    { name: 'A', rows: 500 },
    { name: 'B', rows: 100 },
    { name: 'C', rows: 100 },
  ],
  drift: 0.2,
  longest: 240,
  personal: 7,
  conflicts: 3,
  queries: new Map([
    ['sql.none', { rows: 0, more: false }],
    ['sql.some', { rows: 6, more: true }],
    ['sql.broken', { error: 'Conversion Error' }],
  ]),
};

const limit = (name: LimitCheck, value: number, severity: CheckSpec['severity'] = 'refuse'): CheckSpec => ({
  kind: 'limit',
  name,
  limit: value,
  severity,
});
const query = (name: string): CheckSpec => ({ kind: 'sql', name: `sql.${name}`, sql: 'SELECT 1', severity: 'warn' });
const only = (check: CheckSpec, facts: Partial<CheckFacts> = {}) => evaluateChecks([check], { ...FACTS, ...facts })[0];

describe('evaluateChecks()', () => {
  test.each([
    ['min_per_class', 100, 101, { found: 100, detail: 'B' }],
    ['max_duplicate_share', 0.25, 0.2499, { found: 0.25 }],
    ['max_dropped_share', 0.3, 0.29, { found: 0.3 }],
    ['max_class_drift', 0.2, 0.1, { found: 0.2 }],
    ['max_length', 240, 239, { found: 240 }],
    ['max_pii_share', 0.01, 0, { found: 0.01 }],
  ] as const)('%s passes at its limit %p and fails at %p', (name, passes, fails, found) => {
    expect(only(limit(name, passes))).toEqual({ name, severity: 'refuse', status: 'passed', limit: passes, ...found });
    expect(only(limit(name, fails, 'warn'))).toEqual({
      name,
      severity: 'warn',
      status: 'failed',
      limit: fails,
      ...found,
    });
  });

  test('a class without a row is the smallest', () => {
    const classes = [...FACTS.classes, { name: 'D', rows: 0 }];
    expect(only(limit('min_per_class', 1), { classes })).toMatchObject({ status: 'failed', found: 0, detail: 'D' });
  });

  test('no drift without a published version: skipped, whatever the limit', () => {
    expect(only(limit('max_class_drift', 0), { drift: undefined })).toEqual({
      name: 'max_class_drift',
      severity: 'refuse',
      status: 'skipped',
      limit: 0,
    });
  });

  test('shares of nothing are 0', () => {
    const none = { fetched: 0, dropped: 0, kept: 0, duplicates: 0, personal: 0 };
    for (const name of ['max_duplicate_share', 'max_dropped_share', 'max_pii_share'] as const)
      expect(only(limit(name, 0), none)).toMatchObject({ status: 'passed', found: 0 });
  });

  test('no_conflicts fails with one text', () => {
    const check: CheckSpec = { kind: 'conflicts', name: 'no_conflicts', severity: 'warn' };
    expect(only(check)).toEqual({ name: 'no_conflicts', severity: 'warn', status: 'failed', limit: 0, found: 3 });
    expect(only(check, { conflicts: 0 })).toMatchObject({ status: 'passed', found: 0 });
  });

  test.each([
    ['none', { status: 'passed', found: 0 }],
    ['some', { status: 'failed', found: 6, detail: 'more than 1000' }],
    ['broken', { status: 'failed', detail: 'Conversion Error' }],
    ['never_run', { status: 'failed' }],
  ] as const)('a query: %s', (name, wanted) => {
    const found = only(query(name));
    expect(found).toMatchObject({ name: `sql.${name}`, severity: 'warn', limit: 0, ...wanted });
    expect(Object.hasOwn(found ?? {}, 'found')).toBe('found' in wanted);
  });

  test('gives one result for each check, in their order; a stricter limit never passes where a laxer one fails', () => {
    const names = fc.shuffledSubarray([...LIMIT_CHECKS]);
    const numbers = fc.double({ min: 0, max: 1000, noNaN: true });
    fc.assert(
      fc.property(names, numbers, numbers, (chosen, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const at = (value: number) =>
          evaluateChecks(
            chosen.map((name) => limit(name, value)),
            FACTS,
          );
        const [lower, higher] = [at(low), at(high)];
        expect(lower.map(({ name }) => name)).toEqual(chosen);
        for (const [index, { name, status }] of lower.entries()) {
          const [strict, lax] =
            name === 'min_per_class' ? [higher[index]?.status, status] : [status, higher[index]?.status];
          if (lax === 'failed') expect(strict).toBe('failed');
        }
      }),
    );
  });
});
