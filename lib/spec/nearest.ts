import { closest, distance } from 'fastest-levenshtein';

/** The candidate that was probably meant, or undefined where none is near: at most a third of the word is wrong. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const folded = candidates.map((candidate) => candidate.toLowerCase());
  const best = closest(word.toLowerCase(), folded);
  const near = distance(word.toLowerCase(), best) <= Math.max(1, Math.ceil(best.length / 3));
  return near ? candidates[folded.indexOf(best)] : undefined;
}
