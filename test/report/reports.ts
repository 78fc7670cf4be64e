import type { Outcome } from '../../lib/outcome.ts';
import type { LabelReport, RunReport } from '../../lib/report/report.ts';

export const VERSION = 'v20250131_093015';

export function runReport(labels: LabelReport[], warnings: string[] = []): RunReport {
  return {
    version: '0.1.0',
    startedAt: '2025-01-31T09:30:11.000Z',
    seconds: 4.2,
    dryRun: false,
    exitCode: 0,
    labels,
    warnings,
  };
}

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
