import type { Outcome } from '../../outcome.ts';
import {
  describeAlarms,
  formatChanges,
  formatChecks,
  formatDelta,
  formatDrift,
  formatFound,
  formatInstant,
  formatLimit,
  formatRestart,
  formatRows,
  formatShares,
  NONE,
  nameDrift,
} from '../figures.ts';
import type { CheckReport, DifferenceReport, LabelReport, RestartReport } from '../report.ts';
import { formatCount, HOLDS, nameStatus } from '../words.ts';
import { planDetails } from './details.ts';
import { boundedList, boundedTable, type Section } from './section.ts';
import { code, sentence, text } from './text.ts';

const SIGNS: Record<Outcome['status'], string> = {
  success: '✅',
  planned: '✅',
  unchanged: '⚪',
  skipped_insufficient_data: '⏭️',
  held: '⏸️',
  refused: '⛔',
  failed: '❌',
};

/** `✅ planned`. */
export function formatVerdict(outcome: Outcome | undefined): string {
  return outcome ? `${SIGNS[outcome.status]} ${nameStatus(outcome.status)}` : NONE;
}

/** One label: what decides stands open, what explains is folded. Where nothing would change there is nothing to explain. */
export function planLabel(label: LabelReport): Section[] {
  const { checks = [], difference, attribution, outcome } = label;
  const decisive = [
    { title: 'verdict', rank: 0, markdown: planVerdict(label) },
    ...(checks.length > 0 ? [{ title: 'checks', rank: 1, markdown: planChecks(checks) }] : []),
  ];
  if (outcome?.status === 'unchanged') return decisive;
  return [
    ...decisive,
    ...(difference ? [{ title: 'changes', rank: 2, markdown: planChanges(difference) }] : []),
    ...(difference && difference.classes.length > 0
      ? [{ title: 'class shares', rank: 3, markdown: planClassShares(difference) }]
      : []),
    ...planDetails(label, attribution),
  ];
}

function planVerdict(label: LabelReport): string {
  const { outcome, target, restarts = [] } = label;
  const alarms = describeAlarms(label).map(
    ({ severe, text: what }) => `> ${severe ? '⛔' : '⚠️'} **${sentence(what)}**`,
  );
  return [
    `### ${text(label.label)} → ${code(target)}`,
    `**${formatVerdict(outcome)}**${outcome ? explain(outcome) : ''}`,
    ...(alarms.length > 0 ? [alarms.join('  \n')] : []), // two blanks: a line break
    ...(restarts.length > 0 ? [boundedList(restarts, formatRestarted)] : []),
  ].join('\n\n');
}

function formatRestarted(restart: RestartReport): string {
  return `${restart.status === 'done' ? '' : '⚠️ '}restart: ${sentence(formatRestart(restart))}`;
}

function explain(outcome: Outcome): string {
  switch (outcome.status) {
    case 'success':
    case 'planned':
      return ` ${code(outcome.version)}`;
    case 'unchanged':
      if (outcome.hold) return ` ${code(outcome.version)}: ${HOLDS[outcome.hold]}`;
      return `${outcome.version ? ` since ${code(outcome.version)}` : ''}: the published version holds the same rows`;
    case 'skipped_insufficient_data':
      return `: ${formatCount(outcome.rows)} rows ${outcome.stage}, min_samples is ${formatCount(outcome.minimum)}`;
    case 'held':
      return ` at ${code(outcome.version)} since ${text(formatInstant(outcome.since))}: ${sentence(outcome.reason)}`;
    default: {
      const { code: name, message, fix } = outcome.problem;
      return ` ${code(name)}: ${sentence(message)}${fix ? `  \nfix: ${sentence(fix)}` : ''}`;
    }
  }
}

const MARKS: Record<CheckReport['status'], (check: CheckReport) => string> = {
  passed: () => '✅ passed',
  skipped: () => '⏭️ skipped',
  failed: ({ severity }) => (severity === 'refuse' ? '⛔ failed' : '⚠️ failed'),
};

function planChecks(checks: CheckReport[]): string {
  const detailed = checks.some(({ detail }) => detail !== undefined);
  const header = ['check', 'status', 'found', 'limit', 'severity', ...(detailed ? ['where'] : [])];
  const row = (check: CheckReport) => [
    code(check.name),
    MARKS[check.status](check),
    formatFound(check),
    formatLimit(check),
    check.severity,
    ...(detailed ? [text(check.detail ?? '')] : []),
  ];
  return `**Checks:** ${formatChecks(checks)}\n\n${boundedTable(header, checks, row, [0, 1, 4, 5])}`;
}

function planChanges(difference: DifferenceReport): string {
  const { version, rows, changes, drift, relabelled } = difference;
  const attributed = changes.some(({ bySpec, byData }) => bySpec !== undefined || byData !== undefined);
  const cell = (count: number | undefined) => (count === undefined ? NONE : formatCount(count));
  const header = ['rows', 'all', ...(attributed ? ['by spec', 'by data'] : [])];
  const row = ({ kind, rows: count, bySpec, byData }: DifferenceReport['changes'][number]) => [
    kind === 'moved' && count > 0 ? '⛔ moved between splits' : kind,
    formatCount(count),
    ...(attributed ? [cell(bySpec), cell(byData)] : []),
  ];
  const from = version ? code(version) : 'the published version';
  const counts = `${formatCount(rows.before)} → ${formatCount(rows.after)} rows (${formatDelta(rows.after - rows.before)})`;
  const pair = (each: DifferenceReport['relabelled'][number]) =>
    `${text(each.from)} → ${text(each.to)}: ${formatCount(each.rows)}`;
  return [
    `**Difference** from ${from}: ${counts}, ${formatCount(rows.unchanged)} unchanged; drift ${formatDrift(drift)}, ${nameDrift(drift)}.`,
    ...(changes.length > 0 ? [boundedTable(header, changes, row)] : []),
    ...(relabelled.length > 0 ? [`Relabelled:\n\n${boundedList(relabelled, pair)}`] : []),
  ].join('\n\n');
}

function planClassShares(difference: DifferenceReport): string {
  const header = ['class', 'before', 'after', 'share before', 'share after', 'change'];
  return boundedTable(header, difference.classes, (each) => [
    text(each.name),
    ...[each.before, each.after].map(formatCount),
    ...formatShares(each, difference),
  ]);
}

/** A line of the table on top. */
export function planSummaryRow(label: LabelReport): string[] {
  const { difference, outcome, checks } = label;
  const [added = NONE, removed = NONE, changed = NONE] = difference ? formatChanges(difference).split(' ') : [];
  const alarm = describeAlarms(label).some(({ severe }) => severe) ? ' ⛔' : '';
  return [
    `${text(label.label)}${alarm}`,
    formatVerdict(outcome),
    formatRows(label),
    added,
    removed,
    changed,
    difference ? formatDrift(difference.drift) : NONE,
    formatChecks(checks, 2),
  ];
}
