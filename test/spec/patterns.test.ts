import { describe, expect, test } from 'bun:test';
import { type PatternProblem, planPattern } from '../../lib/spec/patterns.ts';

const WHITE = '\\s\\v\\x{1c}-\\x{1f}\\x{85}\\p{Z}';

function problemsOf(pattern: string, replacement = ''): PatternProblem[] {
  const plan = planPattern(pattern, replacement);
  return 'problems' in plan ? plan.problems : [];
}

function translate(pattern: string, replacement = ''): string {
  const plan = planPattern(pattern, replacement);
  if ('problems' in plan) throw new Error(plan.problems.map(({ message }) => message).join('\n'));
  if (plan.step.kind !== 'replace') throw new Error('not a replacement');
  return plan.step.pattern;
}

/** Each problem as its code, its offset and what it points at. */
const places = (problems: PatternProblem[], text: string) =>
  problems.map(({ code, offset, length }) => [code, offset, text.slice(offset, offset + length)]);

describe('`planPattern()` refuses what RE2 has not', () => {
  test.each([
    ['a(?=b)', 1, '(?=', 'group of its own'],
    ['a(?!b)', 1, '(?!', 'group of its own'],
    ['(?<=a)b', 0, '(?<=', 'group of its own'],
    ['(?<!a)b', 0, '(?<!', 'group of its own'],
    ['a(?>b|c)d', 1, '(?>', 'write (?:'],
    ['ab(?#why)', 2, '(?#why)', 'YAML'],
    ['(a)?(?(1)b|c)', 4, '(?(1)', 'both cases'],
    ['(a)b\\1', 4, '\\1', 'once more'],
    ['(a)b\\12', 4, '\\12', 'once more'],
    ['(?P<n>a)(?P=n)', 8, '(?P=n)', 'once more'],
    ['(a)\\g<1>', 3, '\\g<1>', 'once more'],
    ['(a)\\k{n}', 3, '\\k{n}', 'once more'],
    ['(?<n>a)', 0, '(?<', '(?P<'],
    ['a*+', 1, '*+', 'write *'],
    ['a++b', 1, '++', 'write +'],
    ['a?+b', 1, '?+', 'write ?'],
    ['a{2,3}+', 1, '{2,3}+', 'write {2,3}'],
    ['(?x)a b', 0, '(?x)', 'flags'],
    ['(?a)\\w', 0, '(?a)', 'flags'],
    ['(?iu:a)', 0, '(?iu:', 'flags'],
    ['(?|a|b)', 0, '(?', '(?:'],
    ['a\\Z', 1, '\\Z', 'write \\z'],
    ['\\u00e9', 0, '\\u00e9', 'write \\x{e9}'],
    ['[\\u0900-\\u097f]', 1, '\\u0900', 'write \\x{900}'],
    ['\\U0001F600', 0, '\\U0001F600', 'write \\x{1f600}'],
    ['\\N{BULLET}', 0, '\\N{BULLET}', '\\x{…}'],
    ['a{1001}', 1, '{1001}', '+ or *'],
    ['a{1,2000}', 1, '{1,2000}', '+ or *'],
    ['\\w{900}', 0, '\\w{900}', 'less often'],
  ])('%s', (pattern, offset, found, fix) => {
    const problems = problemsOf(pattern);
    expect(places(problems, pattern)[0]).toEqual(['PATTERN_UNSUPPORTED', offset, found]);
    expect(problems[0]?.fix).toContain(fix);
  });
});

describe('`planPattern()` refuses what means something else in Python', () => {
  test.each([
    ['\\bword', 0, '\\b', '(^|\\s)word'],
    ['a\\Bb', 1, '\\B', '(^|\\s)word'],
    ['a$', 1, '$', 'write \\z'],
    ['(?m:a)$', 6, '$', 'write \\z'],
    ['(?s)a$', 5, '$', 'write \\z'],
    ['[\\s\\S]', 3, '\\S', '(?s:.)'],
    ['[^\\D]', 2, '\\D', 'list'],
    ['[a\\W]', 2, '\\W', 'list'],
    ['[[:alpha:]]', 1, '[:alpha:]', '\\p{L}'],
    ['[^[:^digit:]]', 2, '[:^digit:]', '\\p{Nd}'],
    ['[a[:]', 2, '[:', '\\[:'],
    ['[\\b]', 1, '\\b', '\\x08'],
    ['a{,3}', 1, '{,3}', 'write {0,3}'],
    ['a{,}', 1, '{,}', 'write *'],
    ['\\0', 0, '\\0', 'write \\x{0}'],
    ['\\012', 0, '\\012', 'write \\x{a}'],
    ['\\101', 0, '\\101', 'write \\x{41}'],
    ['[\\1]', 1, '\\1', 'write \\x{1}'],
    ['\\Ca', 0, '\\C', '(?s:.)'],
    ['\\Qa', 0, '\\Q', 'backslash'],
    ['(?U)a+', 0, '(?U)', 'shortest'],
    ['(?iU:a+)', 0, '(?iU:', 'shortest'],
    ['a(?i)b', 1, '(?i)', 'write (?i:…)'],
    ['((?s)a)', 1, '(?s)', 'write (?s:…)'],
    ['(?-i)a', 0, '(?-i)', 'write (?-i:…)'],
    ['(?:a?)*b', 6, '*', 'one character'],
    ['(a|b*)+c', 6, '+', 'one character'],
    ['(|a){2,}b', 4, '{2,}', 'one character'],
    ['(?:^)?a', 5, '?', 'one character'],
  ])('%s', (pattern, offset, found, fix) => {
    const problems = problemsOf(pattern);
    expect(places(problems, pattern)).toEqual([['PATTERN_DIFFERS', offset, found]]);
    expect(problems[0]?.fix).toContain(fix);
  });
});

describe('`planPattern()` refuses what neither reads', () => {
  test.each([
    ['(a', 0, '('],
    ['a(b(c)', 1, '('],
    ['a)', 1, ')'],
    ['[a', 0, '['],
    ['[]', 0, '['],
    ['[^]', 0, '['],
    ['*a', 0, '*'],
    ['a|+', 2, '+'],
    ['(?:?)', 3, '?'],
    ['(*a)', 1, '*'],
    ['{2}', 0, '{2}'],
    ['^*a', 1, '*'],
    ['\\A+a', 2, '+'],
    ['a**', 2, '*'],
    ['a{2}{3}', 4, '{3}'],
    ['a+?*', 3, '*'],
    ['a{3,2}', 1, '{3,2}'],
    ['[b-a]', 1, 'b-a'],
    ['[a-\\d]', 1, 'a-\\d'],
    ['[\\w-.]', 1, '\\w-.'],
    ['a\\', 1, '\\'],
    ['\\y', 0, '\\y'],
    ['[\\q]', 1, '\\q'],
    ['[\\z]', 1, '\\z'],
    ['\\x4', 0, '\\x4'],
    ['\\x{}', 0, '\\x{}'],
    ['\\x{110000}', 0, '\\x{110000}'],
    ['\\x{d800}', 0, '\\x{d800}'],
    ['a\ud83d', 1, '\ud83d'],
    ['\\p{Klingon}', 0, '\\p{Klingon}'],
    ['[\\p{LC}]', 1, '\\p{LC}'],
    ['\\pX', 0, '\\pX'],
    ['(?P<1>a)', 0, '(?P<'],
    ['(?P<é>a)', 0, '(?P<'],
    ['(?)a', 0, '(?)'],
    ['(?P<n>a)(?P<n>b)', 0, '(?P<n>a)(?P<n>b)'],
    ['(a{100}){11}', 0, '(a{100}){11}'],
  ])('%s', (pattern, offset, found) => {
    expect(places(problemsOf(pattern), pattern)).toEqual([['PATTERN_SYNTAX', offset, found]]);
  });
});

test.each([
  '',
  'a*',
  'a?',
  'a|',
  '(|a)',
  '^',
  '\\A',
  '(?m)^|a',
  '(?m)$',
  '\\s*|b',
  'a{0}',
  'a{0,2}',
  '(a*)(b?)',
  '(?i)',
])('`planPattern()` refuses %j, which can match the empty text', (pattern) => {
  expect(problemsOf(pattern).map(({ code }) => code)).toEqual(['PATTERN_EMPTY_MATCH']);
});

describe('`planPattern()` translates', () => {
  test.each([
    ['\\s+', `[${WHITE}]+`],
    ['\\S', `[^${WHITE}]`],
    ['\\d{2}', '[\\p{Nd}]{2}'],
    ['\\D', '[^\\p{Nd}]'],
    ['\\w', '[\\p{L}\\p{N}_]'],
    ['\\W', '[^\\p{L}\\p{N}_]'],
    ['[\\s,]', `[${WHITE}\\,]`],
    ['[^\\w\\d]', '[^\\p{L}\\p{N}_\\p{Nd}]'],
    ['(?i)\\w', '(?i)(?-i:[\\p{L}\\p{N}_])'],
    ['(?i:[\\w-])x', '(?i:(?-i:[\\p{L}\\p{N}_\\-]))x'],
    ['(?i)in', '(?i)[Ii\u0130\u0131]n'],
    ['(?i:(?-i:i))i', '(?i:(?-i:i))i'],
    ['(?i)[g-k]', '(?i)[g-kIi\u0130\u0131]'],
    ['a{02,003}?', 'a{2,3}?'],
    ['\\é\\_\\/', 'é_\\/'],
    ['\\x41\\x{1F600}\\t', 'A😀\\x{9}'],
    ['a\nb\u0000', 'a\\x{a}b\\x{0}'],
    ['[]a-]', '[\\]a\\-]'],
    ['a{b{1,c', 'a\\{b\\{1\\,c'],
    ['(?m)^a$', '(?m)^a$'],
    ['(?is)(?m)a.', '(?is)(?m)a.'],
    ['(?P<n>a)|(?:b)\\z', '(?P<n>a)|(?:b)\\z'],
    ['\\p{Devanagari}\\PL\\p{^Lu}', '\\p{Devanagari}\\PL\\p{^Lu}'],
  ])('%j', (pattern, expected) => {
    expect(translate(pattern)).toBe(expected);
  });

  test('and keeps the pattern as written for its name', () => {
    expect(planPattern('\\s', '\\\\')).toEqual({
      step: { kind: 'replace', name: '\\s', pattern: `[${WHITE}]`, replacement: '\\\\' },
    });
  });
});

test('`planPattern()` reports everything in one go, in order', () => {
  const pattern = '(?=a)\\b[\\S[:x:]](?#)(?P=n)c$*';
  expect(places(problemsOf(pattern), pattern).map(([, , found]) => found)).toEqual([
    '(?=',
    '\\b',
    '\\S',
    '[:x:]',
    '(?#)',
    '(?P=n)',
    '$',
    '*',
  ]);
  expect(places(problemsOf('((a\\Z'), '((a\\Z').map(([, , found]) => found)).toEqual(['(', '(', '\\Z']);
  expect(problemsOf('\\b', '\\0').map(({ in: where }) => where)).toEqual(['pattern', 'replace']);
});

test('a problem says what, why and how to mend it', () => {
  expect(problemsOf('x\\Z')).toEqual([
    {
      code: 'PATTERN_UNSUPPORTED',
      offset: 1,
      length: 2,
      message: 'Cannot use "\\Z": RE2 spells the end of the text \\z',
      fix: 'write \\z',
      in: 'pattern',
    },
  ]);
});

describe('a replacement', () => {
  test.each(['', 'plain $1 & {x}', '\\1', '\\2\\1 \\\\', '\\\\0', '\\\\g<1>', 'नेपाल 😀 \n'])(
    'may be %j',
    (replacement) => {
      expect(problemsOf('(a)(b)', replacement)).toEqual([]);
    },
  );

  test.each([
    ['\\3', 0, '\\3', 'put ( )'],
    ['a\\0', 1, '\\0', 'write \\1'],
    ['\\12', 0, '\\12', 'no digit'],
    ['\\\\\\g<1>', 2, '\\g<1>', 'write \\1'],
    ['\\g<name>', 0, '\\g<name>', 'write \\1 … \\9'],
    ['a\\n', 1, '\\n', '"\\n"'],
    ['\\.', 0, '\\.', 'write \\\\'],
    ['a\\', 1, '\\', 'write \\\\'],
    ['a\0', 1, '\0', 'remove'],
    ['\ude00', 0, '\ude00', 'remove'],
  ])('may not be %j', (replacement, offset, found, fix) => {
    const problems = problemsOf('(a)(b)', replacement);
    expect(places(problems, replacement)).toEqual([['REPLACEMENT_SYNTAX', offset, found]]);
    expect(problems[0]).toMatchObject({ in: 'replace', fix: expect.stringContaining(fix) });
  });
});
