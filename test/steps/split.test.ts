import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseDecimal, toWeights } from '../../lib/spec/decimal.ts';
import { planQuotas } from '../../lib/steps/split.ts';
import { labelSpec, type SourceRow, Workshop } from './harness.ts';

const weightsOf = (...shares: number[]) =>
  toWeights(shares.map((share) => parseDecimal(share) ?? { units: 0n, scale: 0 }));
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

describe('planQuotas()', () => {
  test.each([
    [10, [0.8, 0.1, 0.1], [0, 0, 0], [8, 1, 1]],
    [0, [0.8, 0.1, 0.1], [0, 0, 0], [0, 0, 0]],
    [1, [0.8, 0.1, 0.1], [0, 0, 0], [1, 0, 0]],
    [2, [0.8, 0.1, 0.1], [0, 0, 0], [2, 0, 0]],
    [3, [0.8, 0.1, 0.1], [0, 0, 0], [3, 0, 0]],
    [5, [0.8, 0.1, 0.1], [0, 0, 0], [4, 1, 0]], // remainders 0, 0.5, 0.5: the tie goes to the split listed first
    [1, [0.5, 0.5], [0, 0], [1, 0]],
    [10, [0.7, 0.2, 0.1], [0, 0, 0], [7, 2, 1]], // 0.7 + 0.2 + 0.1 is exactly 1
    [10, [0.8, 0.1, 0.1], [80, 10, 10], [8, 1, 1]],
    [10, [0.5, 0.5], [90, 0], [0, 10]], // the first has more than its share already
    [4, [0.6, 0.2, 0.2], [100, 0, 10], [0, 4, 0]],
  ])('gives %d groups at %p, with %p taken, as %p', (available, shares, taken, expected) => {
    expect(planQuotas(available, weightsOf(...shares), taken)).toEqual(expected);
  });

  const shares = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 5 });

  test('never leaves a group unassigned, and never takes one away', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        shares,
        fc.array(fc.nat(5000), { minLength: 5, maxLength: 5 }),
        (available, weights, taken) => {
          const quotas = planQuotas(available, weights.map(BigInt), taken.slice(0, weights.length));
          expect(sum(quotas)).toBe(available);
          expect(Math.min(...quotas)).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  test('is within one group of each share when nothing is taken', () => {
    fc.assert(
      fc.property(fc.nat(10_000), shares, (available, weights) => {
        const quotas = planQuotas(
          available,
          weights.map(BigInt),
          weights.map(() => 0),
        );
        for (const [index, quota] of quotas.entries())
          expect(Math.abs(quota - (available * (weights[index] ?? 0)) / sum(weights))).toBeLessThan(1);
      }),
    );
  });

  test('gives a split that has too much nothing, and spreads the rest by share', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        shares,
        fc.array(fc.nat(500), { minLength: 5, maxLength: 5 }),
        (available, weights, some) => {
          const taken = some.slice(0, weights.length);
          const quotas = planQuotas(available, weights.map(BigInt), taken);
          const total = available + sum(taken);
          for (const [index, quota] of quotas.entries()) {
            const share = (total * (weights[index] ?? 0)) / sum(weights);
            if ((taken[index] ?? 0) > share + 1e-9) expect(quota).toBe(0);
            else expect((taken[index] ?? 0) + quota).toBeLessThan(share + 1);
          }
        },
      ),
    );
  });
});

/** Rows whose text, class and source follow from the key, so that a change is always deliberate. */
function makeRows(from: number, to: number, classes = ['A', 'B', 'C']): SourceRow[] {
  return Array.from({ length: to - from }, (_, index) => {
    const key = from + index;
    return {
      key: String(key),
      text: `text of ${key}`,
      label: classes[key % classes.length] ?? 'A',
      origin: key % 3 === 0 ? 'correct' : 'misclassified',
    };
  });
}

function shuffle<T>(values: T[], seed: number): T[] {
  return values
    .map((value, index) => ({ value, order: Bun.hash(`${seed}:${index}`) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ value }) => value);
}

describe('split()', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop[Symbol.asyncDispose]());
  const fresh = async () => ({ resplit: true, force: true, allowClassChange: true }) as const;

  test('partitions the kept rows; each class is within one group of its share', async () => {
    const { rows, report } = await workshop.publish(makeRows(0, 997), labelSpec(), await fresh());
    expect(rows).toHaveLength(997);
    expect(new Set(rows.map(({ text }) => text)).size).toBe(997);
    for (const split of report.split?.splits ?? []) {
      for (const [id, count] of split.classes.entries()) {
        const ofClass = rows.filter(({ label }) => label === id).length;
        expect(Math.abs(count - ofClass * Number(split.share))).toBeLessThan(1);
      }
    }
  });

  test('gives each split its share of both sources, within three standard deviations', async () => {
    const rows = makeRows(0, 6000);
    const published = await workshop.publish(rows, labelSpec('columns: { source: origin }'), await fresh());
    const sources = new Map(rows.map(({ text, origin }) => [text, origin]));
    const correct = (texts: { text: string }[]) => texts.filter(({ text }) => sources.get(text) === 'correct').length;
    const overall = correct(published.rows) / published.rows.length;
    for (const name of ['train', 'eval', 'test']) {
      const inSplit = published.rows.filter(({ split }) => split === name);
      const deviation = Math.sqrt((overall * (1 - overall)) / inSplit.length);
      expect(Math.abs(correct(inSplit) / inSplit.length - overall)).toBeLessThan(3 * deviation);
    }
  });

  test('is the same whatever the order of the rows in the database', async () => {
    const rows = [...makeRows(0, 400), ...makeRows(0, 60).map((row) => ({ ...row, key: `again-${row.key}` }))];
    const first = await workshop.publish(rows, labelSpec(), await fresh());
    for (const seed of [1, 2, 3]) {
      const again = await workshop.publish(shuffle(rows, seed), labelSpec(), await fresh());
      expect(again.rows).toEqual(first.rows);
    }
  });

  test.each([1, 2, 3])('keeps a class of %d rows, in the split listed first', async (count) => {
    const rows = [...makeRows(0, 100, ['A', 'B']), ...makeRows(100, 100 + count, ['C'])];
    const { rows: published, report } = await workshop.publish(rows, labelSpec(), await fresh());
    expect(published.filter(({ label }) => label === 2).map(({ split }) => split)).toEqual(Array(count).fill('train'));
    expect(report.split?.smallClasses).toEqual(['C']);
  });

  test('refuses a split that would get no row', async () => {
    await expect(workshop.publish(makeRows(0, 3), labelSpec(), await fresh())).rejects.toMatchObject({
      code: 'SPLIT_EMPTY',
    });
  });

  test('keeps all rows of one text together when duplicates are kept', async () => {
    const rows = makeRows(0, 300).map((row) => ({ ...row, text: `text ${Number(row.key) % 100}`, label: 'A' }));
    const { rows: published } = await workshop.publish(rows, labelSpec('duplicates: keep'), await fresh());
    expect(published).toHaveLength(300);
    const splits = new Map<string, Set<string>>();
    for (const { text, split } of published) splits.set(text, (splits.get(text) ?? new Set()).add(split));
    expect([...splits.values()].every((set) => set.size === 1)).toBe(true);
  });

  test('another seed is another split', async () => {
    const one = await workshop.publish(makeRows(0, 300), labelSpec('seed: 1'), await fresh());
    const two = await workshop.publish(makeRows(0, 300), labelSpec('seed: 2'), await fresh());
    expect(two.rows).not.toEqual(one.rows);
  });
});
