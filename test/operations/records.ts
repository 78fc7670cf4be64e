import type { RunRecord } from '../../lib/history/record.ts';

export const V1 = 'v20260301_020001';
export const V2 = 'v20260302_030000';

interface Entry {
  label?: string;
  status: string;
  version?: string;
  restarts?: [space: string, version: string, status: 'done' | 'failed'][];
}

/** A run of the history with one label. @param started ISO 8601 */
export function record(started: string, { label = 'urgency', restarts, ...entry }: Entry): RunRecord {
  return {
    run: started.replace(/\D/g, ''),
    action: 'run',
    started_at: started,
    seconds: 12,
    exit_code: 0,
    version: '0.1.0',
    spec: 'f'.repeat(64),
    labels: [
      {
        label,
        target: `acme/${label}`,
        ...entry,
        ...(restarts ? { restarts: restarts.map(([space, version, status]) => ({ space, version, status })) } : {}),
      },
    ],
  };
}
