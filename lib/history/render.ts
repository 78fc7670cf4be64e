import { formatInstant } from '../report/figures.ts';
import { cut, type Paint, painter } from '../report/layout.ts';
import { renderTable, type TableRow } from '../report/terminal/table.ts';
import { hang, stack } from '../report/terminal/text.ts';
import { NARROWEST, PIPE_COLUMNS, type TerminalOptions } from '../report/terminal.ts';
import { countOf, formatSeconds } from '../report/words.ts';
import type { Lines } from './lines.ts';
import type { RunRecord } from './record.ts';

const MOST_RUNS = 20; // a screen; --json has all
const MOST_REASON = 200; // cells; who gave it may have written a page

/**
 * The list of runs as text.
 *
 * @param lines records newest first
 * @param of where they are kept, and the labels that were asked for
 */
export function renderHistory(
  { records, skipped }: Pick<Lines, 'records' | 'skipped'>,
  of: { name: string; labels: string[] },
  { colour, columns }: TerminalOptions,
): string {
  const width = Math.max(NARROWEST, columns ?? PIPE_COLUMNS);
  const paint = painter(colour);
  const say = (text: string) => hang('', text, width, 0).map((line) => line.trimStart());
  const what = of.labels.length === 0 ? 'No run' : `No run of ${of.labels.join(', ')}`;
  const hidden = records.length - MOST_RUNS;
  const sections = [
    records.length === 0 ? say(`${what} is kept in ${of.name} yet.`) : renderRuns(records, width, paint),
    [
      ...(hidden > 0 ? say(`${countOf(hidden, 'earlier run')} not shown; --json lists all.`) : []),
      ...(skipped > 0 ? say(`${countOf(skipped, 'line')} of runs.jsonl left out: no records that can be read.`) : []),
    ],
  ];
  return `${stack(sections).join('\n')}\n`;
}

function renderRuns(records: RunRecord[], width: number, paint: Paint): string[] {
  const rows = records.slice(0, MOST_RUNS).map((record): TableRow => {
    const { run, started_at, seconds, exit_code } = record;
    const when = formatInstant(started_at).slice(0, 16);
    return {
      name: run,
      cells: [when, formatSeconds(seconds), String(exit_code)],
      note: describeRun(record),
      ...(exit_code === 0 ? {} : { style: 'red' as const }),
    };
  });
  const header = { name: 'run', cells: ['when (UTC)', 'took', 'exit'] };
  return renderTable({ header, rows, words: [0], wholeNames: true }, width, paint);
}

/** `rollback to v20261101_030012 (bad reviews in August): urgency success v20261124_030012`; of a run, its labels alone. */
function describeRun({ labels, ...record }: RunRecord): string {
  const said = labels.map(describeLabel).join('; ') || 'no label';
  return record.action === 'run' ? said : `${describeAction(record)}: ${said}`;
}

function describeAction({
  action,
  rolled_back_to,
  reason,
}: Pick<RunRecord, 'action' | 'rolled_back_to' | 'reason'>): string {
  const of = action === 'rollback' ? '' : ' of a rollback'; // a plan may be one
  const to = rolled_back_to === undefined ? '' : `${of} to ${rolled_back_to}`;
  return `${action}${to}${reason === undefined ? '' : ` (${cut(reason, MOST_REASON)})`}`;
}

function describeLabel({
  label,
  status,
  version,
  code,
  failed_step,
  restarts = [],
}: RunRecord['labels'][number]): string {
  const owed = restarts.filter((restart) => restart.status === 'failed').length;
  return [
    label,
    status.replace(/_.*/, ''), // as everywhere, in one word
    ...(version === undefined ? [] : [status === 'unchanged' ? `since ${version}` : version]),
    ...(code === undefined ? [] : [code]),
    ...(failed_step === undefined ? [] : [`at ${failed_step}`]),
    ...(owed > 0 ? [`(${countOf(owed, 'restart')} owed)`] : []),
  ].join(' ');
}

/** What stands above the log of one run. */
export function renderHeadline(record: RunRecord, { colour, columns }: TerminalOptions): string {
  const { run, started_at, seconds, exit_code } = record;
  const said = `${formatInstant(started_at)}, ${describeAction(record)}, ${formatSeconds(seconds)}, exit code ${exit_code}`;
  const lines = hang(painter(colour)('bold', run), said, Math.max(NARROWEST, columns ?? PIPE_COLUMNS), 2);
  return `${lines.join('\n')}\n`;
}
