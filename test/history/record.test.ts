import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { folderOf, formatLine, parseLines } from '../../lib/history/lines.ts';
import { lastSuccess, RecordSchema, recordOf } from '../../lib/history/record.ts';
import { ended, runReport, SUCCESS, UNREACHABLE, VERSION } from '../report/reports.ts';
import { recordAt } from './records.ts';

const bytes = (...lines: string[]) => Buffer.from(lines.join('\n'));
const json = (number: number) => JSON.stringify(recordAt(number));

describe('recordOf()', () => {
  test('keeps what a list of runs needs, and no message: those may be long', () => {
    const failed = { ...ended('department', { status: 'failed', problem: UNREACHABLE }), failedStep: 'fetch' as const };
    const restarts = [
      { space: 'acme/a', version: VERSION, status: 'done' as const },
      { space: 'acme/b', version: VERSION, status: 'failed' as const, problem: UNREACHABLE },
    ];
    const { outcome: _, ...open } = ended('topic', SUCCESS);
    const report = { ...runReport([{ ...ended('urgency', SUCCESS), restarts }, failed, open]), exitCode: 1 };
    const record = recordOf(
      { ...report, action: 'rollback', rolledBackTo: 'v20250120_093015', reason: 'bad reviews' },
      'abc',
    );
    expect(record).toEqual({
      run: '20250131-093011-000',
      action: 'rollback',
      rolled_back_to: 'v20250120_093015',
      reason: 'bad reviews',
      started_at: '2025-01-31T09:30:11.000Z',
      seconds: 4.2,
      exit_code: 1,
      version: '0.1.0',
      spec: 'abc',
      labels: [
        {
          label: 'urgency',
          target: 'acme/urgency-mistakes',
          status: 'success',
          version: VERSION,
          restarts: [
            { space: 'acme/a', version: VERSION, status: 'done' },
            { space: 'acme/b', version: VERSION, status: 'failed' },
          ],
        },
        {
          label: 'department',
          target: 'acme/department-mistakes',
          status: 'failed',
          code: 'DATABASE_UNREACHABLE',
          failed_step: 'fetch',
        },
        { label: 'topic', target: 'acme/topic-mistakes', status: 'interrupted' },
      ],
    });
    expect(v.parse(RecordSchema, JSON.parse(formatLine(record, undefined)))).toEqual(record);
  });

  test('an unchanged target without a tag has no version', () => {
    const [label] = recordOf(runReport([ended('urgency', { status: 'unchanged', version: '' })]), '').labels;
    expect(label).not.toHaveProperty('version');
  });
});

describe('lastSuccess()', () => {
  test('is the newest run that published a version of the label', () => {
    const records = [
      recordAt(0),
      recordAt(1),
      recordAt(2, { labels: [{ label: 'urgency', target: 'acme/urgency', status: 'failed', version: 'v1' }] }),
      recordAt(3, { labels: [{ label: 'topic', target: 'acme/topic', status: 'success', version: 'v2' }] }),
      recordAt(4, { labels: [{ label: 'urgency', target: 'other/urgency', status: 'success', version: 'v3' }] }),
    ];
    const last = (label: string) => lastSuccess(records, { label, target: `acme/${label}` });
    expect(last('urgency')).toEqual({ version: 'v20261124_030112', at: '2026-11-24T03:01:00.000Z' });
    expect(last('department')).toBeUndefined();
  });
});

describe('parseLines()', () => {
  test('leaves out what is no record, and counts it', () => {
    const file = bytes(
      json(1),
      '{"run":"20261124',
      json(2).replace('"run","started', '"sail","started').replace('"action":"run"', '"action":"sail"'),
      '',
      '[]',
      json(3),
      json(4).slice(0, 40),
    );
    const { records, skipped } = parseLines(file);
    expect(records).toEqual([recordAt(1), recordAt(3)]);
    expect(skipped).toBe(4);
  });

  test('takes the first of two lines for one run', () => {
    const twice = JSON.stringify(recordAt(1, { exit_code: 1 }));
    expect(parseLines(bytes(json(1), json(2), twice)).records).toEqual([recordAt(1), recordAt(2)]);
  });

  test.each(['../../../etc/passwd', '20261124-030100-000/..', '20261124-030100-0001', ''])(
    'does not know a run that is named %p',
    (run) => {
      expect(parseLines(bytes(JSON.stringify(recordAt(1, { run })))).records).toEqual([]);
      expect(() => folderOf(run)).toThrow(TypeError);
    },
  );

  test('tells a file that is no text from one with a line that is none', () => {
    const torn = [json(1), `\0\0\xff`].join('\n');
    expect(parseLines(Buffer.from(torn, 'latin1')).isText).toBe(true);
    expect(parseLines(Buffer.from('PAR1\0\xff', 'latin1')).isText).toBe(false);
    expect(parseLines(bytes('# runs')).isText).toBe(true);
    expect(parseLines(undefined)).toEqual({ records: [], skipped: 0, isText: true });
  });

  test('reads 10,000 lines in a moment', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => {
      const run = `20261124-030000-${String(index % 1000).padStart(3, '0')}`;
      return JSON.stringify(recordAt(1, { run: run.replace('1124', `${10 + Math.floor(index / 1000)}24`) }));
    });
    const start = performance.now();
    expect(parseLines(bytes(...many)).records).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

test('a line that is written after half a line ends that first', () => {
  expect(formatLine(recordAt(1), undefined)).toBe(`${json(1)}\n`);
  expect(formatLine(recordAt(1), '\n'.charCodeAt(0))).toBe(`${json(1)}\n`);
  expect(formatLine(recordAt(1), '}'.charCodeAt(0))).toBe(`\n${json(1)}\n`);
});
