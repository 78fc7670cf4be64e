import type { RunReport } from './report.ts';

/** The report as GitHub's Markdown, for a pull-request comment. */
export function renderMarkdown(_report: RunReport): string {
  return '';
}
