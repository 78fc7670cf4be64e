import { plain } from '../layout.ts';

/**
 * Text in Markdown that GitHub shows: whoever wrote it, it stays text. Nothing of it becomes HTML, a link, a table cell, or a reference
 * that tells somebody.
 */

const ZERO_WIDTH_SPACE = '&#8203;';
/** Two dollars would begin and end a formula. Source: GitHub's documentation, Writing mathematical expressions. */
const DOLLAR = '<span>$</span>';
/** Bounds what one hostile name can take of the comment; a class name is shorter. */
const LONGEST = 200; // characters, before escaping
const LONGEST_SENTENCE = 600; // characters, before escaping

/** Text as Markdown shows it literally: no HTML, list, emphasis or table cell can come of it; an address may become a link. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/[\\`*_[\]<>#|~]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/\s+/g, ' ')
    .trim()
    .replace(BEGINNING, entity);
}

/** As escapeMarkdown(), and without links. */
export function inert(text: string): string {
  return escapeMarkdown(plain(text)).replaceAll('@', '&#64;').replace(UNLINKED, entity);
}

/**
 * Text for a comment on GitHub. Mentions and references are found in what the browser would show, where `&#64;` is an @ again, so a
 * zero-width space stands behind the sign, as Dependabot and Renovate do it; links are found in the source, where an entity is enough.
 */
export function text(value: string): string {
  return escapeText(shorten(plain(value), LONGEST));
}

/** As text(), for a sentence: it may be longer than a name. */
export function sentence(value: string): string {
  return escapeText(shorten(plain(value), LONGEST_SENTENCE));
}

function escapeText(value: string): string {
  return escapeMarkdown(value)
    .replaceAll('@', `&#64;${ZERO_WIDTH_SPACE}`)
    .replace(/&#35;(?=\d)/g, `&#35;${ZERO_WIDTH_SPACE}`)
    .replace(/\bgh-(?=\d)/gi, (match) => `${match}${ZERO_WIDTH_SPACE}`)
    .replace(/(?<!\d):(?=[\w+-]+:)/g, `:${ZERO_WIDTH_SPACE}`) // an emoji's name
    .replace(UNLINKED, entity)
    .replace(INSIDE_A_WORD, '_')
    .replaceAll('$', DOLLAR);
}

/** A name or a pattern as code, in a table cell too; GitHub looks for no mention in code. */
export function code(value: string): string {
  const inside = escapeMarkdown(shorten(plain(value), LONGEST))
    .replaceAll('@', '&#64;')
    .replace(UNLINKED, entity)
    .replace(INSIDE_A_WORD, '_')
    .replaceAll('$', DOLLAR);
  return `<code>${inside || ' '}</code>`;
}

/** Underscores that mean no emphasis, kept readable in the source. */
const INSIDE_A_WORD = /(?<=\w)&#95;(?=\w)/g;
/** What would begin a list, a rule or an underlined heading. */
const BEGINNING = /^[-+](?=\s|$)|^[-=](?=[-=\s]*$)|(?<=^\d{1,9})[.)](?=\s|$)/;
/** What GitHub makes a link of by itself: `https://…`, `www.…`. */
const UNLINKED = /:(?=\/\/)|(?<=www)\./gi;
const entity = (character: string) => `&#${character.charCodeAt(0)};`;

function shorten(value: string, most: number): string {
  return value.length <= most ? value : `${value.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** A block of code: the fence is longer than any in the content; what would turn the reading direction is written out. */
export function fence(content: string, language: string): string {
  const clean = content
    .replace(/\r\n?/g, '\n')
    .replace(
      /[^\P{Cc}\n\t]|[\p{Bidi_Control}\u2028\u2029]/gu,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .trimEnd();
  const longest = Math.max(2, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${clean}\n${ticks}`;
}

/** A table whose cells are Markdown already; columns of numbers stand to the right. */
export function table(header: string[], rows: string[][], words: number[] = [0]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, column) => (words.includes(column) ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

/** Folded: a line that opens it, and Markdown. */
export function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

/** As many of the lines as have room. */
export function fit(lines: string[], characters: number): string[] {
  let used = 0;
  const first = lines.findIndex((line) => {
    used += line.length + 1;
    return used > characters;
  });
  return first === -1 ? lines : lines.slice(0, first);
}
