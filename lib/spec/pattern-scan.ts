import { scanClass, scanSet } from './pattern-class.ts';
import {
  innermost,
  type Part,
  type PatternProblem,
  peek,
  readCharacter,
  refuse,
  refuseOneOf,
  type Scan,
  writeCharacter,
} from './pattern-cursor.ts';
import { REFUSED_ESCAPES, REFUSED_GROUPS } from './pattern-refusals.ts';
import { casePartners } from './unicode-classes.ts';

const CAPTURE = /\((?:\?P<[A-Za-z_]\w*>|(?!\?))/y;
const FLAGS = /\(\?([ims]*)(?:-([ims]+))?(:|(?<!\?)\))/y;
const WHOLE = /^\(\?(?:#|P=|[A-Za-z-]*\)$)/; // refused groups without a body
const ONLY_FLAGS = /^(?:\(\?[ims]+\))*$/;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,?)(\d*)\}|\{,\d*\})([?+]?)/y;
const MAX_REPEATS = 1000; // RE2's kMaxRepeat
const PLACE: Part = { kind: 'place', nullable: true, size: 2 };

export interface Scanned {
  /** The pattern for RE2; worthless when there are problems. */
  translated: string;
  problems: PatternProblem[];
  /** Capturing groups. */
  captures: number;
  /** Whether the pattern can match the empty text. */
  nullable: boolean;
  /** Instructions of RE2's program, at most. */
  size: number;
}

/**
 * Translate a pattern in Python's syntax to RE2, so that it means the same, and find what cannot be translated.
 *
 * @returns all problems but those of RE2's own grammar that need its parser
 */
export function scanPattern(text: string): Scanned {
  const whole = { start: 0, ignoreCase: false, multiline: false, nullable: false, size: 0, parts: [] };
  const scan: Scan = { text, at: 0, out: '', problems: [], captures: 0, open: [whole] };
  while (scan.at < text.length) scanNext(scan);
  while (scan.open.length > 1) {
    const { start } = innermost(scan);
    closeGroup(scan);
    scan.at = start + 1;
    refuse(scan, start, 'PATTERN_SYNTAX', 'the group is never closed', 'add ), or write \\( for the character');
  }
  endBranch(scan);
  const { out, problems, captures } = scan;
  problems.sort((a, b) => a.offset - b.offset);
  return { translated: out, problems, captures, nullable: whole.nullable, size: whole.size };
}

function scanNext(scan: Scan): void {
  const character = scan.text.charAt(scan.at);
  if (character === '(') openGroup(scan);
  else if (character === ')') scanClosing(scan);
  else if (character === '|') scanBar(scan);
  else if (peek(scan, QUANTIFIER)) scanQuantifier(scan);
  else add(scan, scanPart(scan, character));
}

function scanPart(scan: Scan, character: string): Part | undefined {
  switch (character) {
    case '[':
      return scanClass(scan);
    case '.':
      copy(scan);
      return { kind: 'character', nullable: false, size: 12 };
    case '^':
      copy(scan);
      return PLACE;
    case '$':
      return scanDollar(scan);
    case '\\':
      return scanPlace(scan) ?? scanSet(scan) ?? scanCharacter(scan);
    default:
      return scanCharacter(scan);
  }
}

function add(scan: Scan, part: Part | undefined): void {
  if (part) innermost(scan).parts.push(part);
}

function copy(scan: Scan): void {
  scan.out += scan.text[scan.at];
  scan.at += 1;
}

/** Without the flag m, Python's $ also stands before a final line break. */
function scanDollar(scan: Scan): Part {
  copy(scan);
  if (!innermost(scan).multiline)
    refuse(
      scan,
      scan.at - 1,
      'PATTERN_DIFFERS',
      'it also stands before a final line break in Python, not in RE2',
      'write \\z for the end of the text, \\n?\\z with the line break',
    );
  return PLACE;
}

function scanPlace(scan: Scan): Part | undefined {
  const found = peek(scan, /\\[Az]/y);
  if (!found) return undefined;
  scan.out += found[0];
  scan.at += found[0].length;
  return PLACE;
}

function scanCharacter(scan: Scan): Part | undefined {
  const start = scan.at;
  const code = readCharacter(scan);
  if (code === undefined) {
    if (scan.at === start) refuseOneOf(scan, REFUSED_ESCAPES);
    return { kind: 'character', nullable: false, size: 0 };
  }
  const partners = innermost(scan).ignoreCase ? casePartners([[code, code]]) : [];
  scan.out += partners.length > 0 ? `[${partners.map(writeCharacter).join('')}]` : writeCharacter(code);
  return { kind: 'character', nullable: false, size: 24 };
}

function openGroup(scan: Scan): void {
  const start = scan.at;
  const capture = peek(scan, CAPTURE);
  const flags = capture ? null : peek(scan, FLAGS);
  const refused = (capture ?? flags) ? undefined : refuseOneOf(scan, REFUSED_GROUPS);
  if (refused) {
    if (!WHOLE.test(refused[0])) pushGroup(scan, start);
    return;
  }
  const [head, on = '', off = '', end] = capture ? [capture[0]] : (flags ?? ['']);
  scan.at += head.length;
  scan.out += head;
  if (capture) scan.captures += 1;
  if (end !== ')') pushGroup(scan, start);
  else if (off !== '' || !ONLY_FLAGS.test(scan.text.slice(0, start)))
    refuse(
      scan,
      start,
      'PATTERN_DIFFERS',
      'Python takes flags for the whole pattern at its start only',
      `write ${head.slice(0, -1)}:…) around what they are for`,
    );
  setFlags(scan, on, off);
}

function pushGroup(scan: Scan, start: number): void {
  const { ignoreCase, multiline } = innermost(scan);
  scan.open.push({ start, ignoreCase, multiline, nullable: false, size: 0, parts: [] });
}

function setFlags(scan: Scan, on: string, off: string): void {
  const group = innermost(scan);
  group.ignoreCase = (group.ignoreCase || on.includes('i')) && !off.includes('i');
  group.multiline = (group.multiline || on.includes('m')) && !off.includes('m');
}

function scanClosing(scan: Scan): void {
  const isOpen = scan.open.length > 1;
  if (isOpen) closeGroup(scan);
  copy(scan);
  if (!isOpen)
    refuse(scan, scan.at - 1, 'PATTERN_SYNTAX', 'no group is open', 'remove it, or write \\) for the character');
}

function scanBar(scan: Scan): void {
  endBranch(scan);
  copy(scan);
}

function closeGroup(scan: Scan): void {
  endBranch(scan);
  const closed = scan.open.pop();
  if (closed) innermost(scan).parts.push({ kind: 'character', nullable: closed.nullable, size: closed.size + 2 });
}

function endBranch(scan: Scan): void {
  const group = innermost(scan);
  group.nullable ||= group.parts.every((part) => part.nullable);
  group.size += group.parts.reduce((sum, part) => sum + part.size, 1);
  group.parts = [];
}

interface Quantifier {
  start: number;
  written: string;
  /** {least} or {least,most} */
  bounds: number[];
  possessive: boolean;
}

function scanQuantifier(scan: Scan): void {
  const [written, low, comma = '', high = '', suffix = ''] = peek(scan, QUANTIFIER) ?? [''];
  const bounds = [low, high].flatMap((bound) => (bound ? [Number(bound)] : []));
  const quantifier = { start: scan.at, written, bounds, possessive: suffix === '+' };
  scan.at += written.length;
  // RE2 takes {01} for characters, Python for {1}
  scan.out += low === undefined ? written : `{${bounds[0]}${comma}${bounds[1] ?? ''}}${suffix}`;
  const { parts } = innermost(scan);
  const part = parts.pop();
  refuseQuantifier(scan, quantifier, part);
  const { nullable = true, size = 0 } = part ?? {};
  const optional = low === undefined ? !written.startsWith('+') : bounds[0] === 0;
  const copies = Math.max(0, ...bounds) + 1;
  parts.push({ kind: 'repeated', nullable: nullable || optional, size: (size + 1) * copies });
}

function refuseQuantifier(scan: Scan, quantifier: Quantifier, part: Part | undefined): void {
  const { start, written, bounds, possessive } = quantifier;
  const [least = 0, most = least] = bounds;
  const wrong = (why: string, fix: string) => refuse(scan, start, 'PATTERN_SYNTAX', why, fix);
  const differs = (why: string, fix: string) => refuse(scan, start, 'PATTERN_DIFFERS', why, fix);
  const unsupported = (why: string, fix: string) => refuse(scan, start, 'PATTERN_UNSUPPORTED', why, fix);
  if (written.startsWith('{,'))
    differs('it repeats in Python only', `write ${written.startsWith('{,}') ? '*' : `{0${written.slice(1)}`}`);
  else if (!part) wrong('nothing stands before it to repeat', 'write a backslash before it for the character');
  else if (part.kind === 'place') wrong('a place cannot be repeated', 'remove it');
  else if (part.kind === 'repeated') wrong('it repeats a repetition', 'put the first one in (?:…)');
  else if (possessive) unsupported('RE2 has no possessive quantifiers', `write ${written.slice(0, -1)}`);
  else if (Math.max(least, most) > MAX_REPEATS) unsupported(`RE2 repeats at most ${MAX_REPEATS} times`, 'write + or *');
  else if (least > most) wrong('the bounds are the wrong way round', 'write the smaller one first');
  else if (part.nullable)
    differs('what it repeats can match the empty text', 'let what is repeated match one character at least');
}
