import { styleText } from 'node:util';
import type { Finding, HopResult } from './hops.ts';

type Style = Parameters<typeof styleText>[0];

const WORDS: Record<Finding['status'], { word: string; style: Style }> = {
  ok: { word: 'ok', style: 'green' },
  warn: { word: 'warn', style: 'yellow' },
  fail: { word: 'FAIL', style: 'red' },
  skipped: { word: 'skipped', style: 'dim' },
};
const WORD_WIDTH = Math.max(...Object.values(WORDS).map(({ word }) => word.length));
const SLOW_SECONDS = 1; // from here on the time is worth a word
/** Control characters and direction overrides: names of classes and of certificate issuers come from outside. */
const UNPRINTABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** One hop as aligned lines: status, id, then what was found and how to mend it. */
export function renderResult(result: HopResult, idWidth: number, colour: boolean): string {
  const { word, style } = WORDS[result.status];
  const paint = (text: string) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const indent = ' '.repeat(WORD_WIDTH + idWidth + 4);
  const time = result.seconds >= SLOW_SECONDS ? ` (${result.seconds.toFixed(1)} s)` : '';
  const code = result.code ? `${result.code}  ` : '';
  const [first = '', ...more] = `${code}${result.message}${time}`.split('\n');
  const lines = [first, ...more, ...(result.fix ? [`fix: ${result.fix}`] : [])];
  const head = `${paint(word.padEnd(WORD_WIDTH))}  ${result.id.padEnd(idWidth)}  `;
  return lines.map((line, index) => `${index === 0 ? head : indent}${line.replace(UNPRINTABLE, '\ufffd')}\n`).join('');
}

/** `12 ok, 1 warn, 1 FAIL, 3 skipped`, then whether a run may start. */
export function renderSummary(results: HopResult[]): string {
  const counts = Object.entries(WORDS).flatMap(([status, { word }]) => {
    const count = results.filter((result) => result.status === status).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  const broken = results.filter(({ status }) => status === 'fail').map(({ id }) => id);
  return `\n${counts.join(', ')}${broken.length > 0 ? `; broken: ${broken.join(', ')}` : ''}\n`;
}

export interface CheckSummary {
  counts: Map<Finding['status'], number>;
  /** Ids of hops. */
  broken: string[];
}

/** What renderSummary() wrote, out of a line of a log; undefined for any other line. */
export function readSummary(line: string): CheckSummary | undefined {
  const [, listed, broken] = /^(\d+ \w+(?:, \d+ \w+)*)(?:; broken: (.+))?$/.exec(line.trimEnd()) ?? [];
  if (listed === undefined) return undefined;
  const counts = new Map<Finding['status'], number>();
  for (const part of listed.split(', ')) {
    const [count, word] = part.split(' ');
    const [status] = Object.entries(WORDS).find(([, each]) => each.word === word) ?? [];
    if (status === undefined) return undefined;
    counts.set(status as Finding['status'], Number(count));
  }
  return { counts, broken: broken?.split(', ') ?? [] };
}

export function renderJson(results: HopResult[]): string {
  return `${JSON.stringify(results, null, 2)}\n`;
}
