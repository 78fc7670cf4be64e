import { styleText } from 'node:util';
import type { World } from '../world.ts';

export type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Whether stdout is a terminal that shows colours, and nobody asked for none. */
export function hasColour({ stdout, env }: Pick<World, 'stdout' | 'env'>): boolean {
  return stdout.isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Colours, or none. */
export function painter(colour: boolean): Paint {
  return (style, text) => (colour && text !== '' ? styleText(style, text, { validateStream: false }) : text);
}

/**
 * Width in terminal cells. A spacing mark (Devanagari ा ि ी) takes a cell of its own in xterm, VTE and tmux, as wcwidth(3) says;
 * Bun.stringWidth gives most of those of India none.
 */
export function widthOf(text: string): number {
  const marks = text.match(/\p{Mc}/gu)?.length ?? 0;
  return marks + Bun.stringWidth(marks === 0 ? text : text.replace(/\p{Mc}/gu, ''));
}

/** What a terminal obeys, or where some break a line. */
export const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const OBEYED_RUN = new RegExp(`${OBEYED.source}+`, 'gu');

/** The same text of several lines without them: those that end a line stay. */
export function obeysNothing(text: string): string {
  return text.replace(OBEYED, (character) => (character === '\n' ? character : ' '));
}

/** One line of plain text: nothing that moves the cursor, ends the line or turns the reading direction. */
export function plain(text: string): string {
  return text.replace(OBEYED_RUN, ' ').trim();
}

/** Cut a text to a width, between graphemes. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (widthOf(kept + segment) > width - 1) break;
    kept += segment;
  }
  return width > 0 ? `${kept.trimEnd()}…` : '';
}

/** Cut a text to a width between words, so that no number is cut; a first word that is too long is cut all the same. */
export function cutWords(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const [first = ''] = wrap(text, width - 2);
  return cut(widthOf(first) <= width - 2 ? `${first} …` : first, width);
}

/** Break a text between words. A word wider than a line stays whole: a URL or a path must be one to be copied. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}
