import { describe, expect, test } from 'bun:test';
import { parseHTML } from 'linkedom';
import {
  describeAlarms,
  formatAsked,
  formatAttribution,
  formatBytes,
  formatChanges,
  formatChecks,
  formatDelta,
  formatDrift,
  formatFound,
  formatHead,
  formatInstant,
  formatLimit,
  formatPoints,
  formatShare,
  formatShares,
  formatShipping,
  nameDrift,
  planImbalance,
} from '../../lib/report/figures.ts';
import { renderHtml } from '../../lib/report/html.ts';
import { renderMarkdown } from '../../lib/report/markdown.ts';
import { renderReport } from '../../lib/report/terminal.ts';
import { alarming, CHECK_FAILED, department, dryRun, ended, nepali, reviewed, runReport, SUCCESS } from './reports.ts';

describe('numbers as people read them', () => {
  test.each([
    [formatShare(12_345, 100_000), '12.3%'],
    [formatShare(0, 0), '–'],
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
    [formatDrift(0.1342), '0.134'],
    [nameDrift(0.1), 'stable'],
    [nameDrift(0.1001), 'some shift'],
    [nameDrift(0.25), 'some shift'],
    [nameDrift(0.2501), 'a shift'],
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

test('formatHead() shortens a commit, and nothing that only looks like one', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  expect(formatHead(commit)).toBe('0123456789ab');
  for (const version of ['v20261124_205959', 'main', `${commit}8`, `v${commit.slice(1)}`])
    expect(formatHead(version)).toBe(version);
});

describe('formatShipping()', () => {
  test('names the plan that a dry run made', () => {
    const report = dryRun([reviewed()]);
    expect(formatShipping(report)?.split(' ').at(-1)).toBe(report.planDigest?.slice(0, 12) as string);
  });

  test('has nothing to say of a real run, and of a plan that is refused', () => {
    const { planDigest = '' } = dryRun([reviewed()]);
    const refused = ended('x', { status: 'refused', problem: CHECK_FAILED });
    expect(formatShipping({ ...runReport([department()]), planDigest })).toBeUndefined();
    expect(formatShipping({ ...dryRun([refused]), planDigest })).toBeUndefined();
    expect(formatShipping(dryRun([refused]))).toBeUndefined();
  });
});

test('a figure reads the same in the terminal, in Markdown and on the page', async () => {
  const report = dryRun([reviewed()]);
  const { difference = expect.unreachable(), checks = [], plan, attribution } = reviewed();
  const figures = [
    formatDrift(difference.drift),
    ...difference.classes.flatMap((each) => formatShares(each, difference)),
    ...(attribution?.measures ?? []).flatMap(formatAttribution),
    ...checks.flatMap((check) => [formatFound(check), formatLimit(check)]),
    ...(plan?.files ?? []).map(({ size }) => formatBytes(size)),
    report.planDigest ?? '',
  ];
  const { document } = parseHTML(await renderHtml(report, new Map()));
  const renderings = {
    terminal: renderReport(report, new Map(), { colour: false, columns: 120 }),
    markdown: renderMarkdown(report),
    page: document.body.textContent,
  };
  expect(figures.length).toBeGreaterThan(20);
  for (const [name, text] of Object.entries(renderings))
    expect({ name, missing: figures.filter((figure) => !text.includes(figure)) }).toEqual({ name, missing: [] });
});
