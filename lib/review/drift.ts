/** Least share of a class: the usual floor, without which a class that comes or goes would make the index infinite. */
const LEAST_SHARE = 0.0001;

/**
 * The population stability index of two distributions over the same classes, Σ (a − b) · ln(a / b) of their shares: 0 where the shares
 * are the same, symmetric, never negative. Commonly read as stable below 0.1 and as a shift above 0.25 (Siddiqi, Credit Risk Scorecards, 2006).
 *
 * @param before rows per class; a class that one side lacks counts as 0
 * @param after the same of the other version
 */
export function populationStabilityIndex(before: readonly number[], after: readonly number[]): number {
  const classes = Math.max(before.length, after.length);
  const [old, now] = [toShares(before, classes), toShares(after, classes)];
  return old.reduce((sum, a, index) => {
    const b = now[index] ?? LEAST_SHARE;
    return sum + (a - b) * Math.log(a / b);
  }, 0);
}

function toShares(rows: readonly number[], classes: number): number[] {
  const total = rows.reduce((sum, count) => sum + count, 0) || 1;
  return Array.from({ length: classes }, (_, index) => Math.max((rows[index] ?? 0) / total, LEAST_SHARE));
}
