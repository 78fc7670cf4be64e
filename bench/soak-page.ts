import { median } from './figures.ts';
import type { Counts } from './soak-oracle.ts';
import type { Round } from './soak-site.ts';
import type { Held } from './soak-worker.ts';
import { renderTable } from './table.ts';

/** What a soak found, as a page; whether a process grew. */

export interface Soaked {
  rounds: Round[];
  counts: Record<'department' | 'urgency', Counts>;
  /** What happened to the tables. */
  changes: Record<string, number>;
}

export interface Growth {
  name: string;
  /** Median of the runs from a tenth to three tenths, when the program is warm, and of the last fifth. */
  before: number;
  after: number;
  /** Least squares over the second half, for a hundred runs. */
  slope: number;
  /** Highest that is taken for no growth: of after − before, and of the slope. */
  bound: number;
}

const MB = 1e6;
const BOUND = 0.1; // of memory: what an allocator and a compiler still move about

const QUANTITIES: [name: string, of: (held: Held) => number, bound: (before: number) => number][] = [
  ['resident memory after a full collection, MB', ({ rssBytes }) => rssBytes / MB, (before) => before * BOUND],
  ['JavaScript heap, MB', ({ heapBytes }) => heapBytes / MB, (before) => before * BOUND],
  ['open file descriptors', ({ descriptors }) => descriptors, () => 0],
  ['threads', ({ threads }) => threads, () => 0],
  ['listeners on the signal of all runs', ({ listeners }) => listeners, () => 0],
];

export function planGrowth(rounds: readonly Round[]): Growth[] {
  const held = rounds.flatMap((round) => round.held ?? []);
  const part = (from: number, to: number) => held.slice(Math.floor(held.length * from), Math.floor(held.length * to));
  return QUANTITIES.map(([name, of, bound]) => {
    const before = median(part(0.1, 0.3).map(of));
    return {
      name,
      before,
      after: median(part(0.8, 1).map(of)),
      slope: 100 * slopeOf(part(0.5, 1).map(of)),
      bound: bound(before),
    };
  });
}

/** Per run. */
function slopeOf(values: readonly number[]): number {
  const mean = (all: readonly number[]) => all.reduce((total, value) => total + value, 0) / all.length;
  const [x, y] = [(values.length - 1) / 2, mean(values)];
  const above = mean(values.map((value, index) => (index - x) * (value - y)));
  return above / mean(values.map((_, index) => (index - x) ** 2));
}

/** @returns a line for each promise that was broken */
export function planProblems({ rounds }: Pick<Soaked, 'rounds'>): string[] {
  const problems = rounds.flatMap(({ found, temporary, changed, statuses }, index) => [
    ...found.map(({ violation, detail }) => `run ${index + 1}: ${violation}: ${detail}`),
    ...(temporary > 0 ? [`run ${index + 1}: ${temporary} entries are left in TMPDIR`] : []),
    ...(!changed && statuses.some((status) => status !== 'unchanged')
      ? [`run ${index + 1}: nothing changed, and it ended ${statuses}`]
      : []),
  ]);
  if (rounds.length < 50 || !rounds[0]?.held) return problems; // too few to tell growth from a start
  const grown = planGrowth(rounds).filter(({ before, after, slope, bound }) => after - before > bound && slope > 0);
  return [...problems, ...grown.map(({ name, before, after }) => `${name}: from ${before} to ${after}`)];
}

function figure(value: number): string {
  const text = value.toLocaleString('en-US', { maximumFractionDigits: 1 });
  return text === '-0' ? '0' : text;
}

const mostLeft = ({ rounds }: Soaked) => Math.max(...rounds.map(({ temporary }) => temporary));

const inBoth = ({ counts }: Soaked, what: keyof Counts) =>
  `${figure(counts.department[what])} and ${figure(counts.urgency[what])}`;

function countsTable({ counts }: Soaked): string {
  const rows = Object.entries(counts).map(([label, { versions, texts, returned, merged, moved }]) => [
    label,
    ...[versions, texts, returned, merged, moved].map(figure),
  ]);
  return renderTable(['label', 'versions', 'texts', 'rows that returned', 'merged', 'moved'], rows);
}

export function renderPage(seed: number, one: Soaked, many: Soaked): string {
  const growth = planGrowth(one.rounds).map(({ name, before, after, slope }) => [
    name,
    figure(before),
    figure(after),
    figure(slope),
  ]);
  const { rounds } = one;
  const found = (soaked: Soaked) => planProblems(soaked);
  const problems = [...found(one), ...found(many)];
  return `# Runs in a row

Written by \`bun run soak --runs ${rounds.length} --processes ${many.rounds.length} --seed ${seed}\`.

The tables of the shipped spec change at random before each run: records come, go, and return many versions later, under their key or
another one; texts are edited, copied and exchanged; labels and reviews change; so do the ratios. The label \`department\` is published to a
stand-in for the Hub, \`urgency\` into a directory. After each run a program that shares no code with this one reads what is published:

- no text is in two splits, and none that the source does not have;
- no text or key has another split than any earlier version gave it, but for the one rule: where histories meet, the split listed first;
- the ledger is what all versions together say, each text with its split and its first version;
- counts, sizes and sha256 in the metadata are those of the files; rows fetched are rows kept + rows dropped;
- the tags are the versions, and every earlier version is byte for byte what it was;
- the directory, loaded whenever something moved beside it, is one whole version.

## ${rounds.length} runs in one process

${renderTable(['after a run', 'median of the runs when warm', 'median of the last fifth', 'slope for 100 runs, second half'], growth)}

Warm: from a tenth to three tenths of the runs. Entries in TMPDIR after a run: ${mostLeft(one)} at most.

${countsTable(one)}

Changes of the tables: ${Object.entries(one.changes)
    .map(([what, count]) => `${figure(count)} ${what.replaceAll('_', ' ')}`)
    .join(', ')}. Loads of the directory: ${figure(rounds.reduce((total, { loads }) => total + loads, 0))}.

## ${many.rounds.length} runs, a process each

Entries in TMPDIR after a run: ${mostLeft(many)} at most. Versions: ${inBoth(many, 'versions')}; merged: ${inBoth(many, 'merged')}; moved: ${inBoth(many, 'moved')}.

## Found

${problems.length === 0 ? 'Nothing that breaks a promise.' : problems.map((problem) => `- ${problem}`).join('\n')}
`;
}
