import type { Outcome } from '../outcome.ts';
import { formatEffect, formatInstant } from './figures.ts';
import { planLabel, planSummaryRow } from './markdown/label.ts';
import { boundedList, planRoom } from './markdown/section.ts';
import { code, fit, sentence, table, text } from './markdown/text.ts';
import type { RunReport } from './report.ts';
import { describeRollback, formatCount, nameAction, nameStatus } from './words.ts';

/** A workflow finds its comment by it, to update instead of repeat it. */
export const MARKER = '<!-- prepare-dataset:report -->';

const MOST_CHARACTERS = 59_000; // GitHub refuses a comment above 65,536; a workflow may add some of its own
const SUMMARY_CHARACTERS = 12_000;
const MOST_LINES = 100; // of the summary
const MOST_LABELS = 300; // below it; no more could have a place

/** The report as GitHub's Markdown, for one comment on a pull request: aggregates only, and always shorter than GitHub allows. */
export function renderMarkdown(report: RunReport): string {
  const head = [MARKER, planTitle(report), ...planDigestLine(report), ...planSummary(report)].join('\n\n');
  const foot = planFoot(report);
  const room = MOST_CHARACTERS - head.length - foot.length - 8;
  const labels = planRoom(report.labels.slice(0, MOST_LABELS).map(planLabel), room);
  const left = report.labels.length - labels.length;
  const note = left > 0 ? [`_${formatCount(left)} labels stand in report.html only: too long for a comment._`] : [];
  return `${[head, ...labels, ...note, foot].join('\n\n')}\n`;
}

function planTitle(report: RunReport): string {
  const { config, labels, reason } = report;
  const count = (status: Outcome['status']) => labels.filter(({ outcome }) => outcome?.status === status).length;
  const parts = (['planned', 'success', 'unchanged', 'skipped_insufficient_data', 'held', 'refused', 'failed'] as const)
    .map((status) => [count(status), nameStatus(status)] as const)
    .flatMap(([number, word]) => (number > 0 ? [`${formatCount(number)} ${word}`] : []));
  const title = `## ${nameAction(report)} ${code(config)}: ${parts.join(', ') || 'no label'}`;
  const rollback = describeRollback(report);
  return [
    title,
    ...(rollback === undefined ? [] : [`Rollback ${sentence(rollback)}`]),
    ...(reason === undefined ? [] : [`Reason: ${sentence(reason)}`]),
  ].join('\n\n');
}

/** What a reviewer approves with this comment. */
function planDigestLine({ planDigest }: RunReport): string[] {
  return planDigest === undefined ? [] : [`Plan digest: ${code(planDigest)}`];
}

function planSummary({ labels }: RunReport): string[] {
  const header = ['label', 'verdict', 'rows', '+', '−', '~', 'drift', 'checks'];
  const rows = labels.slice(0, MOST_LINES).map(planSummaryRow);
  const shown = fit(
    rows.map((cells) => cells.join(' | ')),
    SUMMARY_CHARACTERS,
  ).length;
  const hidden = labels.length - shown;
  return [
    table(header, rows.slice(0, shown), [0, 1, 7]),
    ...(hidden > 0 ? [`… and ${formatCount(hidden)} more labels, in report.html.`] : []),
  ];
}

function planFoot({ version, database, effects, warnings, dryRun, exitCode }: RunReport): string {
  const asked = boundedList(effects, (effect) => `${effect.kind}: ${text(formatEffect(effect))}`);
  const taken = database
    ? `, figures of ${text(formatInstant(database.takenAt))}, PostgreSQL ${text(database.server)}`
    : '';
  const nothing = dryRun ? 'Nothing was published. ' : '';
  return [
    ...(warnings.length > 0 ? [boundedList(warnings, (warning) => `⚠️ ${sentence(warning)}`)] : []),
    ...(effects.length > 0 ? [`Besides publishing${dryRun ? ', a real run does' : ''}:\n\n${asked}`] : []),
    `_${nothing}Examples of rows are in report.html only. prepare-dataset ${text(version)}, exit code ${exitCode}${taken}._`,
  ].join('\n\n');
}
