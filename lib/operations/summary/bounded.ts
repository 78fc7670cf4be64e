import { showInvisible } from '../../report/html/escape.ts';

/** Texts of a report as they go to people: visible, on one line, and no longer than somebody reads. */

/** One line; what steers a reader's screen becomes a visible `\u{…}`. @param most characters */
export function line(text: string, most: number): string {
  return shorten(
    showInvisible(
      text
        .slice(0, 4 * most)
        .replace(/\s+/g, ' ')
        .trim(),
    ),
    most,
  );
}

/** Its lines that say something, each of them as line(); how many are left out stands in the last one. */
export function lines(text: string, mostLines: number, most: number): string[] {
  const all = text.split(/[\n\u2028\u2029]/).filter((each) => each.trim() !== '');
  return capped(all, mostLines, (left) => `and ${left} more lines`).map((each) => line(each, most));
}

/** At most so many of a list; `rest` says how many are left out. */
export function capped<T>(list: readonly T[], most: number, rest: (left: number) => T): T[] {
  return list.length <= most ? [...list] : [...list.slice(0, most), rest(list.length - most)];
}

export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
