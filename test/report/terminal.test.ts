import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { widthOf } from '../../lib/report/layout.ts';
import { CHANGE_KINDS, DROP_REASONS, type LabelReport, type RunReport } from '../../lib/report/report.ts';
import { type LabelSamples, noSamples } from '../../lib/report/samples.ts';
import { renderReport, type TerminalOptions } from '../../lib/report/terminal.ts';
import { maskStrings, planMask } from '../../lib/secrets.ts';
import { HOSTILE_TEXT, REPORTS } from './arbitrary.ts';
import {
  alarming,
  CHECK_FAILED,
  department,
  dryRun,
  ended,
  hostileSamples,
  nepali,
  RESTARTS,
  reviewed,
  runReport,
  SUCCESS,
  UNREACHABLE,
  VERSION,
} from './reports.ts';

const SAMPLES: ReadonlyMap<string, LabelSamples> = new Map([['department', hostileSamples()]]);
const plainText: TerminalOptions = { colour: false, columns: 80 };
const render = (report: RunReport, options: Partial<TerminalOptions> = {}) =>
  renderReport(report, report.dryRun ? SAMPLES : new Map(), { ...plainText, ...options });

const success = runReport([department()]);
const [split] = [department().split ?? expect.unreachable()];
const unknown = runReport([
  department({
    dropped: { unknown_class: 41 },
    unknownClasses: [
      { value: 'Municipal Governance', rows: 1204, nearest: 'Municipal Governance & Community Services' },
      { value: 'tab\t, escape \x1b[31m\x9b31m, reversed \u202etxt', rows: 1 },
    ],
  }),
]);
const outcomes = runReport(
  [
    ended('unchanged', { status: 'unchanged', version: VERSION }),
    ended('nameless', { status: 'unchanged', version: '' }),
    ended('planned', { status: 'planned', version: VERSION, directory: './out/dry-run/planned' }),
    ended('skipped', { status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'fetched' }),
    ended('refused', {
      status: 'refused',
      problem: {
        code: 'TARGET_PUBLIC',
        message: 'Cannot publish to acme/refused-mistakes: it is public',
        fix: 'write push: { private: false } if its rows may be read by everybody',
      },
    }),
    ended('failed', { status: 'failed', problem: UNREACHABLE }),
    ended('fixless', { status: 'failed', problem: { code: 'INTERNAL', message: 'Cannot go on' } }),
  ],
  ['LEDGER_KEY is not set, and acme/unchanged-mistakes is public', 'a second one'],
);
const details = runReport([
  department({
    fetched: { misclassified: 1971, correct: 703, asked: 985, total: 2674 },
    kept: { misclassified: 1971, correct: 703, total: 2674 },
    dropped: {},
    previousVersion: VERSION,
    split: {
      ...split,
      remembered: 2500,
      assigned: 174,
      merged: 3,
      smallClasses: ['Security & Law Enforcement', 'Other'],
    },
  }),
]);
const review = dryRun([reviewed()]);
const reviews = dryRun([
  reviewed(),
  { ...nepali(), outcome: { status: 'refused', problem: CHECK_FAILED }, ...alarming() },
  ended('skipped', { status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'fetched' }),
]);

/** A rollback with everything that happens besides publishing: some done, some not. */
const told: RunReport = {
  ...runReport([ended('urgency', SUCCESS)], ['EMAIL_FAILED: Cannot e-mail the summary: the host is not found']),
  action: 'rollback',
  rolledBackTo: 'v20250120_093015',
  reason: 'half of the wards are mislabelled',
  effects: [
    { kind: 'tracking', detail: 'https://wandb.ai/acme/grievances/runs/20250131-093011-000', status: 'done' },
    {
      kind: 'email',
      detail: 'always, to 1 address',
      status: 'failed',
      problem: {
        code: 'EMAIL_FAILED',
        message: 'Cannot e-mail the summary: the host is not found',
        fix: 'correct SMTP_URL',
      },
    },
    { kind: 'webhook', detail: 'always', status: 'done' },
    { kind: 'history', detail: 'acme/runs', status: 'skipped' },
  ],
};

const GOLDEN: Record<string, () => string> = {
  'told-60': () => render(told, { columns: 60 }),
  'told-colour': () => render(told, { colour: true }),
  'success-pipe': () => render(success, { columns: undefined }),
  'success-80': () => render(success),
  'success-60': () => render(success, { columns: 60 }),
  'success-40': () => render(success, { columns: 40 }),
  'success-colour': () => render(success, { colour: true }),
  'outcomes-80': () => render(outcomes),
  'outcomes-40': () => render(outcomes, { columns: 40 }),
  'outcomes-colour': () => render(outcomes, { colour: true }),
  'retrained-60': () => render(runReport([department({ restarts: RESTARTS })]), { columns: 60 }),
  'unknown-80': () => render(unknown),
  'unknown-40': () => render(unknown, { columns: 40 }),
  'details-80': () => render(details),
  'details-60': () => render(details, { columns: 60 }),
  'devanagari-80': () => render(runReport([nepali()])),
  'devanagari-60': () => render(runReport([nepali()]), { columns: 60 }),
  'checked-80': () => render(runReport([department({ checks: reviewed().checks ?? [] })])),
  'review-pipe': () => render(review, { columns: undefined }),
  'review-80': () => render(review),
  'review-60': () => render(review, { columns: 60 }),
  'review-40': () => render(review, { columns: 40 }),
  'review-colour': () => render(review, { colour: true }),
  'reviews-80': () => render(reviews),
  'reviews-60': () => render(reviews, { columns: 60 }),
  'two-labels-80': () => render(runReport([department(), nepali()])),
};

describe('renderReport()', () => {
  test.each(Object.keys(GOLDEN))('%s is as test/report/golden shows it', (name) => {
    const file = join(import.meta.dir, 'golden', `${name}.txt`);
    const rendered = (GOLDEN[name] ?? expect.unreachable())().replaceAll('\x1b', '␛');
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, rendered);
    expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBeTrue();
    expect(rendered).toBe(readFileSync(file, 'utf8'));
  });

  const reports = { success, unknown, outcomes, details, nepali: runReport([nepali()]), review, reviews };
  const sizes = [40, 41, 52, 60, 79, 80, 100, 120, undefined];
  describe.each(Object.entries(reports))('of %s', (_, report) => {
    test.each(sizes)('at %p columns: no line is wider, but for one word that is; none ends in blanks', (columns) => {
      for (const line of render(report, { columns }).split('\n')) {
        const oneWord = !line.trim().includes(' ');
        if (!oneWord) expect(widthOf(line), line).toBeLessThanOrEqual(columns ?? 120);
        expect(line).toBe(line.trimEnd());
      }
    });

    test.each(sizes)('at %p columns: every number stands there whole', (columns) => {
      const numbers = (text: string) => text.match(/(?<![a-z\d])(?:\d[\d,.]*\d|\d)/g)?.sort();
      expect(numbers(render(report, { columns }))).toEqual(numbers(render(report, { columns: 1000 })));
    });

    test('colours change nothing but colours', () => {
      const coloured = render(report, { colour: true, columns: 60 });
      expect(coloured).toContain('\x1b[');
      expect(Bun.stripANSI(coloured)).toBe(render(report, { columns: 60 }));
    });
  });

  test('hides a secret of several words that a line break would cut', () => {
    const message = 'Cannot log in to the database server with the pass phrase correct horse battery staple';
    const report = runReport([ended('failed', { status: 'failed', problem: { code: 'DATABASE_LOGIN', message } })]);
    const mask = planMask({ DATABASE_PASSPHRASE: 'correct horse battery staple' });
    for (let columns = 40; columns < 120; columns++) {
      const rendered = render(maskStrings(report, mask), { columns });
      expect(rendered).toContain('***');
      expect(rendered).not.toMatch(/correct|horse|battery|staple/);
    }
  });
});

describe('hostile text', () => {
  const obeyed = /[^\P{Cc}\n]|[\p{Bidi_Control}\u2028\u2029]/u;

  const part = fc.record({ kind: fc.constantFrom('same', 'removed', 'added'), text: HOSTILE_TEXT });
  const place = fc.record({ class: HOSTILE_TEXT, split: HOSTILE_TEXT });
  const samples: fc.Arbitrary<LabelSamples> = fc.record({
    dropped: fc.array(
      fc.record({
        reason: fc.constantFrom(...DROP_REASONS),
        key: HOSTILE_TEXT,
        source: fc.constantFrom('misclassified', 'correct'),
        value: fc.option(HOSTILE_TEXT),
        text: fc.option(HOSTILE_TEXT),
      }),
    ),
    cleaning: fc.array(fc.record({ step: HOSTILE_TEXT, key: HOSTILE_TEXT, parts: fc.array(part) })),
    conflicts: fc.array(
      fc.record({
        text: HOSTILE_TEXT,
        winner: fc.option(HOSTILE_TEXT),
        classes: fc.array(fc.record({ name: HOSTILE_TEXT, reviewed: fc.nat(), unreviewed: fc.nat() })),
      }),
    ),
    changes: fc.array(
      fc.record({ kind: fc.constantFrom(...CHANGE_KINDS), parts: fc.array(part), before: place, after: place }),
    ),
    checks: fc.array(
      fc.record({ check: HOSTILE_TEXT, columns: fc.array(HOSTILE_TEXT), rows: fc.array(fc.array(HOSTILE_TEXT)) }),
    ),
  });

  test('of any report and any samples: nothing that a terminal obeys gets through, and colours change nothing else', () => {
    fc.assert(
      fc.property(REPORTS, samples, fc.integer({ min: 40, max: 130 }), (report, each, columns) => {
        const all = new Map(report.labels.map(({ label }) => [label, each]));
        const rendered = renderReport({ ...report, dryRun: true }, all, { colour: false, columns });
        expect(obeyed.exec(rendered)).toBeNull();
        const coloured = renderReport({ ...report, dryRun: true }, all, { colour: true, columns });
        expect(Bun.stripANSI(coloured)).toBe(rendered);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('marks of changes cannot be forged by a text', () => {
    const parts: LabelSamples['cleaning'][number]['parts'] = [
      { kind: 'same', text: 'a [-b-] {+c+} ' },
      { kind: 'removed', text: 'd-] e' },
    ];
    const forged = new Map([['department', { ...noSamples(), cleaning: [{ step: 'trim', key: '1', parts }] }]]);
    const rendered = renderReport(review, forged, plainText);
    expect(rendered).toContain('a \\[-b\\-] \\{+c\\+} [-d\\-] e-]');
  });

  test('of --samples 0 there is none', () => {
    const rendered = renderReport(review, new Map([['department', noSamples()]]), plainText);
    expect(rendered).not.toContain('samples:');
    expect(rendered).toBe(renderReport(review, new Map(), plainText));
  });
});

describe('a real run', () => {
  test('says no more than before, but for checks and what must never happen', () => {
    const real = (label: LabelReport) => renderReport(runReport([label]), SAMPLES, plainText);
    const { checks: _, difference: __, unknownClasses: ___, ...rest } = reviewed();
    const { outcome, seconds, previousVersion, split: assigned } = department(rest);
    expect(real({ ...department(), ...rest })).toBe(
      real(department({ outcome, seconds, previousVersion, split: assigned } as Partial<LabelReport>)),
    );
  });
});
