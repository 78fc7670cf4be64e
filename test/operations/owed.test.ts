import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { RunRecord } from '../../lib/history/record.ts';
import { type Claim, planOwed } from '../../lib/operations/owed.ts';
import { record, V1, V2 } from './records.ts';

const claim: Claim = { label: 'urgency', space: 'acme/trainer', version: V2, fresh: false, setVariable: true };
const untold = { ...claim, setVariable: false };
const fresh = { ...claim, fresh: true };

const BEFORE = '2026-03-01T02:00:00.000Z'; // a day before V2
const AFTER = '2026-03-02T05:00:00.000Z';
const old = record(BEFORE, { status: 'success', version: V1, restarts: [[claim.space, V1, 'done']] });
const published = record('2026-03-02T03:00:00.500Z', { status: 'success', version: V2 }); // V2's own second
const failed = record(AFTER, { status: 'unchanged', version: V2, restarts: [[claim.space, V2, 'failed']] });
const done = record(AFTER, { status: 'unchanged', version: V2, restarts: [[claim.space, V2, 'done']] });
const elsewhere = [
  record(AFTER, { label: 'department', status: 'success', version: V2, restarts: [[claim.space, V2, 'done']] }),
  record(AFTER, { status: 'success', version: V2, restarts: [['acme/other', V2, 'done']] }),
];
const later = record(AFTER, { status: 'unchanged', version: V2 });

describe('planOwed()', () => {
  test.each<[string, Claim, string | undefined, RunRecord[] | undefined, boolean]>([
    ['a new version', fresh, undefined, undefined, true],
    ['a new version that the Space was told before it was published', fresh, V2, [done], true],
    ['told another version', claim, V1, undefined, true],
    ['told none', claim, undefined, [done], true],
    ['told it', claim, V2, undefined, false],
    ['told it, and the history cannot know', claim, V2, [], false],
    ['told it, before there was a history', claim, V2, [later], false],
    ['told it, and the run died', claim, V2, [old], true],
    ['told it, and the restart failed', claim, V2, [old, published, failed], true],
    ['told it by the first run of a history', claim, V2, [published], true],
    ['told it and restarted', claim, V2, [old, published, done], false],
    ['told it and restarted, in the end', claim, V2, [old, failed, done, later], false],
    ['restarted for others', claim, V2, [old, ...elsewhere], true],
    ['never told, without a history', untold, undefined, undefined, false],
    ['never told, and the history begins later', untold, undefined, [later], false],
    ['never told, and the run died', untold, undefined, [old], true],
    ['never told, published by the first run of a history', untold, undefined, [published], true],
    ['never told, and restarted', untold, undefined, [published, done], false],
    ['a tag that is none of ours', { ...claim, version: 'main' }, 'main', [old], false],
  ])('%s', (_, given, variable, records, owed) => {
    expect(planOwed(given, variable, records)).toBe(owed);
  });

  const VERSIONS = fc.constantFrom(V1, V2, undefined);
  const RECORDS = fc.array(fc.constantFrom(old, published, failed, later, ...elsewhere), { maxLength: 6 });

  test('is over once a record says done: nothing but a new version or another variable makes a new debt', () => {
    fc.assert(
      fc.property(RECORDS, RECORDS, fc.boolean(), VERSIONS, (before, after, setVariable, variable) => {
        const owed = planOwed({ ...claim, setVariable }, variable, [...before, done, ...after]);
        expect(owed).toBe(setVariable && variable !== V2);
      }),
    );
  });

  test('a history never makes a debt smaller that the variable knows of, and no record without done ends one', () => {
    fc.assert(
      fc.property(RECORDS, RECORDS, fc.boolean(), VERSIONS, (before, after, setVariable, variable) => {
        const given = { ...claim, setVariable };
        if (planOwed(given, variable, undefined)) expect(planOwed(given, variable, before)).toBe(true);
        if (planOwed(given, variable, before)) expect(planOwed(given, variable, [...before, ...after])).toBe(true);
      }),
    );
  });
});
