import type * as Plot from '@observablehq/plot';
import { Html, html, showInvisible } from './escape.ts';

/**
 * Draws with Observable Plot on a document that is not a browser's. A drawing is as wide as a phone of 360 px leaves room, and is
 * not scaled down there, so that its text stays legible.
 */

export const WIDTH = 328; // px
const FONT_PX = 12;

export interface Drawing {
  /** Unique in the page. */
  id: string;
  title: string;
  /** The same in words, for who does not see it. */
  description: string;
  /** Names of the colours and shapes, in the page's text. */
  legend?: Html;
  options: Plot.PlotOptions;
}

export interface Plotter {
  plot: typeof Plot;
  draw(drawing: Drawing): Html;
}

/** Plot takes a quarter of a second to load, which only a report with charts has to pay. */
export async function loadPlotter(): Promise<Plotter> {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const draw = ({ id, title, description, legend, options }: Drawing) => {
    const svg = plot.plot({
      document: document as never,
      width: WIDTH,
      ...options,
    }) as unknown as Element;
    svg.querySelector('style')?.remove(); // the page has the one stylesheet
    for (const part of svg.querySelectorAll('[aria-label],[aria-hidden]')) {
      part.removeAttribute('aria-label'); // the drawing is one picture with one name
      part.removeAttribute('aria-hidden');
    }
    for (const [name, text] of [
      ['desc', description],
      ['title', title],
    ] as const) {
      const element = document.createElementNS('http://www.w3.org/2000/svg', name);
      element.setAttribute('id', `${id}-${name}`);
      element.textContent = showInvisible(text);
      svg.prepend(element);
    }
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-labelledby', `${id}-title`);
    svg.setAttribute('aria-describedby', `${id}-desc`);
    svg.setAttribute('class', 'chart');
    svg.setAttribute('font-size', String(FONT_PX));
    svg.removeAttribute('font-family');
    // The caption says the title again for the eye only.
    return html`<figure><figcaption><b aria-hidden="true">${title}</b>${legend}</figcaption>${Html.trusted(svg.outerHTML)}</figure>`;
  };
  return { plot, draw };
}

interface Element {
  outerHTML: string;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
  prepend(node: unknown): void;
  remove(): void;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
}

/** Series have a colour of the stylesheet each, light and dark; beyond the last they begin again. */
export const seriesName = (index: number): string => `series-${(index % 6) + 1}`;

/** As a presentation attribute of SVG has it: a policy that forbids styles in the markup lets it be. */
export const colourOf = (name: string): string => `var(--${name})`;

export const seriesColour = (index: number): string => colourOf(seriesName(index));

/** Names of the series beside their colours, which the stylesheet knows by name. */
export function legendOf(
  names: readonly string[],
  colours: readonly string[] = names.map((_, index) => seriesName(index)),
): Html {
  const entries = names.map(
    (name, index) => html`<li><span class="swatch ${colours[index]}"></span><bdi>${name}</bdi></li>`,
  );
  return html`<ul class="legend">${entries}</ul>`;
}

/** Em of a character; a rough measure on the wide side, since the reader's font is not known. */
function emOf(character: string): number {
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
  if (/[ilj.,:;'|!()[\] ]/.test(character)) return 0.34;
  if (
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}]/u.test(character)
  )
    return 1.1;
  if (/[mwMW@%]/.test(character)) return 0.98;
  return /\p{Lu}/u.test(character) ? 0.74 : 0.63;
}

/** Of a text in px, rather more than less. */
export const textWidth = (text: string): number => [...text].reduce((sum, each) => sum + emOf(each), 0) * FONT_PX;

/** Break a name into at most two lines of `width` px, between words where it can be; what is too long ends in `…`. */
export function wrapName(name: string, width = WIDTH): string[] {
  const lines: string[] = [''];
  for (const { segment, isWordLike } of new Intl.Segmenter(undefined, { granularity: 'word' }).segment(
    showInvisible(name),
  )) {
    const pieces = isWordLike && textWidth(segment) > width ? graphemes(segment) : [segment];
    for (const piece of pieces) {
      const line = lines.at(-1) ?? '';
      if (textWidth(line + piece.trimEnd()) <= width) lines[lines.length - 1] = line + piece;
      else lines.push(piece.trimStart());
    }
  }
  const [first = '', second, ...more] = lines.map((line) => line.trim());
  if (second === undefined) return [first];
  return more.length === 0 ? [first, second] : [first, cut(second, width)];
}

function cut(line: string, width: number): string {
  const kept = graphemes(line);
  while (textWidth(`${kept.join('')}…`) > width) kept.pop();
  return `${kept.join('').trimEnd()}…`;
}

const graphemes = (text: string) => [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
