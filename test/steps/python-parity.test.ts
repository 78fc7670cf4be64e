import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planCleanText } from '../../lib/dataset/clean-text.ts';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import { type CleanStep, NAMED_STEPS, planPattern } from '../../lib/spec/patterns.ts';
import { literal } from '../../lib/sql.ts';

type Ranges = [first: number, last: number][];

/** Written by python-parity.py, which says what each is. */
interface Golden {
  unicode: string;
  sets: Record<'s' | 'd' | 'w', Ranges>;
  orbits: string[];
  texts: [text: string, cleaned: string][];
  stripped: [text: string, stripped: string][];
  cases: [pattern: string, replacement: string, text: string, result: string][];
}

const golden: Golden = await Bun.file(new URL('python-parity.golden.json', import.meta.url)).json();

/** Characters younger than the Unicode 14 of the Python that wrote the golden file; DuckDB 1.5 knows them. */
const YOUNGER: Record<'s' | 'd' | 'w', Ranges> = {
  s: [],
  d: [
    [0x11f50, 0x11f59],
    [0x1e4f0, 0x1e4f9],
  ],
  w: [
    [0x1123f, 0x11240],
    [0x11f02, 0x11f02],
    [0x11f04, 0x11f10],
    [0x11f12, 0x11f33],
    [0x11f50, 0x11f59],
    [0x1342f, 0x1342f],
    [0x13441, 0x13446],
    [0x1b132, 0x1b132],
    [0x1b155, 0x1b155],
    [0x1d2c0, 0x1d2d3],
    [0x1df25, 0x1df2a],
    [0x1e030, 0x1e06d],
    [0x1e4d0, 0x1e4eb],
    [0x1e4f0, 0x1e4f9],
    [0x2b739, 0x2b739],
    [0x31350, 0x323af],
  ],
};

let directory: string;
let engine: Engine;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parity-'));
  engine = await openEngine(directory, 250);
});

afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function step(pattern: string, replacement = ''): CleanStep[] {
  const plan = planPattern(pattern, replacement);
  if ('problems' in plan) throw new Error(plan.problems.map(({ message }) => `${pattern}: ${message}`).join('\n'));
  return [plan.step];
}

const named = (name: string) => NAMED_STEPS[name] ?? [];

/** Read as bytes: @duckdb/node-api drops a byte order mark from the start of a text. */
async function clean(texts: string[], steps: CleanStep[]): Promise<string[]> {
  const values = texts.map((text, row) => `(${row}, ${literal(text)})`).join(', ');
  const rows = await engine.rows<{ bytes: string }>(
    `SELECT hex(encode(${planCleanText('text', steps)})) AS bytes FROM (VALUES ${values}) AS texts("row", text) ORDER BY "row"`,
  );
  return rows.map(({ bytes }) => Buffer.from(bytes, 'hex').toString());
}

/** Compare as one list, so that a failure shows every text that differs. */
async function expectCleaned(cases: [text: string, expected: string][], steps: CleanStep[]): Promise<void> {
  const cleaned = await clean(
    cases.map(([text]) => text),
    steps,
  );
  const wrong = cases.flatMap(([text, expected], row) =>
    cleaned[row] === expected ? [] : [{ text, expected, found: cleaned[row] }],
  );
  expect(wrong).toEqual([]);
}

const known = new Map<string, Promise<Ranges>>();

/** All code points but 0 that a pattern for one character matches. */
function matched(pattern: string): Promise<Ranges> {
  const found = known.get(pattern) ?? findMatched(pattern);
  known.set(pattern, found);
  return found;
}

async function findMatched(pattern: string): Promise<Ranges> {
  const rows = await engine.rows<{ code: number }>(
    `SELECT code::INTEGER AS code FROM range(1, 1114112) AS points(code)
     WHERE code NOT BETWEEN 55296 AND 57343 AND ${planCleanText('chr(code::INTEGER)', step(pattern))} = ''
     ORDER BY code`,
  );
  const found: Ranges = [];
  for (const { code } of rows) {
    const last = found.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else found.push([code, code]);
  }
  return found;
}

const points = (ranges: Ranges) =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, offset) => first + offset));

describe('a spec in place of the Python service', () => {
  test('cleans every text as its four substitutions did', async () => {
    const steps = [...step('https?://\\S+|www\\.\\S+'), ...step('<.*?>'), ...named('whitespace')];
    await expectCleaned(golden.texts, steps);
  });

  test('has enough texts that change and that stay', () => {
    const changed = golden.texts.filter(([text, cleaned]) => text !== cleaned);
    expect([golden.texts.length > 300, changed.length > 200, golden.texts.length - changed.length > 30]).toEqual([
      true,
      true,
      true,
    ]);
  });
});

describe('sets of characters are those of Python', () => {
  test.each(['s', 'd', 'w'] as const)('\\%s', async (set) => {
    expect(points(await matched(`\\${set}`))).toEqual(
      [...points(golden.sets[set]), ...points(YOUNGER[set])].filter((code) => code > 0).sort((a, b) => a - b),
    );
  });

  test.each(['s', 'd', 'w'] as const)('the opposite of \\%s is all the rest', async (set) => {
    const both = [...points(await matched(`\\${set}`)), ...points(await matched(`\\${set.toUpperCase()}`))];
    expect(new Set(both).size).toBe(both.length);
    expect(both.length).toBe(0x110000 - 0x800 - 1);
  });

  test.each([
    ['\\s', '[\\s]'],
    ['\\d', '[\\d]'],
    ['\\w', '[\\w]'],
    ['\\S', '[^\\s]'],
    ['\\W', '[^\\w]'],
    ['\\w', '(?i)\\w'],
    ['\\w', '(?i)[\\w]'],
    ['\\W', '(?i)[^\\w]'],
  ])('%s is %s', async (outside, inside) => {
    expect(await matched(inside)).toEqual(await matched(outside));
  });
});

describe('ignoring case takes the same characters for each other as Python does', () => {
  const everything = [...new Set(golden.orbits.join(''))].sort().join('');

  /** What is left of all cased characters when those that match go; one query for all, each with a pattern of its own. */
  async function expectOrbits(write: (character: string) => string): Promise<void> {
    const wanted = golden.orbits.flatMap((orbit) => [...orbit].map((character) => ({ orbit, character })));
    const values = wanted.map(({ character }, row) => {
      const [planned] = step(write(character));
      return `(${row}, ${literal(planned?.kind === 'replace' ? planned.pattern : '')})`;
    });
    const rows = await engine.rows<{ found: string[] }>(
      `SELECT regexp_extract_all(${literal(everything)}, pattern) AS found
       FROM (VALUES ${values.join(', ')}) AS patterns("row", pattern) ORDER BY "row"`,
    );
    const wrong = wanted.flatMap(({ orbit, character }, row) => {
      const found = [...String(rows[row]?.found)].filter((part) => part !== ',' && everything.includes(part)).sort();
      return found.join() === [...orbit].sort().join() ? [] : [{ character, orbit, found }];
    });
    expect(wrong).toEqual([]);
  }

  test('as themselves', () => expectOrbits((character) => `(?i)${character}`));
  test('in a class', () => expectOrbits((character) => `(?i:[_${character}])`));
  test('in a range', () => expectOrbits((character) => `(?i)[${character}-${character}]`));
});

describe('an accepted pattern gives what Python gives', () => {
  test.each(golden.cases)('%j → %j in %j', async (pattern, replacement, text, result) => {
    expect(await clean([text], step(pattern, replacement))).toEqual([result]);
  });
});

describe('named steps', () => {
  test('trim is Python’s strip()', async () => {
    await expectCleaned(golden.stripped, named('trim'));
  });

  test('urls and whitespace are the patterns they stand for', async () => {
    const texts = golden.texts.map(([text]) => text);
    expect(await clean(texts, named('urls'))).toEqual(await clean(texts, step('https?://\\S+|www\\.\\S+')));
    expect(await clean(texts, named('whitespace'))).toEqual(
      await clean(texts, [...step('\\s+', ' '), ...named('trim')]),
    );
  });

  test.each([
    ['html', '<p class="x">a <b>b</b><br/></p>', 'a b'],
    ['html', 'a < b and c > d, 1<2, <3', 'a < b and c > d, 1<2, <3'],
    ['html', 'a<!-- <b>\n> -->b<!---->c<!-- open', 'abc<!-- open'],
    ['html', '<a\ntitle="x">b</a\n>', 'b'],
    ['html', '<a <b>c', '<a c'],
    [
      'html_entities',
      '&lt;b&gt; &amp;amp; &eacute;&#2325;&#x1F600; &copy &unknown; & x',
      '<b> &amp; éक😀 © &unknown; & x',
    ],
    ['html_entities', '&#0;&#xD800;&#x80;', '\ufffd\ufffd€'],
    ['html_entities', 'plain', 'plain'],
    ['html_entities', '\ufeff&lt;', '\ufeff<'],
    ['control_characters', 'a\x01\x08b\x0ec\x1bd\x7fe\x80\x84f\x86\x9fg', 'abcdefg'],
    [
      'control_characters',
      'a\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u200b\u00ad',
      'a\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u200b\u00ad',
    ],
    ['nfc', 'e\u0301 \u0958 \u1100\u1161', 'é \u0915\u093c 가'],
    ['lowercase', 'ÀB Σ नेपाल', 'àb σ नेपाल'],
  ])('%s: %j', async (name, text, expected) => {
    expect(await clean([text], named(name))).toEqual([expected]);
  });

  test('run in their order, each on what the one before left', async () => {
    const steps = [...named('html_entities'), ...named('html'), ...named('lowercase'), ...named('whitespace')];
    expect(await clean(['&lt;B&gt;A&nbsp; \n B&lt;/B&gt; '], steps)).toEqual(['a b']);
  });

  test('leave NULL alone', async () => {
    const steps = Object.values(NAMED_STEPS).flat();
    const row = await engine.row<{ cleaned: string | null }>(
      `SELECT ${planCleanText('text', steps)} AS cleaned FROM (SELECT NULL::VARCHAR AS text)`,
    );
    expect(row.cleaned).toBeNull();
  });
});

test('`planCleanText()` names its column once, however many steps there are', () => {
  const steps = [...named('html_entities'), ...named('html'), ...named('html_entities'), ...named('lowercase')];
  expect(planCleanText('"the column"', steps).split('"the column"').length - 1).toBe(1);
});
