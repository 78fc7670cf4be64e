import { shareSent } from './chunks.ts';
import { ratio, spread } from './figures.ts';
import type { Results } from './results.ts';

export interface Goal {
  measure: string;
  relation: '≥' | '≤';
  wanted: number;
  /** Missing where the part was not measured. */
  found?: number | undefined;
  /** How both numbers are written. */
  unit: 'ratio' | 'percent' | 'MB' | 's';
}

const MB = 1e6;

/** Growth that is a tenth more than the rows'. */
const TIME_PER_GROWTH = 1.1;

/** Plan what is to be reached, held against what was measured. */
export function planGoals({ compare, growth, secondVersion, footprint }: Results): Goal[] {
  const [middle, largest] = growthEnds(growth?.sizes ?? [], compare?.complaints);
  const grown = middle && largest ? largest.complaints / middle.complaints : 6;
  const sizes =
    middle && largest ? `${formatSize(largest.complaints)} ÷ ${formatSize(middle.complaints)}` : '6 M ÷ 1 M';
  const at = compare ? ` at ${formatSize(compare.complaints)}` : '';
  const versions = secondVersion?.sizes.at(-1); // ascending
  const appended = versions?.transfers.find((each) => each.writer === 'ours' && each.change === 'appended');
  const both = middle && largest ? ([largest.ours, middle.ours] as const) : undefined;
  return [
    {
      ...{ measure: `Python’s time ÷ ours${at}, both labels`, relation: '≥', wanted: 5, unit: 'ratio' },
      found: compare && ratio(compare.python, compare.ours, 'seconds'),
    },
    {
      ...{ measure: `ours ÷ the COPY floor${at}`, relation: '≤', wanted: 2, unit: 'ratio' },
      found: compare && ratio(compare.ours, compare.floor, 'seconds'),
    },
    {
      ...{ measure: `Python’s peak memory ÷ ours${at}`, relation: '≥', wanted: 4, unit: 'ratio' },
      found: compare && ratio(compare.python, compare.ours, 'peakBytes'),
    },
    {
      ...{ measure: `time, ${sizes} complaints`, relation: '≤', wanted: TIME_PER_GROWTH * grown, unit: 'ratio' },
      found: both && ratio(...both, 'seconds'),
    },
    {
      ...{ measure: `peak memory, ${sizes} complaints`, relation: '≤', wanted: 1.25, unit: 'ratio' },
      found: both && ratio(...both, 'peakBytes'),
    },
    {
      ...{
        measure: `data bytes re-sent after 5% appended rows${versions ? ` at ${formatSize(versions.complaints)}` : ''}`,
        relation: '≤',
        wanted: 0.1,
        unit: 'percent',
      },
      found: appended && shareSent(appended.data),
    },
    {
      ...{ measure: 'installed, without dev dependencies', relation: '≤', wanted: 150, unit: 'MB' },
      found: footprint && footprint.ours.bytes / MB,
    },
    {
      ...{ measure: '`--help`', relation: '≤', wanted: 0.15, unit: 's' },
      found: footprint && spread(footprint.coldStart.help, 'seconds').median,
    },
  ];
}

/** @returns undefined where it was not measured */
export function isReached({ relation, wanted, found }: Goal): boolean | undefined {
  if (found === undefined) return undefined;
  return relation === '≥' ? found >= wanted : found <= wanted;
}

/** The size that contenders are compared at, and the largest one. */
function growthEnds<T extends { complaints: number }>(sizes: readonly T[], compared: number | undefined) {
  const sorted = [...sizes].sort((a, b) => a.complaints - b.complaints);
  const largest = sorted.at(-1);
  const middle = sorted.slice(0, -1).find(({ complaints }) => complaints === compared) ?? sorted.at(-2);
  return [middle, largest] as const;
}

/** 6000000 → `6 M`, 100000 → `100 k`. */
export function formatSize(complaints: number): string {
  if (complaints >= 1e6) return `${complaints / 1e6} M`;
  return complaints >= 1e3 ? `${complaints / 1e3} k` : String(complaints);
}
