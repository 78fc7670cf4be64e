import type { Outcome } from '../outcome.ts';
import { cut, type Paint, padEnd, padStart, painter, plain, type Style, widthOf, wrap } from './layout.ts';
import type { LabelReport, RunReport, SplitReport } from './report.ts';
import type { LabelSamples } from './samples.ts';
import { formatCount, formatDrops, formatSeconds } from './words.ts';

export interface TerminalOptions {
  colour: boolean;
  /** Width of the terminal in cells; undefined in a pipe. */
  columns: number | undefined;
}

const PIPE_COLUMNS = 120; // cells
const NARROWEST = 40; // cells
const NARROWEST_NAME = 16; // cells; where a class name has less, it stands above its numbers
const TERM = 9; // cells: `fetched  `

/**
 * The run report as text: for each label its rows, drops, classes × splits, target and outcome.
 *
 * @param samples by label; what is not there is not shown
 */
export function renderReport(
  report: RunReport,
  _samples: ReadonlyMap<string, LabelSamples>,
  { colour, columns }: TerminalOptions,
): string {
  const paint = painter(colour);
  const width = Math.max(NARROWEST, columns ?? PIPE_COLUMNS);
  const labels = report.labels.map((label) => renderLabel(label, width, paint).join('\n'));
  const warnings = report.warnings.flatMap((warning) => hang(`${paint('yellow', 'warning')}:`, warning, width, 2));
  return `${[...labels, ...(warnings.length > 0 ? [warnings.join('\n')] : [])].join('\n\n')}\n`;
}

function renderLabel(label: LabelReport, width: number, paint: Paint): string[] {
  const inner = width - 2;
  const blocks = [
    [...renderOutcome(label.outcome, inner, paint), ...renderRows(label, inner), ...renderUnknown(label, inner)],
    renderClasses(label, inner, paint),
    [...renderSplit(label, inner), ...renderTimes(label, inner)],
  ].filter((block) => block.length > 0);
  const lines = blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
  return [
    ...hang(`${paint('bold', label.label)} →`, label.target, width, 4),
    ...lines.map((line) => (line === '' ? '' : `  ${line}`)),
  ];
}

const STYLES: Record<Outcome['status'], Style> = {
  success: 'green',
  planned: 'green',
  unchanged: 'cyan',
  skipped_insufficient_data: 'yellow',
  refused: 'red',
  failed: 'red',
};

function renderOutcome(outcome: Outcome | undefined, width: number, paint: Paint): string[] {
  if (!outcome) return [];
  const status = paint(STYLES[outcome.status], outcome.status);
  const say = (link: string, text: string) => hang(`${status}${link}`, text, width, 2);
  switch (outcome.status) {
    case 'success':
      return say('', `${outcome.version}  ${outcome.url}`);
    case 'planned':
      return say('', `${outcome.version}  ${outcome.directory}`);
    case 'unchanged':
      return outcome.version
        ? say('', `since ${outcome.version}; nothing was written`)
        : say(';', 'nothing was written');
    case 'skipped_insufficient_data': {
      const { rows, stage, minimum } = outcome;
      return say(':', `${formatCount(rows)} rows ${stage}, min_samples is ${formatCount(minimum)}`);
    }
    default: {
      const { code, message, fix } = outcome.problem;
      const more = [message, ...(fix ? [`fix: ${fix}`] : [])].flatMap((text) => hang(' ', text, width, 4));
      return [`${status} ${code}`, ...more];
    }
  }
}

function renderRows({ fetched, kept, dropped }: LabelReport, width: number): string[] {
  const lines: string[] = [];
  if (fetched) {
    const { total, misclassified, correct, asked } = fetched;
    const fewer = correct < asked ? `, fewer than the ${formatCount(asked)} asked for` : '';
    const reviewed = `misclassified ${formatCount(misclassified)} (reviewed)`;
    const unreviewed = `correct ${formatCount(correct)} (the model’s label, unreviewed${fewer})`;
    lines.push(...define('fetched', `${formatCount(total)}: ${reviewed}, ${unreviewed}`, width));
  }
  if (dropped && fetched && kept) {
    const rows = fetched.total - kept.total;
    lines.push(...define('dropped', rows === 0 ? '0' : `${formatCount(rows)}: ${formatDrops(dropped)}`, width));
  }
  if (kept) {
    const { total, misclassified, correct } = kept;
    const parts = `misclassified ${formatCount(misclassified)}, correct ${formatCount(correct)}`;
    lines.push(...define('kept', `${formatCount(total)}: ${parts}`, width));
  }
  return lines;
}

function renderUnknown({ unknownClasses = [] }: LabelReport, width: number): string[] {
  return unknownClasses.flatMap(({ value, rows, nearest }) => {
    const hint = nearest ? `; did the data mean "${nearest}"?` : '';
    return hang(
      'unknown class',
      `${quote(value)}: ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}${hint}`,
      width,
      2,
    );
  });
}

/** A value of the data: what a terminal would obey is escaped. */
function quote(value: string): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[\p{Cc}\p{Bidi_Control}]/gu, escaped);
}

interface TableRow {
  name: string;
  cells: string[];
}

/** Classes × splits. Class names are cut where the terminal is narrow, numbers never. */
function renderClasses({ split, classes, kept }: LabelReport, width: number, paint: Paint): string[] {
  if (!split) return [];
  const [header, ...rows] = planTable(split, classes, kept?.total ?? 0) as [TableRow, ...TableRow[]];
  const widths = header.cells.map((_, column) =>
    Math.max(...[header, ...rows].map(({ cells }) => widthOf(cells[column] ?? ''))),
  );
  const room = width - widths.reduce((sum, each) => sum + each + 2, 0);
  const widest = Math.max(...[header, ...rows].map(({ name }) => widthOf(name)));
  if (room < Math.min(widest, NARROWEST_NAME)) return rows.flatMap((row) => renderStacked(header, row, width, paint));
  const nameWidth = Math.min(room, widest);
  const line = ({ name, cells }: TableRow) =>
    [padEnd(cut(name, nameWidth), nameWidth), ...cells.map((cell, column) => padStart(cell, widths[column] ?? 0))]
      .join('  ')
      .trimEnd();
  return [paint('bold', line(header)), ...rows.map(line)];
}

function planTable({ splits }: SplitReport, classes: string[], total: number): TableRow[] {
  const percent = (rows: number) => `${((100 * rows) / Math.max(1, total)).toFixed(1)}%`;
  const numbers = classes.map((_, id) => splits.map((each) => each.classes[id] ?? 0));
  return [
    { name: 'class', cells: [...splits.map(({ name }) => name), 'all'] },
    ...numbers.map((row, id) => ({
      name: plain(classes[id] ?? ''),
      cells: [...row, row.reduce((sum, each) => sum + each, 0)].map(formatCount),
    })),
    { name: 'all', cells: [...splits.map(({ rows }) => rows), total].map(formatCount) },
    { name: 'share', cells: [...splits.map(({ rows }) => percent(rows)), ''] },
    { name: 'asked', cells: [...splits.map(({ share }) => `${Number((Number(share) * 100).toFixed(4))}%`), ''] },
  ];
}

/** A row of a table that has no room for columns. */
function renderStacked(header: TableRow, { name, cells }: TableRow, width: number, paint: Paint): string[] {
  const pairs = cells.flatMap((cell, column) => (cell === '' ? [] : [`${header.cells[column]} ${cell}`]));
  const values = hang(' ', pairs.join(', '), width, 2);
  return [...wrap(name, width).map((line) => paint('bold', line)), ...values];
}

function renderSplit({ split, previousVersion }: LabelReport, width: number): string[] {
  if (!split) return [];
  const since = previousVersion ? ` from ${previousVersion} and before` : '';
  const merged =
    split.merged > 0 ? `, ${formatCount(split.merged)} merged: the split listed first keeps what was in several` : '';
  const texts = `${formatCount(split.remembered)} texts remembered${since}, ${formatCount(split.assigned)} new${merged}`;
  const small =
    split.smallClasses.length > 0
      ? hang('too few texts for every split:', split.smallClasses.join(', '), width, 2)
      : [];
  return [...define('split', texts, width), ...small];
}

function renderTimes({ seconds }: LabelReport, width: number): string[] {
  const parts = Object.entries(seconds).map(([name, time]) => `${name} ${formatSeconds(time)}`);
  return parts.length === 0 ? [] : define('time', parts.join(', '), width);
}

function define(term: string, text: string, width: number): string[] {
  return hang(padEnd(term, TERM - 1), text, width, TERM);
}

/** `head` and `text`, wrapped; later lines indented. A number stays with its name and its unit. */
function hang(head: string, text: string, width: number, indent: number): string[] {
  const filler = '\u2007'.repeat(widthOf(head)); // stands for the head, which may hold blanks and escapes
  const glued = plain(text).replace(/ (?=\d)|(?<=\d) (?=(?:min|s|rows?|new)\b)/g, '\u00A0');
  const [first = '', ...rest] = wrap(`${filler} ${glued}`, width);
  const more = rest.length === 0 ? [] : wrap(rest.join(' '), width - indent);
  const lines = [`${head}${first.slice(filler.length)}`, ...more.map((line) => `${' '.repeat(indent)}${line}`)];
  return lines.map((line) => line.replaceAll('\u00A0', ' ').trimEnd());
}
