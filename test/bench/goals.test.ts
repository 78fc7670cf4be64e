import { describe, expect, test } from 'bun:test';
import { drawChart } from '../../bench/chart.ts';
import { formatSize, isReached, planGoals } from '../../bench/goals.ts';
import type { Measure } from '../../bench/measure.ts';
import { renderResults } from '../../bench/page.ts';
import type { Results } from '../../bench/results.ts';

const runs = (seconds: number, peakMB: number): Measure[] =>
  [0.9, 1, 1.3].map((factor) => ({ seconds: seconds * factor, cpuSeconds: seconds, peakBytes: peakMB * 1e6 }));
const measuredAt = '2026-01-02T03:04:05.000Z';

const RESULTS: Results = {
  compare: {
    ...{ measuredAt, complaints: 1_000_000, rows: 900_000 },
    ...{ ours: runs(6, 400), python: runs(36, 2000), floor: runs(4, 15) },
    pythonDefault: { limitSeconds: 60, run: null },
  },
  growth: {
    measuredAt,
    sizes: [100_000, 1_000_000, 6_000_000].map((complaints) => ({
      ...{ complaints, rows: complaints, ours: runs(complaints / 1e5, 400), floor: runs(complaints / 2e5, 15) },
    })),
  },
  secondVersion: {
    measuredAt,
    sizes: [
      {
        complaints: 1_000_000,
        transfers: [{ change: 'appended', writer: 'ours', data: { bytes: 1000, sent: 110 } }],
      },
    ],
  },
};

const reachedOf = (results: Results) => planGoals(results).map((goal) => [goal.measure, isReached(goal)]);

describe('planGoals()', () => {
  test('holds what was measured against what is wanted', () => {
    expect(reachedOf(RESULTS)).toEqual([
      ['Python’s time ÷ ours at 1 M, both labels', true],
      ['ours ÷ the COPY floor at 1 M', true],
      ['Python’s peak memory ÷ ours at 1 M', true],
      ['time, 6 M ÷ 1 M complaints', true],
      ['peak memory, 6 M ÷ 1 M complaints', true],
      ['data bytes re-sent after 5% appended rows at 1 M', false],
      ['installed, without dev dependencies', undefined],
      ['`--help`', undefined],
    ]);
  });

  test('is the table that was set out to reach, where all is measured at its sizes', () => {
    expect(planGoals({}).map(({ wanted }) => Number(wanted.toFixed(2)))).toEqual([5, 2, 4, 6.6, 1.25, 0.1, 150, 0.15]);
  });

  test('a bound that is met exactly is reached', () => {
    const goal = { measure: '', wanted: 2, unit: 'ratio' } as const;
    expect(isReached({ ...goal, relation: '≤', found: 2 })).toBe(true);
    expect(isReached({ ...goal, relation: '≥', found: 2 })).toBe(true);
    expect(isReached({ ...goal, relation: '≥', found: 1.99 })).toBe(false);
  });
});

test.each([
  [6_000_000, '6 M'],
  [100_000, '100 k'],
  [1500, '1.5 k'],
  [20, '20'],
])('%d complaints are %s', (complaints, wanted) => {
  expect(formatSize(complaints)).toBe(wanted);
});

describe('the page', () => {
  test('has a section for each part that was measured, and none for the others', () => {
    const headings = renderResults(RESULTS).match(/^## .*$/gm);
    expect(headings).toEqual(['## Goals', '## 1 M complaints, both labels', '## Growth', '## Second versions']);
  });

  test('says what did not finish, and which goal was missed', () => {
    const page = renderResults(RESULTS);
    expect(page).toContain('not finished in 60 s');
    expect(page).toMatch(/appended rows at 1 M +\| ≤ 10.0% +\| 11.0% +\| \*\*no\*\*/);
  });

  test('shows what a distributed database is asked for', () => {
    const plans = [{ label: 'urgency', source: 'correct' as const, plan: 'Remote SQL: SELECT id' }];
    const seconds = { single: 1, distributed: 2 };
    const distributed = { measuredAt: '', complaints: 5000, shards: 3, identical: true, files: [], seconds, plans };
    const page = renderResults({ distributed });
    expect(page).toContain('5 k complaints on 3 servers behind a coordinator: the files are byte for byte the same');
    expect(page).toContain('Remote SQL: SELECT id');
  });

  test('has a chart of what was measured', async () => {
    const svg = await drawChart(RESULTS);
    expect(svg?.match(/class="title"/g)?.length).toBe(5);
    expect(svg).toContain('prefers-color-scheme: dark');
    expect(await drawChart({})).toBeUndefined();
  });
});
