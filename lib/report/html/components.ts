import { formatCount, type Tone } from '../words.ts';
import { type Html, html, type Value } from './escape.ts';

/** What every page is made of; lib/report/html/page.css draws it. */

export interface Column {
  head: Value;
  numeric?: boolean;
}

export interface Table {
  caption: string;
  /** The heading above says the same: the caption is for who does not see that. */
  titled?: boolean;
  /** What the table belongs to: with the caption, a name that no other table of the page has. */
  of: string;
  columns: Column[];
  rows: Value[][];
  /** Rows under headings of their own, instead of `rows`. */
  groups?: { head: string; rows: Value[][] }[];
  total?: Value[];
}

const MOST_ROWS = 200; // of a table; report.json has them all

/** A table that scrolls in its own box where it is too wide. The first column names its row. */
export function table({ caption, titled, of, columns, rows, groups = [], total }: Table): Html {
  const cell = (value: Value, index: number) => {
    const numeric = columns[index]?.numeric ? html` class="number"` : undefined;
    const content = typeof value === 'number' ? formatCount(value) : value;
    return index === 0 ? html`<th scope="row">${content}</th>` : html`<td${numeric}>${content}</td>`;
  };
  const row = (cells: Value[]) => html`<tr>${cells.map(cell)}</tr>\n`;
  const group = ({ head, rows: inner }: { head: string; rows: Value[][] }) =>
    html`<tbody><tr class="group"><th scope="rowgroup" colspan="${columns.length}">${head}</th></tr>
${inner.map(row)}</tbody>`;
  const left = rows.length - MOST_ROWS;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}, ${of}"><table>
<caption${titled && html` class="spoken"`}>${caption}</caption>
<thead><tr>${columns.map(({ head, numeric }) => html`<th scope="col"${numeric && html` class="number"`}>${head}</th>`)}</tr></thead>
${rows.length > 0 && html`<tbody>${rows.slice(0, MOST_ROWS).map(row)}</tbody>`}
${groups.map(group)}
${total && html`<tfoot>${row(total)}</tfoot>`}
</table></div>${left > 0 && html`<p class="note">${formatCount(left)} more rows in report.json.</p>`}`;
}

/** A word on a tint; the word says it, the colour repeats it. */
export function badge(tone: Tone, word: string): Html {
  return html`<span class="badge ${tone}">${word}</span>`;
}

export function callout(tone: Tone, ...content: Value[]): Html {
  return html`<div class="callout ${tone}">${content}</div>`;
}

/** Folded content, opened by mouse or keyboard, without script. */
export function fold(summary: Value, ...content: Value[]): Html {
  return html`<details><summary>${summary}</summary><div class="folded">${content}</div></details>`;
}

/** Names and values. */
export function facts(entries: (readonly [name: string, value: Value] | undefined | false)[]): Html {
  const shown = entries.filter((entry) => entry !== undefined && entry !== false);
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}

/** Few figures, large. */
export function figures(entries: { name: string; value: Value; note?: Value }[]): Html {
  return html`<dl class="figures">${entries.map(
    ({ name, value, note }) =>
      html`<div><dt>${name}</dt><dd>${value}${note && html`<small>${note}</small>`}</dd></div>\n`,
  )}</dl>`;
}

/** A table with its chart beside it, or below it on a phone. */
export function beside(table: Html, chart: Html | undefined): Html {
  return chart === undefined ? table : html`<div class="beside">${table}${chart}</div>`;
}

export interface Section {
  id: string;
  title: string;
  body: Html;
}

/** A section below a label, or none where there is nothing to show. */
export function section(label: string, key: string, title: string, ...content: Value[]): Section | undefined {
  const filled = content.filter(
    (each) => each !== undefined && each !== false && !(Array.isArray(each) && !each.length),
  );
  return filled.length === 0 ? undefined : { id: `label-${label}-${key}`, title, body: html`${filled}` };
}

/** Values below each other. */
export function lines(values: Value[]): Html {
  return html`<ul class="lines">${values.map((value) => html`<li>${value}</li>`)}</ul>`;
}

/** What is read aloud where a sign is enough for the eye. */
export function spoken(sign: string, words: string): Html {
  return html`<span aria-hidden="true">${sign}</span><span class="spoken">${words}</span>`;
}

/** A sentence or a heading of words that stand within a line elsewhere. */
export const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A link, where the address is one of the web that a page may lead to. */
export function linked(url: string, text: string): Html {
  return url.startsWith('https://') ? html`<a href="${url}" rel="noreferrer">${text}</a>` : code(text);
}

export const code = (text: Value): Html => html`<code>${text}</code>`;

/** A value that a user or the data named, in its own direction. */
export const named = (text: string): Html => html`<bdi>${text}</bdi>`;
