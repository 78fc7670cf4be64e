import { cut, type Paint, padEnd, painter, type Style, widthOf } from '../report/layout.ts';
import type { TerminalOptions } from '../report/terminal.ts';
import { formatCount, formatStatus } from '../report/words.ts';
import type { ExplainedRow, ExplainedStep, Explanation } from './explain.ts';
import type { Fate, Memory, Placed } from './fate.ts';
import type { SourceRecord, SourceRow } from './lookup.ts';
import { type Cell, cellsOf, fill, markParts, visible } from './marked.ts';

const PIPE_COLUMNS = 120; // cells
const NARROWEST = 40; // cells
const TERM = 10; // cells: `left out  `
const LONGEST_NAME = 60; // cells of a key or a value
const NO_CHANGE = 'no change';

/** One block for each label. */
export function renderExplanation(
  key: string,
  explanations: Explanation[],
  { colour, columns }: TerminalOptions,
): string {
  const page: Page = { paint: painter(colour), width: Math.max(NARROWEST, columns ?? PIPE_COLUMNS) };
  const head = fill(cellsOf(`Key ${quote(key)}`, 'bold'), page.width, page.paint);
  const blocks = explanations.map((explanation) => renderLabel(explanation, page));
  return `${[head, ...blocks].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

interface Page {
  paint: Paint;
  width: number;
}

function renderLabel(explanation: Explanation, page: Page): string[] {
  const { label, target, records, rows, memory, outcome, limit } = explanation;
  const say = (term: string, text: string, style?: Style) => define(term, cellsOf(text), page, style);
  // An outcome is the label's: below a key that stands nowhere it would read as the record's. A problem says why.
  const isNowhere = rows.length === 0 && !memory && records?.every(({ total }) => total === 0);
  const told = outcome && (!isNowhere || 'problem' in outcome) ? outcome : undefined;
  const isPlaced = rows.some(({ fate }) => fate !== undefined && 'placed' in fate && fate.placed !== undefined);
  return [
    ...fill([...cellsOf(label, 'bold'), ...cellsOf(` → ${visible(target)}`)], page.width, page.paint),
    ...renderRecords(records, say),
    ...rows.flatMap((row) => [
      ...(rows.length > 1 ? say('row', `${row.source}, ${formatValue(row.value)}`) : []),
      ...renderCleaning(row, page),
      ...renderFate(row, limit, say),
    ]),
    ...(memory && !isPlaced ? say('published', formatMemory(memory)) : []),
    ...(told ? say('outcome', visible(formatStatus(told))) : []),
    ...(told && 'problem' in told && told.problem.fix ? say('fix', visible(told.problem.fix)) : []),
  ];
}

type Say = (term: string, text: string, style?: Style) => string[];

function renderRecords(records: SourceRecord[] | undefined, say: Say): string[] {
  if (!records) return say('found', 'nobody looked: the label ended before its sources were read', 'yellow');
  const found = records.filter(({ total }) => total > 0);
  if (found.length === 0)
    return say('found', 'in neither source; the key is compared with the text form of `key`', 'yellow');
  return [
    ...found.flatMap(({ source, rows, total }) => [
      ...rows.flatMap((row) => say('found', `${source}: ${formatValue(row.value)}, ${formatLength(row)}`)),
      ...(total > rows.length ? say('', `and ${formatCount(total - rows.length)} more rows in ${source}`) : []),
    ]),
    ...(found.length > 1 ? say('', 'in both: counts as misclassified') : []),
  ];
}

function formatValue(value: string | null): string {
  return value === null ? 'no label' : `label ${quote(value)}`;
}

function formatLength({ characters, bytes }: SourceRow): string {
  if (characters === null) return 'no text';
  return `${formatCount(characters)} characters (${formatCount(bytes ?? 0)} bytes)`;
}

function renderCleaning({ text, steps }: ExplainedRow, page: Page): string[] {
  const room = page.width - 4 - NO_CHANGE.length - 2;
  const nameWidth = Math.min(room, Math.max(0, ...steps.map(({ step }) => widthOf(nameOf(step)))));
  return [
    ...(text ? define('text', markParts(text), page) : []),
    ...(steps.length > 0 ? define('cleaning', [], page) : []),
    ...steps.flatMap((step) => renderStep(step, nameWidth, page)),
  ];
}

function renderStep({ step, changed, parts }: ExplainedStep, nameWidth: number, { width, paint }: Page): string[] {
  const name = padEnd(cut(nameOf(step), nameWidth), nameWidth);
  if (!changed) return [`    ${name}  ${paint('dim', NO_CHANGE)}`];
  const lines = parts ? fill(markParts(parts), width - 6, paint) : [];
  return [`    ${name}  changed`, ...lines.map((line) => `      ${line}`)];
}

/** A pattern keeps its backslashes. */
function nameOf(step: string): string {
  return visible(step).replaceAll('\\\\', '\\');
}

function renderFate(
  { fate, leftOut, source, bytes, value }: ExplainedRow,
  { maxTextBytes }: Explanation['limit'],
  say: Say,
): string[] {
  if (leftOut) return say('left out', formatLeftOut(source, leftOut), 'yellow');
  if (!fate) return say('fetched', 'and not cleaned: the label ended before');
  if (fate.kind === 'kept')
    return [...say('kept', `class ${visible(fate.class)}`, 'green'), ...renderPlaced(fate.placed, say)];
  const why = formatDrop(fate, { bytes, maxTextBytes, value });
  return [
    ...say('dropped', `${fate.reason}: ${why}`, 'yellow'),
    ...('placed' in fate ? renderPlaced(fate.placed, say) : []),
  ];
}

function formatLeftOut(source: string, { rank, of, asked }: NonNullable<ExplainedRow['leftOut']>): string {
  if (asked === 0) return `the ratio asks for no ${source} row`;
  return `${source} rows are sampled, by the smallest hash of seed and key: ${formatCount(asked)} of ${formatCount(of)} were asked for, and this one is number ${formatCount(rank)}`;
}

function formatDrop(
  fate: Fate & { kind: 'dropped' },
  { bytes, maxTextBytes, value }: { bytes: number | null; maxTextBytes: number; value: string | null },
): string {
  switch (fate.reason) {
    case 'duplicate_key':
      return `its key stands on another row, which goes first: ${fate.first.source}, ${formatValue(fate.first.value)}`;
    case 'too_long': {
      const size = bytes === null ? '' : `${formatCount(bytes)} bytes, `;
      return `${size}max_text_bytes is ${formatCount(maxTextBytes)}`;
    }
    case 'null_text':
      return 'it has no text';
    case 'null_label':
      return 'it has no label';
    case 'unknown_class':
      return `${formatValue(value)} is no class of the spec${fate.nearest === undefined ? '' : `; did it mean ${quote(fate.nearest)}?`}`;
    case 'empty_text':
      return 'cleaning leaves nothing of its text';
    case 'conflict': {
      const classes = fate.classes.map(
        ({ name, reviewed, unreviewed }) =>
          `${quote(name)} (${formatCount(reviewed)} reviewed, ${formatCount(unreviewed)} unreviewed)`,
      );
      const end = fate.winner === undefined ? 'none of them is kept' : `${quote(fate.winner)} is kept`;
      return `its text stands under ${classes.join(' and ')}; ${end}`;
    }
    case 'duplicate':
      return `key ${quote(fate.key)} (${fate.source}) stands for its text`;
  }
}

function renderPlaced(placed: Placed | undefined, say: Say): string[] {
  if (!placed) return [];
  const { split, memory } = placed;
  if (!memory) return say('split', `${split}: new, no version had its text or its key`);
  const others =
    memory.others.length === 0
      ? ''
      : `; earlier versions had it in ${memory.others.join(', ')} too, and the split listed first wins`;
  return say('split', `${formatMemory(memory)}${others}`);
}

function formatMemory({ split, version, by, key }: Memory): string {
  const since = version === null ? 'since a version that the ledger does not name' : `since ${version}`;
  switch (by) {
    case 'text':
      return `${split}: its text has been there ${since}`;
    case 'key':
      return `${split}: its key has been there ${since}, under another text`;
    case 'duplicate':
      return `${split}: key ${quote(key ?? '')}, which has this text, has been there ${since}`;
  }
}

/** A value of the data or the command line, on one line and not too long. */
function quote(value: string): string {
  return `"${cut(visible(value), LONGEST_NAME)}"`;
}

function define(term: string, text: Cell[], { width, paint }: Page, style: Style = 'dim'): string[] {
  const [first = '', ...rest] = fill(text, width - 2 - TERM, paint);
  return [
    `  ${paint(style, term)}${' '.repeat(TERM - term.length)}${first}`.trimEnd(),
    ...rest.map((line) => `${' '.repeat(2 + TERM)}${line}`),
  ];
}
