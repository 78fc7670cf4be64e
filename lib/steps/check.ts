import type { PublishedVersion } from '../dataset/published.ts';
import type { Assigned } from '../dataset/tables.ts';
import { runChecks } from '../review/checks.ts';
import { compare } from '../review/compare.ts';
import { publishedDrift } from '../review/drift.ts';
import { measure } from '../review/measure.ts';
import { maskSamples } from '../review/sample.ts';
import type { LabelRun, Run } from '../run.ts';

/** Measure what would be published; in a dry run, compare it with what is; hold it against the checks of the spec. */
export async function check(run: Run, label: LabelRun, assigned: Assigned, published: PublishedVersion): Promise<void> {
  const { report } = label;
  await measure(run, label, assigned);
  if (report.split?.textsInSeveralSplits !== 0) throw new Error('a text stands in two splits');
  if (run.options.dryRun && run.options.explain === undefined) await compare(run, label, assigned, published);
  const drift = publishedDrift(published.metadata, report);
  await runChecks(run, label, assigned, drift, (texts) => maskSamples(run, texts));
}
