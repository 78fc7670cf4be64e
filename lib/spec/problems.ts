import { type Code, PipelineError } from '../errors.ts';
import { coverSecrets } from '../secrets.ts';

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
    this.rendered = `${sorted.map((problem) => renderProblem(file, shown, problem)).join('\n')}\n${count(sorted.length)}; nothing was fetched\n`;
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

/** `file:line:col CODE`, the message, the source line with a caret, the fix. Columns count code points from 1. */
export function renderProblem(file: string, text: string, problem: SpecProblem): string {
  const { line, column, lineText, before } = locate(text, problem.start);
  const gutter = String(line).length;
  const rest = lineText.slice(before.length);
  const length = Math.max(1, Math.min([...text.slice(problem.start, problem.end)].length, [...rest].length));
  const [shown, caretAt] = crop(lineText, column);
  return [
    `${file}:${line}:${column} ${problem.code}`,
    ...problem.message.split('\n').map((part) => `  ${part}`),
    `  ${line} | ${shown}`,
    `  ${' '.repeat(gutter)} | ${' '.repeat(caretAt)}${'^'.repeat(Math.min(length, MAX_SHOWN - caretAt))}`,
    ...(problem.fix ? [`  fix: ${problem.fix}`] : []),
  ].join('\n');
}

const MAX_SHOWN = 110; // characters of a source line

/** A long line is cut around the caret. Tabs and control characters become one space, so that the caret stays in place. */
function crop(lineText: string, column: number): [shown: string, caretAt: number] {
  const characters = [...lineText].map((character) => (character < ' ' || character === '\x7f' ? ' ' : character));
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
