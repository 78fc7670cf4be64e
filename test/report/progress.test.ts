import { describe, expect, test } from 'bun:test';
import type { Event } from '../../lib/events.ts';
import { Progress } from '../../lib/report/progress.ts';
import { CHECK_FAILED, SUCCESS, UNREACHABLE } from './reports.ts';
import { CONNECTED, done, fetched, finished, started } from './watched.ts';

const BEGIN: Event = { type: 'run.started', version: '0.1.0', labels: ['department', 'urgency'], dryRun: false };

/** What happened, a second each. */
function progressOf(...events: Event[]) {
  const progress = new Progress();
  const at = (second: number) => new Date(second * 1000);
  for (const [second, event] of [BEGIN, ...events].entries()) progress.apply(event, at(second));
  return { progress, now: at(events.length), later: at(events.length + 1000) };
}

describe('labels()', () => {
  test('has the steps of every label, also of those that are not worked on', () => {
    const { progress, now } = progressOf(...fetched('department'), ...fetched('urgency'), started('urgency', 'clean'));
    const labels = progress
      .labels(now, false)
      .map(({ label, steps }) => [label.mark, steps.map(({ name, mark }) => `${name} ${mark}`)]);
    expect(labels).toEqual([
      ['waiting', ['fetch done', 'balance done']],
      ['running', ['fetch done', 'balance done', 'clean running']],
    ]);
  });

  test.each([
    ['failed', UNREACHABLE],
    ['refused', CHECK_FAILED],
  ] as const)('ends the step at which a label %s, although the run goes on', (status, problem) => {
    const events = [
      started('urgency', 'split'),
      finished('urgency', { status, problem }),
      started('department', 'clean'),
    ];
    const { progress, now, later } = progressOf(...events);
    const stepAt = (at: Date) => progress.labels(at, false)[1]?.steps[0];
    expect(stepAt(now)).toMatchObject({ name: 'split', mark: status, seconds: 1 });
    expect(stepAt(later)).toEqual(stepAt(now));
  });
});

test('a file that is on its way is said until the step is done', () => {
  const sent: Event = { type: 'upload.progress', label: 'urgency', path: 'README.md', share: 1 };
  const pushed = (...more: Event[]) => {
    const { progress, now } = progressOf(started('urgency', 'push'), sent, ...more);
    return progress.labels(now, false)[1]?.steps[0]?.detail;
  };
  expect(pushed()).toContain('README.md');
  expect(pushed(done('urgency', 'push', 1))).not.toContain('README.md');
});

describe('what is brief', () => {
  test('names neither the server nor what was said of it', () => {
    const { progress, now } = progressOf(
      ...CONNECTED,
      finished('department', { status: 'failed', problem: UNREACHABLE }),
    );
    expect(progress.database(now, false)).toMatchObject({ detail: 'PostgreSQL 18.6', brief: 'connected' });
    expect(progress.labels(now, false)[0]?.label.brief).toBe('DATABASE_UNREACHABLE');
    const lost: Event = {
      type: 'database.failed',
      attempt: 3,
      code: 'DATABASE_LOST',
      message: 'db.example.org',
      retryInSeconds: undefined,
    };
    const again: Event = { ...lost, attempt: 1, retryInSeconds: 2 };
    expect(progressOf(...CONNECTED, lost).progress.database(now, false)?.brief).toBe('DATABASE_LOST');
    const { brief = '' } = progressOf(...CONNECTED, again).progress.database(now, false) ?? {};
    expect(brief).toContain('DATABASE_LOST');
    expect(brief).not.toContain('example');
  });

  test('is the detail of everything else', () => {
    const { progress, now } = progressOf(
      started('urgency', 'push'),
      done('urgency', 'push', 1),
      finished('urgency', SUCCESS),
    );
    for (const { detail, brief } of progress.rows(now, false)) expect(brief).toBe(detail);
  });
});
