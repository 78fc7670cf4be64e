import { styleText } from 'node:util';
import type { Outcome } from '../outcome.ts';
import type { LabelReport, RunReport } from './report.ts';
import { formatCount, formatDrops, formatSeconds } from './words.ts';

export interface TerminalOptions {
  colour: boolean;
  /** Width of the terminal in cells; undefined in a pipe. */
  columns: number | undefined;
}

const PIPE_COLUMNS = 120; // cells
const NARROWEST = 40;

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

/** The run report as text: for each label its rows, drops, classes × splits, target and outcome. */
export function renderReport(report: RunReport, { colour, columns }: TerminalOptions): string {
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const width = Math.max(NARROWEST, columns ?? PIPE_COLUMNS);
  const labels = report.labels.map((label) => renderLabel(label, width, paint).join('\n'));
  const warnings = report.warnings.map((warning) => `${paint('yellow', 'warning')}: ${warning}`);
  return `${[...labels, ...warnings].join('\n\n')}\n`;
}

function renderLabel(label: LabelReport, width: number, paint: Paint): string[] {
  return [
    `${paint('bold', label.label)} → ${label.target}`,
    ...renderOutcome(label.outcome, paint),
    ...renderRows(label),
    ...renderUnknown(label),
    ...renderClasses(label, width, paint),
    ...renderSplit(label),
    ...renderTimes(label),
  ].map((line, index) => (index === 0 ? line : `  ${line}`));
}

const STYLES: Record<Outcome['status'], Style> = {
  success: 'green',
  planned: 'green',
  unchanged: 'cyan',
  skipped_insufficient_data: 'yellow',
  refused: 'red',
  failed: 'red',
};

function renderOutcome(outcome: Outcome | undefined, paint: Paint): string[] {
  if (!outcome) return [];
  const status = paint(STYLES[outcome.status], outcome.status);
  switch (outcome.status) {
    case 'success':
      return [`${status} ${outcome.version}  ${outcome.url}`];
    case 'planned':
      return [`${status} ${outcome.version}  ${outcome.directory}`];
    case 'unchanged':
      return [`${status} since ${outcome.version}; nothing was written`];
    case 'skipped_insufficient_data':
      return [
        `${status}: ${formatCount(outcome.rows)} rows ${outcome.stage}, min_samples is ${formatCount(outcome.minimum)}`,
      ];
    default: {
      const { code, message, fix } = outcome.problem;
      return [`${status} ${code}`, `  ${message}`, ...(fix ? [`  fix: ${fix}`] : [])];
    }
  }
}

function renderRows({ fetched, kept, dropped }: LabelReport): string[] {
  const lines: string[] = [];
  if (fetched) {
    const asked = fetched.correct < fetched.asked ? `, fewer than the ${formatCount(fetched.asked)} asked for` : '';
    lines.push(
      `fetched  ${formatCount(fetched.total)}: misclassified ${formatCount(fetched.misclassified)} (reviewed), correct ${formatCount(fetched.correct)} (the model’s label, unreviewed${asked})`,
    );
  }
  if (dropped && fetched && kept)
    lines.push(`dropped  ${formatCount(fetched.total - kept.total)}: ${formatDrops(dropped)}`);
  if (kept)
    lines.push(
      `kept     ${formatCount(kept.total)}: misclassified ${formatCount(kept.misclassified)}, correct ${formatCount(kept.correct)}`,
    );
  return lines;
}

function renderUnknown({ unknownClasses = [] }: LabelReport): string[] {
  return unknownClasses.map(
    ({ value, rows, nearest }) =>
      `unknown class ${JSON.stringify(value)}: ${formatCount(rows)} rows${nearest ? `; did the data mean "${nearest}"?` : ''}`,
  );
}

/** Classes × splits. Class names are cut where the terminal is narrow, numbers never. */
function renderClasses({ split, classes, kept }: LabelReport, width: number, paint: Paint): string[] {
  if (!split) return [];
  const total = kept?.total ?? 0;
  const sumOf = (id: number) => split.splits.reduce((sum, each) => sum + (each.classes[id] ?? 0), 0);
  const body = classes.map((_, id) => [
    ...split.splits.map((each) => formatCount(each.classes[id] ?? 0)),
    formatCount(sumOf(id)),
  ]);
  const header = [...split.splits.map(({ name }) => name), 'all'];
  const sums = [...split.splits.map(({ rows }) => formatCount(rows)), formatCount(total)];
  const shares = [...split.splits.map(({ rows }) => `${((100 * rows) / Math.max(1, total)).toFixed(1)}%`), ''];
  const asked = [...split.splits.map(({ share }) => `${trimZeros(Number(share) * 100)}%`), ''];
  const cells = [header, ...body, sums, shares, asked];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => Bun.stringWidth(row[column] ?? ''))));
  const names = ['class', ...classes, 'all', 'share', 'asked'];
  const room = Math.max(12, width - 2 - widths.reduce((sum, each) => sum + each + 2, 0));
  const nameWidth = Math.min(room, Math.max(...names.map((name) => Bun.stringWidth(name))));
  const line = (name: string, row: string[]) =>
    `${padEnd(cut(name, nameWidth), nameWidth)}${row.map((cell, column) => `  ${' '.repeat((widths[column] ?? 0) - Bun.stringWidth(cell))}${cell}`).join('')}`.trimEnd();
  const lines = cells.map((row, index) => line(names[index] ?? '', row));
  return ['', paint('bold', lines[0] ?? ''), ...lines.slice(1), ''];
}

function renderSplit({ split, previousVersion }: LabelReport): string[] {
  if (!split) return [];
  const since = previousVersion ? ` of ${previousVersion} and before` : '';
  const merged = split.merged > 0 ? `, ${formatCount(split.merged)} merged` : '';
  const small =
    split.smallClasses.length > 0 ? [`too few texts for every split: ${split.smallClasses.join(', ')}`] : [];
  return [
    `split    ${formatCount(split.remembered)} texts remembered${since}, ${formatCount(split.assigned)} new${merged}`,
    ...small,
  ];
}

function renderTimes({ seconds }: LabelReport): string[] {
  const parts = Object.entries(seconds).map(([name, time]) => `${name} ${formatSeconds(time)}`);
  return parts.length === 0 ? [] : [`time     ${parts.join(', ')}`];
}

function trimZeros(value: number): string {
  return String(Number(value.toFixed(4)));
}

function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Bun.stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - Bun.stringWidth(text)));
}
