import {
  formatBytes,
  formatChecks,
  formatDrift,
  formatInstant,
  formatRows,
  formatShipping,
  NONE,
  nameDrift,
} from '../figures.ts';
import type { LabelReport, RunReport } from '../report.ts';
import { countOf, describeRollback, formatCount, formatSeconds, nameAction } from '../words.ts';
import { toneOf } from './checks.ts';
import { formatImbalance } from './classes.ts';
import { badge, callout, code, facts, figures, linked, type Section, table } from './components.ts';
import { changeSummary } from './difference.ts';
import { type Html, html, type Value } from './escape.ts';
import { effectList } from './plan.ts';
import { verdictBadge } from './verdict.ts';

/** What stands above the labels: the run, all verdicts at a glance, warnings, and what happens besides publishing. */

/** @param more what else stands there */
export function renderHeader(report: RunReport, more: Parameters<typeof facts>[0] = []): Html {
  const { config, reason, startedAt, seconds, database, version, exitCode, running } = report;
  const rollback = describeRollback(report);
  return html`<h1>${nameAction(report)} ${named(config)}</h1>
${facts([
  rollback !== undefined && ['Rollback', html`<bdi>${rollback}</bdi>`],
  reason !== undefined && ['Reason', html`<bdi>${reason}</bdi>`],
  ['Started', html`<time datetime="${startedAt}">${formatInstant(startedAt)}</time>`],
  !running && ['Took', formatSeconds(seconds)],
  !running && ['Exit code', String(exitCode)],
  database && ['Database', html`PostgreSQL ${database.server}`],
  database && ['Snapshot', html`${code(database.snapshot)} at ${formatInstant(database.takenAt)}`],
  ['Program', html`prepare-dataset ${version}`],
  ...more,
])}`;
}

const named = (file: string) => html`<span class="file">${file}</span>`;

export function renderOverview(report: RunReport, notes?: Value): Html {
  const { labels, warnings, planDigest, running = false } = report;
  const command = formatShipping(report);
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
  rows: labels.map((label) => overviewRow(label, running)),
})}
${
  planDigest !== undefined &&
  facts([['Plan digest', code(planDigest)], command !== undefined && ['To ship it', code(command)]])
}
${warnings.length > 0 && callout('warn', html`<ul aria-label="Warnings">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`)}
${notes}
${effectList(report)}
</section>`;
}

function overviewRow(label: LabelReport, running: boolean): Value[] {
  const { difference, outcome, target } = label;
  return [
    html`<a href="#label-${label.label}">${label.label}</a>`,
    verdictBadge(outcome, running),
    formatRows(label),
    difference ? changeSummary(difference) : NONE,
    difference ? formatDrift(difference.drift) : NONE,
    checkSummary(label),
    outcome?.status === 'success' ? linked(outcome.url, target) : code(target),
  ];
}

function checkSummary({ checks = [] }: LabelReport): Value {
  const tones = checks.map(toneOf);
  const tone = (['bad', 'warn', 'good', 'quiet'] as const).find((each) => tones.includes(each));
  return tone === undefined ? NONE : badge(tone, formatChecks(checks, 2));
}

/** A label's figures that are looked for first. */
export function renderFigures(label: LabelReport): Html | undefined {
  const { kept, fetched, difference, plan } = label;
  if (!kept) return undefined;
  const imbalance = formatImbalance(label);
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
          { name: 'Drift (PSI)', value: formatDrift(difference.drift), note: nameDrift(difference.drift) },
        ]
      : []),
    ...(imbalance !== undefined ? [{ name: 'Imbalance', value: imbalance, note: 'largest class to smallest' }] : []),
    ...(bytes !== undefined
      ? [{ name: 'Upload', value: formatBytes(bytes), note: countOf(plan?.files.length ?? 0, 'file') }]
      : []),
  ]);
}

/** Links to each label and its sections. @param live what goes on stands above all */
export function renderNav(parts: { label: LabelReport; sections: Section[] }[], live = false): Html {
  return html`<ul>${live && html`<li><a href="#progress">Progress</a></li>`}<li><a href="#overview">Overview</a></li>
${parts.map(
  ({ label, sections }) =>
    html`<li><a href="#label-${label.label}">${label.label}</a>${
      sections.length > 0 &&
      html`<ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul>`
    }</li>\n`,
)}</ul>`;
}
