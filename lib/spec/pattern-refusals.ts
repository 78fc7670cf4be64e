import type { Code } from '../errors.ts';

/** A construct that a pattern may not hold. `form` is sticky: it is tried where the scanner stands. */
export interface Refusal {
  form: RegExp;
  code: Extract<Code, 'PATTERN_SYNTAX' | 'PATTERN_UNSUPPORTED' | 'PATTERN_DIFFERS'>;
  why: string;
  fix?: string | ((found: RegExpExecArray) => string);
}

const hex = (digits: string, base: number) => `write \\x{${Number.parseInt(digits, base).toString(16)}}`;

/**
 * What may not follow "(". Sources: RE2's doc/syntax.txt and the "re" page of the Python library reference.
 * The group's body is scanned all the same, so that one run reports everything, except for the forms that end in ")".
 */
export const REFUSED_GROUPS: Refusal[] = [
  {
    form: /\(\?<?[=!]/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 has no lookahead and no lookbehind',
    fix: 'match the context in a group of its own and write it back with \\1',
  },
  { form: /\(\?>/y, code: 'PATTERN_UNSUPPORTED', why: 'RE2 has no atomic groups', fix: 'write (?:' },
  { form: /\(\?#[^)]*\)?/y, code: 'PATTERN_UNSUPPORTED', why: 'RE2 has no comments', fix: 'use a YAML comment' },
  {
    form: /\(\?\(\w*\)?/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 has no conditions',
    fix: 'write both cases, joined with |',
  },
  {
    form: /\(\?P=\w*\)?/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 has no back-references',
    fix: 'write what the group matches once more',
  },
  {
    form: /\(\?<(?=\w)/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'this name of a group is read by neither RE2 nor Python',
    fix: 'write (?P<',
  },
  {
    form: /\(\?P</y,
    code: 'PATTERN_SYNTAX',
    why: 'a group’s name must be letters, digits and _ of ASCII',
    fix: 'write e.g. (?P<word>…)',
  },
  {
    form: /\(\?\)/y,
    code: 'PATTERN_SYNTAX',
    why: 'it sets no flag',
    fix: 'remove it',
  },
  {
    form: /\(\?[A-Za-z]*(?:-[A-Za-z]*)?U[A-Za-z]*[:)]/y,
    code: 'PATTERN_DIFFERS',
    why: 'the flag U swaps greedy and lazy in RE2 only',
    fix: 'write *? or +? where the shortest match is meant',
  },
  {
    form: /\(\?[A-Za-z]*(?:-[A-Za-z]*)?[:)]/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'only the flags i, s and m may be set',
    fix: 'remove the other flags',
  },
  { form: /\(\?/y, code: 'PATTERN_UNSUPPORTED', why: 'RE2 has no such group', fix: 'write (?: or (?P<name>' },
];

/** What may not follow a backslash. */
export const REFUSED_ESCAPES: Refusal[] = [
  {
    form: /\\(0[0-7]{0,2}|[1-3][0-7]{2})/y,
    code: 'PATTERN_DIFFERS',
    why: 'RE2 and Python read octal numbers differently',
    fix: (found) => hex(found[1] ?? '', 8),
  },
  {
    form: /\\(?:[1-9]\d?|[kg](?:<\w*>|\{\w*\}|'\w*')?)/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 has no back-references',
    fix: 'write what the group matches once more',
  },
  {
    form: /\\[bB]/y,
    code: 'PATTERN_DIFFERS',
    why: 'a word is made of ASCII letters in RE2, of any letters in Python',
    fix: 'name what may stand beside the word, e.g. (^|\\s)word, and write it back with \\1',
  },
  {
    form: /\\Z/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 spells the end of the text \\z',
    fix: 'write \\z',
  },
  {
    form: /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 spells a code point \\x{…}',
    fix: (found) => hex(found[1] ?? found[2] ?? '', 16),
  },
  {
    form: /\\N(?:\{[^}]*\}?)?/y,
    code: 'PATTERN_UNSUPPORTED',
    why: 'RE2 has no names of characters',
    fix: 'write its code point, \\x{…}',
  },
  { form: /\\C/y, code: 'PATTERN_DIFFERS', why: 'it is a single byte in RE2 only', fix: 'write (?s:.)' },
  {
    form: /\\[QE]/y,
    code: 'PATTERN_DIFFERS',
    why: 'it quotes in RE2 only',
    fix: 'put a backslash before each special character',
  },
  { form: /\\$/y, code: 'PATTERN_SYNTAX', why: 'nothing follows the backslash', fix: 'write \\\\ for a backslash' },
  {
    form: /\\x(?:\{[^}]*\}?|[0-9A-Fa-f]{0,2})/y,
    code: 'PATTERN_SYNTAX',
    why: 'it is no character',
    fix: 'write two hexadecimal digits, \\x41, or a code point, \\x{1F600}',
  },
  {
    form: /\\[pP](?:\{[^}]*\}?|.?)/y,
    code: 'PATTERN_SYNTAX',
    why: 'RE2 knows no such category or script',
    fix: 'write a general category, e.g. \\p{Lu}, or a script, e.g. \\p{Devanagari}',
  },
  { form: /\\./suy, code: 'PATTERN_SYNTAX', why: 'there is no such escape' },
];

/** What may not stand between [ and ], besides the above. */
export const REFUSED_IN_CLASSES: Refusal[] = [
  {
    form: /\[:(?:\^?\w*:\])?/y,
    code: 'PATTERN_DIFFERS',
    why: 'it is a POSIX class in RE2 only',
    fix: 'write \\p{L}, \\p{Nd}, a-z …, or \\[: for the characters themselves',
  },
  {
    form: /\\[SDW]/y,
    code: 'PATTERN_DIFFERS',
    why: 'a negated class cannot be translated inside […]',
    fix: 'list the characters, or write (?s:.) for [\\s\\S]',
  },
  {
    form: /\\b/y,
    code: 'PATTERN_DIFFERS',
    why: 'it is a backspace in Python only',
    fix: 'write \\x08',
  },
  {
    form: /\\[Az]/y,
    code: 'PATTERN_SYNTAX',
    why: 'it is a place, not a character',
    fix: 'write it outside of […]',
  },
  {
    form: /\\([0-7]{1,3})/y,
    code: 'PATTERN_DIFFERS',
    why: 'RE2 and Python read octal numbers differently',
    fix: (found) => hex(found[1] ?? '', 8),
  },
];
