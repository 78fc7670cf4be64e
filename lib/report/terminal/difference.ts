import { ATTRIBUTION, formatAttribution, formatDelta, formatDrift, formatShares, NONE, nameDrift } from '../figures.ts';
import type { Paint } from '../layout.ts';
import type { AttributionReport, ChangeKind, DifferenceReport, LabelReport } from '../report.ts';
import { countOf, formatCount } from '../words.ts';
import { renderTable, type TableRow } from './table.ts';
import { capped, define, hang, heading } from './text.ts';

const MOST_PAIRS = 10; // of classes before and after; the whole list is in report.json

const SIGNS: Record<ChangeKind, string> = { added: '+', removed: '−', relabelled: '~', recleaned: '~', moved: '>' };

/** What is different from the published version. */
export function renderDifference({ difference }: LabelReport, width: number, paint: Paint): string[][] {
  if (!difference) return [];
  const { version, rows, drift } = difference;
  const delta = formatDelta(rows.after - rows.before);
  const counts = `${formatCount(rows.before)} → ${formatCount(rows.after)} (${delta}), ${formatCount(rows.unchanged)} unchanged`;
  const splits = difference.splits.map(
    ({ name, before, after }) => `${name} ${formatCount(before)} → ${formatCount(after)}`,
  );
  return [
    [
      ...heading(`difference from ${version ?? 'the published version'}`, width, paint),
      ...define('rows', counts, width),
      ...(splits.length > 0 ? define('splits', splits.join(', '), width) : []),
      ...define(
        'drift',
        `${formatDrift(drift)}, ${nameDrift(drift)} (population stability index of the class shares)`,
        width,
      ),
    ],
    [...renderChanges(difference, width, paint), ...renderRelabelled(difference, width)],
    renderClassShares(difference, width, paint),
  ];
}

function renderChanges({ changes }: DifferenceReport, width: number, paint: Paint): string[] {
  if (changes.length === 0) return [];
  const attributed = changes.some(({ bySpec, byData }) => bySpec !== undefined || byData !== undefined);
  const cell = (rows: number | undefined) => (rows === undefined ? NONE : formatCount(rows));
  const rows = changes.map(({ kind, rows, bySpec, byData }): TableRow => {
    const alarm = kind === 'moved' && rows > 0;
    return {
      name: `${alarm ? '✖' : SIGNS[kind]} ${kind}`,
      cells: [formatCount(rows), ...(attributed ? [cell(bySpec), cell(byData)] : [])],
      ...(alarm ? { style: 'red' as const } : {}),
    };
  });
  const header = { name: '  change', cells: ['rows', ...(attributed ? ['by spec', 'by data'] : [])] };
  return renderTable({ header, rows }, width, paint);
}

function renderRelabelled({ relabelled }: DifferenceReport, width: number): string[] {
  return capped(
    relabelled,
    MOST_PAIRS,
    ({ from, to, rows }) => hang('relabelled', `${from} → ${to}: ${countOf(rows, 'row')}`, width, 2),
    (hidden) => `relabelled and ${formatCount(hidden.length)} more pairs of classes, in report.json`,
  );
}

function renderClassShares(difference: DifferenceReport, width: number, paint: Paint): string[] {
  const { classes } = difference;
  if (classes.length === 0) return [];
  const shares = classes.map((each) => {
    const [before, after, change] = formatShares(each, difference);
    const counts = [each.before, each.after].map(formatCount);
    return { name: each.name, cells: [...counts, `${before} → ${after}`, change] };
  });
  const header = { name: 'class', cells: ['before', 'after', 'share', 'change'] };
  return renderTable({ header, rows: shares }, width, paint);
}

/** Which figures the data changed, and which the spec. */
export function renderAttribution({ attribution }: LabelReport, width: number, paint: Paint): string[] {
  if (!attribution) return [];
  const { base, problem, measures } = attribution;
  const head = heading(`spec or data? base is ${base}, on the same snapshot`, width, paint);
  if (problem) {
    const lines = hang('!', `the base could not be planned: ${problem.code}: ${problem.message}`, width, 2);
    return [...head, ...lines.map((line) => paint('yellow', line))];
  }
  const header = { name: '', cells: ATTRIBUTION };
  return [...head, ...renderTable({ header, rows: planAttribution(measures) }, width, paint)];
}

/** Measures below the name of their group, unless the group is one measure of the same name. */
function planAttribution(measures: AttributionReport['measures']): TableRow[] {
  let group: string | undefined;
  return measures.flatMap((measure) => {
    const { name } = measure;
    const starts = measure.group !== group && measure.group !== name;
    group = measure.group;
    const row = { name: measure.group === name ? name : `  ${name}`, cells: formatAttribution(measure) };
    return starts ? [{ name: measure.group, cells: [] }, row] : [row];
  });
}
