import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  compareDecimals,
  type Decimal,
  floorTimes,
  formatDecimal,
  parseDecimal,
  sumDecimals,
  toWeights,
} from '../../lib/spec/decimal.ts';

const decimal = (value: number | string): Decimal => {
  const parsed = parseDecimal(value);
  if (parsed === undefined) throw new TypeError(`Cannot read "${value}" as a decimal`);
  return parsed;
};

const anyDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.integer({ min: 0, max: 30 }))
  .map(([units, scale]) => decimal(`${units}e-${scale}`));

describe('`parseDecimal()`', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [0.1, '0.1'],
    [1e-7, '0.0000001'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [1e21, '1000000000000000000000'],
    [-12.5, '-12.5'],
    ['0.70', '0.7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['+1', '1'],
    ['-0.00', '0'],
    ['007', '7'],
    ['1e-7', '0.0000001'],
    ['1.25E+1', '12.5'],
    ['12e2', '1200'],
    ['0.1000000000000000000000000001', '0.1000000000000000000000000001'],
  ])('reads %p as %s', (value, text) => {
    expect(formatDecimal(decimal(value))).toBe(text);
  });

  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    '',
    ' 1',
    '1 ',
    '.',
    '-',
    'e5',
    '.e5',
    '1e',
    '1_000',
    '1,5',
    '0x10',
    '10%',
    'NaN',
    '1\n',
    '١',
    '1e401',
    '1e-999999999999',
  ])('refuses %p', (value) => {
    expect(parseDecimal(value)).toBeUndefined();
  });

  test('keeps no needless zero, so equal values are equal objects', () => {
    expect(decimal('0.500')).toEqual({ units: 5n, scale: 1 });
    expect(decimal('500e-1')).toEqual({ units: 50n, scale: 0 });
    expect(decimal('0e-30')).toEqual({ units: 0n, scale: 0 });
  });

  test('reads a number as the digits that JavaScript prints', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(formatDecimal(decimal(value)))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test('reads back what `formatDecimal()` writes', () => {
    fc.assert(fc.property(anyDecimal, (value) => expect(decimal(formatDecimal(value))).toEqual(value)));
  });
});

describe('`sumDecimals()`', () => {
  test('finds that 0.7 + 0.2 + 0.1 is 1, as floating point does not', () => {
    expect(0.7 + 0.2 + 0.1).not.toBe(1);
    expect(sumDecimals([decimal(0.7), decimal(0.2), decimal(0.1)])).toEqual({ units: 1n, scale: 0 });
  });

  test.each([
    [[], '0'],
    [[0.8, 0.1, 0.1], '1'],
    [[0.8, 0.1, 0.2], '1.1'],
    [['0.333', '0.333', '0.333'], '0.999'],
    [[1e21, 1e-7], '1000000000000000000000.0000001'],
    [[0.1, -0.1], '0'],
  ])('adds %p to %s', (values, text) => {
    expect(formatDecimal(sumDecimals(values.map(decimal)))).toBe(text);
  });

  test('does not depend on order or grouping', () => {
    fc.assert(
      fc.property(fc.array(anyDecimal), fc.array(anyDecimal), (some, others) => {
        const together = sumDecimals([...some, ...others]);
        expect(sumDecimals([...others, ...some])).toEqual(together);
        expect(sumDecimals([sumDecimals(some), sumDecimals(others)])).toEqual(together);
      }),
    );
  });
});

describe('`compareDecimals()`', () => {
  test.each([
    ['0.1', '0.10', 0],
    ['0.09', '0.1', -1],
    ['2', '1.999999999999999999999', 1],
    ['-1', '0.5', -1],
    ['-0.5', '-0.51', 1],
  ] as const)('of %s and %s is %d', (a, b, order) => {
    expect(compareDecimals(decimal(a), decimal(b))).toBe(order);
  });

  test('orders as the sign of the difference', () => {
    fc.assert(
      fc.property(anyDecimal, anyDecimal, (a, b) => {
        const difference = sumDecimals([a, { units: -b.units, scale: b.scale }]).units;
        expect(compareDecimals(a, b)).toBe(difference === 0n ? 0 : difference < 0n ? -1 : 1);
      }),
    );
  });
});

describe('`floorTimes()`', () => {
  test.each([
    [3, 0.1, 0],
    [10, 0.1, 1],
    [100, 0.29, 29], // 100 * 0.29 is 28.999999999999996
    [1000, 0.001, 1],
    [7, 0.5, 3],
    [0, 0.5, 0],
    [5, 2, 10],
    [3, '0.333333333333333333333', 0],
    [3, -0.1, -1],
    [10, -0.1, -1],
  ])('of %d and %p is %d', (count, ratio, expected) => {
    expect(floorTimes(count, decimal(ratio))).toBe(expected);
  });

  test('is the largest integer not above the product', () => {
    const count = fc.integer({ min: 0, max: 1_000_000_000 });
    const ratio = fc.integer({ min: -5_000, max: 5_000 }).map((units) => decimal(`${units}e-3`));
    fc.assert(
      fc.property(count, ratio, (n, d) => {
        const product = { units: BigInt(n) * d.units, scale: d.scale };
        const floor = floorTimes(n, d);
        expect(compareDecimals(decimal(floor), product)).not.toBe(1);
        expect(compareDecimals(decimal(floor + 1), product)).toBe(1);
      }),
    );
  });
});

describe('`toWeights()`', () => {
  test.each([
    [[], []],
    [
      [0.8, 0.1, 0.1],
      [8n, 1n, 1n],
    ],
    [
      [0.5, 0.25, 0.25],
      [2n, 1n, 1n],
    ],
    [
      [1, 0],
      [1n, 0n],
    ],
    [
      ['0.333', '0.667'],
      [333n, 667n],
    ],
    [
      [0, 0],
      [0n, 0n],
    ],
    [
      [2, 4],
      [1n, 2n],
    ],
  ])('of %p are %p', (values, weights) => {
    expect(toWeights(values.map(decimal))).toEqual(weights);
  });

  test('keeps every proportion', () => {
    fc.assert(
      fc.property(fc.array(anyDecimal, { minLength: 2 }), (values) => {
        const weights = toWeights(values);
        const [first, firstWeight] = [values[0], weights[0]];
        for (const [index, value] of values.entries()) {
          const cross = { units: value.units * (firstWeight ?? 0n), scale: value.scale };
          const back = { units: (first?.units ?? 0n) * (weights[index] ?? 0n), scale: first?.scale ?? 0 };
          expect(compareDecimals(cross, back)).toBe(0);
        }
      }),
    );
  });
});
