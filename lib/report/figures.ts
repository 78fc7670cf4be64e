import type {
  AttributionReport,
  CheckReport,
  DifferenceReport,
  EffectReport,
  LabelReport,
  RestartReport,
  RunReport,
} from './report.ts';
import { countOf, formatCount } from './words.ts';

/** Figures of a report in the form that people read, and the few that follow from others. A minus is U+2212: as wide as a plus. */

export const NONE = '–';

/** Part of a whole: `12.3%`. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? NONE : `${((100 * part) / whole).toFixed(1)}%`;
}

/** A share as the spec writes it: `0.125` → `12.5%`. */
export function formatAsked(share: string): string {
  return `${Number((Number(share) * 100).toFixed(4))}%`;
}

/** The difference of two shares in percentage points: 0.004 → `+0.4 pp`. */
export function formatPoints(difference: number): string {
  const points = Math.abs(100 * difference).toFixed(1);
  const sign = Number(points) === 0 ? '' : difference > 0 ? '+' : '−';
  return `${sign}${points} pp`;
}

/** 114 → `+114`, -3 → `−3`, 0 → `0`. */
export function formatDelta(delta: number): string {
  return delta === 0 ? '0' : `${delta > 0 ? '+' : '−'}${formatCount(Math.abs(delta))}`;
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

/** A population stability index: `0.134`. */
export function formatDrift(drift: number): string {
  return drift.toFixed(3);
}

/** What a population stability index is called. Source of the bounds: Siddiqi, Credit Risk Scorecards (2006). */
export function nameDrift(drift: number): 'stable' | 'some shift' | 'a shift' {
  if (drift > 0.25) return 'a shift';
  return drift > 0.1 ? 'some shift' : 'stable';
}

/** The value or the limit of a check, in its unit; four digits, so that what fails does not look equal to its limit. */
function formatMeasure(name: string, value: number): string {
  if (name.endsWith('_share')) return `${Number((100 * value).toPrecision(4))}%`;
  return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(4)));
}

export function formatFound({ name, found }: CheckReport): string {
  return found === undefined ? NONE : formatMeasure(name, found);
}

/** `≥ 50`, `≤ 10%`. */
export function formatLimit({ name, limit }: CheckReport): string {
  if (limit === undefined) return NONE;
  return `${name.startsWith('min_') ? '≥' : '≤'} ${formatMeasure(name, limit)}`;
}

/**
 * `1 failed, 1 warning, 2 passed`: what refuses is told from what warns.
 *
 * @param most of the words: `1 failed, 1 warning` where space is short
 */
export function formatChecks(checks: CheckReport[] | undefined, most = 4): string {
  if (!checks || checks.length === 0) return NONE;
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

/** `2,560 → 2,674`; the rows alone where nothing is published. */
export function formatRows({ difference, kept }: LabelReport): string {
  if (difference) return `${formatCount(difference.rows.before)} → ${formatCount(difference.rows.after)}`;
  return kept ? formatCount(kept.total) : NONE;
}

/** A class's share before and after, and what it gained: `12.3%`, `12.7%`, `+0.4 pp`. */
export function formatShares(
  { before, after }: { before: number; after: number },
  { rows }: DifferenceReport,
): [before: string, after: string, change: string] {
  const gained = rows.before && rows.after ? formatPoints(after / rows.after - before / rows.before) : NONE;
  return [formatShare(before, rows.before), formatShare(after, rows.after), gained];
}

export const ATTRIBUTION = ['published', 'by data', 'base', 'by spec', 'planned'];

/** A measure in the columns of ATTRIBUTION. */
export function formatAttribution({ published, base, planned }: AttributionReport['measures'][number]): string[] {
  const known = published === null ? [NONE, NONE] : [formatCount(published), formatDelta(base - published)];
  return [...known, formatCount(base), formatDelta(planned - base), formatCount(planned)];
}

/** `the planner expects 1,204 rows at cost 118.5`. */
export function formatEstimate({ rows, cost }: { rows: number; cost: number }): string {
  return `the planner expects ${countOf(Math.round(rows), 'row')} at cost ${formatNumber(cost)}`;
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

export interface Alarm {
  severe: boolean;
  text: string;
  /** What has the numbers. */
  of: 'difference' | 'classes';
}

/** Why a published class list and this one do not fit together; loud, since a model that is already trained knows ids only. */
function describeClassList({ classList: { added, removed, reordered } }: DifferenceReport): Alarm[] {
  const alarm = (severe: boolean, what: string, names: string[]): Alarm[] =>
    names.length > 0 ? [{ severe, text: `${what}: ${names.join(', ')}`, of: 'difference' }] : [];
  return [
    ...alarm(true, 'classes with another id than published, so trained models mislabel them', reordered),
    ...alarm(true, 'classes removed', removed),
    ...alarm(false, 'classes added', added),
  ];
}

/** What must never happen, in words; nothing where all is well. */
export function describeAlarms({ difference, split }: LabelReport): Alarm[] {
  const moved = difference ? countChanges(difference).moved : 0;
  const several = split?.textsInSeveralSplits ?? 0;
  const alarm = (count: number, noun: string, what: string, of: Alarm['of']): Alarm[] =>
    count > 0 ? [{ severe: true, text: `${countOf(count, noun)} ${what}; must be 0`, of }] : [];
  return [
    ...alarm(moved, 'row', 'moved between splits', 'difference'),
    ...alarm(several, 'text', 'in several splits', 'classes'),
    ...(difference ? describeClassList(difference) : []),
  ];
}

/** `0123456789ab`: enough of a SHA-256 to compare by eye. */
export function shorten(hash: string): string {
  return hash.slice(0, 12);
}

/** What a plan is made on top of: a commit of the Hub is shortened, a version of a directory says all of its name. */
export function formatHead(head: string): string {
  return /^[0-9a-f]{40}$/.test(head) ? shorten(head) : head;
}

/** How to publish what was reviewed and nothing else; undefined where nothing is ready. */
export function formatShipping({ dryRun, labels, planDigest }: RunReport): string | undefined {
  const [out] = labels.flatMap(({ outcome, plan }) =>
    outcome?.status === 'planned' && plan ? [outOf(outcome.directory, plan.directory)] : [],
  );
  if (!dryRun || planDigest === undefined || out === undefined) return undefined;
  const folder = /^[\w./-]+$/.test(out) ? out : 'DIR'; // what a shell would read otherwise is left to a person
  return `bun pipeline.ts --publish ${folder} --plan-digest ${shorten(planDigest)}`;
}

/** --out, of a label's folder and its place below it. */
function outOf(directory: string, below: string): string {
  return directory.endsWith(`/${below}`) ? directory.slice(0, -below.length - 1) || '/' : 'DIR';
}

/** What is done besides publishing, as a heading. */
export const EFFECTS: Record<EffectReport['kind'], string> = {
  tracking: 'Tracking',
  email: 'E-mail',
  webhook: 'Webhook',
  history: 'History of runs',
  pause: 'Pause of the Space',
};

/** What was done besides publishing, or would be: its detail, and what came of it. What failed stands among the warnings, so here is its code. */
export function formatEffect({ kind, detail, status, problem }: EffectReport): string {
  const fix = problem?.fix === undefined ? '' : `; fix: ${problem.fix}`;
  if (status === 'failed') return `${detail} (failed: ${problem?.code ?? 'unknown'}${fix})`;
  if (status === 'done' && (kind === 'email' || kind === 'webhook')) return `${detail} (sent)`;
  return status === 'skipped' ? `${detail} (no cause for it)` : detail;
}

/** `acme/retraining on v20250131_093015`, and why not. */
export function formatRestart({ space, version, status, problem }: RestartReport): string {
  const owed = status === 'lost' ? 'nothing remembers it' : 'still owed';
  return `${space} on ${version}${problem ? ` (failed, ${owed}: ${problem.code}: ${problem.message})` : ''}`;
}
