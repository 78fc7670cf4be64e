import type { VersionMetadata } from '../dataset/published.ts';
import type { LabelReport } from '../report/report.ts';

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

/**
 * Drift of the class shares from a published version to what would be published.
 *
 * @returns undefined where nothing is published, or its metadata has no counts (the Python service's)
 */
export function publishedDrift(metadata: VersionMetadata | undefined, report: LabelReport): number | undefined {
  const published = publishedClassCounts(metadata);
  if (!published) return undefined;
  const names = [...new Set([...published.keys(), ...report.classes])];
  return populationStabilityIndex(
    names.map((name) => published.get(name) ?? 0),
    names.map((name) => countClass(report, name)),
  );
}

/** Rows of each class of a version, by its metadata; undefined where that does not say. */
export function publishedClassCounts(metadata: VersionMetadata | undefined): Map<string, number> | undefined {
  if (!metadata?.class_counts) return undefined;
  const counts = new Map<string, number>();
  for (const split of Object.values(metadata.class_counts))
    for (const [name, rows] of Object.entries(split)) counts.set(name, (counts.get(name) ?? 0) + rows);
  return counts;
}

/** Rows of a class that would be published. */
export function countClass({ classes, split }: LabelReport, name: string): number {
  const id = classes.indexOf(name);
  return (split?.splits ?? []).reduce((sum, each) => sum + (each.classes[id] ?? 0), 0);
}
