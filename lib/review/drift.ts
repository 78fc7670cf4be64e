const LEAST_SHARE = 0.0001; // stands for an empty class, whose logarithm would be infinite

/**
 * Population stability index between two distributions over the same classes: Σ (after − before) · ln(after / before).
 *
 * @returns 0 for equal shares; above 0.1 is commonly called a change, above 0.25 a shift
 */
export function populationStabilityIndex(before: number[], after: number[]): number {
  const [old, now] = [sharesOf(before), sharesOf(after)];
  return old.reduce((sum, share, index) => {
    const other = now[index] ?? LEAST_SHARE;
    return sum + (other - share) * Math.log(other / share);
  }, 0);
}

function sharesOf(counts: number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => Math.max(LEAST_SHARE, total === 0 ? 0 : count / total));
}
