import { OBEYED, type Paint, padEnd, plain, type Style, widthOf, wrap } from '../layout.ts';

/** Lines of text for a terminal: nothing in a value moves the cursor, changes a colour or turns the reading direction. */

const TERM = 9; // cells: `fetched  `

/** Blanks where no line may break: around a number, before its unit, inside of `1 → 2`. */
const GLUE = / (?=\d|→ \d)|(?<=\d) (?=(?:min|s|rows?|texts?|new|pp)\b)/g;

/** A value of the data as JSON writes it: what a terminal would obey is escaped. */
export function quote(value: string): string {
  return JSON.stringify(value).replace(OBEYED, escapeCharacter);
}

/** One line of SQL or of a row's text: as it is, but for what a terminal would obey, which is escaped. */
export function reveal(text: string): string {
  const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  return text.replace(OBEYED, (character) => short[character] ?? escapeCharacter(character));
}

/** JSON that a terminal obeys in nothing but its line breaks; what it says is the same. */
export function escapeJson(json: string): string {
  return json.replace(OBEYED, (character) => (character === '\n' ? character : escapeCharacter(character)));
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A line above a block. */
export function heading(text: string, width: number, paint: Paint): string[] {
  return wrap(plain(text), width).map((line) => paint('bold', line));
}

/** `term` and a text, the text in a column of its own. */
export function define(term: string, text: string, width: number): string[] {
  return hang(padEnd(term, TERM - 1), text, width, TERM);
}

/** `head` and `text`, wrapped; later lines indented. A number stays with its name and its unit. */
export function hang(head: string, text: string, width: number, indent: number): string[] {
  const glued = plain(text).replace(GLUE, '\u00A0');
  return hangWords(head, glued, width, indent);
}

/** As hang(), for a text that is clean already and may hold colours, each of them within a word. */
export function hangWords(head: string, text: string, width: number, indent: number): string[] {
  const filler = '\u2007'.repeat(widthOf(head)); // stands for the head, which may hold blanks and escapes
  const [first = '', ...rest] = wrap(`${filler} ${text}`, width);
  const more = rest.length === 0 ? [] : wrap(rest.join(' '), width - indent);
  const lines = [`${head}${first.slice(filler.length)}`, ...more.map((line) => `${' '.repeat(indent)}${line}`)];
  return lines.map((line) => line.replaceAll('\u00A0', ' ').trimEnd());
}

/** Colour each word by itself, so that a line may break between two of them. */
export function paintWords(paint: Paint, style: Style, text: string): string {
  return text
    .split(' ')
    .map((word) => (word === '' ? '' : paint(style, word)))
    .join(' ');
}

/** Blocks with a blank line between them; empty ones are left out. */
export function stack(blocks: string[][]): string[] {
  return blocks.filter((block) => block.length > 0).flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

/** At most `most` of a list, and what is not shown, in words. */
export function capped<T>(
  list: T[],
  most: number,
  line: (item: T) => string[],
  rest: (items: T[]) => string,
): string[] {
  const hidden = list.slice(most);
  return [...list.slice(0, most).flatMap(line), ...(hidden.length > 0 ? [rest(hidden)] : [])];
}
