import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { populationStabilityIndex } from '../../lib/review/drift.ts';

const counts = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 12 });
const pairs = fc
  .integer({ min: 1, max: 12 })
  .chain((length) =>
    fc.tuple(...[0, 1].map(() => fc.array(fc.nat(1_000_000), { minLength: length, maxLength: length }))),
  );

describe('populationStabilityIndex()', () => {
  test.each([
    ['the same shares', [10, 30], [100, 300], 0],
    ['half to two thirds: (1/6) ln 2', [50, 50], [200, 100], Math.log(2) / 6],
    ['a shift by ten points', [90, 10], [80, 20], -0.1 * Math.log(0.8 / 0.9) + 0.1 * Math.log(2)],
    ['a class that comes', [100, 0], [50, 50], -0.5 * Math.log(0.5) + 0.4999 * Math.log(0.5 / 0.0001)],
    ['a class that the old list lacks', [100], [50, 50], -0.5 * Math.log(0.5) + 0.4999 * Math.log(0.5 / 0.0001)],
    ['nothing and nothing', [0, 0], [0, 0], 0],
  ])('%s', (_, before, after, index) => {
    expect(populationStabilityIndex(before, after)).toBeCloseTo(index, 12);
  });

  test('is 0 for equal shares whatever the totals', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 1000 }), (rows, factor) => {
        expect(
          populationStabilityIndex(
            rows,
            rows.map((count) => count * factor),
          ),
        ).toBe(0);
      }),
    );
  });

  test('is the same in both directions, finite and never negative', () => {
    fc.assert(
      fc.property(pairs, ([before = [], after = []]) => {
        const index = populationStabilityIndex(before, after);
        expect(populationStabilityIndex(after, before)).toBeCloseTo(index, 10);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(index).toBeFinite();
      }),
    );
  });

  test('grows as rows go from one class to another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), (moved) => {
        const index = (rows: number) => populationStabilityIndex([1000, 1000], [1000 - rows, 1000 + rows]);
        expect(index(moved)).toBeGreaterThan(index(moved - 1));
      }),
    );
  });
});
