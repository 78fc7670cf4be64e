import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMarkdown } from '../../lib/report/markdown.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { alarming, CHECK_FAILED, department, dryRun, ended, nepali, reviewed, runReport, VERSION } from './reports.ts';

const reviews = dryRun(
  [
    reviewed(),
    { ...nepali(), outcome: { status: 'refused', problem: CHECK_FAILED }, ...alarming() },
    ended('skipped', { status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'fetched' }),
    ended('unchanged', { status: 'unchanged', version: VERSION }),
  ],
  ['LEDGER_KEY is not set, and acme/unchanged-mistakes is public'],
);

const GOLDEN: Record<string, RunReport> = {
  review: dryRun([reviewed()]),
  reviews,
  success: runReport([department()]),
};

describe('renderMarkdown()', () => {
  test.each(Object.entries(GOLDEN))('%s is as test/report/golden shows it', (name, report) => {
    const file = join(import.meta.dir, 'golden', `${name}.md`);
    const rendered = renderMarkdown(report);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, rendered);
    expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBeTrue();
    expect(rendered).toBe(readFileSync(file, 'utf8'));
  });
});
