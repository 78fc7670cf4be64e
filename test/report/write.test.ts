import { expect, test } from 'bun:test';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeReports } from '../../lib/report/write.ts';
import { runReport } from './reports.ts';

test('report.html, which holds texts of rows, is for its owner only, even where another file was', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'report-'));
  try {
    await writeFile(join(cwd, 'report.html'), '', { mode: 0o666 });
    const run = { options: { out: '.' }, world: { cwd }, events: { emit: () => {} } };
    await writeReports(run as unknown as Parameters<typeof writeReports>[0], runReport([]), new Map());
    expect(((await stat(join(cwd, 'report.html'))).mode & 0o777).toString(8)).toBe('600');
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
