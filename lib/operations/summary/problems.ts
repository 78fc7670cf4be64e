import type { Problem } from '../../outcome.ts';
import type { LabelReport } from '../../report/report.ts';
import type { Notice } from '../notice.ts';
import { line, lines } from './bounded.ts';

/** Something to look into. */
export interface Block {
  title: string;
  severity: 'WARN' | 'ERROR';
  lines: string[];
}

const MOST_BLOCKS = 20;
const MOST_LINES = 12;
const TITLE = 120; // characters, as the next two
const LINE = 600;
const ALL = 20_000; // of all blocks

/** The notices of a run that are not good news, errors first, then what none of them is about. What was said already is not said again. */
export function planProblems(labels: LabelReport[], notices: Notice[]): Block[] {
  const told = notices.filter(({ severity }) => severity !== 'INFO');
  const more = labels.flatMap(noticesOf).filter(({ said }) => !told.some(({ text }) => text.includes(said)));
  const all = [...told, ...more.map(({ notice }) => notice)].sort((a, b) => rank(a) - rank(b));
  const said = new Set<string>();
  const blocks: Block[] = [];
  for (const { title, severity, text } of all.slice(0, MOST_BLOCKS)) {
    if (JSON.stringify(blocks).length > ALL) break;
    const fresh = lines(text, MOST_LINES, LINE).flatMap((each) => unlessSaid(each, said));
    blocks.push({ title: line(title, TITLE), severity: severity === 'ERROR' ? 'ERROR' : 'WARN', lines: fresh });
  }
  const left = all.length - blocks.length;
  return left > 0 ? [...blocks, { title: `and ${left} more problems`, severity: 'WARN', lines: [] }] : blocks;
}

const rank = ({ severity }: Notice) => (severity === 'ERROR' ? 0 : 1);

/** What went wrong with a label, and what a notice of it says. */
function noticesOf({ label, outcome, failedStep, restarts = [] }: LabelReport): { notice: Notice; said: string }[] {
  const owed = restarts.flatMap(({ space, problem }) =>
    problem ? [noticeOf(`${label}: ${space} not restarted`, 'WARN', problem)] : [],
  );
  if (!outcome) {
    const notice: Notice = { title: `${label}: not finished`, severity: 'ERROR', text: 'The run ended before it.' };
    return [{ notice, said: NEVER }, ...owed];
  }
  if (!('problem' in outcome)) return owed;
  const severity = outcome.status === 'failed' ? 'ERROR' : 'WARN';
  return [noticeOf(`${label}: ${outcome.status}`, severity, outcome.problem, failedStep), ...owed];
}

const NEVER = '\0';

function noticeOf(title: string, severity: Notice['severity'], { code, message, fix }: Problem, step?: string) {
  const said = `${code}: ${message}`;
  const text = `${step === undefined ? said : `Step ${step}: ${said}`}${fix === undefined ? '' : `\nFix: ${fix}`}`;
  return { notice: { title, severity, text }, said };
}

/** Many labels fail for one reason, as when the database cannot be reached: it is told once. */
function unlessSaid(text: string, said: Set<string>): string[] {
  const [, step = '', code, isFix] = /^(Step \w+: )?(?:([A-Z][A-Z_]+): |(Fix: ))/.exec(text) ?? [];
  const rest = text.slice(step.length);
  if (!said.has(rest)) {
    if (code !== undefined || isFix !== undefined) said.add(rest);
    return [text];
  }
  return isFix === undefined ? [`${step}${code}, as above`] : [];
}
