import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { CODES } from '../../lib/errors.ts';
import { NAMED_STEPS, planPattern } from '../../lib/spec/patterns.ts';
import { UNICODE_CLASSES } from '../../lib/spec/unicode-classes.ts';
import { literal } from '../../lib/sql.ts';

describe('every pattern that passes', () => {
  const TOKENS = [
    ...[
      '( (?: (?P<n> (?i: (?-i: (?m: (?s: (? (?= (?i) ) ) ) | [ [^ ] * + ? { } {2} {1,300} {1000} {2,} {,2} {02} *? +?',
      '^ $ . - , \\ \\s \\S \\d \\D \\w \\W \\b \\A \\z \\1 \\x41 \\x{e9} \\p{L} \\PN [a-z] [\\w.-] [^\\s<] [:alpha:] [.',
      '\\Q \\C \\_ \\é a b i K 0 1 é ß ı क ा 😀 ﬅ ͅ < > : = # & ~ / \' "',
    ].flatMap((row) => row.split(' ')),
    ...[' ', '\\ ', '\n', '\0', '\ud800'],
  ];
  const anyPattern = fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.constantFrom(...TOKENS), { maxLength: 8 }).map((tokens) => tokens.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  );
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;

  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:');
    connection = await instance.connect();
  });

  afterAll(() => {
    connection.disconnectSync();
    instance.closeSync();
  });

  /** DuckDB compiles a constant pattern when it binds the query, and throws when RE2 refuses. */
  const compile = async (pattern: string, replacement = '') =>
    (
      await connection.runAndReadAll(
        `SELECT regexp_replace('', ${literal(pattern)}, ${literal(replacement)}, 'g'), regexp_matches('', ${literal(pattern)})`,
      )
    ).getRows();

  test('passes DuckDB’s RE2, and does not match the empty text there', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(anyPattern, async (pattern) => {
        const plan = planPattern(pattern, '');
        if (!('step' in plan) || plan.step.kind !== 'replace') return;
        accepted += 1;
        expect(await compile(plan.step.pattern)).toEqual([['', false]]);
      }),
      { numRuns: 4000, seed: 42 },
    );
    expect(accepted).toBeGreaterThan(500);
  }, 30_000);

  test('is as small as RE2 needs it, however often its sets are repeated', async () => {
    const set = fc.constantFrom(
      '\\w',
      '\\W',
      '[^\\w]',
      '[\\p{L}\\p{M}]',
      '\\p{S}',
      '\\PL',
      '.',
      '[^a]',
      'é',
      '(a|b)',
      '(?i:[à-ÿ])',
    );
    const part = fc.tuple(set, fc.integer({ min: 1, max: 400 })).map(([written, times]) => `${written}{${times}}`);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), async (parts) => {
        const plan = planPattern(parts.join(''), '');
        if (!('step' in plan) || plan.step.kind !== 'replace') return;
        accepted += 1;
        await compile(plan.step.pattern);
      }),
      { numRuns: 40, seed: 42 },
    );
    expect(accepted).toBeGreaterThan(10);
  }, 30_000);

  test('or not: scanning never throws, and each problem lies within its text and has a known code', () => {
    fc.assert(
      fc.property(anyPattern, fc.array(fc.constantFrom('\\', '1', '0', 'g<1>', 'x', '\0')), (pattern, parts) => {
        const replacement = parts.join('');
        const plan = planPattern(pattern, replacement);
        for (const problem of 'problems' in plan ? plan.problems : []) {
          const text = problem.in === 'pattern' ? pattern : replacement;
          expect(CODES).toContain(problem.code);
          expect(problem.offset).toBeGreaterThanOrEqual(0);
          expect(problem.offset + problem.length).toBeLessThanOrEqual(text.length);
          expect(problem.fix).not.toBe('');
        }
      }),
      { numRuns: 5000, seed: 42 },
    );
  });

  test('may name every category and script that DuckDB knows', async () => {
    for (const name of UNICODE_CLASSES) expect(planPattern(`\\p{${name}}`, '')).toHaveProperty('step');
    for (const name of UNICODE_CLASSES) await compile(`\\p{${name}}`);
    expect(UNICODE_CLASSES.size).toBeGreaterThan(190);
  });

  test('is one of the named steps', async () => {
    for (const step of Object.values(NAMED_STEPS).flat())
      if (step.kind === 'replace') expect(await compile(step.pattern, step.replacement)).toEqual([['', false]]);
    expect(Object.keys(NAMED_STEPS).join(' ')).toBe(
      'urls html html_entities whitespace control_characters nfc lowercase trim',
    );
  });
});
