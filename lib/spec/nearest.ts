import { closest, distance } from 'fastest-levenshtein';

/** The candidate that was probably meant, or undefined where none is near: at most a third of the word is wrong. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const best = closest(word.toLowerCase(), [...candidates]);
  return distance(word.toLowerCase(), best.toLowerCase()) <= Math.max(1, Math.ceil(best.length / 3)) ? best : undefined;
}
