import { formatCount } from '../words.ts';

/** Numbers as this page writes them: a true minus sign, fixed decimals in a column, a dash for what is not known. */

export const NONE = '–';

/** 3 → `+3`, -3 → `−3`, 0 → `0`. */
export function formatSigned(value: number): string {
  if (value === 0) return '0';
  return `${value > 0 ? '+' : '−'}${formatCount(Math.abs(value))}`;
}

/** Part of a whole → `12.3%`; of nothing, a dash. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? NONE : formatPercent(part / whole);
}

/** 0.123 → `12.3%`. */
export function formatPercent(share: number, decimals = 1): string {
  return `${(100 * share).toFixed(decimals)}%`;
}

/** A share as the spec writes it: `0.025` → `2.5%`. */
export function formatAsked(share: string): string {
  return `${Number((100 * Number(share)).toFixed(4))}%`;
}

/** The difference of two shares in percentage points: `+0.04`, `−1.20`, `0.00`. */
export function formatPoints(difference: number, decimals = 2): string {
  const points = (100 * difference).toFixed(decimals);
  if (Number(points) === 0) return (0).toFixed(decimals);
  return difference > 0 ? `+${points}` : `−${points.slice(1)}`;
}

/** At most `decimals`, none where they are zeros. */
export function formatNumber(value: number, decimals = 4): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: decimals });
}

/** 612345 → `612.3 kB`, in steps of 1,000 as the Hub counts. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 ? formatCount(bytes) : value.toFixed(1)} ${units[step]}`;
}

/** 12345 → `12k`; for an axis. */
export function formatTick(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 }).replace('K', 'k');
}

/** `1 row`, `2 rows`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** What a population stability index of this size is commonly called. */
export function sizeOfDrift(psi: number): 'small' | 'moderate' | 'large' {
  if (psi < 0.1) return 'small';
  return psi <= 0.25 ? 'moderate' : 'large';
}
