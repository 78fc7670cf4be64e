import type { Outcome } from '../../outcome.ts';
import {
  describeAlarms,
  formatChanges,
  formatChecks,
  formatDrift,
  formatFound,
  formatInstant,
  formatLimit,
  formatRows,
  NONE,
} from '../figures.ts';
import type { Paint, Style } from '../layout.ts';
import type { CheckReport, LabelReport } from '../report.ts';
import { formatCount, HOLDS, nameStatus, TONES, type Tone } from '../words.ts';
import { renderTable } from './table.ts';
import { hang, heading } from './text.ts';

const STYLES: Record<Tone, Style> = { good: 'green', quiet: 'cyan', warn: 'yellow', bad: 'red' };

const styleOf = (status: Outcome['status']): Style => STYLES[TONES[status]];

/** What came of a label, and why. */
export function renderOutcome(outcome: Outcome | undefined, width: number, paint: Paint): string[] {
  if (!outcome) return [];
  const status = paint(styleOf(outcome.status), outcome.status);
  const say = (link: string, text: string) => hang(`${status}${link}`, text, width, 2);
  switch (outcome.status) {
    case 'success':
      return say('', `${outcome.version}  ${outcome.url}`);
    case 'planned':
      return say('', `${outcome.version}  ${outcome.directory}`);
    case 'unchanged':
      if (outcome.hold) return say('', `${outcome.version}: ${HOLDS[outcome.hold]}`);
      return outcome.version
        ? say('', `since ${outcome.version}; nothing was written`)
        : say(';', 'nothing was written');
    case 'skipped_insufficient_data': {
      const { rows, stage, minimum } = outcome;
      return say(':', `${formatCount(rows)} rows ${stage}, min_samples is ${formatCount(minimum)}`);
    }
    case 'held':
      return say(
        '',
        `at ${outcome.version} since ${formatInstant(outcome.since)}: ${outcome.reason}; --unhold ends it`,
      );
    default: {
      const { code, message, fix } = outcome.problem;
      const more = [message, ...(fix ? [`fix: ${fix}`] : [])].flatMap((text) => hang(' ', text, width, 4));
      return [`${status} ${code}`, ...more];
    }
  }
}

/** One line per label: what a reviewer of several looks at first, where a terminal stops scrolling. */
export function renderSummary(labels: LabelReport[], width: number, paint: Paint): string[] {
  const rows = labels.map((label) => {
    const { outcome, difference, checks } = label;
    const alarms = describeAlarms(label).filter(({ severe }) => severe);
    return {
      name: label.label,
      cells: [
        outcome ? nameStatus(outcome.status) : NONE,
        formatRows(label),
        difference ? formatChanges(difference) : NONE,
        difference ? formatDrift(difference.drift) : NONE,
        formatChecks(checks, 2),
      ],
      ...(alarms.length > 0 ? { note: `✖ ${alarms.map(({ text }) => text).join('; ')}` } : {}),
      ...(outcome && outcome.status !== 'planned' ? { style: styleOf(outcome.status) } : {}),
    };
  });
  const header = { name: 'label', cells: ['verdict', 'rows', 'changes', 'drift', 'checks'] };
  return renderTable({ header, rows, words: [0, 4] }, width, paint);
}

/** What must never happen; nothing where all is well. */
export function renderAlarms(label: LabelReport, width: number, paint: Paint): string[] {
  return describeAlarms(label).flatMap(({ severe, text }) => {
    const style = severe ? 'red' : 'yellow';
    return hang(severe ? '✖' : '!', text, width, 2).map((line) => paint(style, line));
  });
}

const MARKS: Record<CheckReport['status'], (check: CheckReport) => [string, Style | undefined]> = {
  passed: () => ['✔', undefined],
  skipped: () => ['·', 'dim'],
  failed: ({ severity }) => (severity === 'refuse' ? ['✖', 'red'] : ['!', 'yellow']),
};

/** The checks, with a sign that works without colour. */
export function renderChecks({ checks = [] }: LabelReport, width: number, paint: Paint): string[] {
  if (checks.length === 0) return [];
  const rows = checks.map((check) => {
    const [mark, style] = MARKS[check.status](check);
    return {
      name: `${mark} ${check.name}`,
      cells: [check.status, formatFound(check), formatLimit(check), check.severity],
      ...(style ? { style } : {}),
      ...(check.detail === undefined ? {} : { note: check.detail }),
    };
  });
  const header = { name: '  check', cells: ['status', 'found', 'limit', 'severity'] };
  return [
    ...heading(`checks: ${formatChecks(checks)}`, width, paint),
    ...renderTable({ header, rows, words: [0, 3], wholeNames: true }, width, paint),
  ];
}
