import { PipelineError } from '../errors.ts';
import type { Options } from '../options.ts';
import { parseReport } from '../report/json.ts';
import { hasColour, plain } from '../report/layout.ts';
import type { RunReport } from '../report/report.ts';
import { escapeJson } from '../report/terminal/text.ts';
import { renderReport, type TerminalOptions } from '../report/terminal.ts';
import { type Mask, maskStrings, planMask } from '../secrets.ts';
import { readRuns } from '../spec/runs.ts';
import type { World } from '../world.ts';
import { type History, openHistory, type RunFiles } from './history.ts';
import type { Lines } from './lines.ts';
import type { RunRecord } from './record.ts';
import { renderHeadline, renderHistory } from './render.ts';

const READ_MS = 60_000; // somebody is waiting, but no run is

/**
 * --history and --show: what is kept of earlier runs. Needs what `runs` of the YAML names, and neither the rest of it nor a database.
 *
 * @returns the exit code
 * @throws PipelineError HISTORY_MISSING, HISTORY_UNREADABLE, RUN_UNKNOWN
 */
export async function consult(options: Options, world: World): Promise<number> {
  const history = await openHistory(await readRuns(options.config, world), world, READ_MS);
  const lines = await history.lines();
  const mask = planMask(world.env);
  const { show, labels } = options;
  const records = maskStrings(selectLabels(lines.records, labels), mask).toReversed(); // newest first
  const text =
    show === undefined
      ? listRuns(history, { ...lines, records }, options, world)
      : await showRun(history, findRun(show, records, history.name), options, world, mask);
  world.stdout.write(text);
  return 0;
}

/** Runs that had one of these labels, with these labels only; all of them when there are none. */
function selectLabels(records: RunRecord[], wanted: string[]): RunRecord[] {
  if (wanted.length === 0) return records;
  return records.flatMap((record) => {
    const labels = record.labels.filter(({ label }) => wanted.includes(label));
    return labels.length === 0 ? [] : [{ ...record, labels }];
  });
}

function listRuns({ name }: History, lines: Lines, { json, labels }: Options, world: World): string {
  if (json) return escapeJson(`${JSON.stringify(lines.records, null, 2)}\n`);
  return renderHistory(lines, { name, labels }, terminalOf(world));
}

/** @param records newest first */
function findRun(wanted: string, records: RunRecord[], name: string): RunRecord {
  const [first] = records;
  const found = wanted === 'last' ? first && [first] : records.filter(({ run }) => run.startsWith(wanted));
  if (found?.length === 1 && found[0]) return found[0];
  const why =
    found && found.length > 1
      ? `${found.length} runs begin with it`
      : `${name} has ${first ? 'none of this name' : 'no run'}`;
  throw new PipelineError('RUN_UNKNOWN', `Cannot show run "${wanted}": ${why}`, {
    fix: '--history lists the runs; --show last is the newest',
  });
}

async function showRun(
  history: History,
  record: RunRecord,
  { json }: Options,
  world: World,
  mask: Mask,
): Promise<string> {
  const files = await history.read(record.run);
  if (json) return escapeJson(`${JSON.stringify(maskStrings(parseJson(history, record, files), mask), null, 2)}\n`);
  const log = files.log.split('\n').map((line) => plain(mask(line)));
  const report = maskStrings(readReport(history, record, files), mask);
  const terminal = terminalOf(world);
  return [
    renderHeadline(record, terminal),
    `${log.join('\n').trim() || 'It logged nothing.'}\n`,
    renderReport(report, new Map(), terminal),
  ].join('\n');
}

function readReport(history: History, record: RunRecord, files: RunFiles): RunReport {
  try {
    return parseReport(files.report);
  } catch (cause) {
    throw unknownReport(history, record, 'this version of the program does not know its report', cause);
  }
}

/** As it is: a report of a later version is one, too. */
function parseJson(history: History, record: RunRecord, { report }: RunFiles): unknown {
  try {
    return JSON.parse(report);
  } catch (cause) {
    throw unknownReport(history, record, 'its report is not JSON', cause);
  }
}

function unknownReport({ name }: History, { run, version }: RunRecord, why: string, cause: unknown): PipelineError {
  return new PipelineError('HISTORY_UNREADABLE', `Cannot show run ${run} of ${name}: ${why}`, {
    fix: `it is one of version ${version}; --json prints it as it is`,
    cause,
  });
}

function terminalOf(world: World): TerminalOptions {
  return { colour: hasColour(world), columns: world.stdout.columns };
}
