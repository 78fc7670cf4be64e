import { type Code, PipelineError } from '../errors.ts';
import { OBEYED, obeysNothing } from '../report/layout.ts';
import { coverSecrets } from '../secrets.ts';

const MOST_PROBLEMS = 50; // shown of one file; their count is said
const MAX_MESSAGE = 1000; // characters of one line
const MAX_QUOTED = 80; // characters of a value in a message

/** A problem at a place in the YAML. Offsets are UTF-16 units into the file's text. */
export interface SpecProblem {
  code: Code;
  /** State the action that failed, the value found and the value wanted. */
  message: string;
  start: number;
  end: number;
  fix?: string | undefined;
}

/** The spec cannot be used; `problems` has all of them, sorted by place. */
export class SpecError extends PipelineError {
  readonly problems: readonly SpecProblem[];
  readonly rendered: string;

  constructor(file: string, text: string, problems: SpecProblem[]) {
    const sorted = unique(problems).sort((a, b) => a.start - b.start);
    super(sorted[0]?.code ?? 'VALUE_INVALID', `Cannot use ${file}: ${count(sorted.length)}`);
    this.problems = sorted;
    const shown = coverSecrets(text);
    const lines = capped(
      sorted.slice(0, MOST_PROBLEMS).map((problem) => renderProblem(file, shown, problem)),
      sorted.length,
    );
    this.rendered = `${lines.join('\n')}\n${count(sorted.length)}; nothing was fetched\n`;
  }
}

function count(problems: number): string {
  return `${problems} problem${problems === 1 ? '' : 's'}`;
}

/** One defect in `defaults` is met by every label: it is said once. */
function unique(problems: SpecProblem[]): SpecProblem[] {
  const seen = new Map(problems.map((problem) => [`${problem.code}\0${problem.start}\0${problem.message}`, problem]));
  return [...seen.values()];
}

/** What the YAML says, in a message: on one line, and no longer than somebody reads. */
export function quote(value: unknown): string {
  const text = String(value);
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

function capped(shown: string[], all: number): string[] {
  return all > shown.length ? [...shown, `… and ${all - shown.length} more`] : shown;
}

/** Lines of a message as a terminal may have them. */
function linesOf(message: string): string[] {
  const lines = obeysNothing(message).split('\n');
  const cut = lines
    .slice(0, MOST_PROBLEMS)
    .map((line) => (line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line));
  return capped(cut, lines.length);
}

/** `file:line:col CODE`, the message, the source line with a caret, the fix. Columns count code points from 1. */
export function renderProblem(file: string, text: string, problem: SpecProblem): string {
  const { line, column, lineText, before } = locate(text, problem.start);
  const gutter = String(line).length;
  const rest = lineText.slice(before.length);
  const length = Math.max(1, Math.min([...text.slice(problem.start, problem.end)].length, [...rest].length));
  const [shown, caretAt] = crop(lineText, column);
  return [
    `${file}:${line}:${column} ${problem.code}`,
    ...linesOf(problem.message).map((part) => `  ${part}`),
    `  ${line} | ${shown}`,
    `  ${' '.repeat(gutter)} | ${' '.repeat(caretAt)}${'^'.repeat(Math.min(length, MAX_SHOWN - caretAt))}`,
    ...(problem.fix ? linesOf(`fix: ${problem.fix}`).map((part) => `  ${part}`) : []),
  ].join('\n');
}

const MAX_SHOWN = 110; // characters of a source line

/** A long line is cut around the caret. Tabs and what a terminal would obey become one space, so that the caret stays in place. */
function crop(lineText: string, column: number): [shown: string, caretAt: number] {
  const characters = [...lineText.replace(OBEYED, ' ')];
  const from = column > MAX_SHOWN - 10 ? column - MAX_SHOWN / 2 : 0;
  return [
    characters
      .slice(from, from + MAX_SHOWN)
      .join('')
      .trimEnd(),
    column - 1 - from,
  ];
}

function locate(text: string, offset: number): { line: number; column: number; lineText: string; before: string } {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', start);
  const before = text.slice(start, offset);
  return {
    line: text.slice(0, start).split('\n').length,
    column: [...before].length + 1,
    lineText: text.slice(start, end === -1 ? undefined : end).replace(/\r$/, ''),
    before,
  };
}
