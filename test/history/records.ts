import type { RunRecord } from '../../lib/history/record.ts';
import { specDigest } from '../../lib/operations/operations.ts';

/** The digest of no spec in particular. */
export const SPEC = specDigest({ labels: [] });

/** A run of one label that ended well after 12.5 s, a minute after the one before. @param number from 0 to 59 */
export function recordAt(number: number, over: Partial<RunRecord> = {}): RunRecord {
  const minute = String(number).padStart(2, '0');
  return {
    run: `20261124-03${minute}00-000`,
    action: 'run',
    started_at: `2026-11-24T03:${minute}:00.000Z`,
    seconds: 12.5,
    exit_code: 0,
    version: '0.1.0',
    spec: SPEC,
    labels: [
      { label: 'urgency', target: 'acme/urgency', status: 'success', version: `v20261124_03${minute}12` },
      { label: 'department', target: 'acme/department', status: 'unchanged', version: 'v20261101_030012' },
    ],
    ...over,
  };
}

export const FILES = { report: '{"report_version":1}\n', log: '03:00:00 Starting\n' };
