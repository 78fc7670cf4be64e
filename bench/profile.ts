import { LABELS, measureFloor, queriesOf, type Report, runOurs } from './contenders.ts';
import { median } from './figures.ts';
import { inScratch } from './measure.ts';
import type { ProfileResult } from './results.ts';

/** Where the time of a run goes: its steps, and what PostgreSQL alone takes for the same rows of a label. */
export async function measureProfile(url: string, complaints: number, runs: number): Promise<ProfileResult> {
  const reports: Report[] = [];
  const totals: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { measure, report } = await inScratch((directory) => runOurs(url, directory));
    totals.push(measure.seconds);
    reports.push(report);
  }
  const labels: ProfileResult['labels'] = [];
  for (const label of LABELS) {
    const runsOfLabel = reports.flatMap((report) => report.labels.filter((each) => each.label === label));
    const queries = queriesOf({ labels: runsOfLabel.slice(0, 1) });
    const floors: number[] = [];
    for (let run = 0; run < runs; run++) floors.push((await measureFloor(url, queries)).seconds);
    labels.push({ label, steps: medianSteps(runsOfLabel.map(({ seconds }) => seconds)), floor: median(floors) });
  }
  return { complaints, total: median(totals), labels };
}

function medianSteps(runs: readonly Partial<Record<string, number>>[]): Record<string, number> {
  const steps = Object.keys(runs[0] ?? {});
  return Object.fromEntries(steps.map((step) => [step, median(runs.map((seconds) => seconds[step] ?? 0))]));
}
