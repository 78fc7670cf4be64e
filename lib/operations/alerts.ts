import { lastSuccess, type RunRecord } from '../history/record.ts';
import { formatInstant } from '../report/figures.ts';
import type { LabelReport, RunReport } from '../report/report.ts';
import type { Notice } from './notice.ts';

/** Codes that say that no connection came about, so that no label could be read. */
const CONNECTION: ReadonlySet<string> = new Set([
  'DATABASE_UNREACHABLE',
  'DATABASE_TLS',
  'DATABASE_LOGIN',
  'DATABASE_LOST',
]);
const MOST_TITLE = 63; // characters, W&B's limit

/**
 * What a person should hear of a run, in the Python service's words. The database comes first: it is why labels failed.
 *
 * @param records the history of runs, for the last success of a label
 */
export function planAlerts({ labels }: RunReport, records: readonly RunRecord[] = []): Notice[] {
  return [...connectionAlerts(labels), ...labels.flatMap((label) => labelAlerts(label, records))];
}

function connectionAlerts(labels: LabelReport[]): Notice[] {
  for (const { outcome } of labels) {
    if (outcome?.status !== 'failed' || !CONNECTION.has(outcome.problem.code)) continue;
    const { code, message, fix } = outcome.problem;
    const text = lines(`${code}: ${message}`, fix && `Fix: ${fix}`);
    return [{ title: 'Database Connection Failed', severity: 'ERROR', text }];
  }
  return [];
}

function labelAlerts(label: LabelReport, records: readonly RunRecord[]): Notice[] {
  const { outcome, restarts = [] } = label;
  const refused = restarts.flatMap(({ space, version, status, problem }) =>
    problem
      ? [
          notice(
            'Space Restart Failed',
            'WARN',
            status === 'lost'
              ? `${space} was not restarted on ${version}.`
              : `${space} is owed a restart on ${version}; the next run tries again.`,
            `${problem.code}: ${problem.message}`,
            problem.fix && `Fix: ${problem.fix}`,
          ),
        ]
      : [],
  );
  return [...(outcome ? outcomeAlerts(label, records) : []), ...checkAlerts(label), ...refused];
}

function outcomeAlerts(label: LabelReport, records: readonly RunRecord[]): Notice[] {
  const { outcome, target, kept } = label;
  const name = `${capitalized(label.label)} Dataset`;
  const last = lastLine(label, records);
  switch (outcome?.status) {
    case 'success':
      return [
        notice(
          `${name} Updated`,
          'INFO',
          `${target} is at ${outcome.version}${kept ? `, ${kept.total} rows` : ''}.`,
          outcome.url,
        ),
      ];
    case 'skipped_insufficient_data': {
      const { rows, minimum, stage } = outcome;
      return [notice(`${name} Skipped`, 'WARN', `Insufficient data: ${rows} rows ${stage}, ${minimum} needed.`, last)];
    }
    case 'held':
      return [
        notice(
          `${name} Held`,
          'WARN',
          `${target} stays at ${outcome.version} since ${formatInstant(outcome.since)}: ${outcome.reason}`,
          `End it with --unhold --label ${label.label}.`,
        ),
      ];
    case 'refused':
    case 'failed': {
      const { code, message, fix } = outcome.problem;
      const step = label.failedStep === undefined ? '' : `Step ${label.failedStep}: `;
      const text = `${step}${code}: ${message}`;
      return [
        outcome.status === 'failed'
          ? notice(`${name} Preparation Failed`, 'ERROR', text, fix && `Fix: ${fix}`, last)
          : notice(`${name} Refused`, 'WARN', text, fix && `Fix: ${fix}`, last),
      ];
    }
    default:
      return [];
  }
}

/** Checks that warn; those that refuse are the outcome. */
function checkAlerts({ label, checks = [] }: LabelReport): Notice[] {
  const failed = checks.filter(({ status, severity }) => status === 'failed' && severity === 'warn');
  if (failed.length === 0) return [];
  const found = failed.map(({ name, found: value, limit, detail }) => {
    const against = value === undefined ? '' : `: ${value}${limit === undefined ? '' : `, the limit is ${limit}`}`;
    return `${name}${against}${detail === undefined ? '' : ` (${detail})`}`;
  });
  return [notice(`${capitalized(label)} Dataset Checks Failed`, 'WARN', ...found)];
}

function capitalized(label: string): string {
  return `${label.charAt(0).toUpperCase()}${label.slice(1)}`;
}

/** What the target holds meanwhile. */
function lastLine(label: LabelReport, records: readonly RunRecord[]): string {
  const { previousVersion } = label;
  const last = lastSuccess(records, label);
  if (last) return `Last success: ${last.version}, by the run of ${formatInstant(last.at)}.`;
  return previousVersion === undefined ? 'No success before is known.' : `Last success: ${previousVersion}.`;
}

function notice(title: string, severity: Notice['severity'], ...text: (string | undefined)[]): Notice {
  const short = title.length > MOST_TITLE ? `${title.slice(0, MOST_TITLE - 1)}…` : title;
  return { title: short, severity, text: lines(...text) };
}

function lines(...parts: (string | undefined)[]): string {
  return parts.filter((part) => part).join('\n');
}
