import { describe, expect, test } from 'bun:test';
import { describeRest, planRest } from '../../lib/history/interval.ts';
import { recordAt, SPEC } from './records.ts';

const HOUR_MS = 3_600_000;
const OTHER = 'a'.repeat(64);
const ENDED = Date.parse('2026-11-24T03:00:12.500Z');
const after = (ms: number) => new Date(ENDED + ms);
const rests = (records = [recordAt(0)], ms = 59 * 60_000, spec = SPEC, interval = HOUR_MS) =>
  planRest(records, spec, interval, after(ms)) !== undefined;

const [label] = recordAt(0).labels;
const failed = { space: 'acme/training', version: 'v20261124_030012', status: 'failed' as const };
const owing = { ...(label as NonNullable<typeof label>), restarts: [failed] };

describe('planRest()', () => {
  test.each([
    ['at once', 0, true],
    ['59 minutes after the end', 59 * 60_000, true],
    ['a millisecond before the interval is over', HOUR_MS - 1, true],
    ['when it is over', HOUR_MS, false],
    ['with a clock that went backwards', -1, false],
  ])('%s', (_, ms, expected) => {
    expect(rests([recordAt(0)], ms)).toBe(expected);
  });

  test('counts from the end of a run, not from its start', () => {
    expect(rests([recordAt(0, { seconds: 3600 })], HOUR_MS + 60_000)).toBe(true);
  });

  test.each([
    ['there is none', []],
    ['the last one failed', [recordAt(0), recordAt(0, { run: '20261124-030000-001', exit_code: 1 })]],
    ['somebody lifted a hold meanwhile', [recordAt(0), recordAt(0, { run: '20261124-030000-001', action: 'unhold' })]],
    ['it is one of another spec', [recordAt(0, { spec: OTHER })]],
    ['another spec published to its target meanwhile', [recordAt(0), recordAt(1, { spec: OTHER })]],
    ['it owes a Space its restart', [recordAt(0, { labels: [owing] })]],
    ['its times are nonsense', [recordAt(0, { seconds: Number.MAX_VALUE })]],
  ])('a run is due when %s', (_, records) => {
    expect(rests(records)).toBe(false);
  });

  test('no interval switches it off', () => {
    expect(rests([recordAt(0)], 0, SPEC, 0)).toBe(false);
  });

  test('what somebody else does who keeps the same history makes no run due', () => {
    const labels = [{ label: 'urgency', target: 'other/urgency', status: 'failed' }];
    expect(rests([recordAt(0), recordAt(1, { spec: OTHER, exit_code: 1, labels })])).toBe(true);
  });

  test('a run that failed is forgotten once one succeeded', () => {
    expect(rests([recordAt(0, { run: '20261124-020000-000', exit_code: 1 }), recordAt(0)])).toBe(true);
  });

  test('is said with the run, how long ago, when the next is due, and how to run now', () => {
    const rest = planRest([recordAt(0)], SPEC, HOUR_MS, after(61_000));
    expect(rest && describeRest(rest)).toBe(`Nothing to do: run 20261124-030000-000 ended well 1 minute ago.
A start from 2026-11-24 04:00:12 UTC on runs again (space.min_interval); --force or FORCE=true runs now.
`);
  });
});
