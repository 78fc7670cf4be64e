import { type Paint, type Style, widthOf } from '../report/layout.ts';
import type { TextPart } from '../report/samples.ts';

/**
 * What a terminal would obey, or nobody would see, as an escape: controls, what turns the reading direction, spaces that are no plain
 * space. Joiners stay, since Devanagari needs them.
 */
export function visible(text: string): string {
  return text.replace(/\\|[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/gu, (character) => {
    if (character === ' ' || /\p{Join_Control}/u.test(character)) return character;
    return SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

const SHORT: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const MARKS = { same: ['', ''], removed: ['[-', '-]'], added: ['{+', '+}'] } as const; // as in git diff --word-diff
const STYLES: Partial<Record<TextPart['kind'], Style>> = { removed: 'red', added: 'green' };

/** A grapheme in a terminal. */
export interface Cell {
  text: string;
  style: Style | undefined;
}

export function cellsOf(text: string, style?: Style): Cell[] {
  return [...new Intl.Segmenter('en').segment(text)].map(({ segment }) => ({ text: segment, style }));
}

/** A change as one line of cells; spaces that alone went or came are made visible. */
export function markParts(parts: TextPart[]): Cell[] {
  return parts.flatMap(({ kind, text }) => {
    const [open, close] = MARKS[kind];
    const shown = kind !== 'same' && /^ +$/.test(text) ? text.replaceAll(' ', '␣') : visible(text);
    return cellsOf(`${open}${shown}${close}`, STYLES[kind]);
  });
}

/** Break cells into lines, between words where that can be. */
export function fill(cells: Cell[], width: number, paint: Paint): string[] {
  const lines: Cell[][] = [];
  let line: Cell[] = [];
  for (const cell of cells) {
    if (line.length > 0 && widthOfCells(line) + widthOf(cell.text) > width) {
      const space = cell.text === ' ' ? line.length : line.findLastIndex(({ text }) => text === ' ');
      const end = space > 0 ? space : line.length;
      lines.push(line.slice(0, end));
      line = line.slice(space > 0 ? end + 1 : end);
      if (cell.text === ' ') continue;
    }
    line.push(cell);
  }
  return [...lines, line].map((each) => paintCells(each, paint));
}

function widthOfCells(cells: Cell[]): number {
  return cells.reduce((sum, { text }) => sum + widthOf(text), 0);
}

function paintCells(cells: Cell[], paint: Paint): string {
  const runs: Cell[] = [];
  for (const { text, style } of cells) {
    const last = runs.at(-1);
    if (last && last.style === style) last.text += text;
    else runs.push({ text, style });
  }
  return runs.map(({ text, style }) => (style === undefined ? text : paint(style, text))).join('');
}
