import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import type { Event } from '../../lib/events.ts';
import { widthOf } from '../../lib/report/layout.ts';
import { CONNECTED, END, fetched, finished, prepared, type Setting, started, watched } from './watched.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

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
