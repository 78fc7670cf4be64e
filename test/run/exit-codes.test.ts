import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { exitCodeOf, type Outcome } from '../../lib/outcome.ts';
import { fillPlain, SHIPPED, Site } from './site.ts';

setDefaultTimeout(30_000); // a test runs the whole program, on a machine that may be busy

let site: Site;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(600, 200));
  expect((await site.run()).exitCode).toBe(0); // a version to be unchanged
});
afterAll(() => site[Symbol.asyncDispose]());

type Ending = 'planned' | 'unchanged' | 'skipped_insufficient_data' | 'refused' | 'failed';

/** What makes a label end so, beside its published version. */
const SETTINGS: Record<Exclude<Ending, 'refused'>, string> = {
  planned: '    seed: 43\n    push: { when: always }\n',
  unchanged: '',
  skipped_insufficient_data: '    min_samples: 100000\n',
  failed: '    sources: { correct: "SELECT id AS key, nothing AS text, urgency AS label FROM complaints" }\n',
};
const specOf = (endings: Record<string, Ending>) =>
  Object.entries(endings).reduce(
    (yaml, [label, ending]) =>
      ending === 'refused'
        ? yaml.replace(...(RENAMED[label] as [string, string]))
        : yaml.replace(`  ${label}:\n`, `  ${label}:\n${SETTINGS[ending]}`),
    SHIPPED,
  );
/** A class that has another name now. */
const RENAMED: Record<string, [string, string]> = {
  department: ['- Security & Law Enforcement', '- Security'],
  urgency: ['[NORMAL,', '[ROUTINE,'],
};

describe('a dry run’s exit code', () => {
  test.each<[Ending, Ending, number, number]>([
    // department, urgency, with --detailed-exitcode, without
    ['unchanged', 'unchanged', 0, 0],
    ['skipped_insufficient_data', 'unchanged', 0, 0],
    ['planned', 'planned', 4, 0],
    ['unchanged', 'planned', 4, 0],
    ['planned', 'skipped_insufficient_data', 4, 0],
    ['refused', 'unchanged', 3, 3],
    ['planned', 'refused', 3, 3],
    ['refused', 'planned', 3, 3],
    ['failed', 'unchanged', 1, 1],
    ['failed', 'planned', 1, 1],
    ['failed', 'refused', 1, 1],
    ['refused', 'failed', 1, 1],
  ])('%s and %s: %d with --detailed-exitcode, %d without', async (department, urgency, detailed, plain) => {
    const yaml = specOf({ department, urgency });
    const run = await site.run(['--dry-run', '--detailed-exitcode'], { yaml });
    expect(run.report.labels.map(({ outcome }) => outcome?.status)).toEqual([department, urgency]);
    expect([run.exitCode, run.report.exitCode]).toEqual([detailed, detailed]);
    expect((await site.run(['--dry-run'], { yaml })).exitCode).toBe(plain);
  });

  test('is 4 for a first version, and for DETAILED_EXITCODE=true', async () => {
    const { exitCode } = await site.run(['--dry-run'], {
      env: { DETAILED_EXITCODE: 'true', DEPARTMENT_DATASET: './first', URGENCY_DATASET: './second' },
    });
    expect(exitCode).toBe(4);
  });

  test('is that of a real run as ever: what was planned is done', async () => {
    expect((await site.run(['--detailed-exitcode'])).exitCode).toBe(0);
  });

  test('is 2 for a spec that cannot be used', async () => {
    const { exitCode } = await site.run(['--dry-run', '--detailed-exitcode'], { yaml: 'version: 2' });
    expect(exitCode).toBe(2);
  });
});

test('exitCodeOf() takes 1 before 3 before 4 before 0, whatever the order of the labels', () => {
  const problem = { code: 'INTERNAL', message: '' } as const;
  const outcomes: Record<number, Outcome[]> = {
    1: [{ status: 'failed', problem }],
    3: [{ status: 'refused', problem }],
    4: [{ status: 'planned', version: '', directory: '' }],
    0: [
      { status: 'unchanged', version: '' },
      { status: 'success', version: '', revision: '', url: '' },
      { status: 'skipped_insufficient_data', rows: 0, minimum: 1, stage: 'kept' },
    ],
  };
  const ranks = [1, 3, 4, 0];
  for (const [rank, code] of ranks.entries())
    for (const other of ranks.slice(rank))
      for (const first of outcomes[code] ?? [])
        for (const second of outcomes[other] ?? []) {
          expect(exitCodeOf([first, second], true)).toBe(code);
          expect(exitCodeOf([second, first], true)).toBe(code);
          expect(exitCodeOf([second, first])).toBe(code === 4 ? 0 : code);
        }
  expect(exitCodeOf([], true)).toBe(0);
});
