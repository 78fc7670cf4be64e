import { isAbsolute, join } from 'node:path';

/** What lies below --out after a dry run. */

export const REPORT_JSON = 'report.json'; // also the plan that --publish ships
export const REPORT_MARKDOWN = 'report.md';
export const REPORT_HTML = 'report.html';
/** Folder with the files of each label. */
export const DRY_RUN = 'dry-run';

/** A path as a person gave it: what is relative begins with a dot, so that it is never taken for a repo. */
export function shownPath(out: string, path: string): string {
  return isAbsolute(out) ? join(out, path) : `./${join(out, path)}`;
}
