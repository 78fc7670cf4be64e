import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { cut, cutWords, plain, widthOf, wrap } from '../../lib/report/layout.ts';

const TEXT = fc.string({ unit: 'grapheme' }).map(plain);

describe('widthOf()', () => {
  // The columns that the cursor moves in tmux 3.3a under glibc 2.36
  test.each([
    ['train', 5],
    ['शिक्षा', 5],
    ['स्वास्थ्य', 6],
    ['नगरपालिका', 9],
    ['क्ष', 2],
    ['✔ ✖ ■ ⊘ ⠹ …', 11],
    ['\x1b[31mred\x1b[39m', 3],
  ])('of %j is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('cut()', () => {
  test('marks what is cut, between graphemes', () => {
    expect(cut('Security & Law', 14)).toBe('Security & Law');
    expect(cut('Security & Law', 13)).toBe('Security & L…');
    expect(cut('Security & Law', 10)).toBe('Security…');
    expect(cut('शिक्षा', 4)).toBe('शि…');
    expect(cut('शिक्षा', 0)).toBe('');
  });

  test('never is wider than asked', () => {
    fc.assert(fc.property(TEXT, fc.nat(30), (text, width) => widthOf(cut(text, width)) <= width));
  });
});

describe('cutWords()', () => {
  test('cuts between words, and a first word only when there is no other way', () => {
    expect(cutWords('train 2,138, eval 269', 21)).toBe('train 2,138, eval 269');
    expect(cutWords('train 2,138, eval 269', 20)).toBe('train 2,138, eval …');
    expect(cutWords('train 2,138, eval 269', 10)).toBe('train …');
    expect(cutWords('train 2,138, eval 269', 3)).toBe('tr…');
  });

  test('never is wider than asked', () => {
    fc.assert(fc.property(TEXT, fc.nat(30), (text, width) => widthOf(cutWords(text, width)) <= width));
  });
});

describe('wrap()', () => {
  test('breaks between words; a longer word stays whole', () => {
    expect(wrap('see https://example.org/a/b for more', 12)).toEqual(['see', 'https://example.org/a/b', 'for more']);
  });

  test('loses nothing, and only single words are too wide', () => {
    fc.assert(
      fc.property(TEXT, fc.integer({ min: 1, max: 30 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.join(' ')).toBe(text);
        expect(lines.filter((line) => widthOf(line) > width && line.includes(' '))).toEqual([]);
      }),
    );
  });
});

test('plain() keeps no control character and no reading direction, but the joiners of Devanagari', () => {
  expect(plain(' a\r\n\tb\x1b[2Jc\x9bd\u202ee\u2066f\u2028g ')).toBe('a b [2Jc d e f g');
  expect(plain('क्\u200dष')).toBe('क्\u200dष');
});
