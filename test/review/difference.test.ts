import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { ChangeKind, DifferenceReport } from '../../lib/report/report.ts';
import { compareClassLists } from '../../lib/review/difference.ts';
import { labelSpec, type SourceRow, type Version, Workshop } from '../steps/harness.ts';

const DRY = { dryRun: true };
const CLASSES = ['A', 'B', 'C'];
/** Enough rows that no split is ever empty; they never change. */
const GROUND: SourceRow[] = Array.from({ length: 30 }, (_, index) => ({
  key: `ground${index}`,
  text: `ground ${index}`,
  label: CLASSES[index % 3] as string,
}));

const changesOf = ({ difference }: Version['report']) =>
  Object.fromEntries((difference?.changes ?? []).map(({ kind, rows }) => [kind, rows])) as Record<ChangeKind, number>;

/** Publish `before`, then plan `after`. */
async function differ(before: SourceRow[], after: SourceRow[], yaml = ''): Promise<Version> {
  await using workshop = await Workshop.open();
  await workshop.publish([...GROUND, ...before], labelSpec(yaml));
  return await workshop.publish([...GROUND, ...after], labelSpec(yaml), DRY);
}

const row = (key: string, text: string, label = 'A'): SourceRow => ({ key, text, label });

describe('the difference from the published version', () => {
  test.each<[string, SourceRow[], SourceRow[], Partial<Record<ChangeKind, number>>]>([
    ['the same rows', [row('1', 'one')], [row('1', 'one')], {}],
    ['a new row', [], [row('1', 'one')], { added: 1 }],
    ['a row that is gone', [row('1', 'one')], [], { removed: 1 }],
    ['another label', [row('1', 'one', 'A')], [row('1', 'one', 'B')], { relabelled: 1 }],
    ['another text of the same record', [row('1', 'one')], [row('1', 'two')], { recleaned: 1 }],
    ['another text and label', [row('1', 'one', 'A')], [row('1', 'two', 'C')], { recleaned: 1, relabelled: 1 }],
    ['the same text from another record', [row('1', 'one')], [row('2', 'one')], {}],
    ['texts that records swapped', [row('1', 'one'), row('2', 'two')], [row('1', 'two'), row('2', 'one')], {}],
    [
      'a text that is now one with another',
      [row('1', 'one'), row('2', 'two')],
      [row('1', 'one'), row('2', 'one')],
      { removed: 1 },
    ],
    [
      'a duplicate that has a text of its own now',
      [row('1', 'one'), row('2', 'one')],
      [row('1', 'one'), row('2', 'two')],
      { added: 1 },
    ],
    ['a record that is gone and one that is new', [row('1', 'one')], [row('2', 'two')], { added: 1, removed: 1 }],
  ])('%s', async (_, before, after, wanted) => {
    const { report } = await differ(before, after);
    expect(changesOf(report)).toEqual({ added: 0, removed: 0, relabelled: 0, recleaned: 0, moved: 0, ...wanted });
    const { difference } = report as { difference: DifferenceReport };
    expect(difference.rows.after).toBe(report.kept?.total ?? 0);
    expect(difference.classes.map(({ after: now }) => now)).toEqual(
      CLASSES.map((_each, id) => report.split?.splits.reduce((sum, { classes }) => sum + (classes[id] ?? 0), 0) ?? 0),
    );
  });

  test('there is none on a first version, and none in a real run', async () => {
    await using workshop = await Workshop.open();
    expect((await workshop.publish(GROUND, labelSpec(), DRY)).report.difference).toBeUndefined();
    await workshop.publish(GROUND);
    expect((await workshop.publish([...GROUND, row('1', 'one')])).report.difference).toBeUndefined();
  });

  test('with duplicates: keep, counts rows and not texts', async () => {
    const before = [row('1', 'one'), row('2', 'one'), row('3', 'one')];
    const { report } = await differ(before, [row('1', 'one'), row('4', 'four')], 'duplicates: keep');
    expect(changesOf(report)).toMatchObject({ added: 1, removed: 2, recleaned: 0 });
  });

  test('of equal texts, those that stay where they are are paired first', async () => {
    await using workshop = await Workshop.open();
    const twins = [row('1', 'twin'), row('2', 'twin', 'B'), row('3', 'twin', 'B')];
    await workshop.publish([...GROUND, ...twins], labelSpec('duplicates: keep\nconflicts: reviewed'));
    const { report } = await workshop.publish([...GROUND, row('9', 'twin', 'B')], labelSpec('duplicates: keep'), DRY);
    expect(changesOf(report)).toMatchObject({ relabelled: 0, moved: 0 });
  });

  test('--resplit shows the rows that it moves', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 200 }, (_, index) => row(`k${index}`, `text ${index}`, 'ABC'.charAt(index % 3)));
    await workshop.publish(rows, labelSpec('seed: 1'));
    const kept = await workshop.publish(rows, labelSpec('seed: 2'), DRY);
    expect(changesOf(kept.report).moved).toBe(0);
    const { report, samples } = await workshop.publish(rows, labelSpec('seed: 2'), { ...DRY, resplit: true });
    const { moved } = changesOf(report);
    expect(moved).toBeGreaterThan(20);
    expect(report.difference?.rows.unchanged).toBe(200 - moved);
    const [sample] = samples.changes.filter(({ kind }) => kind === 'moved');
    expect(sample?.before?.split).not.toBe(sample?.after?.split as string);
  });

  test('a split that is gone is refused with the difference that it would make', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 90 }, (_, index) => row(`k${index}`, `text ${index}`, 'ABC'.charAt(index % 3)));
    await workshop.publish(rows);
    const spec = labelSpec('split: { train: 0.8, validation: 0.1, test: 0.1 }');
    const planned = workshop.publish(rows, spec, DRY);
    await expect(planned).rejects.toMatchObject({ code: 'SPLIT_REMOVED' });
    expect(workshop.last?.difference?.changes.find(({ kind }) => kind === 'moved')?.rows).toBe(9);
  });

  test('--against compares with an older version', async () => {
    await using workshop = await Workshop.open();
    await workshop.publish(GROUND);
    await workshop.publish([...GROUND, row('1', 'one')]);
    const now = [...GROUND, row('1', 'one'), row('2', 'two')];
    expect(changesOf((await workshop.publish(now, labelSpec(), DRY)).report).added).toBe(1);
    const older = await workshop.publish(now, labelSpec(), { ...DRY, against: 'v20260101_000100' });
    expect(older.report.difference).toMatchObject({ version: 'v20260101_000100', rows: { before: 30, after: 32 } });
    expect(changesOf(older.report).added).toBe(2);
  });

  test('a reordered class list is named, and the rows keep their class names', async () => {
    await using workshop = await Workshop.open();
    await workshop.publish(GROUND);
    const { report } = await workshop.publish(GROUND, labelSpec('classes: [B, A, C, D]'), {
      ...DRY,
      allowClassChange: true,
    });
    expect(report.difference?.classList).toEqual({ added: ['D'], removed: [], reordered: ['A', 'B'] });
    expect(changesOf(report).relabelled).toBe(0);
  });

  test('a repo without a ledger’s key is compared by text only', async () => {
    await using workshop = await Workshop.open();
    await workshop.publish([...GROUND, row('1', 'one')]);
    workshop.env.LEDGER_KEY = 'another';
    const { report } = await workshop.publish([...GROUND, row('1', 'two')], labelSpec(), { ...DRY, resplit: true });
    expect(changesOf(report)).toMatchObject({ added: 1, removed: 1, recleaned: 0 });
  });
});

test.each([
  [['A', 'B'], ['A', 'B', 'C'], { added: ['C'], removed: [], reordered: [] }],
  [['A', 'B'], ['B', 'A'], { added: [], removed: [], reordered: ['A', 'B'] }],
  [['A', 'B', 'C'], ['A', 'C'], { added: [], removed: ['B'], reordered: ['C'] }],
  [['A', 'B'], ['A', 'X'], { added: ['X'], removed: ['B'], reordered: [] }],
])('compareClassLists(%j, %j)', (before, after, wanted) => {
  expect(compareClassLists(before, after)).toEqual(wanted);
});

describe('against an oracle', () => {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop[Symbol.asyncDispose]());

  const rows = fc
    .uniqueArray(
      fc.record({
        key: fc.integer({ min: 0, max: 25 }),
        text: fc.integer({ min: 0, max: 25 }),
        label: fc.constantFrom(...CLASSES),
      }),
      { selector: ({ key }) => key, maxLength: 20 },
    )
    .map((list) => list.map(({ key, text, label }) => row(`k${key}`, `t${text}`, label)));

  /** Texts before and after with their class and records, as cleaning leaves them: a text with two classes is dropped. */
  const textsOf = (list: SourceRow[]) => {
    const texts = new Map<string, { label: string; keys: Set<string>; conflict: boolean }>();
    for (const { key, text, label } of list as { key: string; text: string; label: string }[]) {
      const known = texts.get(text);
      if (!known) texts.set(text, { label, keys: new Set([key]), conflict: false });
      else if (known.label === label) known.keys.add(key);
      else known.conflict = true;
    }
    return new Map([...texts].filter(([, { conflict }]) => !conflict));
  };

  /** Many histories side by side in one version: their keys and texts never meet. */
  const sideBySide = (histories: SourceRow[][]) =>
    histories.flatMap((list, index) =>
      list.map(({ key, text, label }) => row(`${index}.${key}`, `${index}.${text}`, label ?? '')),
    );

  test('texts that stay, change class, come and go are counted as plain code counts them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(rows, rows), { minLength: 20, maxLength: 40 }), async (histories) => {
        const before = sideBySide(histories.map(([first]) => first));
        const after = sideBySide(histories.map(([, second]) => second));
        await workshop.publish([...GROUND, ...before], labelSpec('conflicts: drop'), { resplit: true, force: true });
        const { report } = await workshop.publish([...GROUND, ...after], labelSpec('conflicts: drop'), DRY);
        const [old, now] = [textsOf(before), textsOf(after)];
        const stays = [...now].filter(([text]) => old.has(text));
        const comes = [...now].filter(([text]) => !old.has(text));
        const goes = [...old].filter(([text]) => !now.has(text));
        const changes = changesOf(report);
        expect(report.difference?.rows).toMatchObject({ before: 30 + old.size, after: 30 + now.size });
        expect(changes.moved).toBe(0);
        expect(changes.added + changes.recleaned).toBe(comes.length);
        expect(changes.removed + changes.recleaned).toBe(goes.length);
        const isLinked = ([, { keys }]: (typeof comes)[number]) =>
          goes.some(([, other]) => [...keys].some((key) => other.keys.has(key)));
        expect(changes.recleaned).toBeLessThanOrEqual(comes.filter(isLinked).length);
        // A record that keeps to itself keeps its split, so it is found again under its new text.
        const alone = comes.filter((each) => isLinked(each) && each[1].keys.size === 1);
        const certain = alone.filter(([, { keys }]) =>
          goes
            .filter(([, other]) => [...keys].some((key) => other.keys.has(key)))
            .every(([, other]) => other.keys.size === 1),
        );
        expect(changes.recleaned).toBeGreaterThanOrEqual(certain.length);
        const relabelled = stays.filter(([text, { label }]) => old.get(text)?.label !== label).length;
        expect(changes.relabelled).toBeGreaterThanOrEqual(relabelled);
        expect(changes.relabelled).toBeLessThanOrEqual(relabelled + changes.recleaned);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });
});
