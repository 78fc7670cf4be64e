import { diffWordsWithSpace } from 'diff';
import type { TextPart } from '../report/samples.ts';

const BEFORE = 80; // characters shown in front of the first change
const LONGEST = 600; // characters of an excerpt; what is compared word by word is no longer
const CUT = '…';

/** The part of a text that a person reads in a report. */
export function excerpt(text: string): string {
  return cutAt(text, LONGEST);
}

/** What changed between two texts, word by word, around the first change. */
export function diffTexts(before: string, after: string): TextPart[] {
  const start = windowStart(before, after);
  const parts: TextPart[] = diffWordsWithSpace(window(before, start), window(after, start)).map(
    ({ value, added, removed }) => ({ kind: removed ? 'removed' : added ? 'added' : 'same', text: value }),
  );
  const [first, last] = [parts.at(0), parts.at(-1)];
  if (start > 0 && first?.kind === 'same') first.text = CUT + first.text;
  const isCut = Math.max(before.length, after.length) > start + LONGEST;
  if (isCut) {
    if (last?.kind === 'same') last.text += CUT;
    else parts.push({ kind: 'same', text: CUT });
  }
  return parts;
}

/** A little before the first difference, at the beginning of a word where there is one. */
function windowStart(before: string, after: string): number {
  const shorter = Math.min(before.length, after.length);
  let common = 0;
  while (common < shorter && before[common] === after[common]) common++;
  if (common <= BEFORE) return 0;
  const from = common - BEFORE;
  const space = before.slice(from, common).search(/\s/);
  return whole(before, space === -1 ? from : from + space + 1);
}

function window(text: string, start: number): string {
  return text.slice(start, whole(text, start + LONGEST));
}

function cutAt(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, whole(text, length)) + CUT;
}

/** The place, or the one before it where it would cut a character in two. */
function whole(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
