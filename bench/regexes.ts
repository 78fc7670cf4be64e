import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planCleanText } from '../lib/dataset/clean-text.ts';
import { type Engine, openEngine } from '../lib/edges/duckdb.ts';
import { planPattern } from '../lib/spec/patterns.ts';
import { median } from './figures.ts';
import { renderTable } from './table.ts';

/**
 * `bun bench/regexes.ts`: patterns that explode a backtracking engine, on the texts that make it explode, through the program's own cleaning.
 * Prints the table of docs/regexes.md. Linear is a ratio of about 4.
 */

export interface Case {
  name: string;
  pattern: string;
  /** Short, for the table. */
  shown: string;
  text(n: number): string;
  /** What is left when each match is taken out. */
  left(n: number): string;
  /** Length of the shortest text that is measured; 250,000 when left out. */
  from?: number;
}

const a = (n: number) => 'a'.repeat(n);
const unchanged = (name: string, pattern: string, shown: string, text: (n: number) => string, from?: number): Case => ({
  name,
  pattern,
  shown,
  text,
  left: text,
  ...(from === undefined ? {} : { from }),
});

export const CASES: Case[] = [
  unchanged('a tag, not greedy', '<.*?>', '<<<…', (n) => '<'.repeat(n)),
  unchanged('nested plus', '(a+)+\\z', 'aaa…!', (n) => `${a(n)}!`),
  unchanged('alternatives that are one', '(a|a)*b', 'aaa…', a),
  unchanged('alternatives that overlap', '(a|aa)+\\z', 'aaa…!', (n) => `${a(n)}!`),
  unchanged('two plus in one', '(x+x+)+y', 'xxx…', (n) => 'x'.repeat(n)),
  { name: 'twenty times anything', pattern: '(.*a){20}', shown: 'aaa…', text: a, left: () => '' },
  unchanged('twenty times anything, in vain', '(.*a){20}', 'bbb…', (n) => 'b'.repeat(n)),
  unchanged('a class of Java', '^(([a-z])+.)+[A-Z][a-z]+\\z', 'aaa…', a),
  unchanged('anything twice, then =', '.*.*=.*', 'xxx…', (n) => 'x'.repeat(n)),
  unchanged('white space at the end', '\\s+\\z', '␠␠␠…x', (n) => `${' '.repeat(n)}x`),
  unchanged('white space at both ends', '^[\\s\\x{200c}]+|[\\s\\x{200c}]+\\z', 'x␠␠␠…x', (n) => `x${' '.repeat(n)}x`),
  unchanged(
    'an e-mail address',
    '^([a-zA-Z0-9])(([.-]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))\\z',
    'aaa…!',
    (n) => `${a(n)}!`,
  ),
  unchanged(
    'a URL',
    '^(https?://)?([\\da-z.-]+)\\.([a-z.]{2,6})([/\\w .-]+)*/?\\z',
    'http://a.bb/a/a/a…!',
    (n) => `http://a.bb${'/a'.repeat(n / 2)}!`,
  ),
  {
    name: 'many of what may be there',
    pattern: 'a{0,500}a{500}',
    shown: 'aaa…',
    text: (n) => a(n - (n % 1000)),
    left: () => '',
  },
  unchanged('a thousand of one', 'a{1000}b', 'aaa…', a),
  unchanged('states that double', '[ab]*a[ab]{20}c', 'abaab…', (n) =>
    Array.from({ length: n }, (_, i) => 'ab'[(i * i + (i >> 3)) & 1]).join(''),
  ),
  unchanged('many words', '(\\w+\\s?)+\\z', 'word word …!', (n) => `${'word '.repeat(n / 5)}!`),
  {
    name: 'a long match or a short one',
    pattern: '<.*>|<',
    shown: '<<<…',
    text: (n) => '<'.repeat(n),
    left: () => '',
    from: 5_000,
  },
];

const FROM = 250_000; // characters; four times as many are what max_text_bytes lets in
const RUNS = 9;

/** Take out each match of a pattern, as a step of `clean:` does. */
export async function clean(engine: Engine, pattern: string, text: string): Promise<string> {
  await engine.run('CREATE OR REPLACE TABLE texts AS SELECT $text AS text', { text });
  const { cleaned } = await engine.row<{ cleaned: string }>(`SELECT ${planOf(pattern)} AS cleaned FROM texts`);
  return cleaned;
}

function planOf(pattern: string): string {
  const plan = planPattern(pattern, '');
  if ('problems' in plan)
    throw new Error(`${pattern}: ${plan.problems.map(({ code, message }) => `${code} ${message}`)}`);
  return planCleanText('text', [plan.step]);
}

/** Milliseconds, the median of several runs after one that is not counted. */
async function time(engine: Engine, pattern: string, text: string): Promise<number> {
  await engine.run('CREATE OR REPLACE TABLE texts AS SELECT $text AS text', { text });
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const from = performance.now();
    await engine.row(`SELECT length(${planOf(pattern)}) AS characters FROM texts`);
    if (run > 0) times.push(performance.now() - from);
  }
  return median(times);
}

if (import.meta.main) {
  const spill = await mkdtemp(join(tmpdir(), 'regexes-'));
  await using engine = await openEngine(spill, 256);
  const rows: string[][] = [];
  for (const { name, pattern, shown, text, from = FROM } of CASES) {
    const times: number[] = [];
    for (const n of [from, 2 * from, 4 * from]) times.push(await time(engine, pattern, text(n)));
    const [first = 0, , last = 0] = times;
    const code = `\`${pattern.replaceAll('|', '\\|')}\``;
    rows.push([
      name,
      code,
      shown,
      from.toLocaleString('en'),
      ...times.map((ms) => ms.toFixed(1)),
      (last / first).toFixed(1),
    ]);
  }
  console.log(renderTable(['Pattern', 'as written', 'text', 'n', 'ms at n', '2n', '4n', 'ratio'], rows));
  await rm(spill, { recursive: true });
}
