import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { planLiterals } from '../../lib/spec/pattern-literals.ts';

test.each([
  ['https?://[^\\s]+|www\\.[^\\s]+', ['http', 'www.']],
  ['a|bc?', ['a', 'b']],
  ['ab{2}|cd', ['a', 'cd']],
  ['ab+c|d', ['ab', 'd']],
  ['\\.x|\\[y\\]', ['.x', '[y]']],
  ['a\\|b|c', ['a|b', 'c']],
  ['a[|]b|c', ['a', 'c']],
  ['a(b|c)|d', ['a', 'd']],
  ['😀x|é', ['😀x', 'é']],
])('%p begins with %j', (pattern, literals) => {
  expect(planLiterals(pattern)).toEqual(literals);
});

test.each([
  '<.*?>',
  'a|b?',
  'a|b*c',
  'a|',
  '(x|y)|z',
  '(?i)a|b',
  '^a|b',
  '\\d|x',
  '\\x{41}|b',
  '[]|]|x',
  'a|[bc]',
  'a|.',
])('%p begins with anything, or RE2 looks for it itself', (pattern) => {
  expect(planLiterals(pattern)).toBeUndefined();
});

test('a text that matches has one of them', () => {
  const atom = fc.constantFrom('a', 'b', 'ab', '\\.', '\\|', '[ab]', '[|]', '(?:a|b)', '(?:b)', '.');
  const piece = fc
    .tuple(atom, fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{0,1}'))
    .map((parts) => parts.join(''));
  const branch = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));
  const pattern = fc.array(branch, { minLength: 2, maxLength: 3 }).map((branches) => branches.join('|'));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '|', 'c'), maxLength: 6 });
  let held = 0;
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 20, maxLength: 20 }), (source, texts) => {
      const literals = planLiterals(source);
      if (literals === undefined) return;
      for (const each of texts.filter((candidate) => new RegExp(source, 's').test(candidate))) {
        held += 1;
        expect(literals.some((literal) => each.includes(literal))).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
  expect(held).toBeGreaterThan(100);
});
