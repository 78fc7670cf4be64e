import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import type { Event } from '../../lib/events.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { SUCCESS, UNREACHABLE, VERSION } from './reports.ts';
import { CONNECTED, END, fetched, finished, prepared, started, watched } from './watched.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('the frame', () => {
  test('shows what is waited for before anything is connected', () => {
    const { text, emit } = watched();
    expect(text()).toBe('· database\n· department\n· urgency');
    emit(CONNECTED[0] as Event);
    expect(text()).toBe('~ database    connecting  0.1 s\n· department\n· urgency');
  });

  test('waits for no database where files are shipped', () => {
    const { text, emit } = watched({ publish: './out' });
    expect(text()).toBe('· department\n· urgency');
    emit(started('department', 'push'), {
      type: 'upload.progress',
      label: 'department',
      path: 'README.md',
      share: 0.5,
    });
    expect(text()).toContain('50% README.md');
    expect(text()).not.toContain('database');
    emit({ type: 'step.finished', label: 'department', step: 'push', seconds: 1 });
    expect(text()).not.toContain('README.md'); // it was only the file that came last
  });

  test('shows the steps of the label in work, with counts and times, and a line for each other one', () => {
    const { text, emit } = watched();
    emit(...CONNECTED, ...fetched('department'), ...fetched('urgency'), ...prepared('department'));
    expect(text()).toBe(
      [
        '✔ database    PostgreSQL 18.6  0.1 s',
        '~ department  0.8 s',
        '  ✔ fetch     2,827 rows  0.2 s',
        '  ✔ balance   misclassified 1,885, correct 942 of 1,000',
        '  ✔ clean     2,674 rows kept, 153 dropped  0.1 s',
        '  ✔ split     train 2,138, eval 269, test 267  0.3 s',
        '  ~ push      63% data/train-00000-of-00001.parquet  0.2 s',
        '· urgency     fetched 2,827 rows  0.2 s',
      ].join('\n'),
    );
  });

  test('shows who is being told, as long as it takes', () => {
    const { text, emit, pass } = watched({ labels: ['department'] });
    emit(...CONNECTED, finished('department', SUCCESS), { type: 'effect.started', kind: 'tracking' });
    pass(12_000);
    expect(text().split('\n').at(-1)).toBe('~ tracking    sending the rest to Weights & Biases  12.1 s');
    emit({ type: 'effect.finished', effect: { kind: 'tracking', detail: 'x', status: 'done' } });
    expect(text()).not.toContain('tracking');
    emit({ type: 'effect.started', kind: 'history' }, END);
    expect(text()).not.toContain('history');
  });

  test('moves on without events: times and the spinner', () => {
    const { screen, emit, pass } = watched();
    emit(...CONNECTED, started('department', 'fetch'));
    const before = screen.lines.join('\n');
    pass(1000);
    expect(screen.lines.join('\n')).toContain('1.1 s');
    expect(screen.lines[1]?.[0]).not.toBe(before.split('\n')[1]?.[0] as string);
  });

  test('shows the retries of the connection', () => {
    const { text, emit } = watched({ columns: 60 });
    const failed = { type: 'database.failed', attempt: 1, code: UNREACHABLE.code, message: 'x' } as const;
    emit(CONNECTED[0] as Event, { ...failed, retryInSeconds: 2 });
    expect(text().split('\n')[0]).toBe('~ database    again in 2 s (1 of 3 failed): …  0.2 s');
    emit({ type: 'database.connecting', attempt: 2, attempts: 3 });
    expect(text().split('\n')[0]).toBe('~ database    connecting, attempt 2 of 3  0.3 s');
  });

  test('starts a label’s steps again after a lost connection, and its split when the target moved', () => {
    const { text, emit } = watched({ labels: ['department'] });
    emit(...CONNECTED, ...fetched('department'), started('department', 'fetch'));
    expect(text()).not.toContain('balance');
    emit(...fetched('department'), ...prepared('department'));
    emit({ type: 'target.moved', label: 'department', attempt: 1 });
    expect(text()).not.toMatch(/push|split/);
    emit(started('department', 'split'));
    expect(text()).toContain('~ split     again, the target changed meanwhile  0.1 s');
  });

  test('leaves a warning above it, once', () => {
    const { text, emit } = watched({ columns: 40, labels: ['department'] });
    emit(
      { type: 'warning', label: 'department', message: 'too few texts for every split: NORMAL, URGENT' },
      ...CONNECTED,
    );
    expect(text()).toBe(
      [
        "Warning for 'department': too few texts",
        'for every split: NORMAL, URGENT.',
        '✔ database    PostgreSQL 18.6  0.1 s',
        '· department',
      ].join('\n'),
    );
  });

  test('shows the checks as a step, and leaves a line on those that failed, which goes with the step', () => {
    const { text, emit } = watched({ labels: ['department'] });
    const failed = { label: 'department', checks: ['max_class_drift', 'sql.no_placeholder'] };
    emit(started('department', 'check'), { type: 'checks.failed', severity: 'warn', ...failed });
    expect(text().split('\n')).toEqual([
      "Checks of 'department': a warning from max_class_drift, sql.no_placeholder.",
      '· database',
      '~ department  0.2 s',
      '  ~ check     warning from max_class_drift, sql.no_placeholder  0.2 s',
    ]);
    emit({ type: 'checks.failed', severity: 'refuse', ...failed }, finished('department', SUCCESS), END);
    expect(text()).toContain("Checks of 'department': refused by max_class_drift, sql.no_placeholder.");
  });

  test('of many labels is no higher than a terminal, and follows the one in work', () => {
    const labels = Array.from({ length: 60 }, (_, index) => `label_${index}`);
    const { screen, emit, text } = watched({ labels });
    emit(...CONNECTED);
    for (const label of labels) {
      emit(...fetched(label));
      expect(screen.lines.length).toBeLessThanOrEqual(21);
      expect(text()).toContain(`~ ${label} `);
    }
    emit(...labels.map((label) => finished(label, SUCCESS)), END);
    for (const label of labels) expect(text()).toContain(`✔ ${label} `);
  });

  test('is drawn at most ten times a second, however many events there are', () => {
    const { screen, events, pass } = watched();
    const before = screen.writes.length;
    for (let ms = 0; ms < 2000; ms++) {
      events.emit({ type: 'upload.progress', label: 'department', path: 'x', share: ms / 2000 });
      pass(1);
    }
    expect(screen.writes.length - before).toBeWithin(15, 21);
  });
});

describe('the last frame', () => {
  const written: Event[] = ['json', 'md', 'html'].map((kind) => ({
    type: 'report.written',
    path: `out/report.${kind}`,
  }));

  test('ends with the report to open where stdout goes elsewhere, since it would be lost there', () => {
    const { text, emit } = watched({ stdout: false });
    emit(...written, END);
    expect(text()).toEndWith('\nReport written: out/report.html');
  });

  test('leaves it to the report on stdout where that is the terminal', () => {
    const { text, emit } = watched();
    emit(...written, END);
    expect(text()).not.toContain('out/report');
  });

  const OUTCOMES: [Outcome, string][] = [
    [SUCCESS, `✔ department  success ${VERSION}  0.2 s`],
    [{ status: 'planned', version: VERSION, directory: './out' }, `✔ department  planned ${VERSION}  0.2 s`],
    [{ status: 'unchanged', version: VERSION }, `= department  unchanged since ${VERSION}  0.2 s`],
    [{ status: 'unchanged', version: '' }, '= department  unchanged  0.2 s'],
    [
      { status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'kept' },
      '↓ department  skipped, 450 rows of 1,000 needed  0.2 s',
    ],
    [
      { status: 'refused', problem: { code: 'TARGET_PUBLIC', message: 'It is public' } },
      '⊘ department  refused TARGET_PUBLIC: It is public  0.2 s',
    ],
    [
      { status: 'failed', problem: UNREACHABLE },
      '✖ department  0.2 s\n    failed DATABASE_UNREACHABLE: Cannot connect to db.example.org:5432:\n    connection refused',
    ],
  ];
  test.each(OUTCOMES)('shows %j', (outcome, line) => {
    const { text, emit } = watched({ labels: ['department'] });
    emit(...CONNECTED, ...fetched('department'), finished('department', outcome), END);
    expect(text()).toBe(
      `✔ database    PostgreSQL 18.6  0.1 s\n${line}\nDataset preparation completed successfully in 4.2 s!`,
    );
  });

  test('says where a run was stopped, and what was not begun', () => {
    const { text, emit, progress } = watched({ labels: ['department', 'urgency', 'tone'] });
    emit(...CONNECTED, ...fetched('department'), ...fetched('urgency'), ...prepared('department'));
    progress[Symbol.dispose]();
    expect(text()).toBe(
      [
        '✔ database    PostgreSQL 18.6  0.1 s',
        '■ department  stopped at push  0.8 s',
        '■ urgency     stopped after balance  0.2 s',
        '■ tone        stopped',
      ].join('\n'),
    );
  });

  test('says that the connection was given up', () => {
    const { text, emit, progress } = watched({ labels: ['department'] });
    emit(CONNECTED[0] as Event);
    progress[Symbol.dispose]();
    expect(text()).toBe('■ database    connecting  0.1 s\n■ department  stopped');
  });

  test('is the last: the report below it stays, whatever comes after', () => {
    const { screen, emit, pass, progress } = watched();
    emit(...CONNECTED, END);
    const count = screen.writes.length;
    emit({ type: 'warning', message: 'late' }, started('department', 'push'));
    pass(5000);
    progress[Symbol.dispose]();
    expect(screen.writes.length).toBe(count);
  });

  test('leaves no database line where none was asked', () => {
    const { text, emit } = watched({ labels: ['department'] });
    emit(
      finished('department', { status: 'refused', problem: { code: 'TARGET_PUBLIC', message: 'It is public' } }),
      END,
    );
    expect(text()).toStartWith('⊘ department  refused');
  });
});
