import { NONE } from '../figures.ts';
import { cut, type Paint, padEnd, padStart, plain, type Style, widthOf, wrap } from '../layout.ts';
import { hang } from './text.ts';

export interface TableRow {
  name: string;
  cells: string[];
  /** Colour of the whole row. */
  style?: Style;
  /** Stands behind the cells where there is room, else below them. */
  note?: string;
}

export interface Table {
  header: TableRow;
  rows: TableRow[];
  /** Columns of words, which stand to the left; by index. */
  words?: number[];
  /** Names are never cut, e.g. paths. */
  wholeNames?: boolean;
}

const NARROWEST_NAME = 16; // cells; where a name has less, it stands above its numbers

/** A table in columns: names are cut where the terminal is narrow, numbers never. Where even that has no room, a row is a paragraph. */
export function renderTable(table: Table, width: number, paint: Paint): string[] {
  const { header, rows, words = [], wholeNames = false } = clean(table);
  const all = [header, ...rows];
  const widths = header.cells.map((_, column) => Math.max(...all.map(({ cells }) => widthOf(cells[column] ?? ''))));
  const room = width - widths.reduce((sum, each) => sum + each + 2, 0);
  const widest = Math.max(...all.map(({ name }) => widthOf(name)));
  if (room < (wholeNames ? widest : Math.min(widest, NARROWEST_NAME)))
    return rows.flatMap((row) => renderStacked(header, row, width, paint));
  const names = Math.min(room, widest);
  const used = names + width - room;
  const beside = rows.every(({ note }) => note === undefined || used + 2 + widthOf(note) <= width);
  const line = ({ name, cells, note, style }: TableRow) => {
    const padded = cells.map((cell, column) =>
      words.includes(column) ? padEnd(cell, widths[column] ?? 0) : padStart(cell, widths[column] ?? 0),
    );
    const text = [padEnd(cut(name, names), names), ...padded, ...(beside && note ? [note] : [])].join('  ').trimEnd();
    const below = !beside && note ? hang(' '.repeat(3), note, width, 4) : [];
    return [text, ...below].map((each) => (style ? paint(style, each) : each));
  };
  return [paint('bold', line(header)[0] ?? ''), ...rows.flatMap(line)];
}

/** Whoever named the columns and rows of a table, nothing of it is obeyed. Blanks in front of a name indent it. */
function clean(table: Table): Table {
  const row = ({ name, cells, note, ...rest }: TableRow): TableRow => ({
    ...rest,
    name: `${/^ */.exec(name)?.[0] ?? ''}${plain(name)}`,
    cells: cells.map(plain),
    ...(note === undefined ? {} : { note: plain(note) }),
  });
  return { ...table, header: row(table.header), rows: table.rows.map(row) };
}

/** A row of a table that has no room for columns. */
function renderStacked(
  header: TableRow,
  { name, cells, note, style }: TableRow,
  width: number,
  paint: Paint,
): string[] {
  const pairs = cells.flatMap((cell, column) =>
    cell === '' || cell === NONE ? [] : [`${header.cells[column]} ${cell}`.trim()],
  );
  const indent = /^ */.exec(name)?.[0] ?? '';
  const room = width - indent.length;
  const values = pairs.length > 0 ? hang(' ', pairs.join(', '), room, 2) : [];
  const more = note ? hang(' ', note, room, 2) : [];
  const names = wrap(plain(name), room).map((line) => paint('bold', line));
  const lines = [...names, ...values, ...more].map((line) => `${indent}${line}`);
  return style ? lines.map((line) => paint(style, line)) : lines;
}
