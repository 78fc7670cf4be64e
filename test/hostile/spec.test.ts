import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseDocument, stringify } from 'yaml';
import { CODES, type Code } from '../../lib/errors.ts';
import { MAX_BYTES } from '../../lib/spec/limits.ts';
import { SpecError } from '../../lib/spec/problems.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import { main } from '../../pipeline.ts';
import { HOSTILE_TEXT } from '../report/arbitrary.ts';
import { SHIPPED } from '../run/site.ts';
import { testWorld } from '../run/world.ts';

setDefaultTimeout(30_000); // of CPU it takes a part of a second; what is quadratic takes minutes

const ENV = {
  POSTGRES_URL: 'postgres://user:secret@localhost/complaints',
  DEPARTMENT_DATASET: './department',
  URGENCY_DATASET: './urgency',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The spec, or codes of its problems. Whatever else is thrown is thrown on. */
function read(text: string): Spec | Code[] {
  try {
    return parseSpec('pipeline.config.yaml', text, ENV);
  } catch (thrown) {
    if (!(thrown instanceof SpecError)) throw thrown;
    expectShown(thrown, text);
    return [...new Set(thrown.problems.map(({ code }) => code))].sort();
  }
}

/** Each problem has a code and a place; a terminal obeys nothing of what is printed, and somebody can read all of it. */
function expectShown({ problems, rendered }: SpecError, text: string): void {
  expect(problems.length).toBeGreaterThan(0);
  expect(problems.filter(({ code }) => !CODES.includes(code) || code === 'INTERNAL')).toEqual([]);
  expect(problems.filter(({ start, end }) => start < 0 || end < start || start > Math.max(text.length, 1))).toEqual([]);
  expect(rendered.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
  expect(rendered.length).toBeLessThan(60_000);
}

const HEAD = `version: 1
database: { url: postgres://user@localhost/complaints }
defaults:
  sources: { misclassified: SELECT 1, correct: SELECT 1 }
`;
/** A spec of one label. */
const label = (name: string, more = '', repo = 'acme/data') =>
  `${HEAD}labels:\n  ${name}: { repo: ${repo}, classes: [a, b]${more} }\n`;
const classes = (list: string) => `${HEAD}labels:\n  a: { repo: acme/data, classes: ${list} }\n`;

describe('a spec is refused, by a code', () => {
  const BOMB = `a0: &a0 [${'x,'.repeat(9)}]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}\n`;

  test.each([
    ['a billion laughs', BOMB, 'YAML_ALIAS'],
    ['an alias to itself', 'a: &a [*a]', 'YAML_ALIAS'],
    ['100,000 open brackets', `a: ${'['.repeat(100_000)}`, 'YAML_SYNTAX'],
    ['50,000 closed brackets', `a: ${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'YAML_SYNTAX'],
    ['maps in maps', `a: ${'{a: '.repeat(30_000)}`, 'YAML_SYNTAX'],
    ['lists in lists on one line', `${'- '.repeat(70_000)}x`, 'YAML_SYNTAX'],
    ['keys of keys', `${'? '.repeat(70_000)}x`, 'YAML_SYNTAX'],
    ['keys of keys in a list', `[${'? '.repeat(70_000)}x]`, 'YAML_SYNTAX'],
    ['maps as keys', '{'.repeat(100_000), 'YAML_SYNTAX'],
    ['maps without keys', `${': '.repeat(70_000)}x`, 'YAML_SYNTAX'],
    ['a key that is a map', '? {a: b}\n: 1\n', 'YAML_SYNTAX'],
    ['a key that is an alias', 'version: &a 1\n*a : 1\n', 'YAML_SYNTAX'],
    ['a tag of another language', label('a', ', seed: !!js/function "return 1"'), 'YAML_SYNTAX'],
    ['bytes', classes('[!!binary aGVsbG8=, b]'), 'YAML_SYNTAX'],
    ['a set', classes('!!set {a, b}'), 'YAML_SYNTAX'],
    ['a tag of its own', label('a', '', '!mine acme/data'), 'YAML_SYNTAX'],
    ['YAML 1.1, where yes is true and 010 is 8', `%YAML 1.1\n---\n${label('a', ', seed: 010')}`, 'YAML_SYNTAX'],
    ['two documents', '--- a\n--- b\n', 'YAML_SYNTAX'],
    ['a merge key', label('a', ', <<: {seed: 1}'), 'KEY_UNKNOWN'],
    ['a key twice, spelled differently', label('a', ', seed: 1, "seed": 2'), 'YAML_DUPLICATE_KEY'],
    ['a label __proto__', label('__proto__'), 'LABEL_NAME VALUE_INVALID'],
    ['a label constructor', label('constructor'), 'LABEL_NAME VALUE_INVALID'],
    ['a label prototype beside another', `${label('a')}  prototype: {repo: acme/b, classes: [a]}\n`, 'LABEL_NAME'],
    ['a label with SQL', label(`'x"; DROP TABLE a; --'`), 'LABEL_NAME'],
    ['a label that leaves its folder', label('../x'), 'LABEL_NAME'],
    ['a label of two lines', label('"a\\nb"'), 'LABEL_NAME'],
    ['a label longer than a file’s name', label('a'.repeat(300)), 'LABEL_NAME'],
    ['a split constructor', label('a', ', split: {train: 0.5, constructor: 0.5}'), 'SPLIT_NAME'],
    ['a split __proto__', label('a', ', split: {train: 0.5, __proto__: 0.5}'), 'SPLIT_NAME'],
    ['a split that leaves its folder', label('a', ', split: {../x: 1}'), 'SPLIT_NAME'],
    ['a split with a line break', label('a', ', split: {"train\\n": 1}'), 'SPLIT_NAME'],
    ['a split longer than a file’s name', label('a', `, split: {${'a'.repeat(300)}: 1}`), 'SPLIT_NAME'],
    ['a check constructor', label('a', ', checks: {sql: {constructor: SELECT 1}}'), 'CHECK_NAME'],
    ['a check __proto__', label('a', ', checks: {sql: {__proto__: SELECT 1}}'), 'CHECK_NAME'],
    ['a key __proto__', label('a', ', __proto__: {seed: 1}'), 'KEY_UNKNOWN'],
    ['a key __proto__ at the top', `${label('a')}__proto__: {labels: {}}\n`, 'KEY_UNKNOWN'],
    ['a key constructor', label('a', ', card: {constructor: x}'), 'KEY_UNKNOWN'],
    ['a step of Object', label('a', ', clean: [constructor, toString]'), 'CLEAN_STEP_UNKNOWN'],
    ['a zero in a class', classes('["a\\0b", b]'), 'VALUE_INVALID'],
    ['half a surrogate pair in a class', classes('["a\\ud800", b]'), 'VALUE_INVALID'],
    ['a zero in a key', label('a', ', "se\\0ed": 1'), 'KEY_UNKNOWN VALUE_INVALID'],
    ['a zero in a column', label('a', ', columns: {text: "a\\0"}'), 'VALUE_INVALID'],
    ['a column of a line per character', label('a', `, columns: {text: ${'x'.repeat(1000)}}`), 'VALUE_INVALID'],
    ['a zero in the card', label('a', ', card: {description: "a\\0"}'), 'VALUE_INVALID'],
    ['a zero in SQL', label('a', ', sources: {correct: "SELECT \\0 1"}'), 'SQL_SYNTAX'],
    [
      'half a surrogate pair in a pattern',
      label('a', ', clean: [{pattern: "\\ud800", replace: ""}]'),
      'PATTERN_SYNTAX',
    ],
    ['a directory with a line break', label('a', '', '"./a\\nb"'), 'REPO_NAME'],
    ['a directory with half a surrogate pair', label('a', '', '"./a\\ud800"'), 'VALUE_INVALID'],
    ['a repo with a line break', label('a', '', '"acme/data\\n"'), 'REPO_NAME'],
    ['a repo with a zero', label('a', '', '"acme/da\\0ta"'), 'REPO_NAME VALUE_INVALID'],
    ['a repo that goes up', label('a', '', 'acme/../../etc'), 'REPO_NAME'],
    ['a repo of two dots', label('a', '', 'acme/..'), 'REPO_NAME'],
    ['a repo percent-encoded', label('a', '', 'acme/%2e%2e%2f'), 'REPO_NAME'],
    ['a repo with a query', label('a', '', '"acme/data?x=1#y"'), 'REPO_NAME'],
    ['a key of 1,024 characters', label('a', `, ${'x'.repeat(1000)}: 1`), 'KEY_UNKNOWN'],
    [
      'a pattern too long to be one',
      label('a', `, clean: [{pattern: "${'('.repeat(99_000)}", replace: ""}]`),
      'PATTERN_UNSUPPORTED',
    ],
    [
      'a pattern too large',
      label('a', ', clean: [{pattern: "((a{1,100}){1,100}){1,100}", replace: ""}]'),
      'PATTERN_UNSUPPORTED',
    ],
    ['nothing', '', 'VALUE_INVALID'],
    ['a comment', '# nothing', 'VALUE_INVALID'],
    ['a zero', '\0', 'VALUE_INVALID'],
    ['two byte order marks', `\uFEFF\uFEFF${label('a')}`, 'KEY_MISSING KEY_UNKNOWN'],
    [
      'what a terminal would obey',
      label('"\\e[31m\\e]8;;http://evil\\a"', ', "\\u202e\\e[2J": 1, split: {"\\e[1A": 1}'),
      'KEY_UNKNOWN LABEL_NAME SPLIT_NAME',
    ],
  ])('%s', (_, text, codes) => {
    expect(read(text)).toEqual(codes.split(' ') as Code[]);
  });

  /** Most of these took minutes when each was held against each. */
  const fill = (part: (index: number) => string, size = 60_000) => {
    const parts: string[] = [];
    for (let [at, length] = [0, 0]; length < size; at++) {
      parts.push(part(at));
      length += part(at).length;
    }
    return parts.join('');
  };
  test.each([
    ['keys', fill((i) => `k${i}: 1\n`, MAX_BYTES - 1000), 'KEY_MISSING KEY_UNKNOWN'],
    ['labels', `${HEAD}labels:\n${fill((i) => `  l${i}: {x: 1}\n`)}`, 'KEY_MISSING KEY_UNKNOWN'],
    ['classes without a value', classes(`[${fill((i) => `'\${C${i}}',`)}]`), 'CLASS_TWICE VARIABLE_MISSING'],
    ['variables that do not end', classes(`["${fill(() => '${a:-')}"]`), 'VALUE_INVALID VARIABLE_SYNTAX'],
    ['quotes', fill(() => '"'), 'YAML_SYNTAX'],
    ['aliases', `x: &a y\nb: [${fill(() => '*a,')}]`, 'YAML_ALIAS'],
    ['anchors', fill((i) => `- &a${i} x\n- *a${i}\n`), 'YAML_ALIAS'],
    ['parentheses', label('a', `, sources: {correct: "${fill(() => '(')}"}`), 'SQL_SYNTAX'],
    ['braces', label('a', `, sources: {correct: "SELECT ${fill(() => '{')}"}`), 'SQL_PLACEHOLDER'],
    ['comments between strings', label('a', `, sources: {correct: "SELECT ${fill(() => "'a' /**/ ")}"}`), 'SQL_SYNTAX'],
    ['slashes', label('a', '', `./${fill(() => '/')}x`), 'REPO_NAME'],
    ['addresses', `${label('a')}notify: {email: {to: "${fill(() => 'a<')}"}}\n`, 'VALUE_INVALID'],
    [
      'dashes in a comment after a string',
      label('a', `, seed: -1, sources: {correct: "SELECT e'a' ${fill(() => '-- ', 3000)}\\n ;"}`),
      'VALUE_INVALID',
    ],
    [
      'patterns',
      `${HEAD}labels:\n  a:\n    repo: acme/data\n    classes: [a]\n    clean:\n${fill(() => `      - {pattern: '${'('.repeat(9900)}', replace: ''}\n`)}`,
      'PATTERN_SYNTAX',
    ],
    [
      'what looks like URLs with passwords',
      label('a', `, card: {x: "${fill(() => 'a.')}${fill(() => 'a://b:')}"}`),
      'KEY_UNKNOWN',
    ],
  ])('thousands of %s', (_, text, codes) => {
    expect(text.length).toBeLessThanOrEqual(MAX_BYTES);
    expect(read(text)).toEqual(codes.split(' ') as Code[]);
  });
});

describe('a spec is accepted', () => {
  test('with a byte order mark, also where the first line has a key', () => {
    expect(read(`\uFEFF${label('a')}`)).toMatchObject({ labels: [{ name: 'a' }] });
  });

  test('with SQL whose comments hold what looks like comments', () => {
    const { labels } = read(label('a', `, sources: {correct: "SELECT e'a' -- b -- ' \\n '\\\\' ' AS key"}`)) as Spec;
    expect(labels[0]?.sources.correct).toContain("'\\' '");
  });

  test('with names that are hostile and still names', () => {
    const spec = read(label('a', `, columns: {text: "../x", label: 'a"; DROP TABLE b; --', source: "<b>\\n"}`)) as Spec;
    expect(spec.labels[0]?.columns).toEqual({ text: '../x', label: 'a"; DROP TABLE b; --', source: '<b>\n' });
  });
});

describe('a file that is no spec ends the program with exit code 2', () => {
  const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le');
  const file = (name: string, bytes: string | Uint8Array) => writeFile(join(folder, name), bytes);

  test.each([
    ['directory', 'SPEC_NOT_FOUND', (name) => mkdir(join(folder, name))],
    ['pipe', 'SPEC_NOT_FOUND', (name) => Bun.spawn(['mkfifo', join(folder, name)]).exited],
    ['missing', 'SPEC_NOT_FOUND', async () => {}],
    ['utf-16-le', 'SPEC_ENCODING', (name) => file(name, utf16(SHIPPED))],
    ['utf-16-be', 'SPEC_ENCODING', (name) => file(name, utf16(SHIPPED).swap16())],
    ['latin-1', 'SPEC_ENCODING', (name) => file(name, Buffer.from(SHIPPED.replace('NORMAL', 'NÖRMAL'), 'latin1'))],
    ['surrogates', 'SPEC_ENCODING', (name) => file(name, Buffer.from([0x61, 0xed, 0xa0, 0x80]))],
    ['cut', 'SPEC_ENCODING', (name) => file(name, Buffer.from('a: é').subarray(0, -1))],
    ['10 MB', 'SPEC_TOO_LARGE', (name) => file(name, `version: 1\n# ${'x'.repeat(10_000_000)}`)],
    ['1 TB', 'SPEC_TOO_LARGE', (name) => file(name, '').then(() => truncate(join(folder, name), 1e12))],
    [
      'binary',
      'SPEC_ENCODING',
      (name) =>
        file(
          name,
          new Uint8Array(4096).map((_, i) => (i * 151) % 256),
        ),
    ],
  ] satisfies [string, Code, (name: string) => Promise<unknown>][])('%s', async (name, code, make) => {
    await make(name);
    await expectRefused(name, code);
  });

  test.skipIf(process.getuid?.() === 0)('that nobody may read', async () => {
    await file('locked', SHIPPED);
    await chmod(join(folder, 'locked'), 0);
    await expectRefused('locked', 'SPEC_NOT_FOUND');
  });

  test('names the place of the first byte that is no UTF-8', async () => {
    await file('place', Buffer.concat([Buffer.from('a: 1\nb: \u{1f600}'), Buffer.of(0xff)]));
    const [said] = await expectRefused('place', 'SPEC_ENCODING');
    expect(said).toContain('place:2:5 ');
  });

  test('that is empty', async () => {
    await file('empty', '');
    await expectRefused('empty', 'VALUE_INVALID', [[]]);
  });

  /** Whatever reads it. */
  async function expectRefused(config: string, code: Code, commands = [[], ['--check'], ['--history']]) {
    const said: string[] = [];
    for (const command of commands) {
      const world = testWorld({ cwd: folder, env: ENV });
      expect([command, await main([...command, '--config', config], world)]).toEqual([command, 2]);
      expect(world.stderr.text + world.stdout.text).toContain(code);
      expect(world.stderr.text).not.toMatch(/INTERNAL|^\s+at /m);
      said.push(world.stderr.text);
    }
    return said;
  }
});

describe('whatever becomes of the shipped spec, it is a spec or problems with codes', () => {
  const TOKENS = SHIPPED.split(/(\s+|[[\]{},:'"#|>&*!%@`-])/).filter((token) => token !== '');
  const SIGNS = [
    '[',
    ']',
    '{',
    '}',
    ':',
    '- ',
    '? ',
    '"',
    "'",
    '|',
    '>',
    '&a ',
    '*a ',
    '!!x ',
    '%',
    '---\n',
    '\t',
    '\n',
    '<<: ',
    '${',
    '\0',
    '\uFEFF',
    '\r',
    '# ',
    '__proto__: ',
    'constructor: ',
  ];
  const scalar = fc.oneof(HOSTILE_TEXT, fc.constantFrom(...SIGNS), fc.double().map(String), fc.bigInt().map(String));
  const change = fc.record({ at: fc.nat(TOKENS.length - 1), to: fc.option(scalar), twice: fc.boolean() });

  const expectRead = (text: string) => {
    const found = read(text);
    for (const { name, target, split, classes } of Array.isArray(found) ? [] : found.labels) {
      expect(name).toMatch(/^[a-z]\w{0,62}$/);
      expect(target.kind === 'hub' ? target.repo : target.path).not.toMatch(/[\0\n\r]/);
      expect(new Set(split.map((each) => each.name)).size).toBeGreaterThan(0);
      for (const { name: each } of split) expect(each).toMatch(/^\w{1,63}$/);
      expect(classes.every((each) => each.isWellFormed() && !each.includes('\0'))).toBeTrue();
    }
  };

  test('when tokens are dropped, doubled or replaced', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const tokens: string[] = [...TOKENS];
        for (const { at, to, twice } of changes) tokens[at] = twice ? `${tokens[at]}${to ?? tokens[at]}` : (to ?? '');
        expectRead(tokens.join(''));
      }),
      { numRuns: 100 },
    );
  });

  const places: (string | number)[][] = [];
  const collect = (value: unknown, path: (string | number)[]) => {
    if (path.length > 0) places.push(path);
    if (typeof value !== 'object' || value === null) return;
    const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    for (const [key, below] of entries) collect(below, [...path, key]);
  };
  collect(parseDocument(SHIPPED).toJS(), []);

  test('when a value or a key is any other', () => {
    const value = fc.oneof(scalar, fc.jsonValue({ maxDepth: 2 }), fc.dictionary(scalar, scalar, { maxKeys: 3 }));
    fc.assert(
      fc.property(fc.constantFrom(...places), value, fc.option(HOSTILE_TEXT), (path, to, key) => {
        const document = parseDocument(SHIPPED);
        document.setIn(key === null || typeof path.at(-1) === 'number' ? path : [...path.slice(0, -1), key], to);
        expectRead(stringify(document.toJS()));
      }),
      { numRuns: 100 },
    );
  });
});
