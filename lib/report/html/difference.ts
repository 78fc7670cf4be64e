import {
  ATTRIBUTION,
  countChanges,
  formatAttribution,
  formatDelta,
  formatDrift,
  formatShare,
  formatShares,
  NONE,
  nameDrift,
} from '../figures.ts';
import type { AttributionReport, ChangeKind, DifferenceReport, LabelReport } from '../report.ts';
import type { LabelSamples } from '../samples.ts';
import { countOf, formatCount } from '../words.ts';
import { chartShares } from './charts.ts';
import { badge, beside, callout, capitalize, code, named, type Section, section, spoken, table } from './components.ts';
import { type Html, html, type Value } from './escape.ts';
import { changeExamples } from './examples.ts';
import type { Plotter } from './plot.ts';

/** What would change against the published version, and whether the spec or the data changed it. */

export const CHANGES: Record<ChangeKind, { name: string; meaning: string }> = {
  added: { name: 'added', meaning: 'only in this version' },
  removed: { name: 'removed', meaning: 'only in the published version' },
  relabelled: { name: 'relabelled', meaning: 'same row, another class' },
  recleaned: { name: 're-cleaned', meaning: 'same row, other text after cleaning' },
  moved: { name: 'moved', meaning: 'same row, another split: must be 0' },
};

/** `+174 −60 ~69`: rows added, removed, changed in place. */
export function changeSummary(difference: DifferenceReport): Html {
  const { added, removed, changed } = countChanges(difference);
  return html`<span class="delta"><span class="plus">${spoken(`+${formatCount(added)}`, `${formatCount(added)} added, `)}</span> <span class="minus">${spoken(`−${formatCount(removed)}`, `${formatCount(removed)} removed, `)}</span> <span>${spoken(`~${formatCount(changed)}`, `${formatCount(changed)} changed`)}</span></span>`;
}

export function differenceSection(
  label: LabelReport,
  samples: LabelSamples | undefined,
  plotter: Plotter,
): Section | undefined {
  const { difference } = label;
  if (!difference) return undefined;
  const { rows, version, drift } = difference;
  const since = version === null ? 'the published version, which has no tag of ours' : code(version);
  return section(
    label.label,
    'difference',
    'Difference from the published version',
    html`<p>Against ${since}: ${countOf(rows.before, 'row')} before, ${formatCount(rows.after)} after, ${formatCount(rows.unchanged)} unchanged.</p>`,
    movedWarning(difference),
    classListWarning(difference),
    changeTable(label.label, difference),
    samples && changeExamples(samples),
    beside(shareTable(label.label, difference), chartShares(plotter, `label-${label.label}-shares-chart`, difference)),
    html`<p>Drift of the class shares (population stability index): <b>${formatDrift(drift)}</b>, ${badge(nameDrift(drift) === 'stable' ? 'quiet' : 'warn', nameDrift(drift))} <span class="note">stable up to 0.1, some shift up to 0.25, a shift above.</span></p>`,
    splitTable(label.label, difference),
    relabelledTable(label.label, difference),
  );
}

function movedWarning(difference: DifferenceReport): Html | undefined {
  const { moved } = countChanges(difference);
  if (moved === 0) return undefined;
  return callout(
    'bad',
    html`<p><b>${countOf(moved, 'row')} moved between splits.</b> This must be 0: a model would be tested on what an earlier one was trained on. Do not publish this.</p>`,
  );
}

function classListWarning({ classList: { added, removed, reordered } }: DifferenceReport): Html | undefined {
  if (added.length + removed.length + reordered.length === 0) return undefined;
  const line = (title: string, names: string[], consequence: string) =>
    names.length > 0 &&
    html`<p><b>${title}:</b> ${names.map((name, index) => html`${index > 0 && ', '}${named(name)}`)}. ${consequence}</p>`;
  return callout(
    removed.length + reordered.length > 0 ? 'bad' : 'warn',
    line(
      'Classes reordered',
      reordered,
      'Their ids change: models that are already trained would silently name the wrong class.',
    ),
    line('Classes removed', removed, 'Ids after them may change, and models that are already trained still name them.'),
    line('Classes added', added, 'Models that are already trained do not know them.'),
  );
}

function changeTable(label: string, { changes }: DifferenceReport): Html {
  const attributed = changes.some(({ bySpec, byData }) => bySpec !== undefined || byData !== undefined);
  const number = (head: string) => ({ head, numeric: true });
  return table({
    caption: 'Changes by kind',
    of: label,
    columns: [
      { head: 'Change' },
      number('Rows'),
      ...(attributed ? [number('By the spec'), number('By the data')] : []),
    ],
    rows: changes.map(({ kind, rows, bySpec, byData }) => [
      html`${CHANGES[kind].name}<small>${CHANGES[kind].meaning}</small>`,
      kind === 'moved' && rows > 0 ? badge('bad', formatCount(rows)) : rows,
      ...(attributed ? [bySpec ?? NONE, byData ?? NONE] : []),
    ]),
  });
}

function shareTable(label: string, difference: DifferenceReport): Html {
  const { classes, rows } = difference;
  return table({
    caption: 'Classes before and after',
    of: label,
    columns: [{ head: 'Class' }, ...['Before', 'After', 'Change', 'Share'].map((head) => ({ head, numeric: true }))],
    rows: classes.map((each) => [
      named(each.name),
      withShare(each.before, rows.before),
      withShare(each.after, rows.after),
      formatDelta(each.after - each.before),
      formatShares(each, difference)[2],
    ]),
    total: ['all', rows.before, rows.after, formatDelta(rows.after - rows.before), ''],
  });
}

/** Rows, and their share below. */
export function withShare(rows: number, whole: number, note?: Value): Html {
  return html`${formatCount(rows)}<small>${formatShare(rows, whole)}${note}</small>`;
}

function splitTable(label: string, { splits }: DifferenceReport): Html {
  return table({
    caption: 'Splits before and after',
    of: label,
    columns: [{ head: 'Split' }, ...['Before', 'After', 'Change'].map((head) => ({ head, numeric: true }))],
    rows: splits.map(({ name, before, after }) => [named(name), before, after, formatDelta(after - before)]),
  });
}

function relabelledTable(label: string, { relabelled }: DifferenceReport): Html | undefined {
  if (relabelled.length === 0) return undefined;
  return table({
    caption: 'Rows relabelled',
    of: label,
    columns: [{ head: 'From' }, { head: 'To' }, { head: 'Rows', numeric: true }],
    rows: relabelled.map(({ from, to, rows }) => [named(from), named(to), rows]),
  });
}

const GROUPS = {
  fetched: 'Rows fetched',
  dropped: 'Rows dropped',
  kept: 'Rows kept',
  class: 'Classes',
  split: 'Splits',
};

export function attributionSection({ label, attribution }: LabelReport): Section | undefined {
  if (!attribution) return undefined;
  const { base, problem } = attribution;
  const source = base === 'published' ? 'the spec of the published version' : code(base);
  const title = 'Spec or data?';
  if (problem) {
    const { code: name, message, fix } = problem;
    const told = html`<p>The base, ${source}, could not be planned, so nothing can be attributed. ${code(name)}</p><p class="message">${message}</p>${fix && html`<p class="message"><b>Fix:</b> ${fix}</p>`}`;
    return section(label, 'attribution', title, callout('warn', told));
  }
  return section(
    label,
    'attribution',
    title,
    html`<p>Both specs were planned on the same snapshot; the base is ${source}. From published to base the data changed, from base to now the spec.</p>`,
    attributionTable(label, attribution),
  );
}

function attributionTable(label: string, { measures }: AttributionReport): Html {
  const groups = Object.entries(GROUPS).map(([group, head]) => ({
    head,
    rows: measures
      .filter((each) => each.group === group)
      .map((measure) => {
        const [published, byData, base, bySpec, planned] = formatAttribution(measure);
        return [named(measure.name), published, emphasized(byData), base, emphasized(bySpec), planned];
      }),
  }));
  return table({
    caption: 'What the data changed and what the spec changed',
    of: label,
    columns: [{ head: 'Measure' }, ...ATTRIBUTION.map((head) => ({ head: capitalize(head), numeric: true }))],
    rows: [],
    groups: groups.filter(({ rows }) => rows.length > 0),
  });
}

const emphasized = (delta: string | undefined): Value =>
  delta === '0' || delta === NONE ? html`<span class="zero">${delta}</span>` : html`<b>${delta}</b>`;
