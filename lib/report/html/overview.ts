import type { LabelReport, RunReport } from '../report.ts';
import { formatCount, formatSeconds } from '../words.ts';
import { toneOf } from './checks.ts';
import { formatImbalance, totalsOf } from './classes.ts';
import { badge, callout, code, facts, figures, type Section, table } from './components.ts';
import { changeSummary } from './difference.ts';
import { type Html, html, type Value } from './escape.ts';
import { formatBytes, formatNumber, NONE, sizeOfDrift } from './numbers.ts';
import { effectList } from './plan.ts';
import { verdictBadge } from './verdict.ts';

/** What stands above the labels: the run, all verdicts at a glance, warnings, and what happens besides publishing. */

export function renderHeader(report: RunReport): Html {
  const { dryRun, config, startedAt, seconds, database, version, exitCode } = report;
  return html`<h1>${dryRun ? 'Dry run' : 'Run'} of ${named(config)}</h1>
${facts([
  ['Started', html`<time datetime="${startedAt}">${startedAt.slice(0, 19).replace('T', ' ')} UTC</time>`],
  ['Took', formatSeconds(seconds)],
  ['Exit code', String(exitCode)],
  database && ['Database', html`PostgreSQL ${database.server}`],
  database && ['Snapshot', html`${code(database.snapshot)} at ${database.takenAt.slice(11, 19)} UTC`],
  ['Program', html`prepare-dataset ${version}`],
])}`;
}

const named = (file: string) => html`<span class="file">${file}</span>`;

export function renderOverview(report: RunReport, notes: Value): Html {
  const { labels, warnings } = report;
  return html`<section aria-labelledby="overview"><h2 id="overview">Overview</h2>
${table({
  caption: 'Verdicts',
  titled: true,
  of: 'all labels',
  columns: [
    { head: 'Label' },
    { head: 'Verdict' },
    { head: 'Rows', numeric: true },
    { head: 'Change', numeric: true },
    { head: 'Drift', numeric: true },
    { head: 'Checks' },
    { head: 'Target' },
  ],
  rows: labels.map(overviewRow),
})}
${warnings.length > 0 && callout('warn', html`<ul aria-label="Warnings">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`)}
${notes}
${effectList(report)}
</section>`;
}

function overviewRow(label: LabelReport): Value[] {
  const { difference, kept } = label;
  return [
    html`<a href="#label-${label.label}">${label.label}</a>`,
    verdictBadge(label.outcome),
    kept?.total ?? NONE,
    difference ? changeSummary(difference) : NONE,
    difference ? html`${formatNumber(difference.drift)}` : NONE,
    checkSummary(label),
    code(label.target),
  ];
}

function checkSummary({ checks = [] }: LabelReport): Value {
  if (checks.length === 0) return NONE;
  const failed = checks.filter(({ status }) => status === 'failed');
  const [worst] = failed.map(toneOf).sort();
  if (worst === undefined) return `${checks.length} passed`;
  return badge(worst, `${failed.length} of ${checks.length} failed`);
}

/** A label's figures that are looked for first. */
export function renderFigures(label: LabelReport): Html | undefined {
  const { kept, fetched, difference, plan, split } = label;
  if (!kept) return undefined;
  const bytes = plan?.files.reduce((sum, { size }) => sum + size, 0);
  return figures([
    { name: 'Rows', value: formatCount(kept.total), note: fetched && `of ${formatCount(fetched.total)} fetched` },
    ...(difference
      ? [
          {
            name: 'Change',
            value: changeSummary(difference),
            note: `since ${difference.version ?? 'the published version'}`,
          },
          { name: 'Drift (PSI)', value: formatNumber(difference.drift), note: sizeOfDrift(difference.drift) },
        ]
      : []),
    ...(split
      ? [{ name: 'Imbalance', value: formatImbalance(totalsOf(label)), note: 'largest class to smallest' }]
      : []),
    ...(bytes !== undefined
      ? [{ name: 'Upload', value: formatBytes(bytes), note: `${plan?.files.length} files` }]
      : []),
  ]);
}

/** Links to each label and its sections. */
export function renderNav(parts: { label: LabelReport; sections: Section[] }[]): Html {
  return html`<ul><li><a href="#overview">Overview</a></li>
${parts.map(
  ({ label, sections }) =>
    html`<li><a href="#label-${label.label}">${label.label}</a>${
      sections.length > 0 &&
      html`<ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul>`
    }</li>\n`,
)}</ul>`;
}
