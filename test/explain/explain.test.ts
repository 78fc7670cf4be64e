import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { planMemory } from '../../lib/explain/fate.ts';
import { cellsOf, fill, visible } from '../../lib/explain/marked.ts';
import { painter, widthOf } from '../../lib/report/layout.ts';
import type { TextPart } from '../../lib/report/samples.ts';
import { planChange, planExcerpt } from '../../lib/review/text-diff.ts';

const marked = (parts: TextPart[]) =>
  parts.map(({ kind, text }) => ({ same: text, removed: `[-${text}-]`, added: `{+${text}+}` })[kind]).join('');
const side = (parts: TextPart[], gone: TextPart['kind']) =>
  parts.flatMap(({ kind, text }) => (kind === gone ? [] : [text])).join('');

describe('planChange()', () => {
  test.each([
    ['nothing', 'same', 'same', ''],
    ['a removed tag', 'the <b>ward', 'the ward', 'the [-<b>-]ward'],
    ['white space', 'two  spaces', 'two spaces', 'two [- -]spaces'],
    ['white space around a word', 'a  b ', 'a b', 'a[-  -]{+ +}b[- -]'],
    ['a word', 'the water tap leaks', 'the power tap leaks', 'the [-water-]{+power+} tap leaks'],
    ['a mark of a letter, with its letter', 'वडा नं', 'वडा न', 'वडा [-नं-]{+न+}'],
    ['all of it', '<p>', '', '[-<p>-]'],
  ])('shows %s', (_, before, after, expected) => {
    expect(marked(planChange(before, after))).toBe(expected);
  });

  test('gives both texts back where they are short', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', 'कि', '<b>', 'é', '🙂', '\u200d'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const parts = planChange(before, after);
        if (before === after) return expect(parts).toEqual([]);
        expect(side(parts, 'added')).toBe(before);
        expect(side(parts, 'removed')).toBe(after);
      }),
    );
  });

  test('is a short window around the first change of a long text', () => {
    const [start, end] = ['word '.repeat(50_000), 'tail '.repeat(50_000)];
    const parts = planChange(`${start}<b>bold</b> ${end}`, `${start}bold ${end}`);
    expect(marked(parts)).toMatch(/^…[word ]{35,40}\[-<b>-\]bold\[-<\/b>-\][ tail]{35,40}…$/);
    const removed = planChange(`${start}https://x.y/${'z'.repeat(9000)} ${end}`, start + end);
    expect(marked(removed)).toMatch(/\[-https:\/\/x\.y\/z{60,}-\]\[-…-\][tail ]+…$/);
  });

  test('ends, and stays short, where texts have nothing in common', () => {
    const [before, after] = ['ab ', 'yz '].map((word) => Array.from({ length: 100_000 }, (_, i) => word + i).join(' '));
    const parts = planChange(before as string, after as string);
    expect(marked(parts).length).toBeLessThan(800);
    expect(parts.at(-1)?.text).toBe('…');
  });
});

test('planExcerpt() cuts between letters, and says so', () => {
  expect(planExcerpt('कि')).toEqual([{ kind: 'same', text: 'कि' }]);
  expect(side(planExcerpt('कि'.repeat(500)), 'added')).toBe(`${'कि'.repeat(160)}…`);
});

const HARMFUL = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

test('visible() leaves nothing that a terminal obeys or a reader cannot see', () => {
  expect(visible('a\\\n\x1b\u202e\u00a0\u{e0041}')).toBe('a\\\\\\n\\u{1b}\\u{202e}\\u{a0}\\u{e0041}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(HARMFUL.test(visible(text))).toBe(false);
    }),
  );
});

test('fill() keeps within the width, and loses nothing but the spaces that it breaks at', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'कि', '界'), maxLength: 60 });
  fc.assert(
    fc.property(text, fc.integer({ min: 4, max: 30 }), (text, width) => {
      const lines = fill(cellsOf(text), width, painter(false));
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }),
  );
});

describe('planMemory()', () => {
  const spec = { split: ['train', 'eval', 'test'].map((name) => ({ name, share: { units: 1n, scale: 0 } })) };
  const entry = (split: string, version: string | null, by_text: boolean, key = 'k') => ({
    split,
    version,
    by_text,
    key,
  });

  test('goes by the text before the key, and by the own key before another', () => {
    const byText = entry('eval', 'v1', true);
    const byKey = entry('eval', 'v2', false);
    const byOther = entry('eval', 'v3', false, 'other');
    expect(planMemory('eval', [byOther, byKey, byText], 'k', spec)).toMatchObject({ by: 'text', version: 'v1' });
    expect(planMemory('eval', [byOther, byKey], 'k', spec)).toMatchObject({ by: 'key', version: 'v2' });
    expect(planMemory('eval', [byOther], 'k', spec)).toMatchObject({ by: 'duplicate', key: 'other', version: 'v3' });
    expect(planMemory('eval', [], 'k', spec)).toBeUndefined();
  });

  test('names the other splits that earlier versions had it in', () => {
    const entries = [entry('test', 'v1', true), entry('train', 'v2', false), entry('test', 'v1', false)];
    expect(planMemory('train', entries, 'k', spec)).toEqual({
      split: 'train',
      version: 'v2',
      by: 'key',
      others: ['test'],
    });
  });
});
