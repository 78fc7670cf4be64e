import { describe, expect, test } from 'bun:test';
import type { Event } from '../../lib/events.ts';
import { lineOf, logTo } from '../../lib/report/log.ts';
import { planMask } from '../../lib/secrets.ts';

const label = 'urgency';
const finished = (outcome: Extract<Event, { type: 'label.finished' }>['outcome']): Event => ({
  type: 'label.finished',
  label,
  outcome,
});

const LINES: [Event, string | undefined][] = [
  // As the Python service says it
  [{ type: 'step.started', label, step: 'fetch' }, "Fetching misclassified data for 'urgency'..."],
  [
    { type: 'rows.balanced', label, misclassified: 654, asked: 327, correct: 326 },
    "Retrieved 980 records for 'urgency'.",
  ],
  [
    finished({ status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'fetched' }),
    "Skipped pushing 'urgency' dataset — insufficient data (450 < 1000).",
  ],
  [{ type: 'database.connected', server: '15.18' }, 'Database connection successful (PostgreSQL 15.18).'],
  [{ type: 'run.finished', exitCode: 0, seconds: 65 }, 'Dataset preparation completed successfully in 1 min 05 s!'],
  // Ours
  [
    { type: 'run.started', version: '0.1.0', labels: ['department', 'urgency'], dryRun: true },
    'Starting dataset preparation pipeline 0.1.0 (dry run): department, urgency',
  ],
  [
    {
      type: 'run.started',
      version: '0.1.0',
      labels: ['urgency'],
      dryRun: false,
      instead: 'publishing what lies in ./out',
    },
    'Starting dataset preparation pipeline 0.1.0, publishing what lies in ./out: urgency',
  ],
  [
    { type: 'space.restarted', label, space: 'acme/classifier', version: 'v20250131_093015' },
    "Restarted acme/classifier to train on v20250131_093015 of 'urgency'.",
  ],
  [{ type: 'database.connecting', attempt: 1, attempts: 3 }, 'Connecting to the database...'],
  [{ type: 'database.connecting', attempt: 2, attempts: 3 }, 'Connecting to the database, attempt 2 of 3...'],
  [
    { type: 'database.failed', attempt: 1, code: 'DATABASE_LOST', message: 'It went away', retryInSeconds: 2 },
    'Attempt 1 failed: DATABASE_LOST: It went away. Retrying in 2s...',
  ],
  [
    { type: 'database.failed', attempt: 3, code: 'DATABASE_LOST', message: 'It went away', retryInSeconds: undefined },
    'Attempt 3 failed: DATABASE_LOST: It went away.',
  ],
  [
    { type: 'rows.cleaned', label, kept: 2726, dropped: { empty_text: 19, duplicate: 1160 } },
    "Cleaned 'urgency': 2,726 rows kept; dropped: empty_text 19, duplicate 1,160.",
  ],
  [{ type: 'rows.cleaned', label, kept: 1, dropped: {} }, "Cleaned 'urgency': 1 rows kept; dropped: none."],
  [{ type: 'rows.split', label, splits: { train: 2180, test: 272 } }, "Split 'urgency': train 2,180, test 272."],
  [
    { type: 'checks.failed', label, severity: 'refuse', checks: ['no_conflicts', 'sql.x'] },
    "Checks of 'urgency': refused by no_conflicts, sql.x.",
  ],
  [
    { type: 'checks.failed', label, severity: 'warn', checks: ['max_class_drift'] },
    "Checks of 'urgency': a warning from max_class_drift.",
  ],
  [
    { type: 'effect.finished', effect: { kind: 'history', detail: 'acme/runs', status: 'done' } },
    'Remembered in the history: acme/runs.',
  ],
  [{ type: 'effect.finished', effect: { kind: 'email', detail: 'always', status: 'failed' } }, undefined],
  [{ type: 'effect.finished', effect: { kind: 'webhook', detail: 'always', status: 'skipped' } }, undefined],
  [{ type: 'report.written', path: 'out/report.html' }, 'Report written: out/report.html'],
  [
    { type: 'target.moved', label, attempt: 1 },
    "The target of 'urgency' changed meanwhile; starting again from its new head.",
  ],
  [
    finished({ status: 'success', version: 'v20250131_093015', revision: 'c0ffee', url: 'https://hub/x' }),
    "Successfully pushed 'urgency' dataset: v20250131_093015 (https://hub/x).",
  ],
  [
    finished({ status: 'planned', version: 'v20250131_093015', directory: './out' }),
    "Planned 'urgency' dataset: v20250131_093015, built in ./out.",
  ],
  [
    finished({ status: 'unchanged', version: 'v20250131_093015' }),
    "Unchanged 'urgency' dataset: v20250131_093015 holds the same rows; nothing was written.",
  ],
  [
    finished({ status: 'unchanged', version: '' }),
    "Unchanged 'urgency' dataset: the published version holds the same rows; nothing was written.",
  ],
  [
    finished({ status: 'refused', problem: { code: 'SPLIT_EMPTY', message: 'Cannot split' } }),
    "Refused to push 'urgency' dataset: SPLIT_EMPTY: Cannot split",
  ],
  [
    finished({ status: 'failed', problem: { code: 'DATABASE_LOST', message: 'It went away' } }),
    "Error processing 'urgency' dataset: DATABASE_LOST: It went away",
  ],
  [{ type: 'warning', label, message: 'few rows' }, "Warning for 'urgency': few rows."],
  [{ type: 'warning', message: 'no key' }, 'Warning: no key.'],
  [{ type: 'run.finished', exitCode: 3, seconds: 1.24 }, 'Dataset preparation ended with exit code 3 after 1.2 s.'],
  // Too fine for a log
  [{ type: 'step.started', label, step: 'push' }, undefined],
  [{ type: 'step.finished', label, step: 'push', seconds: 1 }, undefined],
  [{ type: 'upload.progress', label, path: 'README.md', share: 0.5 }, undefined],
];

describe('lineOf()', () => {
  test.each(LINES)('%j', (event, line) => {
    expect(lineOf(event)).toBe(line as string);
  });
});

describe('logTo()', () => {
  const at = new Date('2025-01-31T09:30:15.999Z');
  const logged = (event: Event, env: Record<string, string> = {}) => {
    const lines: string[] = [];
    logTo((text) => lines.push(text), planMask(env))(event, at);
    return lines.join('');
  };

  test('writes a line with the time, and nothing for an event that has none', () => {
    expect(logged({ type: 'warning', message: 'no key' })).toBe('09:30:15 Warning: no key.\n');
    expect(logged({ type: 'upload.progress', label, path: 'README.md', share: 1 })).toBe('');
  });

  test('keeps an event on its line: no other line can be forged', () => {
    expect(logged({ type: 'warning', message: 'one\r\n09:30:16 two\x1b[2K' })).toBe(
      '09:30:15 Warning: one 09:30:16 two [2K.\n',
    );
  });

  test('hides secrets, of several lines too', () => {
    const pem = '-----BEGIN-----\nMIIEvQ\n-----END-----';
    expect(logged({ type: 'warning', message: `found ${pem}` }, { TLS_KEY: pem })).toBe(
      '09:30:15 Warning: found ***.\n',
    );
  });
});
