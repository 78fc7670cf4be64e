import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import { type Event, EventStream } from '../../lib/events.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { widthOf } from '../../lib/report/layout.ts';
import { watch } from '../../lib/report/watch.ts';
import type { Run } from '../../lib/run.ts';
import { planMask } from '../../lib/secrets.ts';
import { SUCCESS, UNREACHABLE, VERSION } from './reports.ts';
import { Screen } from './screen.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

interface Setting {
  columns?: number | undefined;
  labels?: string[];
  env?: Record<string, string>;
  verbose?: boolean;
}

/** A run whose progress is watched on a terminal of our own; time passes only by `pass`. */
function watched({ columns = 80, labels = ['department', 'urgency'], env = {}, verbose = false }: Setting = {}) {
  let now = Date.parse('2025-01-31T09:30:00Z');
  const screen = new Screen(columns);
  const events = new EventStream(() => new Date(now));
  const run = {
    version: '0.1.0',
    world: { env, stderr: screen, clock: { now: () => new Date(now) } },
    events,
    mask: planMask(env),
    labels: labels.map((name) => ({ spec: { name } })),
    options: { dryRun: false, verbose },
  } as unknown as Run;
  const progress = watch(run);
  const pass = (ms: number) => {
    now += ms;
    jest.advanceTimersByTime(ms);
  };
  const emit = (...many: Event[]) => {
    for (const event of many) {
      events.emit(event);
      pass(100);
    }
  };
  const text = () =>
    screen.lines
      .join('\n')
      .replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '~')
      .trimEnd();
  return { screen, events, progress, pass, emit, text };
}

const started = (label: string, step: 'fetch' | 'clean' | 'split' | 'push'): Event => ({
  type: 'step.started',
  label,
  step,
});
const done = (label: string, step: 'fetch' | 'clean' | 'split' | 'push', seconds: number): Event => ({
  type: 'step.finished',
  label,
  step,
  seconds,
});
const finished = (label: string, outcome: Outcome): Event => ({ type: 'label.finished', label, outcome });
const CONNECTED: Event[] = [
  { type: 'database.connecting', attempt: 1, attempts: 3 },
  { type: 'database.connected', server: '18.6' },
];
const fetched = (label: string): Event[] => [
  { type: 'label.started', label },
  started(label, 'fetch'),
  { type: 'rows.fetched', label, source: 'misclassified', rows: 1885 },
  { type: 'rows.fetched', label, source: 'correct', rows: 942 },
  { type: 'rows.balanced', label, misclassified: 1885, asked: 1000, correct: 942 },
  done(label, 'fetch', 0.2),
];
const prepared = (label: string): Event[] => [
  started(label, 'clean'),
  { type: 'rows.cleaned', label, kept: 2674, dropped: { empty_text: 24, duplicate: 129 } },
  done(label, 'clean', 0.1),
  started(label, 'split'),
  { type: 'rows.split', label, splits: { train: 2138, eval: 269, test: 267 } },
  done(label, 'split', 0.3),
  started(label, 'push'),
  { type: 'upload.progress', label, path: 'data/train-00000-of-00001.parquet', share: 0.638 },
];
const END: Event = { type: 'run.finished', exitCode: 0, seconds: 4.2 };

describe('the frame', () => {
  test('shows what is waited for before anything is connected', () => {
    const { text, emit } = watched();
    expect(text()).toBe('· database\n· department\n· urgency');
    emit(CONNECTED[0] as Event);
    expect(text()).toBe('~ database    connecting  0.1 s\n· department\n· urgency');
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

describe('the terminal', () => {
  const ways: [string, (progress: Disposable, emit: (...events: Event[]) => void) => void][] = [
    ['the run ends', (_, emit) => emit(END)],
    [
      'the run throws',
      (progress) => {
        const broken = () => {
          using _progress = progress;
          throw new Error('a bug');
        };
        expect(broken).toThrow('a bug');
      },
    ],
  ];
  test.each(ways)('has its cursor on an empty line, and no timer is left, when %s', (_, leave) => {
    const { screen, emit, progress } = watched();
    emit(...CONNECTED, ...fetched('department'));
    expect(jest.getTimerCount()).toBe(1);
    leave(progress, emit);
    expect(screen.cursor).toEqual([screen.lines.length - 1, 0]);
    expect(screen.lines.slice(-2)).toEqual(['', '']);
    expect(screen.writes.at(-1)).toContain('■');
    expect(jest.getTimerCount()).toBe(0);
  });

  test('never has its cursor hidden, its screen switched or its lines unwrapped: nothing is there to be restored', () => {
    const { screen, emit } = watched();
    emit(...CONNECTED, ...fetched('department'), END);
    expect(screen.writes.join('')).not.toContain('\x1b[?');
  });

  test.each([30, 40, 50, 60, 80, 200])('of %i columns has no line that reaches its last one', (columns) => {
    const labels = ['department', 'a_label_with_a_very_long_name_that_nobody_would_choose', 'नगरपालिका'];
    const { screen, emit } = watched({ columns, labels });
    const check = () => {
      for (const line of screen.lines) expect(widthOf(line), line).toBeLessThan(columns);
    };
    const message = 'स्वास्थ्य तथा शिक्षा मन्त्रालय '.repeat(9) + 'x'.repeat(300);
    emit({ type: 'warning', message }, ...CONNECTED);
    for (const label of labels) {
      for (const event of [...fetched(label), ...prepared(label)]) {
        emit(event);
        check();
      }
      emit({ type: 'rows.split', label, splits: { नगरपालिका: 1_234_567, 'अत्यावश्यक सेवा': 1_234_567, test: 5 } });
      check();
      emit(finished(label, { status: 'failed', problem: { code: 'DATABASE_LOST', message } }));
      check();
    }
    emit(END);
    check();
  });

  test('never has a number cut', () => {
    for (let columns = 30; columns < 90; columns++) {
      const { text, emit } = watched({ columns, labels: ['department'] });
      emit(...CONNECTED, ...fetched('department'), ...prepared('department'));
      for (const number of text().match(/(?<![\w-])[\d,.]+(?=\b(?!-)| …)/g) ?? [])
        expect('18.6 1,885 942 1,000 2,827 2,674 153 2,138 269 267 63 0.1 0.2 0.3 0.8').toContain(
          number.replace(/,$/, ''),
        );
    }
  });

  test('that became narrower has its broken lines drawn over', () => {
    const { screen, emit } = watched({ columns: 80, labels: ['department'] });
    emit(...CONNECTED, ...fetched('department'), started('department', 'clean'));
    const widths = screen.lines.slice(0, -1).map(widthOf);
    screen.columns = 30;
    screen.write('\n'.repeat(widths.filter((width) => width > 30).length)); // what the breaking does to the cursor
    expect(() => emit(started('department', 'split'))).not.toThrow();
    expect(screen.writes.at(-1)).toContain(`\x1b[${widths.reduce((sum, width) => sum + Math.ceil(width / 30), 0)}A`);
  });

  test('has colours, but none under NO_COLOR', () => {
    const coloured = (env: Record<string, string>) => {
      const { screen, emit } = watched({ env });
      emit(...CONNECTED, END);
      return /\p{Cc}\[\d+m/u.test(screen.writes.join(''));
    };
    expect(coloured({})).toBeTrue();
    expect(coloured({ NO_COLOR: '1' })).toBeFalse();
  });

  test('sees no secret, and no half of one where a line is cut', () => {
    const secret = 'correct horse battery staple';
    for (let columns = 30; columns < 110; columns += 3) {
      const { screen, emit } = watched({ columns, labels: ['department'], env: { PASSPHRASE: secret } });
      const message = `Cannot log in with ${secret}`;
      emit({ type: 'warning', message });
      emit({ type: 'database.connecting', attempt: 1, attempts: 1 });
      emit({ type: 'database.failed', attempt: 1, code: 'DATABASE_LOGIN', message, retryInSeconds: undefined });
      emit(finished('department', { status: 'failed', problem: { code: 'DATABASE_LOGIN', message } }), END);
      expect(screen.writes.join('')).toContain('***');
      expect(screen.writes.join('')).not.toMatch(/correct|horse|battery|staple/);
    }
  });

  test('does not obey what a message holds', () => {
    const { screen, emit, text } = watched({ labels: ['department'] });
    const message = 'one\ntwo\x1b[2J\x9b1A\u202eback';
    expect(() =>
      emit(
        { type: 'warning', message },
        finished('department', { status: 'failed', problem: { code: 'INTERNAL', message } }),
        END,
      ),
    ).not.toThrow();
    expect(text()).toContain('✖ department  failed INTERNAL: one two [2J 1A back');
    for (const obeyed of ['\x1b[2J', '\x9b', '\u202e']) expect(screen.writes.join('')).not.toContain(obeyed);
  });
});

describe('a log instead', () => {
  const plainly: [string, Setting][] = [
    ['TERM=dumb', { env: { TERM: 'dumb' } }],
    ['CI=true', { env: { CI: 'true' } }],
    ['--verbose', { verbose: true }],
    ['29 columns', { columns: 29 }],
    ['a terminal without a size', { columns: 0 }],
  ];
  test.each(plainly)('is written for %s', (_, setting) => {
    const { screen, emit, progress } = watched(setting);
    emit(...CONNECTED);
    progress[Symbol.dispose]();
    expect(screen.writes).toEqual([
      '09:30:00 Starting dataset preparation pipeline 0.1.0: department, urgency\n',
      '09:30:00 Connecting to the database...\n',
      '09:30:00 Database connection successful (PostgreSQL 18.6).\n',
    ]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is not written for CI=false', () => {
    expect(watched({ env: { CI: 'false' } }).text()).toStartWith('· database');
  });
});

test('a view that nobody disposes does not keep the process alive, and listens to no signal', async () => {
  jest.useRealTimers();
  const program = `
    import { LiveView } from ${JSON.stringify(Bun.resolveSync('../../lib/report/live.ts', import.meta.dir))};
    const stderr = { write() {}, isTTY: true, columns: 80 };
    new LiveView({ mask: (text) => text, world: { env: {}, stderr, clock: { now: () => new Date() } } });
    console.log(process.eventNames().filter((name) => String(name).startsWith('SIG')).length);`;
  const child = Bun.spawn([process.execPath, '-e', program], { timeout: 20_000, stdout: 'pipe', stderr: 'inherit' });
  expect(await new Response(child.stdout).text()).toBe('0\n');
  expect(await child.exited).toBe(0);
}, 30_000);
