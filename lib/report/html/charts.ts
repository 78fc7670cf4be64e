import { countClasses, formatDelta, formatShares } from '../figures.ts';
import type { DifferenceReport, LabelReport } from '../report.ts';
import { formatCount } from '../words.ts';
import { type Html, html, showInvisible } from './escape.ts';
import { colourOf, legendOf, type Plotter, seriesColour, seriesName, textWidth, WIDTH, wrapName } from './plot.ts';

/** The four charts. Each stands beside a table with the same numbers. */

const LINE_PX = 15; // of a name
const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const RULE = 'var(--rule)';
const SOURCES = [seriesName(2), seriesName(3)] as const; // other colours than the splits'
const DROP = 'drop';

interface Bar {
  row: string;
  from: number;
  to: number;
  fill: string;
}

const BAR_PX = 20;
const LEAST_BAR = 0.01; // of the whole; a bar that is narrower would not be seen

/** How the rows fetched become the rows kept: each reason takes its part away. */
export function chartRows({ plot, draw }: Plotter, id: string, label: LabelReport): Html | undefined {
  const { fetched, kept, dropped = {} } = label;
  if (!fetched || !kept || fetched.total === 0) return undefined;
  const reasons = Object.entries(dropped).filter(([, rows]) => rows > 0);
  const bars: Bar[] = stack('fetched', fetched);
  let left = fetched.total;
  for (const [reason, rows] of reasons) {
    bars.push({
      row: reason,
      from: Math.max(0, left - Math.max(rows, fetched.total * LEAST_BAR)),
      to: left,
      fill: colourOf(DROP),
    });
    left -= rows;
  }
  bars.push(...stack('kept', kept));
  const ends = [
    { row: 'fetched', text: formatCount(fetched.total) },
    ...reasons.map(([reason, rows]) => ({ row: reason, text: formatDelta(-rows) })),
    { row: 'kept', text: formatCount(kept.total) },
  ];
  const rows = ends.map(({ row }) => row);
  const room = Math.max(...ends.map(({ text }) => textWidth(text))) + 8;
  return draw({
    id,
    title: 'Rows from fetched to kept',
    description: `${ends.map(({ row, text }) => `${row} ${text}`).join(', ')}.`,
    legend: legendOf(['misclassified', 'correct', 'dropped'], [...SOURCES, DROP]),
    options: {
      height: rows.length * BAR_PX + 2,
      ...{ marginTop: 1, marginBottom: 1, marginLeft: 96, marginRight: room },
      x: { axis: null, domain: [0, fetched.total] },
      y: { axis: null, domain: rows, padding: 0.25 },
      marks: [
        plot.ruleX([0], { stroke: RULE }),
        plot.barX(bars, { x1: 'from', x2: 'to', y: 'row', fill: 'fill', insetRight: 0.5 }),
        plot.text(rows, {
          frameAnchor: 'left',
          y: (row: string) => row,
          text: (row: string) => row,
          dx: -8,
          textAnchor: 'end',
          fill: INK,
        }),
        plot.text(ends, { frameAnchor: 'right', y: 'row', text: 'text', dx: room - 2, textAnchor: 'end', fill: INK }),
      ],
    },
  });
}

function stack(row: string, { misclassified, correct }: { misclassified: number; correct: number }): Bar[] {
  return [
    { row, from: 0, to: misclassified, fill: colourOf(SOURCES[0]) },
    { row, from: misclassified, to: misclassified + correct, fill: colourOf(SOURCES[1]) },
  ];
}

/** Rows below each other, each with its name on lines of its own above what is drawn. */
function planNamed(names: readonly string[], drawnPx: number) {
  const lines = names.map((name) => wrapName(name));
  const tops: number[] = [];
  let height = 0;
  for (const each of lines) {
    tops.push(height);
    height += each.length * LINE_PX + drawnPx;
  }
  const middle = (index: number) => (tops[index] ?? 0) + (lines[index]?.length ?? 0) * LINE_PX + drawnPx / 2 - 2;
  const texts = lines.flatMap((each, index) =>
    each.map((text, line) => ({ text, y: (tops[index] ?? 0) + (line + 0.5) * LINE_PX })),
  );
  return { height, middle, texts };
}

const IDENTITY = { type: 'identity', axis: null } as const;
const BARE = { marginTop: 0, marginBottom: 0, marginLeft: 0, marginRight: 0, x: IDENTITY, y: IDENTITY };

/** Rows of each class, divided by split. */
export function chartClasses({ plot, draw }: Plotter, id: string, label: LabelReport): Html | undefined {
  const { classes, split: { splits } = { splits: [] } } = label;
  const totals = countClasses(label).map(({ rows }) => rows);
  const most = Math.max(...totals);
  if (classes.length === 0 || most === 0) return undefined;
  const { height, middle, texts } = planNamed(classes, 18);
  const room = Math.max(...totals.map((rows) => textWidth(formatCount(rows)))) + 8;
  const scale = (rows: number) => (rows / most) * (WIDTH - room);
  const bars = classes.flatMap((_, index) => {
    const rows = splits.map((split) => split.classes[index] ?? 0);
    const endOf = (series: number) => scale(rows.slice(0, series).reduce((sum, each) => sum + each, 0));
    return rows.map((__, series) => ({
      from: endOf(series),
      to: endOf(series + 1),
      y: middle(index),
      fill: seriesColour(series),
    }));
  });
  const ends = totals.map((rows, index) => ({ text: formatCount(rows), x: scale(rows) + 5, y: middle(index) }));
  return draw({
    id,
    title: 'Rows by class and split',
    description: `${classes.map((name, index) => `${showInvisible(name)}: ${splits.map((split) => `${split.name} ${formatCount(split.classes[index] ?? 0)}`).join(', ')}`).join('; ')}.`,
    legend: legendOf(splits.map(({ name }) => name)),
    options: {
      height,
      ...BARE,
      marks: [
        plot.text(texts, { x: 0, y: 'y', text: 'text', textAnchor: 'start', fill: INK }),
        plot.rect(bars, {
          x1: 'from',
          x2: 'to',
          y1: ({ y }) => y - 5,
          y2: ({ y }) => y + 5,
          fill: 'fill',
          insetRight: 0.5,
        }),
        plot.text(ends, { x: 'x', y: 'y', text: 'text', textAnchor: 'start', fill: MUTED }),
      ],
    },
  });
}

/** Each class's share of the rows, before and after: a hollow and a filled dot. */
export function chartShares({ plot, draw }: Plotter, id: string, difference: DifferenceReport): Html | undefined {
  const { before, after } = difference.rows;
  const { classes } = difference;
  if (before === 0 || after === 0 || classes.length === 0) return undefined;
  const rows = classes.map((each) => ({
    name: each.name,
    shares: formatShares(each, difference),
    was: each.before / before,
    is: each.after / after,
  }));
  const most = Math.max(...rows.flatMap(({ was, is }) => [was, is]));
  const { height, middle, texts } = planNamed(
    classes.map(({ name }) => name),
    18,
  );
  const scale = (share: number) => 6 + (share / most) * (WIDTH - 70);
  const marks = rows.map(({ was, is, shares }, index) => ({
    was: scale(was),
    is: scale(is),
    y: middle(index),
    text: shares[2],
  }));
  return draw({
    id,
    title: 'Share of each class, before and after',
    description: `${rows.map(({ name, shares }) => `${showInvisible(name)}: ${shares[0]} before, ${shares[1]} after`).join('; ')}.`,
    legend: html`<ul class="legend"><li><span class="dot hollow"></span>published</li><li><span class="dot"></span>this version</li><li>change in percentage points (pp)</li></ul>`,
    options: {
      height,
      ...BARE,
      marks: [
        plot.text(texts, { x: 0, y: 'y', text: 'text', textAnchor: 'start', fill: INK }),
        plot.ruleY(marks, { x1: scale(0) - 6, x2: scale(most) + 6, y: 'y', stroke: RULE }),
        plot.ruleY(marks, { x1: 'was', x2: 'is', y: 'y', stroke: seriesColour(0), strokeWidth: 2 }),
        plot.dot(marks, { x: 'was', y: 'y', r: 4, fill: 'var(--paper)', stroke: seriesColour(0), strokeWidth: 1.5 }),
        plot.dot(marks, { x: 'is', y: 'y', r: 4.5, fill: seriesColour(0) }),
        plot.text(marks, { x: WIDTH, y: 'y', text: 'text', textAnchor: 'end', fill: MUTED }),
      ],
    },
  });
}

/** 12345 → `12.3k`. */
function formatTick(value: number): string {
  return value.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 }).replace('K', 'k');
}

/** Quantiles of the texts' lengths on a logarithmic axis. */
export function chartLengths(
  { plot, draw }: Plotter,
  id: string,
  lengths: NonNullable<LabelReport['lengths']>,
): Html | undefined {
  const { min, p5, p25, median, p75, p95, p99, max } = lengths;
  if (max === 0) return undefined;
  const least = Math.max(1, min); // a logarithm has no zero
  const at = (value: number) => Math.max(least, value);
  return draw({
    id,
    title: 'Characters per text',
    description: `From ${formatCount(min)} to ${formatCount(max)}; half of the texts between ${p25} and ${p75}, median ${median}.`,
    legend: html`<ul class="legend"><li>box: the middle half, with the median</li><li>line: 5% to 95%</li><li>dots: least, 99%, most</li></ul>`,
    options: {
      ...{ height: 82, marginTop: 4, marginBottom: 42, marginLeft: 14, marginRight: 22 },
      x: { type: 'log', domain: [least, Math.max(least * 10, max)], label: null },
      y: { axis: null, domain: [0, 1] },
      marks: [
        plot.gridX({ stroke: RULE, strokeOpacity: 1, ticks: 4 }),
        plot.axisX({
          ...{ ticks: 4, tickFormat: formatTick, tickSize: 4, color: MUTED },
          ...{ label: 'characters, logarithmic', labelAnchor: 'center', labelArrow: 'none', labelOffset: 32 },
        }),
        plot.ruleY([0.5], { x1: at(p5), x2: at(p95), stroke: INK }),
        plot.rect([0], { x1: at(p25), x2: at(p75), y1: 0.2, y2: 0.8, fill: seriesColour(0) }),
        plot.ruleX([at(median)], { y1: 0.2, y2: 0.8, stroke: 'var(--paper)', strokeWidth: 3 }),
        plot.dot([at(min), at(p99), max], { x: (value: number) => value, y: () => 0.5, r: 3, fill: INK }),
      ],
    },
  });
}
