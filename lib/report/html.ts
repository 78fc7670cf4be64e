import type { RunReport } from './report.ts';
import type { LabelSamples } from './samples.ts';

/**
 * The report as one self-contained page.
 *
 * @param samples by label; what is not there is not shown
 */
export async function renderHtml(_report: RunReport, _samples: ReadonlyMap<string, LabelSamples>): Promise<string> {
  return '';
}
