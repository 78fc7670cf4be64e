import fc from 'fast-check';
import { HOSTILE } from '../report/arbitrary.ts';

/** Texts and names that were made to break something. No zeros and no halves of surrogate pairs: PostgreSQL holds none. */

const MARKUP = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><svg/onload=alert(1)>',
  '</td></table></details></code></pre>',
  '<!-- prepare-dataset:start -->',
  '<!-- prepare-dataset:end -->',
  '<!-- prepare-dataset:held -->',
  '--> <!-- prepare-dataset:report -->',
  '[x](javascript:alert(1))',
  '](javascript:alert(1))',
  '![x](https://evil.example/x.png)',
  '| a | b |',
  '`code` ``` ~~~',
  '# heading',
  '- item',
  '1. item',
  '+ item',
  '> quote',
  '***',
  'https://evil.example/x www.evil.example a@evil.example',
  '&lt;b&gt; &#60; &amp;',
  '<b>bold</b> <i>open',
];
const FORMULAS = ['=cmd|"/C calc"!A0', '@SUM(1+1)', '+1+1', '-2+3', '=HYPERLINK("https://evil.example")'];
const ROWS = [
  '"1","text","","A"',
  '1,text,,A',
  '\\.',
  '\\N',
  '""',
  '"',
  '","',
  '"\n"',
  '"1","text","","A"\n"2","text","t","B"\n',
  'a\r\nb\rc\nd',
  '\r',
  '\n',
  'x\n\\.\ny',
  "'; DROP TABLE records; --",
  '$$ $1 ${x} {label} %s %n {{x}}',
];
const TERMINAL = [
  '\x1b[31mred\x1b[0m',
  '\x1b[2J\x1b[H',
  '\x1b]0;title\x07',
  '\x1b]8;;https://evil.example\x07link\x1b]8;;\x07',
  '\x9b31m',
  '\x07\x08\x7f',
];
const INVISIBLE = [
  '\u202etxt.exe\u202c',
  '\u2066\u2067\u2069',
  'a\u200bb\u200c\u200d\u2060\ufeff',
  '\ufeffbyte order mark',
  'a\u2028b\u2029c\u0085d',
  '\u00ad\u034f\u115f\u3164',
  'e\u0301\u0301\u0301',
  'שלום مرحبا',
  '\ufdd0\ufffe\uffff',
  '\u{e0001}\u{e0061}',
];
/** To a reader of YAML 1.1 or 1.2 these are no text, or no end of one. */
const YAML = [
  'yes',
  'No',
  'ON',
  'off',
  'y',
  'n',
  'null',
  '~',
  'true',
  '1e3',
  '1_000',
  '0x1F',
  '0o14',
  '012',
  '1:30',
  '2001-01-01',
  '.inf',
  '.NaN',
  '=',
  '<<',
  ': - [',
  '- a',
  '? a',
  'a: b',
  'a #b',
  '%a',
  '`a',
  '&a',
  '*a',
  '!a',
  '|',
  '>',
  '"',
  "'",
  '\\',
  '---',
  '...',
  'a ---',
  'a\n---\nb',
  'a\r\n---\r\nb',
  ' leading and trailing ',
  '\ttab\t',
  '[]',
  '{}',
];

/** Names that are no variable of the spec, which `${` would begin. */
export const NAMES: readonly string[] = [
  ...new Set([
    ...YAML,
    ...[...MARKUP, ...FORMULAS, ...ROWS, ...TERMINAL, ...INVISIBLE, ...HOSTILE].filter((name) => !name.includes('${')),
    '__proto__',
    'constructor',
    'emoji 👩‍🌾❤️',
    'x'.repeat(200),
  ]),
];

/** Every code point, 4,096 to a text. */
function planes(): string[] {
  const texts: string[] = [];
  for (let from = 0; from < 0x110000; from += 4096) {
    const points = Array.from({ length: 4096 }, (_, index) => from + index);
    const text = points.filter((point) => point > 0 && (point < 0xd800 || point > 0xdfff));
    if (text.length > 0) texts.push(String.fromCodePoint(...text));
  }
  return texts;
}

const MADE = [...YAML, ...MARKUP, ...FORMULAS, ...ROWS, ...TERMINAL, ...INVISIBLE, ...HOSTILE];
const LARGE = [
  '<'.repeat(1_000_000),
  '<div>'.repeat(100_000),
  `${'<a '.repeat(100_000)}>`,
  '"'.repeat(500_000),
  '\n'.repeat(1000) + '"1","text","","A"\n'.repeat(30_000),
  '\\'.repeat(300_000),
  '\u{1f600}'.repeat(100_000),
  'a\u0301'.repeat(100_000),
];
export const FIXED: readonly string[] = [...MADE, ...LARGE, ...planes()];

const piece = fc.oneof(
  fc.constantFrom(...MADE),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('"', ',', '\n', '\r', '\\', '\t', ' ', "'", '<', '>', '&', ';', '\u2028', '\ufeff'),
);

/** Whatever a database can hold. */
export const TEXT = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => pieces.join('').replaceAll('\0', '').toWellFormed());
