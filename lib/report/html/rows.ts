import { formatDelta, formatEstimate, formatNumber, formatShare, NONE } from '../figures.ts';
import type { LabelReport } from '../report.ts';
import type { LabelSamples } from '../samples.ts';
import { countOf, formatTimes } from '../words.ts';
import { chartLengths, chartRows } from './charts.ts';
import { beside, code, fold, named, type Section, section, table } from './components.ts';
import { type Html, html, type Value } from './escape.ts';
import { cleaningExamples, droppedExamples } from './examples.ts';
import type { Plotter } from './plot.ts';

/** Where the rows come from, what is dropped and why, what cleaning did, and how long the texts are. */

export function rowsSection(
  label: LabelReport,
  samples: LabelSamples | undefined,
  plotter: Plotter,
): Section | undefined {
  const { fetched, kept } = label;
  if (!fetched && !kept) return undefined;
  return section(
    label.label,
    'rows',
    'Rows',
    beside(rowTable(label), chartRows(plotter, `label-${label.label}-rows-chart`, label)),
    fetched &&
      html`<p class="note">A person reviewed the misclassified rows; the labels of the correct ones are the model’s. The ratio asks for ${countOf(fetched.asked, 'correct row')}${fetched.correct < fetched.asked && ', and there are fewer'}.</p>`,
    unknownTable(label),
    samples && droppedExamples(samples),
  );
}

function rowTable({ label, fetched, kept, dropped = {} }: LabelReport): Html {
  const whole = fetched?.total ?? 0;
  const drops = Object.entries(dropped).filter(([, rows]) => rows > 0);
  const sources = ({ misclassified, correct, total }: NonNullable<LabelReport['kept']>, share: Value) => [
    total,
    share,
    misclassified,
    correct,
  ];
  return table({
    caption: 'Rows by source, and each drop by reason',
    of: label,
    columns: [
      { head: 'Stage' },
      ...['Rows', 'Share', 'Misclassified', 'Correct'].map((head) => ({ head, numeric: true })),
    ],
    rows: [
      ...(fetched ? [['fetched, after balance', ...sources(fetched, formatShare(whole, whole))]] : []),
      ...drops.map(([reason, rows]) => [
        html`dropped: ${code(reason)}`,
        formatDelta(-rows),
        formatShare(rows, whole),
        '',
        '',
      ]),
    ],
    ...(kept ? { total: ['kept, after clean', ...sources(kept, formatShare(kept.total, whole))] } : {}),
  });
}

function unknownTable({ label, unknownClasses = [] }: LabelReport): Html | undefined {
  if (unknownClasses.length === 0) return undefined;
  return table({
    caption: 'Classes in the data that the spec does not name',
    of: label,
    columns: [{ head: 'Value' }, { head: 'Rows', numeric: true }, { head: 'Nearest class' }],
    rows: unknownClasses.map(({ value, rows, nearest }) => [
      html`<q>${named(value)}</q>`,
      rows,
      nearest === undefined ? NONE : named(nearest),
    ]),
  });
}

export function cleaningSection(label: LabelReport, samples: LabelSamples | undefined): Section | undefined {
  const { cleaning = [], fetched } = label;
  if (cleaning.length === 0) return undefined;
  return section(
    label.label,
    'cleaning',
    'Cleaning',
    table({
      caption: 'Rows that each step changed, in order',
      of: label.label,
      columns: [{ head: 'Step' }, { head: 'Rows', numeric: true }, { head: 'Share', numeric: true }],
      rows: cleaning.map(({ step, rows }) => [code(step), rows, formatShare(rows, fetched?.total ?? 0)]),
    }),
    samples && cleaningExamples(samples),
  );
}

export function lengthSection({ label, lengths }: LabelReport, plotter: Plotter): Section | undefined {
  if (!lengths) return undefined;
  const names = {
    min: 'least',
    p5: '5%',
    p25: '25%',
    median: 'median',
    p75: '75%',
    p95: '95%',
    p99: '99%',
    max: 'most',
    mean: 'mean',
  };
  const quantiles = Object.entries(names) as [keyof typeof names, string][];
  return section(
    label,
    'lengths',
    'Text length',
    beside(
      table({
        caption: 'Characters per text, by quantile',
        of: label,
        columns: [{ head: 'Of' }, ...quantiles.map(([, name]) => ({ head: name, numeric: true }))],
        rows: [['characters', ...quantiles.map(([key]) => formatNumber(lengths[key]))]],
      }),
      chartLengths(plotter, `label-${label}-lengths-chart`, lengths),
    ),
  );
}

/** The SQL, folded, with what the planner thinks of it; seconds per step. */
export function querySection({ label, queries = [], seconds }: LabelReport): Section | undefined {
  const times = formatTimes(seconds);
  if (queries.length === 0 && times === '') return undefined;
  return section(
    label,
    'queries',
    'Queries and time',
    queries.map((query) =>
      fold(
        html`SQL of <b>${query.source}</b>${query.estimate && `: ${formatEstimate(query.estimate)}`}`,
        html`<pre tabindex="0" role="region" aria-label="SQL of ${query.source}, ${label}"><code>${query.sql}</code></pre>`,
      ),
    ),
    queries.some((query) => query.estimate) &&
      html`<p class="note">Rows and cost are the planner’s guess (EXPLAIN), not a measurement.</p>`,
    times !== '' && html`<p class="note">Time: ${times}.</p>`,
  );
}
