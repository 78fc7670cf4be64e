import type { Code } from '../errors.ts';
import type { Refusal } from './pattern-refusals.ts';

export interface PatternProblem {
  code: Code;
  /** Where it stands in the pattern or the replacement, in UTF-16 units. */
  offset: number;
  length: number;
  message: string;
  fix?: string;
  in: 'pattern' | 'replace';
}

/** What a quantifier may follow: a character, a class, a group, or a place such as ^. */
export interface Part {
  kind: 'character' | 'place' | 'repeated';
  /** Whether it can match the empty text. */
  nullable: boolean;
  /** Instructions of RE2's program, at most. */
  size: number;
}

/** A group that is not closed yet; the outermost is the whole pattern. */
export interface Group {
  start: number;
  /** Flags in force. */
  ignoreCase: boolean;
  multiline: boolean;
  /** Of the branches before the last |. */
  nullable: boolean;
  size: number;
  /** Of the branch at hand. */
  parts: Part[];
}

/** One walk over a pattern: what was read so far. */
export interface Scan {
  readonly text: string;
  at: number;
  /** The pattern for RE2. */
  out: string;
  readonly problems: PatternProblem[];
  /** Capturing groups. */
  captures: number;
  /** Innermost last, never empty. */
  readonly open: [Group, ...Group[]];
}

export function innermost(scan: Scan): Group {
  return scan.open.at(-1) ?? scan.open[0];
}

/** What a sticky expression matches here; the scan stays where it is. */
export function peek({ text, at }: Scan, form: RegExp): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(text);
}

/** Note a problem from `start` to where the scan stands. */
export function refuse(scan: Scan, start: number, code: Code, why: string, fix?: string): void {
  const found = scan.text.slice(start, scan.at);
  scan.problems.push({
    code,
    offset: start,
    length: found.length,
    message: `Cannot use ${JSON.stringify(found).replaceAll('\\\\', '\\')}: ${why}`,
    ...(fix === undefined ? {} : { fix }),
    in: 'pattern',
  });
}

/** Refuse what one of `refusals` finds here and go past it; undefined when none does. */
export function refuseOneOf(scan: Scan, refusals: Refusal[]): RegExpExecArray | undefined {
  for (const { form, code, why, fix } of refusals) {
    const found = peek(scan, form);
    if (!found) continue;
    const start = scan.at;
    scan.at += found[0].length;
    refuse(scan, start, code, why, typeof fix === 'function' ? fix(found) : fix);
    return found;
  }
  return undefined;
}

const CONTROLS: Record<string, number> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13 };
const ESCAPED = /\\(?:([atnvfr])|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|([^0-9A-Za-z]))/suy;

/** Read one character, written as itself or escaped, and go past it; undefined when it was refused or is none. */
export function readCharacter(scan: Scan): number | undefined {
  const start = scan.at;
  const escaped = peek(scan, ESCAPED);
  if (!escaped && scan.text[start] === '\\') return undefined;
  const [whole, control = '', byte, point, other] = escaped ?? peek(scan, /./suy) ?? [''];
  scan.at += whole.length;
  const digits = byte ?? point;
  const code = digits ? Number.parseInt(digits, 16) : (CONTROLS[control] ?? (other ?? whole).codePointAt(0) ?? 0);
  const isHalf = code >= 0xd800 && code <= 0xdfff; // a surrogate
  if (code <= 0x10ffff && !isHalf) return code;
  refuse(scan, start, 'PATTERN_SYNTAX', 'it is no character', 'write a code point up to \\x{10ffff}');
  return undefined;
}

/** A character for RE2, in and outside of […]. */
export function writeCharacter(code: number): string {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return `\\x{${code.toString(16)}}`;
  const character = String.fromCodePoint(code);
  return /[!-/:-@[-^`{-~]/.test(character) ? `\\${character}` : character;
}
