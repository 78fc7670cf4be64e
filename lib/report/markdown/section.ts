import { formatCount } from '../words.ts';
import { fit, table } from './text.ts';

/** A part of a label that is shown whole or not at all. */
export interface Section {
  /** Names it where it is left out. */
  title: string;
  markdown: string;
  /** 0: kept longest. */
  rank: number;
}

const MOST_ROWS = 40; // of one table; a reviewer does not read more in a comment
const MOST_CHARACTERS = 6000; // of one table

/**
 * A table of bounded size; the rest is in report.html.
 *
 * @param row cells of an item; asked only for what is shown, since there may be thousands of classes
 * @param words columns of words
 * @param sums rows below the others, which always stand there
 */
export function boundedTable<T>(
  header: string[],
  items: T[],
  row: (item: T, index: number) => string[],
  words?: number[],
  sums: string[][] = [],
): string {
  const rows = items.slice(0, MOST_ROWS).map(row);
  const shown = fit(
    rows.map((cells) => cells.join(' | ')),
    MOST_CHARACTERS,
  ).length;
  return `${table(header, [...rows.slice(0, shown), ...sums], words)}${more(items.length - shown)}`;
}

/** A list of bounded size. */
export function boundedList<T>(items: T[], line: (item: T) => string): string {
  const shown = fit(
    items.slice(0, MOST_ROWS).map((item) => `- ${line(item)}`),
    MOST_CHARACTERS,
  );
  return `${shown.join('\n')}${more(items.length - shown.length)}`;
}

function more(hidden: number): string {
  return hidden > 0 ? `\n\n… and ${formatCount(hidden)} more, in report.html.` : '';
}

/**
 * Leave out what does not fit, the least important sections of the last labels first, and say so.
 *
 * @param labels sections of each label, in the order of reading
 * @param room characters for all of them together
 */
export function planRoom(labels: Section[][], room: number): string[] {
  const kept = labels.map((sections) => new Set(sections));
  const dropped = labels.map(() => [] as string[]);
  const render = (index: number) => renderSections(labels[index] ?? [], kept[index] ?? new Set(), dropped[index] ?? []);
  const sizes = labels.map((_, index) => render(index).length + SEPARATOR);
  let size = sizes.reduce((sum, each) => sum + each, 0);
  for (const { section, index } of leastFirst(labels)) {
    if (size <= room) break;
    kept[index]?.delete(section);
    dropped[index]?.unshift(section.title);
    const now = render(index);
    const length = now === '' ? 0 : now.length + SEPARATOR;
    size += length - (sizes[index] ?? 0);
    sizes[index] = length;
  }
  return labels.map((_, index) => render(index)).filter((each) => each !== '');
}

const SEPARATOR = 2; // characters: the blank line between two labels

function leastFirst(labels: Section[][]): { section: Section; index: number }[] {
  const all = labels.flatMap((sections, index) => sections.map((section, at) => ({ section, index, at })));
  return all.sort((a, b) => b.section.rank - a.section.rank || b.index - a.index || b.at - a.at);
}

/** A label without its first section, the verdict, has no place here: the summary names it. */
function renderSections(sections: Section[], kept: ReadonlySet<Section>, dropped: string[]): string {
  const shown = sections.filter((section) => kept.has(section));
  if (shown.length === 0) return '';
  const note =
    dropped.length === 0 ? [] : [`_Left out here, too long for a comment: ${dropped.join(', ')}. See report.html._`];
  return [...shown.map(({ markdown }) => markdown), ...note].join('\n\n');
}
