/** An exact decimal: `units / 10^scale`. Those made here are in lowest form: scale ≥ 0, and units end in no needless zero. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const DECIMAL = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;

const EXPONENT_LIMIT = 400; // powers of ten; a JS number stays within ±324, and 1e999999999 must not fill the memory

/**
 * Read a decimal exactly.
 *
 * @param value a number, taken by its shortest form (0.1 is one tenth), or text such as `0.7`, `.5`, `1e-7`
 * @returns undefined for what is not a finite decimal
 */
export function parseDecimal(value: number | string): Decimal | undefined {
  const match = DECIMAL.exec(String(value));
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const power = Number(exponent);
  if (Math.abs(power) > EXPONENT_LIMIT) return undefined;
  const units = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`);
  return normalize(units, fraction.length - power);
}

/** The exact sum; 0 for none. */
export function sumDecimals(values: Decimal[]): Decimal {
  const { units, scale } = align(values);
  return normalize(
    units.reduce((sum, unit) => sum + unit, 0n),
    scale,
  );
}

/** For sorting in ascending order. */
export function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const left = a.units * 10n ** BigInt(b.scale);
  const right = b.units * 10n ** BigInt(a.scale);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Plain digits without an exponent: `0.0000001`, `-3`, `12.5`. */
export function formatDecimal({ units, scale }: Decimal): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale);
  return `${units < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${fraction}`}`;
}

/**
 * The exact `⌊count × d⌋`.
 *
 * @param count an integer
 */
export function floorTimes(count: number, d: Decimal): number {
  const product = BigInt(count) * d.units;
  const power = 10n ** BigInt(d.scale);
  const quotient = product / power;
  return Number(product < 0n && product % power !== 0n ? quotient - 1n : quotient); // BigInt division truncates
}

/** The smallest integers in the same proportion: 0.7, 0.2 and 0.1 give 7, 2 and 1. */
export function toWeights(values: Decimal[]): bigint[] {
  const { units } = align(values);
  const divisor = units.reduce(greatestCommonDivisor, 0n);
  return divisor === 0n ? units : units.map((unit) => unit / divisor);
}

/** The units of all values at the one scale that holds them all. */
function align(values: Decimal[]): { units: bigint[]; scale: number } {
  const scale = values.reduce((most, value) => Math.max(most, value.scale), 0);
  return { units: values.map((value) => value.units * 10n ** BigInt(scale - value.scale)), scale };
}

function normalize(units: bigint, scale: number): Decimal {
  if (units === 0n) return { units, scale: 0 };
  if (scale < 0) return { units: units * 10n ** BigInt(-scale), scale: 0 };
  let shortest = units;
  let rest = scale;
  while (rest > 0 && shortest % 10n === 0n) {
    shortest /= 10n;
    rest -= 1;
  }
  return { units: shortest, scale: rest };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [large, small] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (small !== 0n) [large, small] = [small, large % small];
  return large;
}
