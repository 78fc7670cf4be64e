import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { findBlock, formatBlock, formatCard, parseCard, placeBlock, planLoad } from '../../lib/dataset/card.ts';
import { NAMES, TEXT } from './alphabet.ts';

const name = fc.oneof(fc.constantFrom(...NAMES), TEXT);

describe('a card', () => {
  test('says any names in YAML 1.1 and 1.2 alike, and says them again when it is read', () => {
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 8 }),
        fc.dictionary(fc.constantFrom('mine', 'other', 'a b'), name),
        (names, own) => {
          const yaml = { tags: names, dataset_info: Object.fromEntries(names.map((each, id) => [String(id), each])) };
          const card = formatCard({ ...own, ...yaml }, 'body');
          expect(parseCard(card)).toEqual({ yaml: { ...yaml, ...own }, body: 'body' });
          const front = formatCard(yaml, '').split('---\n')[1] ?? '';
          for (const version of ['1.1', '1.2'] as const) expect(parse(front, { version }).tags).toEqual(names);
          expect(front).not.toMatch(/[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    [
      'a billion laughs',
      `a0: &a0 [${'x,'.repeat(9)}]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`,
    ],
    ['deep brackets', `a: ${'['.repeat(5000)}`],
    ['deep keys', '{'.repeat(5000)],
    ['a list', '- a'],
    ['nothing', ''],
  ])('whose YAML is %s is read as one that says nothing', (_, front) => {
    expect(parseCard(`---\n${front}\n---\n\nbody`)).toEqual({ yaml: {}, body: 'body' });
  });

  test('is split where its YAML ends, not where a name does', () => {
    expect(parseCard('---\ntags: a ---\nmine: 1\n---\nbody')).toEqual({
      yaml: { tags: 'a ---', mine: 1 },
      body: 'body',
    });
    expect(parseCard('---\n---\nbody')).toEqual({ yaml: {}, body: 'body' });
  });

  test('has one block, whatever directory it is in', () => {
    const path = './```\n<!-- prepare-dataset:end -->';
    const block = formatBlock([planLoad({ target: { kind: 'directory', path } }, 'v1')]);
    expect(findBlock(block)?.end).toBe(block.length);
    expect(placeBlock(`above\n\n${block}\n\nbelow`, 'new')).toBe('above\n\nnew\n\nbelow');
  });
});
