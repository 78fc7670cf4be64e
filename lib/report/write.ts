import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PipelineError } from '../errors.ts';
import { makeFolder, share } from '../folders.ts';
import type { Job } from '../run.ts';
import { renderHtml } from './html.ts';
import { formatReport } from './json.ts';
import { renderMarkdown } from './markdown.ts';
import { REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN } from './names.ts';
import type { RunReport } from './report.ts';
import type { LabelSamples } from './samples.ts';

/** Write report.json, report.md and report.html into --out. Only the last one holds texts of rows, so it is private. */
export async function writeReports(
  { options, world, events }: Pick<Job, 'options' | 'world' | 'events'>,
  report: RunReport,
  samples: ReadonlyMap<string, LabelSamples>,
): Promise<void> {
  const folder = resolve(world.cwd, options.out);
  const write = async (name: string, text: string) => {
    const draft = join(folder, `.${name}`);
    await rm(draft, { force: true }); // of a run that died: it would keep its mode
    await writeFile(draft, text, { mode: 0o600 });
    if (name !== REPORT_HTML) await share(draft, world);
    await rename(draft, join(folder, name));
    events.emit({ type: 'report.written', path: join(options.out, name) });
  };
  try {
    await makeFolder(folder, world);
    await write(REPORT_JSON, formatReport(report));
    await write(REPORT_MARKDOWN, renderMarkdown(report));
    await write(REPORT_HTML, await renderHtml(report, samples));
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === undefined) throw cause;
    throw new PipelineError('OUTPUT_UNWRITABLE', `Cannot write the report to ${options.out}: ${code}`, {
      fix: 'name another directory with --out',
      cause,
    });
  }
}
