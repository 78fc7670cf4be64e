import { RE2JS, RE2JSSyntaxException } from 're2js';
import type { Code } from '../errors.ts';
import { NAMED_STEPS } from './named-steps.ts';
import type { PatternProblem } from './pattern-cursor.ts';
import { planLiterals } from './pattern-literals.ts';
import { type Scanned, scanPattern } from './pattern-scan.ts';
import { checkReplacement } from './replacement.ts';

export { NAMED_STEPS, type PatternProblem };

/** One step of cleaning a text, for DuckDB. */
export type CleanStep =
  | {
      kind: 'replace';
      /** A named step, or the pattern as it was written. */
      name: string;
      /** RE2. */
      pattern: string;
      /** RE2's rewrite: \1 … \9 and \\. */
      replacement: string;
      /** A text that matches has one of these in it, or at one of its ends. */
      only?: { inside: string[] } | { atEnds: string };
    }
  | { kind: 'function'; name: string; function: 'html_entities' | 'nfc' | 'lowercase' };

/** DuckDB leaves RE2 its default of 8 MiB: 131,072 instructions (RE2, compile.cc), reached from 128,000 on by bisection. */
const MAX_SIZE = 120_000;
const MAX_LENGTH = 10_000; // characters of a pattern: reading one takes the square of its length
const MOST_PROBLEMS = 20; // reported of one pattern

/**
 * Plan to replace every match, as Python's `re.sub(pattern, replacement, text)` would.
 *
 * @param pattern Python's syntax, or RE2's where Python has no other meaning for it
 * @param replacement text with \1 … \9 for groups and \\ for a backslash
 * @returns a step that means the same in RE2, or everything that stands in the way
 */
export function planPattern(
  pattern: string,
  replacement: string,
): { step: CleanStep } | { problems: PatternProblem[] } {
  if (pattern.length > MAX_LENGTH)
    return {
      problems: refuse(pattern, 'PATTERN_UNSUPPORTED', `it has more than ${MAX_LENGTH} characters`, 'split it'),
    };
  const scanned = scanPattern(pattern);
  const problems = [
    ...(scanned.problems.length > 0 ? scanned.problems : checkWhole(pattern, scanned)),
    ...checkReplacement(replacement, scanned.captures),
  ];
  if (problems.length > 0) return { problems: problems.slice(0, MOST_PROBLEMS) };
  const literals = planLiterals(scanned.translated);
  const only = literals && { only: { inside: literals } };
  return { step: { kind: 'replace', name: pattern, pattern: scanned.translated, replacement, ...only } };
}

function checkWhole(pattern: string, { translated, nullable, size }: Scanned): PatternProblem[] {
  if (nullable)
    return refuse(pattern, 'PATTERN_EMPTY_MATCH', 'it can match the empty text', 'let it match one character at least');
  if (size > MAX_SIZE)
    return refuse(pattern, 'PATTERN_UNSUPPORTED', 'it is too large for RE2', 'repeat sets such as \\w less often');
  try {
    RE2JS.compile(translated);
    return [];
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    return refuse(pattern, 'PATTERN_SYNTAX', `RE2 refuses it: ${error.getDescription()}`, 'write it in a simpler way');
  }
}

function refuse(pattern: string, code: Code, why: string, fix: string): PatternProblem[] {
  return [{ code, offset: 0, length: pattern.length, message: `Cannot use the pattern: ${why}`, fix, in: 'pattern' }];
}
