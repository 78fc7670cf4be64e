import { describe, expect, test } from 'bun:test';
import {
  describeAlarms,
  formatAsked,
  formatBytes,
  formatChanges,
  formatChecks,
  formatDelta,
  formatDrift,
  formatFound,
  formatInstant,
  formatLimit,
  formatPoints,
  formatShare,
  planImbalance,
} from '../../lib/report/figures.ts';
import { alarming, department, ended, nepali, reviewed, SUCCESS } from './reports.ts';

describe('numbers as people read them', () => {
  test.each([
    [formatShare(0.12345), '12.3%'],
    [formatAsked('0.125'), '12.5%'],
    [formatAsked('0.1'), '10%'],
    [formatPoints(0.00411), '+0.4 pp'],
    [formatPoints(-0.0124), '−1.2 pp'],
    [formatPoints(-0.0004), '0.0 pp'],
    [formatDelta(1234), '+1,234'],
    [formatDelta(-3), '−3'],
    [formatDelta(0), '0'],
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(1000), '1.0 kB'],
    [formatBytes(999_949), '999.9 kB'],
    [formatBytes(999_950), '1.0 MB'],
    [formatBytes(612_345), '612.3 kB'],
    [formatBytes(3.2e15), '3200.0 TB'],
    [formatDrift(0.05), '0.050, stable'],
    [formatDrift(0.1342), '0.134, some shift'],
    [formatDrift(0.31), '0.310, a shift'],
    [formatInstant('2025-01-31T09:30:12.123Z'), '2025-01-31 09:30:12 UTC'],
  ])('%s', (formatted, wanted) => {
    expect(formatted).toBe(wanted);
  });
});

describe('checks', () => {
  const check = { name: 'max_dropped_share', severity: 'refuse', status: 'failed', limit: 0.2, found: 0.2004 } as const;

  test('a share that fails by little does not look equal to its limit', () => {
    expect([formatFound(check), formatLimit(check)]).toEqual(['20.04%', '≤ 20%']);
  });

  test('a least number is told from a most', () => {
    expect(formatLimit({ ...check, name: 'min_per_class', limit: 1050 })).toBe('≥ 1,050');
  });

  test('what refuses is told from what warns; nothing to say is a dash', () => {
    expect(formatChecks(reviewed().checks)).toBe('1 failed, 1 warning, 2 passed');
    expect(formatChecks(reviewed().checks, 2)).toBe('1 failed, 1 warning');
    expect([formatChecks([]), formatChecks(undefined)]).toEqual(['–', '–']);
    expect(formatFound({ name: 'x', severity: 'warn', status: 'skipped' })).toBe('–');
  });
});

test('added, removed and changed add up to the rows before and after', () => {
  const difference = reviewed().difference ?? expect.unreachable();
  const [added = 0, removed = 0, changed = 0] = formatChanges(difference).match(/\d+/g)?.map(Number) ?? [];
  expect(difference.rows.unchanged + changed + added).toBe(difference.rows.after);
  expect(difference.rows.unchanged + changed + removed).toBe(difference.rows.before);
});

describe('describeAlarms()', () => {
  test('has none for a label where all is well', () => {
    expect(describeAlarms(department())).toEqual([]);
  });

  test('is loud about moved rows, texts in several splits, and classes that are gone or have another id', () => {
    const label = { ...nepali(), ...alarming() };
    const split = label.split ?? expect.unreachable();
    const alarms = describeAlarms({ ...label, split: { ...split, textsInSeveralSplits: 2 } });
    expect(alarms.map(({ severe }) => severe)).toEqual([true, true, true, true, false]);
    expect(alarms.map(({ text }) => text).join('\n')).toMatch(
      /^12 .*\n2 .*\n.*सामान्य, URGENT\n.*LOW\n.*HIGHLY URGENT$/,
    );
  });
});

describe('planImbalance()', () => {
  test('is the largest class over the smallest', () => {
    expect(planImbalance(department())).toEqual({
      largest: { name: 'Municipal Governance & Community Services', rows: 1118 },
      smallest: { name: 'Security & Law Enforcement', rows: 254 },
      ratio: 1118 / 254,
    });
  });

  test('has no ratio where a class is empty, and is not there without a split', () => {
    expect(planImbalance(department({ classes: ['A', 'B', 'C', 'D', 'E'] }))?.ratio).toBeUndefined();
    expect(planImbalance(ended('x', SUCCESS))).toBeUndefined();
  });
});
