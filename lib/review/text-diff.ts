import { diffArrays } from 'diff';
import type { TextPart } from '../report/samples.ts';

const CONTEXT = 40; // graphemes that are shown on either side of a change
const LEAD = 200; // UTF-16 units that hold as many
const COMPARED = 2000; // UTF-16 units of each text, from the first change on; bounds the comparison
const MOST_EDITS = 200; // words; beyond this two texts have little in common, and one simply replaces the other
const LONGEST = 80; // graphemes of one change
const SHOWN = 320; // graphemes in all
const EXCERPT = 160; // graphemes
const READABLE = 600; // UTF-16 units of an example
const CUT: TextPart = { kind: 'same', text: '…' };

const words = new Intl.Segmenter('en', { granularity: 'word' });
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const split = (text: string, by: Intl.Segmenter) => [...by.segment(text)].map(({ segment }) => segment);

/**
 * Plan what to show of a change, word by word: a window that begins shortly before the first one.
 *
 * @returns nothing where the texts are equal
 */
export function planChange(before: string, after: string): TextPart[] {
  if (before === after) return [];
  const { prefix, suffix } = findCommonEnds(before, after);
  const [old, now] = [before, after].map((text) => text.slice(prefix, text.length - suffix)) as [string, string];
  const [start, end] = [Math.max(0, prefix - LEAD), before.length - suffix];
  const [lead, trail] = [before.slice(start, prefix), before.slice(end, end + LEAD)];
  const within = (text: string) => (text.length > COMPARED ? text.slice(0, COMPARED) : text + trail);
  const parts: TextPart[] =
    old === '' || now === ''
      ? [
          { kind: 'same', text: lead },
          now === '' ? { kind: 'removed', text: old } : { kind: 'added', text: now },
          { kind: 'same', text: trail },
        ]
      : compareWords(lead + within(old), lead + within(now));
  const isWhole = old === '' || now === '' || Math.max(old.length, now.length) <= COMPARED;
  return shorten(parts, start > 0, suffix > LEAD || !isWhole);
}

/** The beginning of a text. */
export function planExcerpt(text: string): TextPart[] {
  const shown = split(text.slice(0, COMPARED), graphemes).slice(0, EXCERPT).join('');
  return [{ kind: 'same', text: shown }, ...(shown.length < text.length ? [CUT] : [])];
}

/** The beginning of an example's text. */
export function excerpt(text: string): string {
  if (text.length <= READABLE) return text;
  let end = READABLE;
  while (isInside(text, end)) end--;
  return `${text.slice(0, end)}…`;
}

/** UTF-16 units that two texts have in common at the start and, of the rest, at the end; no letter loses its marks. */
function findCommonEnds(a: string, b: string): { prefix: number; suffix: number } {
  const most = Math.min(a.length, b.length);
  let prefix = 0;
  while (prefix < most && a.charCodeAt(prefix) === b.charCodeAt(prefix)) prefix++;
  while (isInside(a, prefix) || isInside(b, prefix)) prefix--;
  let suffix = 0;
  while (suffix < most - prefix && a.charCodeAt(a.length - 1 - suffix) === b.charCodeAt(b.length - 1 - suffix))
    suffix++;
  while (isInside(a, a.length - suffix) || isInside(b, b.length - suffix)) suffix--;
  return { prefix, suffix };
}

/** Whether a place is inside of a letter with marks, or of a pair of units. */
function isInside(text: string, place: number): boolean {
  return place > 0 && /^[\p{M}\p{Join_Control}\udc00-\udfff]/u.test(text.slice(place, place + 2));
}

/** White space matches white space, whatever it is, so that words are matched with each other; it is compared afterwards. */
function compareWords(before: string, after: string): TextPart[] {
  const [old, now] = [split(before, words), split(after, words)];
  const comparator = (a: string, b: string) => a === b || (a.trim() === '' && b.trim() === '');
  const changes = diffArrays(old, now, { maxEditLength: MOST_EDITS, comparator });
  if (!changes)
    return [
      { kind: 'removed', text: before },
      { kind: 'added', text: after },
    ];
  const parts: TextPart[] = [];
  const say = (kind: TextPart['kind'], text: string) => {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  };
  let [i, j] = [0, 0];
  for (const { added, removed, count } of changes) {
    for (let n = 0; n < count; n++) {
      const [gone, come] = [added ? '' : (old[i++] ?? ''), removed ? '' : (now[j++] ?? '')];
      if (gone === come) say('same', gone);
      else
        for (const [kind, text] of [
          ['removed', gone],
          ['added', come],
        ] as const)
          if (text !== '') say(kind, text);
    }
  }
  return parts;
}

/** Keep the neighbourhood of each change, until there is enough of it. */
function shorten(parts: TextPart[], cutBefore: boolean, cutAfter: boolean): TextPart[] {
  const shown: TextPart[] = cutBefore ? [CUT] : [];
  let total = 0;
  for (const [index, { kind, text }] of parts.entries()) {
    if (total >= SHOWN) {
      shown.push(CUT);
      break;
    }
    const letters = split(text, graphemes);
    const head = kind !== 'same' ? LONGEST : index === 0 ? 0 : CONTEXT;
    const tail = kind === 'same' && index < parts.length - 1 ? CONTEXT : 0;
    const isWhole = letters.length <= head + tail;
    const pieces = isWhole
      ? [text]
      : [letters.slice(0, head).join(''), '…', tail > 0 ? letters.slice(-tail).join('') : ''];
    shown.push(...pieces.map((piece) => ({ kind, text: piece })));
    total += isWhole ? letters.length : head + tail;
  }
  if (cutAfter) shown.push(CUT);
  return shown
    .filter(({ text }) => text !== '')
    .filter(({ text }, index, all) => text !== '…' || all[index - 1]?.text !== '…');
}
