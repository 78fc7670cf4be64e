import { formatAsked, formatNumber, formatPoints, formatShare, planImbalance } from '../figures.ts';
import type { LabelReport, SplitReport } from '../report.ts';
import type { LabelSamples } from '../samples.ts';
import { countOf, formatCount } from '../words.ts';
import { chartClasses } from './charts.ts';
import { badge, beside, callout, facts, lines, named, type Section, section, table } from './components.ts';
import { withShare } from './difference.ts';
import { type Html, html } from './escape.ts';
import { conflictExamples } from './examples.ts';
import type { Plotter } from './plot.ts';

/** Classes × splits, texts that disagree, and what personal data is left. */

export function classesSection(label: LabelReport, plotter: Plotter): Section | undefined {
  const { split, classes } = label;
  if (!split) return undefined;
  const several = split.textsInSeveralSplits;
  const imbalance = formatImbalance(label);
  return section(
    label.label,
    'classes',
    'Classes and splits',
    several !== undefined &&
      several > 0 &&
      callout(
        'bad',
        html`<p><b>${countOf(several, 'text')} in several splits.</b> This must be 0: a model would be tested on what it was trained on. Do not publish this.</p>`,
      ),
    beside(splitTable(label.label, classes, split), chartClasses(plotter, `label-${label.label}-classes-chart`, label)),
    html`<p class="note">Below each number: the class’s part of it by split, and how far that is off the share asked for, in percentage points (pp).</p>`,
    facts([
      imbalance !== undefined && ['Imbalance', html`${imbalance} <span class="note">largest class to smallest</span>`],
      several !== undefined && ['Texts in several splits', several === 0 ? '0' : badge('bad', formatCount(several))],
      [
        'Texts remembered',
        html`${formatCount(split.remembered)} <span class="note">their split was decided by an earlier version</span>`,
      ],
      ['Texts new', formatCount(split.assigned)],
      split.merged > 0 && [
        'Texts merged',
        html`${formatCount(split.merged)} <span class="note">were in several splits; the split listed first keeps them</span>`,
      ],
      split.smallClasses.length > 0 && ['Too few texts for every split', lines(split.smallClasses.map(named))],
    ]),
  );
}

/** `4.4 times`: how many times as many rows the largest class has. */
export function formatImbalance(label: LabelReport): string | undefined {
  const imbalance = planImbalance(label);
  if (!imbalance) return undefined;
  return imbalance.ratio === undefined ? 'a class has no row' : `${formatNumber(imbalance.ratio)} times`;
}

function splitTable(label: string, classes: string[], { splits }: SplitReport): Html {
  const all = splits.reduce((sum, { rows }) => sum + rows, 0);
  const off = (rows: number, whole: number, share: string) =>
    whole > 0 ? html` <i>${formatPoints(rows / whole - Number(share))}</i>` : undefined;
  const cells = (name: Html | string, rows: number[]) => {
    const whole = rows.reduce((sum, each) => sum + each, 0);
    const bySplit = splits.map(({ share }, index) =>
      withShare(rows[index] ?? 0, whole, off(rows[index] ?? 0, whole, share)),
    );
    return [name, ...bySplit, withShare(whole, all)];
  };
  return table({
    caption: 'Rows by class and split',
    of: label,
    columns: [
      { head: 'Class' },
      ...splits.map(({ name, share }) => ({
        head: html`${named(name)}<small>asked ${formatAsked(share)}</small>`,
        numeric: true,
      })),
      { head: html`all<small>of all rows</small>`, numeric: true },
    ],
    rows: classes.map((name, id) =>
      cells(
        named(name),
        splits.map((split) => split.classes[id] ?? 0),
      ),
    ),
    total: cells(
      'all',
      splits.map(({ rows }) => rows),
    ),
  });
}

export function conflictSection(label: LabelReport, samples: LabelSamples | undefined): Section | undefined {
  const { conflicts } = label;
  if (!conflicts) return undefined;
  const { texts, rows, groups } = conflicts;
  return section(
    label.label,
    'conflicts',
    'Conflicts',
    html`<p>${texts === 0 ? 'No text stands under more than one class.' : html`${countOf(texts, 'text')} under more than one class, in ${countOf(rows, 'row')}.`}</p>`,
    groups.length > 0 &&
      table({
        caption: 'Conflicts by the classes that disagree',
        of: label.label,
        columns: [
          { head: 'Classes' },
          { head: 'Kept' },
          { head: 'Texts', numeric: true },
          { head: 'Rows', numeric: true },
        ],
        rows: groups.map((group) => [
          lines(group.classes.map(named)),
          group.winner === null ? 'none, all rows dropped' : named(group.winner),
          group.texts,
          group.rows,
        ]),
      }),
    samples && conflictExamples(samples),
  );
}

export function personalSection({ label, personalData = [] }: LabelReport): Section | undefined {
  if (personalData.length === 0) return undefined;
  const columns = ['Rows', 'With e-mail address', 'With telephone number', 'With either', 'Share'];
  return section(
    label,
    'personal',
    'Personal data left after cleaning',
    table({
      caption: 'Rows with an e-mail address or a telephone number',
      of: label,
      columns: [{ head: 'Split' }, ...columns.map((head) => ({ head, numeric: true }))],
      rows: personalData.map(({ split, rows, emails, phones, any }) => [
        named(split),
        rows,
        emails,
        phones,
        any,
        formatShare(any, rows),
      ]),
    }),
  );
}
