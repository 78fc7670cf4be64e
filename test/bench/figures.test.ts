import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { addTransfers, type Chunk, planTransfer, shareSent } from '../../bench/chunks.ts';
import { median, ratio, spreadOf } from '../../bench/figures.ts';
import { planVerdict } from '../../bench/guard.ts';
import { planSizes } from '../../bench/parts.ts';
import { parseOptions } from '../../bench/run.ts';
import { renderTable } from '../../bench/table.ts';

describe('median()', () => {
  test.each([
    [[3], 3],
    [[1, 2], 1.5],
    [[10, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, wanted) => {
    expect(median(values)).toBe(wanted);
  });

  test('of nothing is an error', () => {
    expect(() => median([])).toThrow('no values');
  });

  test('lies between the bounds, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const { min, median: middle, max } = spreadOf(values);
        expect(min <= middle && middle <= max).toBe(true);
        expect(median(values.toReversed())).toBe(middle);
      }),
    );
  });

  test('one slow run does not change a ratio', () => {
    const runs = (...seconds: number[]) => seconds.map((each) => ({ seconds: each, cpuSeconds: 0, peakBytes: 0 }));
    expect(ratio(runs(10, 11, 90), runs(2, 2, 50), 'seconds')).toBe(5.5);
  });
});

describe('planTransfer()', () => {
  const chunks = (...hashes: string[]): Chunk[] => hashes.map((hash) => ({ hash, length: 10 }));

  test.each([
    ['the same files', chunks('a', 'b'), chunks('a', 'b'), { bytes: 20, sent: 0 }],
    ['the same chunks elsewhere', chunks('a', 'b'), chunks('b', 'a'), { bytes: 20, sent: 0 }],
    ['one that is new', chunks('a', 'b'), chunks('a', 'c'), { bytes: 20, sent: 10 }],
    ['a new one that stands there twice', chunks('a'), chunks('c', 'c'), { bytes: 20, sent: 10 }],
    ['a first version', [], chunks('a'), { bytes: 10, sent: 10 }],
    ['nothing', chunks('a'), [], { bytes: 0, sent: 0 }],
  ])('%s', (_, stored, files, wanted) => {
    expect(planTransfer(stored, files)).toEqual(wanted);
  });

  test('shares add up by bytes, and nothing is nothing', () => {
    const added = addTransfers([
      { bytes: 30, sent: 10 },
      { bytes: 10, sent: 0 },
    ]);
    expect(shareSent(added)).toBe(0.25);
    expect(shareSent({ bytes: 0, sent: 0 })).toBe(0);
  });
});

describe('what is measured', () => {
  test('sizes: growth at all, the rest at the middle one', () => {
    expect(planSizes('growth', [1, 2, 3])).toEqual([1, 2, 3]);
    expect(planSizes('compare', [1, 2, 3])).toEqual([2]);
    expect(planSizes('secondVersion', [1, 2, 3])).toEqual([1, 2]);
    expect(planSizes('compare', [7])).toEqual([7]);
    expect(planSizes('secondVersion', [7])).toEqual([7]);
  });

  test('options: sizes in order and once, parts by name', () => {
    const { sizes, parts, runs } = parseOptions(['--sizes', '20,10,20', '--only', 'growth,memory', '--runs', '5']);
    expect({ sizes, parts, runs }).toEqual({ sizes: [10, 20], parts: ['growth', 'memory'], runs: 5 });
    expect(() => parseOptions(['--only', 'speed'])).toThrow('parts are footprint');
    expect(() => parseOptions(['--sizes', '1e3x'])).toThrow('must be a positive integer');
  });
});

describe('the guard', () => {
  const bounds = { floorRatio: 4, peakMB: 500 };

  test('is silent within its bounds', () => {
    expect(planVerdict({ floorRatio: 4, peakMB: 500 }, bounds)).toEqual([]);
  });

  test('says what was found and what is wanted', () => {
    expect(planVerdict({ floorRatio: 4.123, peakMB: 612.4 }, bounds)).toEqual([
      'time is 4.12 times the COPY floor’s, wanted at most 4',
      'peak memory is 612 MB, wanted at most 500',
    ]);
  });
});

test('a table’s numbers stand to the right', () => {
  const table = ['| name | MB  |', '| ---- | --: |', '| a    | 1.5 |', '| bb   |     |'];
  expect(
    renderTable(
      ['name', 'MB'],
      [
        ['a', '1.5'],
        ['bb', ''],
      ],
    ).split('\n'),
  ).toEqual(table.map((line) => line.replace('| MB  |', '|  MB |')));
});
