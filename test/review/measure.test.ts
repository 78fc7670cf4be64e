import { describe, expect, test } from 'bun:test';
import { excerpt } from '../../lib/review/text-diff.ts';
import { labelSpec, type SourceRow, Workshop } from '../steps/harness.ts';

const CLEAN = `clean: [urls, html, whitespace]`;
const ground: SourceRow[] = Array.from({ length: 30 }, (_, index) => ({
  key: `g${index}`,
  text: `ground ${index}`,
  label: 'ABC'.charAt(index % 3),
}));
const plan = async (rows: SourceRow[], yaml = CLEAN, options = {}) => {
  await using workshop = await Workshop.open();
  return await workshop.publish([...ground, ...rows], labelSpec(yaml), { dryRun: true, ...options });
};
const row = (key: string, text: string | null, label: string | null = 'A', more = {}): SourceRow => ({
  key,
  text,
  label,
  ...more,
});

describe('figures of what would be published', () => {
  test('a named step counts once, whatever it is made of, and only rows that it changed', async () => {
    const { report } = await plan([
      row('1', 'see http://a.example and <!-- x --> <b>this</b>'),
      row('2', 'two  spaces'),
      row('3', '<i>only html</i>'),
      row('4', null),
    ]);
    expect(report.cleaning).toEqual([
      { step: 'urls', rows: 1 },
      { step: 'html', rows: 2 },
      { step: 'whitespace', rows: 2 },
    ]);
  });

  test('a 64th step is counted like the first', async () => {
    const steps = Array.from({ length: 64 }, (_, index) => `{ pattern: 'x${index}x', replace: '' }`);
    const { report } = await plan([row('1', 'a x63x b'), row('2', 'a x0x b')], `clean: [${steps.join(', ')}]`);
    expect([report.cleaning?.[0]?.rows, report.cleaning?.[1]?.rows, report.cleaning?.[63]?.rows]).toEqual([1, 0, 1]);
  });

  test('lengths are characters, not bytes', async () => {
    const { report } = await plan([row('1', 'म'.repeat(500)), row('2', '😀')]);
    expect(report.lengths).toMatchObject({ min: 1, max: 500, median: 9 });
  });

  test('texts under several classes are listed by classes and by what became of them', async () => {
    const reviewed = { origin: 'misclassified' };
    const { report, samples } = await plan([
      row('1', 'same', 'A', reviewed),
      row('2', 'same', 'B'),
      row('3', 'same', 'B'),
      row('4', 'other', 'A'),
      row('5', 'other', 'C'),
      row('6', 'other two', 'C', reviewed),
      row('7', 'other two', 'A', reviewed),
      row('8', 'agreed', 'A', reviewed),
      row('9', 'agreed', 'A'),
    ]);
    expect(report.conflicts).toEqual({
      texts: 3,
      rows: 7,
      groups: [
        { classes: ['A', 'C'], winner: null, texts: 2, rows: 4 },
        { classes: ['A', 'B'], winner: 'A', texts: 1, rows: 3 },
      ],
    });
    expect(samples.conflicts.find(({ text }) => text === 'same')).toEqual({
      text: 'same',
      winner: 'A',
      classes: [
        { name: 'A', reviewed: 1, unreviewed: 0 },
        { name: 'B', reviewed: 0, unreviewed: 2 },
      ],
    });
  });

  test('residual personal data is counted per split, a row once', async () => {
    const { report } = await plan([row('1', 'call 9841234567 or a@b.org'), row('2', 'call ९८४१२३४५६७')]);
    const total = (field: 'rows' | 'emails' | 'phones' | 'any') =>
      report.personalData?.reduce((sum, split) => sum + split[field], 0);
    expect([total('rows'), total('emails'), total('phones'), total('any')]).toEqual([32, 1, 2, 2]);
    expect(report.personalData?.map(({ rows }) => rows)).toEqual(
      report.split?.splits.map(({ rows }) => rows) as number[],
    );
  });

  test('no text stands in two splits, counted in what would be published', async () => {
    const { report } = await plan([row('1', 'same'), row('2', 'same')], 'duplicates: keep');
    expect(report.split?.textsInSeveralSplits).toBe(0);
  });
});

describe('examples', () => {
  const rows = [
    row('a@key.org', 'mail me: me@example.org  now', 'A'),
    row('2', 'mail me: me@example.org now', 'A'),
    row('3', ' ', 'A'),
    row('4', 'call 9841234567', 'Z'),
    row('5', null, 'A', { tooLong: true }),
  ];

  test('of each reason for a drop, with the text as it came', async () => {
    const { samples } = await plan(rows, CLEAN, { rawSamples: true });
    expect(samples.dropped.map(({ reason, key, value, text }) => [reason, key, value, text])).toEqual([
      ['duplicate', 'a@key.org', 'A', 'mail me: me@example.org  now'],
      ['empty_text', '3', 'A', ' '],
      ['too_long', '5', 'A', null],
      ['unknown_class', '4', 'Z', 'call 9841234567'],
    ]);
    expect(samples.cleaning.find(({ key }) => key === 'a@key.org')).toMatchObject({
      step: 'whitespace',
      parts: [
        { kind: 'same', text: 'mail me: me@example.org ' },
        { kind: 'removed', text: ' ' },
        { kind: 'same', text: 'now' },
      ],
    });
  });

  test('mask personal data unless they are asked for as they are', async () => {
    const { samples } = await plan(rows);
    const text = JSON.stringify(samples);
    expect(text).toContain('[e-mail]');
    expect(text).toContain('[phone]');
    expect(text).not.toMatch(/example\.org|key\.org|9841234567/);
  });

  test('there are at most as many as asked for, the same in every run, and none with 0', async () => {
    const many = Array.from({ length: 20 }, (_, index) => row(`m${index}`, `double  space ${index % 12}`));
    const first = await plan(many, CLEAN, { samples: 3 });
    expect(first.samples.dropped.filter(({ reason }) => reason === 'duplicate')).toHaveLength(3);
    expect(first.samples.cleaning).toHaveLength(3);
    expect((await plan(many.toReversed(), CLEAN, { samples: 3 })).samples.cleaning.map(({ parts }) => parts)).toEqual(
      first.samples.cleaning.map(({ parts }) => parts),
    );
    expect((await plan(many, CLEAN, { samples: 0 })).samples).toEqual({
      dropped: [],
      cleaning: [],
      conflicts: [],
      changes: [],
      checks: [],
    });
  });
});

test('excerpt() is bounded, and never cuts a character in two', () => {
  for (let length = 590; length < 610; length++) {
    const text = excerpt('a'.repeat(length) + '😀'.repeat(400));
    expect(text.isWellFormed()).toBe(true);
    expect(text.length).toBeLessThanOrEqual(601);
  }
});
