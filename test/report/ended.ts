import type { RunReport } from '../../lib/report/report.ts';
import { CHECK_FAILED, department, ended, runReport, UNREACHABLE, VERSION } from './reports.ts';

/** A run as it is told of afterwards: a label with each way to end. */
export function mixedRun(): RunReport {
  const success = department({
    target: 'acme/department-mistakes',
    previousVersion: 'v20250101_093015',
    restarts: [
      { space: 'acme/department-classifier', version: VERSION, status: 'done' },
      {
        space: 'acme/mirror',
        version: VERSION,
        status: 'failed',
        problem: { code: 'SPACE_FORBIDDEN', message: 'Cannot restart acme/mirror: the token may not (403)' },
      },
    ],
  });
  return {
    ...runReport(
      [
        success,
        ended('sentiment', { status: 'unchanged', version: VERSION }),
        ended('language', { status: 'skipped_insufficient_data', rows: 412, minimum: 1000, stage: 'fetched' }),
        { ...ended('topic', { status: 'refused', problem: CHECK_FAILED }), failedStep: 'check' },
        {
          ...ended('region', {
            status: 'held',
            version: 'v20250101_093015',
            since: '2025-01-20T10:00:00.000Z',
            reason: 'the new classes mislabel half of the wards',
          }),
        },
        { ...ended('urgency', { status: 'failed', problem: UNREACHABLE }), failedStep: 'fetch' },
      ],
      ['acme/urgency-mistakes is public and LEDGER_KEY is not set: whoever can guess a text can confirm it'],
    ),
    exitCode: 1,
    seconds: 84.2,
    effects: [
      { kind: 'tracking', detail: 'Weights & Biases, project grievances', status: 'done' },
      { kind: 'email', detail: 'always, to 1 address', status: 'planned' },
      { kind: 'history', detail: 'acme/runs', status: 'planned' },
      { kind: 'pause', detail: 'acme/prepare-dataset, always', status: 'planned' },
    ],
  };
}

export const TRACKING_URL = 'https://wandb.ai/acme/grievances/runs/20250131-093011-000';
