import type { Measure } from './measure.ts';

/** Figures that follow from what was measured. */

export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** The mean of the middle two where there is no middle one. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('Cannot take a median: no values');
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? 0;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) };
}

export type Quantity = keyof Measure;

export const spread = (measures: readonly Measure[], quantity: Quantity): Spread =>
  spreadOf(measures.map((each) => each[quantity]));

/** Median ÷ median. */
export function ratio(dividend: readonly Measure[], divisor: readonly Measure[], quantity: Quantity): number {
  return spread(dividend, quantity).median / spread(divisor, quantity).median;
}
