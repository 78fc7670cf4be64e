import { describe, expect, test } from 'bun:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import * as v from 'valibot';
import { formatReport, parseReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import schema from '../../report.schema.json' with { type: 'json' };
import { REPORTS } from './arbitrary.ts';
import {
  alarming,
  CHECK_FAILED,
  department,
  dryRun,
  ended,
  nepali,
  reviewed,
  runReport,
  UNREACHABLE,
  VERSION,
} from './reports.ts';

const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);

function errorsOf(json: string): string[] {
  validate(JSON.parse(json));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const FIXTURES: Record<string, RunReport> = {
  'a real run': runReport([department(), nepali()], ['a warning']),
  'a dry run of everything': dryRun([reviewed(), { ...nepali(), ...alarming() }]),
  'every outcome': runReport([
    department(),
    ended('planned', { status: 'planned', version: VERSION, directory: './out/dry-run/planned' }),
    ended('unchanged', { status: 'unchanged', version: '' }),
    ended('skipped', { status: 'skipped_insufficient_data', rows: 1, minimum: 2, stage: 'kept' }),
    ended('refused', { status: 'refused', problem: CHECK_FAILED }),
    ended('failed', { status: 'failed', problem: UNREACHABLE }),
  ]),
  'nothing at all': runReport([]),
};

/** Every key of an object, however deep. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [key, ...keysOf(child)]);
}

describe.each(Object.entries(FIXTURES))('%s', (_, report) => {
  const json = formatReport(report);

  test('is what report.schema.json describes', () => {
    expect(errorsOf(json)).toEqual([]);
  });

  test('has keys in snake_case', () => {
    expect(keysOf(JSON.parse(json)).filter((key) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(key))).toEqual([]);
  });

  test('comes back as it was', () => {
    expect(parseReport(json)).toEqual(report);
  });
});

test('any report validates, and comes back as it was', () => {
  fc.assert(
    fc.property(REPORTS, (report) => {
      const json = formatReport(report);
      expect(errorsOf(json)).toEqual([]);
      expect(parseReport(json)).toEqual(report);
      expect(formatReport(parseReport(json))).toBe(json);
    }),
    { numRuns: 200 },
  );
}, 60_000);

test('a key that a later version adds is no error to a reader of this one', () => {
  const report = dryRun([reviewed()]);
  const json = JSON.parse(formatReport(report));
  const later = JSON.stringify({ ...json, new_field: 1, labels: [{ ...json.labels[0], new_field: { a: [1] } }] });
  expect(errorsOf(later)).toEqual([]);
  expect(parseReport(later)).toEqual(report);
});

describe('what is no report of this version is refused', () => {
  const json = JSON.parse(formatReport(dryRun([reviewed()])));
  const label = json.labels[0];
  const { labels: _, ...labelless } = json;

  test.each([
    ['a later shape', { ...json, report_version: 2 }],
    ['one without labels', labelless],
    ['a list', [json]],
    ['null', null],
    ['a number as text', { ...json, exit_code: '0' }],
    ['a fraction of a row', { ...json, labels: [{ ...label, kept: { ...label.kept, total: 1.5 } }] }],
    ['fewer rows than none', { ...json, labels: [{ ...label, kept: { ...label.kept, total: -1 } }] }],
    ['an outcome that there is not', { ...json, labels: [{ ...label, outcome: { status: 'done' } }] }],
    ['an outcome without what belongs to it', { ...json, labels: [{ ...label, outcome: { status: 'planned' } }] }],
    ['null where a field may be missing', { ...json, labels: [{ ...label, plan: null }] }],
    ['keys as TypeScript has them', { ...json, reportVersion: 1, report_version: undefined }],
  ])('%s', (_, wrong) => {
    const text = JSON.stringify(wrong);
    expect(errorsOf(text)).not.toEqual([]);
    expect(() => parseReport(text)).toThrow(v.ValiError);
  });

  test('what is not JSON', () => {
    expect(() => parseReport(formatReport(dryRun([])).slice(0, -3))).toThrow(SyntaxError);
  });
});
