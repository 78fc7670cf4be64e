import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { labelSpec, type SourceRow, Workshop } from './harness.ts';

interface State {
  rows: Map<number, SourceRow>;
  next: number;
}

type Change =
  | { kind: 'insert' | 'delete' | 'relabel' | 'return' | 'copy'; amount: number }
  | { kind: 'ratio'; amount: number };

const textOf = (key: number) => `text of ${key}`;
const labelOf = (key: number) => 'ABC'.charAt((key * 7) % 3);

/** What happens to a table of records between two runs. */
function apply(state: State, change: Change, gone: SourceRow[]): void {
  const keys = [...state.rows.keys()];
  const some = keys
    .filter((key) => Bun.hash(`${change.kind}${change.amount}${key}`) % 10n === 0n)
    .slice(0, change.amount);
  if (change.kind === 'insert')
    for (let index = 0; index < change.amount; index++, state.next++)
      state.rows.set(state.next, {
        key: String(state.next),
        text: textOf(state.next),
        label: labelOf(state.next),
        origin: 'misclassified',
      });
  if (change.kind === 'delete')
    for (const key of some) {
      gone.push(state.rows.get(key) as SourceRow);
      state.rows.delete(key);
    }
  if (change.kind === 'relabel')
    for (const key of some) state.rows.set(key, { ...(state.rows.get(key) as SourceRow), label: 'B' });
  if (change.kind === 'return') for (const row of gone.splice(0, change.amount)) state.rows.set(Number(row.key), row);
  if (change.kind === 'copy')
    for (const key of some) {
      state.rows.set(state.next, { ...(state.rows.get(key) as SourceRow), key: String(state.next) });
      state.next++;
    }
}

const changes = fc.array(
  fc.record({
    kind: fc.constantFrom('insert', 'delete', 'relabel', 'return', 'copy', 'ratio'),
    amount: fc.integer({ min: 1, max: 40 }),
  }) as fc.Arbitrary<Change>,
  { minLength: 3, maxLength: 8 },
);

describe('a row never changes split', () => {
  test('whatever is inserted, deleted, relabelled, copied, sampled otherwise, or returns versions later', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { minLength: 2, maxLength: 4 }), async (versions) => {
        await using workshop = await Workshop.open();
        const state: State = { rows: new Map(), next: 0 };
        const gone: SourceRow[] = [];
        apply(state, { kind: 'insert', amount: 120 }, gone);
        const splitOf = new Map<string, string>();
        let share = 10;
        for (const [index, version] of [[], ...versions].entries()) {
          for (const change of version) {
            if (change.kind === 'ratio') share = 5 + (change.amount % 6);
            else apply(state, change, gone);
          }
          const sampled = [...state.rows.values()].filter((row) => Number(Bun.hash(`sample${row.key}`) % 10n) < share);
          const spec = labelSpec(index % 2 === 1 ? 'split: { train: 0.7, eval: 0.2, test: 0.1 }\nseed: 5' : '');
          const { rows } = await workshop.publish(sampled, spec, { force: true });
          const seen = new Set<string>();
          for (const { text, split } of rows) {
            expect(seen.has(text)).toBe(false); // no text in two splits
            seen.add(text);
            expect(`${text}: ${split}`).toBe(`${text}: ${splitOf.get(text) ?? split}`);
            splitOf.set(text, split);
          }
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  test('also one that leaves and returns three versions later, under another key', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 200 }, (_, key) => ({
      key: String(key),
      text: textOf(key),
      label: labelOf(key),
    }));
    const first = await workshop.publish(rows);
    const leavers = rows.slice(50, 120);
    const stayers = rows.filter((row) => !leavers.includes(row));
    for (const round of [1, 2, 3])
      await workshop.publish([...stayers, { key: `x${round}`, text: `extra ${round}`, label: 'A' }]);
    const back = await workshop.publish([...stayers, ...leavers.map((row) => ({ ...row, key: `new-${row.key}` }))]);
    const before = new Map(first.rows.map(({ text, split }) => [text, split]));
    for (const { text, split } of back.rows) if (before.has(text)) expect(split).toBe(before.get(text) as string);
    expect(back.report.split?.assigned).toBe(0);
  });

  test('an edited text stays where its record was', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 100 }, (_, key) => ({
      key: String(key),
      text: textOf(key),
      label: labelOf(key),
    }));
    const first = await workshop.publish(rows);
    const edited = await workshop.publish(rows.map((row) => ({ ...row, text: `${row.text}, edited` })));
    const splits = (version: typeof first) =>
      new Map(version.rows.map(({ text, split }) => [text.replace(', edited', ''), split]));
    expect(splits(edited)).toEqual(splits(first));
    expect(edited.report.split).toMatchObject({ remembered: 100, assigned: 0, merged: 0 });
  });

  test('where two histories meet, the split listed first wins, once and for all', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 100 }, (_, key) => ({ key: String(key), text: textOf(key), label: 'A' }));
    const first = await workshop.publish(rows);
    const keyIn = (split: string) => first.rows.find((row) => row.split === split)?.text.replace('text of ', '') ?? '';
    const [train, tested] = [keyIn('train'), keyIn('test')];
    const merged = rows.map((row) => (row.key === tested ? { ...row, text: textOf(Number(train)) } : row));
    const second = await workshop.publish(merged);
    expect(second.report.split?.merged).toBe(1);
    expect(second.rows.find(({ text }) => text === textOf(Number(train)))?.split).toBe('train');
    const third = await workshop.publish([...merged, { key: 'new', text: 'new', label: 'A' }]);
    expect(third.rows.find(({ text }) => text === textOf(Number(train)))?.split).toBe('train');
  });

  test('new shares direct new rows only', async () => {
    await using workshop = await Workshop.open();
    const rows = (count: number) =>
      Array.from({ length: count }, (_, key) => ({ key: String(key), text: textOf(key), label: 'A' }));
    const first = await workshop.publish(rows(100));
    const second = await workshop.publish(rows(200), labelSpec('split: { train: 0.5, eval: 0.25, test: 0.25 }'));
    const before = new Map(first.rows.map(({ text, split }) => [text, split]));
    for (const { text, split } of second.rows) if (before.has(text)) expect(split).toBe(before.get(text) as string);
    expect(second.report.split?.splits.map((each) => each.rows)).toEqual([100, 50, 50]);
  });

  test('a removed split name is refused, unless a new split is asked for', async () => {
    await using workshop = await Workshop.open();
    const rows = Array.from({ length: 100 }, (_, key) => ({ key: String(key), text: textOf(key), label: 'A' }));
    await workshop.publish(rows);
    const renamed = labelSpec('split: { train: 0.8, dev: 0.1, test: 0.1 }');
    await expect(workshop.publish(rows, renamed)).rejects.toMatchObject({ code: 'SPLIT_REMOVED' });
    const left = rows.slice(10); // some of what was published is gone: its old split must not come back
    expect((await workshop.publish(left, renamed, { resplit: true })).outcome.status).toBe('success');
    expect((await workshop.publish(left, renamed)).outcome.status).toBe('unchanged');
  });
});
