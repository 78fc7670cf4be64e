import {
  innermost,
  type Part,
  peek,
  readCharacter,
  refuse,
  refuseOneOf,
  type Scan,
  writeCharacter,
} from './pattern-cursor.ts';
import { REFUSED_ESCAPES, REFUSED_IN_CLASSES } from './pattern-refusals.ts';
import { casePartners, DIGIT, UNICODE_CLASSES, WHITE_SPACE, WORD } from './unicode-classes.ts';

const SHORTHANDS: Record<string, string> = { s: WHITE_SPACE, d: DIGIT, w: WORD };
const SHORTHAND = /\\([sdw])/iy;
const UNICODE_CLASS = /\\[pP](?:([A-Z])|\{\^?(\w+)\})/y;
const SET_SIZE = 340; // instructions: \w, the largest, has 325 in DuckDB 1.5 (found by bisection)
const RANGE_SIZE = 24; // instructions: a range over all lengths of UTF-8

/** Read `\s \d \w`, their opposites, or `\p{…}` outside of […]. */
export function scanSet(scan: Scan): Part | undefined {
  const unicode = readUnicodeClass(scan);
  const shorthand = unicode === undefined ? peek(scan, SHORTHAND) : null;
  if (unicode === undefined && !shorthand) return undefined;
  scan.out += unicode ?? '';
  if (shorthand) {
    const [whole, letter = ''] = shorthand;
    scan.at += whole.length;
    const set = SHORTHANDS[letter.toLowerCase()];
    scan.out += withoutFolding(scan, letter === letter.toLowerCase() ? `[${set}]` : `[^${set}]`);
  }
  return { kind: 'character', nullable: false, size: SET_SIZE };
}

/** With its case ignored, \p{L} holds U+0345, a mark that folds to a letter; Python's \w does not. */
function withoutFolding(scan: Scan, set: string): string {
  return innermost(scan).ignoreCase ? `(?-i:${set})` : set;
}

function readUnicodeClass(scan: Scan): string | undefined {
  const found = peek(scan, UNICODE_CLASS);
  if (!found || !UNICODE_CLASSES.has(found[1] ?? found[2] ?? '')) return undefined;
  scan.at += found[0].length;
  return found[0];
}

interface ClassContent {
  /** Translated sets such as \p{L}. */
  sets: string[];
  ranges: [low: number, high: number][];
  hasWord: boolean;
}

/** Read from "[" to its "]"; undefined when it is never closed. */
export function scanClass(scan: Scan): Part | undefined {
  const start = scan.at;
  scan.at += 1;
  const negated = scan.text[scan.at] === '^';
  if (negated) scan.at += 1;
  const content: ClassContent = { sets: [], ranges: [], hasWord: false };
  for (let first = true; first || scan.text[scan.at] !== ']'; first = false) {
    if (scan.at >= scan.text.length) {
      scan.at = start + 1;
      refuse(scan, start, 'PATTERN_SYNTAX', 'the class is never closed', 'add ], or write \\[ for the character');
      scan.at = scan.text.length;
      return undefined;
    }
    scanMember(scan, content);
  }
  scan.at += 1;
  scan.out += writeClass(scan, negated, content);
  const { sets, ranges } = content;
  return { kind: 'character', nullable: false, size: 8 + sets.length * SET_SIZE + ranges.length * RANGE_SIZE };
}

function writeClass(scan: Scan, negated: boolean, { sets, ranges, hasWord }: ClassContent): string {
  const partners = innermost(scan).ignoreCase ? casePartners(ranges) : [];
  const members = [
    ...sets,
    ...ranges.map(([low, high]) =>
      low === high ? writeCharacter(low) : `${writeCharacter(low)}-${writeCharacter(high)}`,
    ),
    ...partners.map(writeCharacter),
  ].join('');
  const written = `[${negated ? '^' : ''}${members}]`;
  return hasWord ? withoutFolding(scan, written) : written;
}

function scanMember(scan: Scan, content: ClassContent): void {
  const start = scan.at;
  if (refuseOneOf(scan, REFUSED_IN_CLASSES)) return;
  const set = readSetInClass(scan, content);
  const low = set === undefined ? readCharacter(scan) : undefined;
  if (set === undefined && low === undefined) {
    if (scan.at === start) refuseOneOf(scan, REFUSED_ESCAPES);
    return;
  }
  const ranged = scan.text[scan.at] === '-' && scan.at + 1 < scan.text.length && scan.text[scan.at + 1] !== ']';
  if (!ranged) {
    if (low !== undefined) content.ranges.push([low, low]);
    return;
  }
  scanRange(scan, content, start, low);
}

function readSetInClass(scan: Scan, content: ClassContent): string | undefined {
  const shorthand = peek(scan, SHORTHAND);
  const set = shorthand ? SHORTHANDS[shorthand[1] ?? ''] : readUnicodeClass(scan);
  if (set === undefined) return undefined;
  if (shorthand) scan.at += shorthand[0].length;
  content.sets.push(set);
  content.hasWord ||= set === WORD;
  return set;
}

/** Read "-" and the upper end. Python refuses an end that is no character; RE2 takes the hyphen for itself. */
function scanRange(scan: Scan, content: ClassContent, start: number, low: number | undefined): void {
  scan.at += 1;
  const upper = scan.at;
  const high = readCharacter(scan);
  if (high === undefined && scan.at > upper) return;
  if (high === undefined) scan.at += 2;
  if (low === undefined || high === undefined)
    refuse(scan, start, 'PATTERN_SYNTAX', 'a range goes from one character to another', 'write \\- for the hyphen');
  else if (low > high)
    refuse(
      scan,
      start,
      'PATTERN_SYNTAX',
      'the range ends before it starts',
      'swap the ends, or write \\- for the hyphen',
    );
  else content.ranges.push([low, high]);
}
