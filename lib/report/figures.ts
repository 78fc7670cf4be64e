import type { CheckReport, DifferenceReport, LabelReport } from './report.ts';
import { formatCount } from './words.ts';

/** Figures of a report in the form that people read, and the few that follow from others. A minus is U+2212: as wide as a plus. */

/** 0.1234 → `12.3%`. */
export function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** A share as the spec writes it: `0.125` → `12.5%`. */
export function formatAsked(share: string): string {
  return `${Number((Number(share) * 100).toFixed(4))}%`;
}

/** The difference of two shares in percentage points: 0.004 → `+0.4 pp`. */
export function formatPoints(difference: number): string {
  return `${signed(100 * difference, 1)} pp`;
}

/** 114 → `+114`, -3 → `−3`, 0 → `0`. */
export function formatDelta(delta: number): string {
  return delta === 0 ? '0' : `${delta > 0 ? '+' : '−'}${formatCount(Math.abs(delta))}`;
}

function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value > 0 ? '+' : '−'}${text}`;
}

/** `812 B`, `82.3 kB`, `1.2 GB`; powers of 1,000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  if (power === 0) return `${formatCount(bytes)} B`;
  // 999,950 bytes are 1000.0 kB: a megabyte
  if (value >= 999.95 && power < units.length - 1) return `1.0 ${units[power + 1]}`;
  return `${value.toFixed(1)} ${units[power]}`;
}

/** `2025-01-31 09:30:12 UTC` of an ISO 8601 time in UTC. */
export function formatInstant(iso: string): string {
  return iso.replace(/^(.{10})T(.{8}).*$/, '$1 $2 UTC');
}

/** At most one decimal: 118.5, 1,204. */
export function formatNumber(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}

const DRIFT_DIGITS = 3;

/** A population stability index, with the words that go with it. Source of the bounds: Siddiqi, Credit Risk Scorecards (2006). */
export function formatDrift(drift: number): string {
  const verdict = drift > 0.25 ? 'a shift' : drift > 0.1 ? 'some shift' : 'stable';
  return `${drift.toFixed(DRIFT_DIGITS)}, ${verdict}`;
}

/** The value or the limit of a check, in its unit; four digits, so that what fails does not look equal to its limit. */
function formatMeasure(name: string, value: number): string {
  if (name.endsWith('_share')) return `${Number((100 * value).toPrecision(4))}%`;
  return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(4)));
}

export function formatFound({ name, found }: CheckReport): string {
  return found === undefined ? '–' : formatMeasure(name, found);
}

/** `≥ 50`, `≤ 10%`. */
export function formatLimit({ name, limit }: CheckReport): string {
  if (limit === undefined) return '–';
  return `${name.startsWith('min_') ? '≥' : '≤'} ${formatMeasure(name, limit)}`;
}

/**
 * `1 failed, 1 warning, 2 passed`: what refuses is told from what warns.
 *
 * @param most of the words: `1 failed, 1 warning` where space is short
 */
export function formatChecks(checks: CheckReport[] | undefined, most = 4): string {
  if (!checks || checks.length === 0) return '–';
  const failed = checks.filter(({ status }) => status === 'failed');
  const refusing = failed.filter(({ severity }) => severity === 'refuse').length;
  const skipped = checks.filter(({ status }) => status === 'skipped').length;
  const parts = [
    [refusing, 'failed'],
    [failed.length - refusing, failed.length - refusing === 1 ? 'warning' : 'warnings'],
    [checks.length - failed.length - skipped, 'passed'],
    [skipped, 'skipped'],
  ] as const;
  return parts
    .flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : []))
    .slice(0, most)
    .join(', ');
}

/** Rows that came, went, or stand there in another form. */
export function countChanges({ rows, changes }: DifferenceReport) {
  const of = (kind: string) => changes.find((change) => change.kind === kind)?.rows ?? 0;
  const added = of('added');
  return {
    added,
    removed: of('removed'),
    changed: Math.max(0, rows.after - rows.unchanged - added),
    moved: of('moved'),
  };
}

/** `+174 −60 ~69`: added, removed, changed. */
export function formatChanges(difference: DifferenceReport): string {
  const { added, removed, changed } = countChanges(difference);
  return `+${formatCount(added)} −${formatCount(removed)} ~${formatCount(changed)}`;
}

/** Kept rows of each class over all splits, in class order. */
export function countClasses({ split, classes }: LabelReport): { name: string; rows: number }[] {
  const splits = split?.splits ?? [];
  return classes.map((name, id) => ({
    name,
    rows: splits.reduce((sum, each) => sum + (each.classes[id] ?? 0), 0),
  }));
}

/** The largest and the smallest class, and how many times larger the one is: undefined where the smallest is empty. */
export function planImbalance(label: LabelReport) {
  const sorted = countClasses(label).sort((a, b) => b.rows - a.rows);
  const [largest, smallest] = [sorted[0], sorted.at(-1)];
  if (!label.split || !largest || !smallest || sorted.length < 2 || largest.rows === 0) return undefined;
  return { largest, smallest, ratio: smallest.rows === 0 ? undefined : largest.rows / smallest.rows };
}

/** Why a published class list and this one do not fit together; loud, since a model that is already trained knows ids only. */
export function describeClassList({ classList }: DifferenceReport): { severe: boolean; text: string }[] {
  const { added, removed, reordered } = classList;
  const all = (names: string[]) => names.join(', ');
  return [
    ...(reordered.length > 0
      ? [
          {
            severe: true,
            text: `classes with another id than published, so trained models mislabel them: ${all(reordered)}`,
          },
        ]
      : []),
    ...(removed.length > 0 ? [{ severe: true, text: `classes removed: ${all(removed)}` }] : []),
    ...(added.length > 0 ? [{ severe: false, text: `classes added: ${all(added)}` }] : []),
  ];
}

/** What must never happen, in words; nothing where all is well. */
export function describeAlarms({ difference, split }: LabelReport): { severe: boolean; text: string }[] {
  const moved = difference ? countChanges(difference).moved : 0;
  const several = split?.textsInSeveralSplits ?? 0;
  return [
    ...(moved > 0 ? [{ severe: true, text: `${formatCount(moved)} rows moved between splits; must be 0` }] : []),
    ...(several > 0 ? [{ severe: true, text: `${formatCount(several)} texts in several splits; must be 0` }] : []),
    ...(difference ? describeClassList(difference) : []),
  ];
}

/** `0123456789ab`: enough of a SHA-256 or a revision to compare by eye. */
export function shorten(hash: string): string {
  return hash.slice(0, 12);
}

export const NOT_YET = 'not carried out by this version';
