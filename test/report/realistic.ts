import type { LabelReport, RunReport } from '../../lib/report/report.ts';
import type { LabelSamples } from '../../lib/report/samples.ts';
import { ended, nepali, reviewed, runReport, UNREACHABLE, VERSION } from './reports.ts';

/** A dry run as a reviewer meets it: labels with every verdict. */
export function dryRun(): RunReport {
  return {
    ...runReport(
      [
        reviewed(),
        urgency(),
        ended('sentiment', { status: 'unchanged', version: VERSION }),
        ended('language', { status: 'skipped_insufficient_data', rows: 412, minimum: 1000, stage: 'fetched' }),
        ended('topic', {
          status: 'refused',
          problem: {
            code: 'CLASSES_CHANGED',
            message: "Cannot publish 'topic': the published classes are not a prefix of the spec's",
            fix: 'add new classes at the end, or run with --allow-class-change',
          },
        }),
        ended('region', { status: 'failed', problem: UNREACHABLE }),
      ],
      ['acme/urgency-mistakes is public and LEDGER_KEY is not set: whoever can guess a text can confirm it'],
    ),
    dryRun: true,
    planDigest: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    exitCode: 1,
    seconds: 6.4,
    database: { server: '16.4', snapshot: '00000003-0000001B-1', takenAt: '2025-01-31T09:30:12.000Z' },
    effects: [
      { kind: 'tracking', detail: 'a run in the project grievances of Weights & Biases', status: 'planned' },
      { kind: 'email', detail: 'always, to 1 address', status: 'planned' },
      { kind: 'pause', detail: 'the Space acme/prepare-dataset', status: 'planned' },
    ],
  };
}

/** Figures in the millions, Devanagari names, a first version. */
function urgency(): LabelReport {
  const { previousVersion: _, ...label } = nepali();
  return {
    ...label,
    outcome: { status: 'planned', version: VERSION, directory: './out/dry-run/urgency' },
    fetched: { misclassified: 1_020_000, correct: 240_000, asked: 510_000, total: 1_260_000 },
    dropped: { null_text: 12, empty_text: 4_210, duplicate: 21_211 },
    lengths: { min: 1, p5: 14, p25: 48, median: 97, p75: 171, p95: 402, p99: 1310, max: 99_871, mean: 139.8 },
  };
}

const GRIEVANCE =
  'The water pipe near the ward office has been leaking for two weeks and nobody has come to repair it.';
const NEPALI = 'वडा नं ४ को सडक वर्षादेखि बिग्रिएको छ, कृपया मर्मत गरिदिनुहोला। सम्पर्क: ████████';

export function dryRunSamples(): Map<string, LabelSamples> {
  const samples: LabelSamples = {
    dropped: [
      {
        reason: 'empty_text',
        key: '20417',
        source: 'misclassified',
        value: 'Security & Law Enforcement',
        text: ' \n\t ',
      },
      {
        reason: 'duplicate',
        key: '1042',
        source: 'correct',
        value: 'Education, Health & Social Welfare',
        text: GRIEVANCE,
      },
      {
        reason: 'duplicate',
        key: '1077',
        source: 'misclassified',
        value: 'Education, Health & Social Welfare',
        text: NEPALI,
      },
    ],
    cleaning: [
      {
        step: '<.*?>',
        key: '77',
        parts: [
          { kind: 'removed', text: '<p>' },
          { kind: 'same', text: 'No streetlight works on the road to the ' },
          { kind: 'removed', text: '<b>' },
          { kind: 'same', text: 'school' },
          { kind: 'removed', text: '</b>' },
          { kind: 'same', text: ', children walk home in the dark.' },
          { kind: 'removed', text: '</p>' },
        ],
      },
      {
        step: 'whitespace',
        key: '81',
        parts: [
          { kind: 'same', text: 'वडा नं ४ को सडक' },
          { kind: 'removed', text: ' \n  ' },
          { kind: 'added', text: ' ' },
          { kind: 'same', text: 'वर्षादेखि बिग्रिएको छ' },
        ],
      },
    ],
    conflicts: [
      {
        text: NEPALI,
        winner: 'Security & Law Enforcement',
        classes: [
          { name: 'Municipal Governance & Community Services', reviewed: 0, unreviewed: 2 },
          { name: 'Security & Law Enforcement', reviewed: 1, unreviewed: 0 },
        ],
      },
    ],
    changes: [
      {
        kind: 'added',
        parts: [{ kind: 'same', text: GRIEVANCE }],
        after: { class: 'Infrastructure, Utilities & Natural Resources', split: 'train' },
      },
      {
        kind: 'relabelled',
        parts: [{ kind: 'same', text: NEPALI }],
        before: { class: 'Security & Law Enforcement', split: 'train' },
        after: { class: 'Municipal Governance & Community Services', split: 'train' },
      },
    ],
    checks: [
      {
        check: 'sql.no_placeholder',
        columns: ['key', 'text'],
        rows: [
          ['1210', 'test test test'],
          ['1211', 'asdf'],
          ['1305', 'lorem ipsum'],
        ],
      },
    ],
  };
  return new Map([['department', samples]]);
}
