import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { TextPart } from '../../lib/report/samples.ts';
import { diffTexts, excerpt } from '../../lib/review/text-diff.ts';

const side = (parts: TextPart[], other: TextPart['kind']) =>
  parts.map(({ kind, text }) => (kind === other ? '' : text)).join('');

describe('diffTexts()', () => {
  test('marks what went and what came', () => {
    expect(diffTexts('the <b>water</b> is dirty', 'the water is dirty')).toEqual([
      { kind: 'same', text: 'the ' },
      { kind: 'removed', text: '<b>' },
      { kind: 'same', text: 'water' },
      { kind: 'removed', text: '</b>' },
      { kind: 'same', text: ' is dirty' },
    ]);
  });

  test('short texts are whole on both sides', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '<', 'म', '😀', '\n'), maxLength: 120 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const parts = diffTexts(before, after);
        const start = before.startsWith(side(parts, 'added')) || !side(parts, 'added').startsWith('…');
        expect(start).toBe(true);
        if (side(parts, 'added').startsWith('…')) return;
        expect(side(parts, 'added')).toBe(before);
        expect(side(parts, 'removed')).toBe(after);
      }),
    );
  });

  test('a change far into a long text is found, and the excerpt is bounded', () => {
    const padding = 'word '.repeat(200_000);
    const parts = diffTexts(`${padding}http://x.example end`, `${padding} end`);
    expect(parts.some(({ kind, text }) => kind === 'removed' && text.includes('example'))).toBe(true);
    expect(parts.map(({ text }) => text).join('').length).toBeLessThan(1500);
    expect(parts[0]?.text).toStartWith('…');
  });

  test('never cuts a character in two', () => {
    for (let length = 590; length < 610; length++) {
      const text = 'a'.repeat(length) + '😀'.repeat(400);
      expect(excerpt(text).isWellFormed()).toBe(true);
      for (const { text: part } of diffTexts(text, `b${text}`)) expect(part.isWellFormed()).toBe(true);
    }
  });
});
