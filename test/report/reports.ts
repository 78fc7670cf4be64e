import type { Outcome } from '../../lib/outcome.ts';
import { planDigest } from '../../lib/report/plan-digest.ts';
import type { DifferenceReport, LabelReport, RunReport, SplitReport } from '../../lib/report/report.ts';
import type { LabelSamples } from '../../lib/report/samples.ts';

export const VERSION = 'v20250131_093015';

export function runReport(labels: LabelReport[], warnings: string[] = []): RunReport {
  return {
    reportVersion: 1,
    version: '0.1.0',
    run: '20250131-093011-000',
    action: 'run',
    config: 'pipeline.config.yaml',
    effects: [],
    startedAt: '2025-01-31T09:30:11.000Z',
    seconds: 4.2,
    dryRun: false,
    exitCode: 0,
    labels,
    warnings,
  };
}

/** The report of a dry run, with all that the spec asks for besides. */
export function dryRun(labels: LabelReport[], warnings: string[] = []): RunReport {
  const report = runReport(labels, warnings);
  const digest = planDigest(report);
  return {
    ...report,
    ...(digest === undefined ? {} : { planDigest: digest }),
    dryRun: true,
    database: { server: '18.6', snapshot: '00000004-0000001B-1', takenAt: '2025-01-31T09:30:12.000Z' },
    effects: [
      { kind: 'tracking', detail: 'a run in the project prepare-dataset', status: 'planned' },
      { kind: 'pause', detail: 'the Space acme/prepare-dataset', status: 'planned' },
    ],
  };
}

/** A Space that was restarted, and one that was not. */
export const RESTARTS: NonNullable<LabelReport['restarts']> = [
  { space: 'acme/classifier', version: VERSION, status: 'done' },
  {
    space: 'acme/second|classifier<b>',
    version: VERSION,
    status: 'failed',
    problem: {
      code: 'SPACE_FORBIDDEN',
      message: 'Cannot restart it: the token has no write access to this Space (403)',
    },
  },
];

/** A label with nothing but its outcome. */
export function ended(label: string, outcome: Outcome): LabelReport {
  return { label, target: `acme/${label}-mistakes`, classes: ['NORMAL', 'URGENT'], seconds: {}, outcome };
}

export const SUCCESS = {
  status: 'success' as const,
  version: VERSION,
  revision: 'c0ffee',
  url: `https://huggingface.co/datasets/acme/department-mistakes/tree/${VERSION}`,
} satisfies Outcome;

export const UNREACHABLE = {
  code: 'DATABASE_UNREACHABLE',
  message: 'Cannot connect to db.example.org:5432: connection refused',
  fix: 'bun pipeline.ts --check names the broken hop',
} as const;

export const CHECK_FAILED = {
  code: 'CHECK_FAILED',
  message: 'Cannot publish: no_conflicts failed',
  fix: 'correct the data, or change the limit',
} as const;

/** What must never happen, as the parts of a label's report that say it. */
export function alarming(): Partial<LabelReport> {
  const { difference } = reviewed();
  return {
    checks: [
      { name: 'no_conflicts', severity: 'refuse', status: 'failed', limit: 0, found: 12 },
      { name: 'max_class_drift', severity: 'warn', status: 'skipped', limit: 0.1 },
    ],
    difference: {
      ...(difference as DifferenceReport),
      version: null,
      changes: [
        { kind: 'added', rows: 174 },
        { kind: 'removed', rows: 60 },
        { kind: 'relabelled', rows: 0 },
        { kind: 'recleaned', rows: 0 },
        { kind: 'moved', rows: 12 },
      ],
      relabelled: [],
      classes: [],
      splits: [],
      drift: 0.31,
      classList: { added: ['HIGHLY URGENT'], removed: ['LOW'], reordered: ['सामान्य', 'URGENT'] },
    },
    attribution: { base: 'base.yaml', problem: UNREACHABLE, measures: [] },
  };
}

/** A label that went all the way, with four classes whose names are long. */
export function department(more: Partial<LabelReport> = {}): LabelReport {
  return {
    label: 'department',
    target: 'acme/department-mistakes',
    classes: [
      'Municipal Governance & Community Services',
      'Education, Health & Social Welfare',
      'Infrastructure, Utilities & Natural Resources',
      'Security & Law Enforcement',
    ],
    outcome: SUCCESS,
    seconds: { fetch: 0.23, clean: 0.04, split: 0.11, push: 75.2 },
    fetched: { misclassified: 1885, correct: 942, asked: 942, total: 2827 },
    kept: { misclassified: 1813, correct: 861, total: 2674 },
    dropped: { empty_text: 17, conflict: 7, duplicate: 129 },
    split: {
      splits: [
        { name: 'train', share: '0.8', rows: 2138, classes: [894, 396, 645, 203] },
        { name: 'eval', share: '0.1', rows: 269, classes: [112, 50, 81, 26] },
        { name: 'test', share: '0.1', rows: 267, classes: [112, 49, 81, 25] },
      ],
      remembered: 0,
      assigned: 2674,
      merged: 0,
      smallClasses: [],
    },
    ...more,
  };
}

/** What a dry run with --compare-config knows of a label. */
export function reviewed(more: Partial<LabelReport> = {}): LabelReport {
  const { outcome: _, seconds: __, ...base } = department();
  return {
    ...base,
    outcome: { status: 'planned', version: VERSION, directory: './out/dry-run/department' },
    seconds: { fetch: 0.23, clean: 0.04, split: 0.11, check: 0.2, push: 0.3 },
    queries: [
      {
        source: 'misclassified',
        sql: "SELECT source.key::text AS key\nFROM (\nSELECT c.id AS key FROM complaints c WHERE c.message <> '```'\n) AS source",
        estimate: { rows: 1900, cost: 412.33 },
      },
      { source: 'correct', sql: 'SELECT source.key::text AS key\nFROM (\nSELECT 1\n) AS source\nLIMIT 942' },
    ],
    unknownClasses: [{ value: 'Municipal Governance', rows: 12, nearest: 'Municipal Governance & Community Services' }],
    cleaning: [
      { step: 'https?://\\S+|www\\.\\S+', rows: 412 },
      { step: '<.*?>', rows: 1203 },
      { step: 'whitespace', rows: 77 },
    ],
    lengths: { min: 3, p5: 22, p25: 61, median: 118.5, p75: 190, p95: 390, p99: 1204, max: 100_233, mean: 151.27 },
    conflicts: {
      texts: 5,
      rows: 12,
      groups: [
        {
          classes: ['Municipal Governance & Community Services', 'Security & Law Enforcement'],
          winner: 'Security & Law Enforcement',
          texts: 3,
          rows: 7,
        },
        {
          classes: ['Education, Health & Social Welfare', 'Infrastructure, Utilities & Natural Resources'],
          winner: null,
          texts: 2,
          rows: 5,
        },
      ],
    },
    split: { ...(base.split as SplitReport), remembered: 2500, assigned: 174, textsInSeveralSplits: 0 },
    personalData: [
      { split: 'train', rows: 2138, emails: 4, phones: 19, any: 21 },
      { split: 'eval', rows: 269, emails: 0, phones: 3, any: 3 },
      { split: 'test', rows: 267, emails: 0, phones: 0, any: 0 },
    ],
    checks: [
      {
        name: 'min_per_class',
        severity: 'refuse',
        status: 'passed',
        limit: 50,
        found: 254,
        detail: 'Security & Law Enforcement',
      },
      { name: 'max_class_drift', severity: 'warn', status: 'failed', limit: 0.1, found: 0.1342 },
      { name: 'max_duplicate_share', severity: 'refuse', status: 'passed', limit: 0.2, found: 0.0456 },
      { name: 'sql.no_placeholder', severity: 'refuse', status: 'failed', found: 3, limit: 0 },
    ],
    previousVersion: 'v20250101_093015',
    difference: {
      version: 'v20250101_093015',
      rows: { before: 2560, after: 2674, unchanged: 2431 },
      changes: [
        { kind: 'added', rows: 174, bySpec: 120, byData: 54 },
        { kind: 'removed', rows: 60, bySpec: 12, byData: 48 },
        { kind: 'relabelled', rows: 9, bySpec: 0, byData: 9 },
        { kind: 'recleaned', rows: 64, bySpec: 64, byData: 0 },
        { kind: 'moved', rows: 0, bySpec: 0, byData: 0 },
      ],
      relabelled: [
        { from: 'Security & Law Enforcement', to: 'Municipal Governance & Community Services', rows: 8 },
        { from: 'Education, Health & Social Welfare', to: 'Security & Law Enforcement', rows: 1 },
      ],
      classes: [
        { name: 'Municipal Governance & Community Services', before: 1020, after: 1118 },
        { name: 'Education, Health & Social Welfare', before: 490, after: 495 },
        { name: 'Infrastructure, Utilities & Natural Resources', before: 800, after: 807 },
        { name: 'Security & Law Enforcement', before: 250, after: 254 },
      ],
      splits: [
        { name: 'train', before: 2048, after: 2138 },
        { name: 'eval', before: 256, after: 269 },
        { name: 'test', before: 256, after: 267 },
      ],
      drift: 0.1342,
      classList: { added: ['Security & Law Enforcement'], removed: [], reordered: [] },
    },
    attribution: {
      base: 'base.yaml',
      measures: [
        { group: 'fetched', name: 'misclassified', published: 1800, base: 1850, planned: 1885 },
        { group: 'fetched', name: 'correct', published: 900, base: 925, planned: 942 },
        { group: 'dropped', name: 'duplicate', published: 121, base: 125, planned: 129 },
        { group: 'kept', name: 'kept', published: 2560, base: 2610, planned: 2674 },
        {
          group: 'class',
          name: 'Municipal Governance & Community Services',
          published: 1020,
          base: 1050,
          planned: 1118,
        },
        { group: 'class', name: 'Security & Law Enforcement', published: null, base: 252, planned: 254 },
        { group: 'split', name: 'train', published: 2048, base: 2087, planned: 2138 },
      ],
    },
    plan: {
      head: 'c0ffee0c0ffee0c0ffee0c0ffee0c0ffee0c0ffe',
      createsRepo: false,
      private: true,
      version: VERSION,
      message: `Dataset update (department) - ${VERSION.slice(1)}`,
      fingerprint: 'f'.repeat(64),
      directory: 'dry-run/department',
      files: [
        { path: 'data/train-00000-of-00001.parquet', size: 612_345, sha256: 'a'.repeat(64) },
        { path: 'data/eval-00000-of-00001.parquet', size: 82_345, sha256: 'b'.repeat(64) },
        { path: 'README.md', size: 2345, sha256: 'c'.repeat(64) },
      ],
      deletions: ['data/train-00001-of-00002.parquet'],
      setVariable: true,
      restarts: ['acme/classifier'],
    },
    ...more,
  };
}

/** Texts of rows as hostile as they come. */
export function hostileSamples(): LabelSamples {
  const hostile =
    '<script>alert(1)</script> & "quoted" `code` [link](javascript:x) \x1b[31m\u202etxt | @team ``` नमस्ते काठमाडौँ';
  return {
    dropped: [
      { reason: 'duplicate', key: '1042', source: 'correct', value: 'NORMAL', text: 'the road is broken' },
      { reason: 'empty_text', key: '7', source: 'misclassified', value: 'URGENT', text: ' \n ' },
      { reason: 'too_long', key: '8', source: 'misclassified', value: 'URGENT', text: null },
      { reason: 'unknown_class', key: '<9>', source: 'misclassified', value: '<b>x</b>', text: hostile },
    ],
    cleaning: [
      {
        step: '<.*?>',
        key: '77',
        parts: [
          { kind: 'same', text: '…the ' },
          { kind: 'removed', text: '<b>' },
          { kind: 'same', text: 'water' },
          { kind: 'removed', text: '</b>' },
          { kind: 'added', text: ' ' },
          { kind: 'same', text: `is dirty ${hostile}…` },
        ],
      },
    ],
    conflicts: [
      {
        text: hostile,
        winner: null,
        classes: [
          { name: 'Security & Law Enforcement', reviewed: 1, unreviewed: 0 },
          { name: 'Education, Health & Social Welfare', reviewed: 1, unreviewed: 2 },
        ],
      },
    ],
    changes: [
      {
        kind: 'added',
        parts: [{ kind: 'same', text: 'a new text' }],
        after: { class: 'Security & Law Enforcement', split: 'train' },
      },
      {
        kind: 'removed',
        parts: [{ kind: 'same', text: hostile }],
        before: { class: 'Security & Law Enforcement', split: 'test' },
      },
      {
        kind: 'relabelled',
        parts: [{ kind: 'same', text: 'sewage on the street' }],
        before: { class: 'Security & Law Enforcement', split: 'train' },
        after: { class: 'Municipal Governance & Community Services', split: 'train' },
      },
      {
        kind: 'recleaned',
        parts: [
          { kind: 'same', text: 'see ' },
          { kind: 'removed', text: 'http://x.example' },
          { kind: 'same', text: ' for it' },
        ],
        before: { class: 'Security & Law Enforcement', split: 'eval' },
        after: { class: 'Security & Law Enforcement', split: 'eval' },
      },
    ],
    checks: [
      {
        check: 'sql.no_placeholder',
        columns: ['key', 'text'],
        rows: [
          ['12', 'lorem ipsum'],
          ['13', hostile],
        ],
      },
    ],
  };
}

/** Five splits, two of the classes with Devanagari names. */
export function nepali(): LabelReport {
  return {
    label: 'urgency',
    target: './data/urgency',
    classes: ['सामान्य', 'अत्यावश्यक नगरपालिका सेवा', 'HIGHLY URGENT'],
    outcome: { ...SUCCESS, url: './data/urgency' },
    seconds: {},
    kept: { misclassified: 1_000_000, correct: 234_567, total: 1_234_567 },
    split: {
      splits: [
        { name: 'train', share: '0.8', rows: 987_654, classes: [900_000, 80_000, 7_654] },
        { name: 'eval', share: '0.05', rows: 61_728, classes: [60_000, 1_700, 28] },
        { name: 'test', share: '0.05', rows: 61_728, classes: [60_000, 1_700, 28] },
        { name: 'holdout', share: '0.025', rows: 30_864, classes: [30_000, 850, 14] },
        { name: 'नमुना', share: '0.075', rows: 92_593, classes: [90_000, 2_500, 93] },
      ],
      remembered: 1_000_000,
      assigned: 234_567,
      merged: 3,
      smallClasses: [],
    },
    previousVersion: VERSION,
  };
}
