import { formatAsked, formatNumber, formatPoints, formatShare, planImbalance } from '../figures.ts';
import { type Paint, padStart, widthOf } from '../layout.ts';
import type { LabelReport, SplitReport } from '../report.ts';
import { countOf, formatCount, formatDrops, formatTimes } from '../words.ts';
import { renderTable, type TableRow } from './table.ts';
import { capped, define, hang, heading, quote } from './text.ts';

const MOST_GROUPS = 10; // pairs of classes that disagree; the whole list is in report.json

export function renderRows({ fetched, kept, dropped }: LabelReport, width: number): string[] {
  const lines: string[] = [];
  if (fetched) {
    const { total, misclassified, correct, asked } = fetched;
    const fewer = correct < asked ? `, fewer than the ${formatCount(asked)} asked for` : '';
    const reviewed = `misclassified ${formatCount(misclassified)} (reviewed)`;
    const unreviewed = `correct ${formatCount(correct)} (the model’s label, unreviewed${fewer})`;
    lines.push(...define('fetched', `${formatCount(total)}: ${reviewed}, ${unreviewed}`, width));
  }
  if (dropped && fetched && kept) {
    const rows = fetched.total - kept.total;
    lines.push(...define('dropped', rows === 0 ? '0' : `${formatCount(rows)}: ${formatDrops(dropped)}`, width));
  }
  if (kept) {
    const { total, misclassified, correct } = kept;
    const parts = `misclassified ${formatCount(misclassified)}, correct ${formatCount(correct)}`;
    lines.push(...define('kept', `${formatCount(total)}: ${parts}`, width));
  }
  return lines;
}

export function renderUnknown({ unknownClasses = [] }: LabelReport, width: number): string[] {
  return unknownClasses.flatMap(({ value, rows, nearest }) => {
    const hint = nearest ? `; did the data mean "${nearest}"?` : '';
    return hang('unknown class', `${quote(value)}: ${countOf(rows, 'row')}${hint}`, width, 2);
  });
}

/** Classes × splits, with the shares that were asked for. */
export function renderClasses({ split, classes, kept }: LabelReport, width: number, paint: Paint): string[] {
  return split ? renderTable(planClassTable(split, classes, kept?.total ?? 0), width, paint) : [];
}

function planClassTable({ splits }: SplitReport, classes: string[], total: number) {
  const numbers = classes.map((_, id) => splits.map((each) => each.classes[id] ?? 0));
  const rows: TableRow[] = [
    ...numbers.map((row, id) => ({
      name: classes[id] ?? '',
      cells: [...row, row.reduce((sum, each) => sum + each, 0)].map(formatCount),
    })),
    { name: 'all', cells: [...splits.map((each) => each.rows), total].map(formatCount) },
    { name: 'share', cells: [...splits.map((each) => formatShare(each.rows, total)), ''] },
    { name: 'asked', cells: [...splits.map((each) => formatAsked(each.share)), ''] },
    {
      name: 'deviation',
      cells: [...splits.map((each) => formatPoints(each.rows / Math.max(1, total) - Number(each.share))), ''],
    },
  ];
  return { header: { name: 'class', cells: [...splits.map(({ name }) => name), 'all'] }, rows };
}

export function renderSplit({ split, previousVersion }: LabelReport, width: number): string[] {
  if (!split) return [];
  const since = previousVersion ? ` from ${previousVersion} and before` : '';
  const merged =
    split.merged > 0 ? `, ${formatCount(split.merged)} merged: the split listed first keeps what was in several` : '';
  const checked = split.textsInSeveralSplits === 0 ? '; no text is in two splits' : '';
  const texts = `${formatCount(split.remembered)} texts remembered${since}, ${formatCount(split.assigned)} new${merged}${checked}`;
  const small =
    split.smallClasses.length > 0
      ? hang('too few texts for every split:', split.smallClasses.join(', '), width, 2)
      : [];
  return [...define('split', texts, width), ...small];
}

/** Largest and smallest class, and how long the texts are. */
export function renderShape(label: LabelReport, width: number): string[] {
  const imbalance = planImbalance(label);
  const { lengths } = label;
  const lines: string[] = [];
  if (imbalance) {
    const { largest, smallest, ratio } = imbalance;
    const times = ratio === undefined ? '' : `${formatNumber(ratio)} times `;
    const most = `${largest.name} ${formatCount(largest.rows)}`;
    const least = `${times}the smallest, ${smallest.name} ${formatCount(smallest.rows)}`;
    lines.push(...define('largest', `${most}; ${least}`, width));
  }
  if (lengths) {
    const { mean, ...quantiles } = lengths;
    const parts = Object.entries(quantiles).map(([name, value]) => `${name} ${formatNumber(value)}`);
    lines.push(...define('length', `characters: ${parts.join(', ')}; mean ${formatNumber(mean)}`, width));
  }
  return lines;
}

/** How many rows each cleaning step changed. A pattern stands behind its number: it may be long. */
export function renderCleaning({ cleaning = [] }: LabelReport, width: number, paint: Paint): string[] {
  if (cleaning.length === 0) return [];
  const widest = Math.max(...cleaning.map(({ rows }) => widthOf(formatCount(rows))));
  return [
    ...heading('cleaning: rows that each step changed', width, paint),
    ...cleaning.flatMap(({ step, rows }) => hang(`${padStart(formatCount(rows), widest)} `, step, width, widest + 2)),
  ];
}

export function renderConflicts({ conflicts }: LabelReport, width: number, paint: Paint): string[] {
  if (!conflicts) return [];
  const { texts, rows, groups } = conflicts;
  if (texts === 0) return define('conflicts', 'none: no text has two classes', width);
  return [
    ...heading(`conflicts: ${countOf(texts, 'text')} with more than one class, ${countOf(rows, 'row')}`, width, paint),
    ...capped(
      groups,
      MOST_GROUPS,
      (group) =>
        hang(
          '-',
          `${group.classes.join(' | ')} → ${group.winner ?? 'all dropped'}: ${countOf(group.texts, 'text')}, ${countOf(group.rows, 'row')}`,
          width,
          2,
        ),
      (hidden) => `- and ${formatCount(hidden.length)} more, in report.json`,
    ),
  ];
}

/** What cleaning left of e-mail addresses and telephone numbers. */
export function renderPersonalData({ personalData = [] }: LabelReport, width: number, paint: Paint): string[] {
  if (personalData.length === 0) return [];
  const header = { name: 'split', cells: ['rows', 'e-mail', 'phone', 'either', 'share'] };
  const rows = personalData.map(({ split, rows, emails, phones, any }) => ({
    name: split,
    cells: [...[rows, emails, phones, any].map(formatCount), formatShare(any, rows)],
  }));
  return [...heading('personal data that cleaning left', width, paint), ...renderTable({ header, rows }, width, paint)];
}

export function renderTimes({ seconds }: LabelReport, width: number): string[] {
  const times = formatTimes(seconds);
  return times === '' ? [] : define('time', times, width);
}
