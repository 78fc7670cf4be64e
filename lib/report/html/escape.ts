/** Markup that may stand in a page as it is; only this file makes any. */
export class Html {
  readonly markup: string;

  private constructor(markup: string) {
    this.markup = markup;
  }

  /** Take markup as it is: a stylesheet of ours, or what a serializer has escaped. Never a value. */
  static trusted(markup: string): Html {
    return new Html(markup);
  }
}

/** What may stand in a template. Nothing stands for undefined and false, so that `condition && html` can be written in place. */
export type Value = Html | string | number | undefined | false | readonly Value[];

/**
 * Markup with values in it. A value is escaped, for text and for a quoted attribute; what steers the reading direction or cannot be seen
 * becomes a visible `\u{…}`. Only `Html` goes in as it is.
 */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return Html.trusted(String.raw({ raw: strings }, ...values.map(markupOf)));
}

function markupOf(value: Value): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escapeMarkup(showInvisible(String(value)));
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/**
 * Control characters, marks of direction, and what has no width. Not U+200C and U+200D: Devanagari is written with them.
 * Line feeds and tabs are for the stylesheet to show.
 */
const INVISIBLE =
  /[[\p{Cc}\p{Bidi_Control}\p{Cs}\p{Noncharacter_Code_Point}\u00ad\u180e\u200b\u2028\u2029\u2060-\u2064\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]--[\n\t]]/gv;

const INVISIBLE_RUNS = new RegExp(`(?:${INVISIBLE.source})+`, 'gv');

/** U+202E → `\u{202e}`, a carriage return → `\r`. */
export function showInvisible(text: string): string {
  return text.replace(INVISIBLE, escapeOf);
}

const escapeOf = (character: string) =>
  character === '\r' ? '\\r' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** A row's text: what was made visible can be told from what stands in the text. */
export function rowText(text: string): Html {
  const parts: Value[] = [];
  let last = 0;
  for (const { 0: run, index } of text.matchAll(INVISIBLE_RUNS)) {
    parts.push(text.slice(last, index), html`<span class="invisible">${run}</span>`);
    last = index + run.length;
  }
  return html`${parts}${text.slice(last)}`;
}
