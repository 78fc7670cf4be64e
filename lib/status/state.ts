import type { Finding } from '../check/hops.ts';
import type { Rest } from '../history/interval.ts';
import type { Shown } from '../report/html/progress.ts';
import type { RunReport } from '../report/report.ts';
import type { PublicHop } from './public.ts';

/** What the page shows, and nothing that it may not. */
export interface State {
  /** The spec's file. */
  config: string;
  /** The program's version. */
  version: string;
  doing: Doing;
  /** The pause of the Space that the program runs in. */
  pause?: 'under way' | 'done' | 'failed';
  /** The run's page in W&B. */
  trackingUrl?: string;
  /** The program ends, or nothing is going to happen in it. */
  over: boolean;
}

export type Doing =
  | { kind: 'starting' }
  | { kind: 'checking'; hops: (PublicHop | { id: string; status: 'waiting' })[] }
  /** `stopped`: it did not come to its end. */
  | { kind: 'running'; stage: 'under way' | 'ended' | 'stopped'; report: RunReport; progress: Shown }
  /** The report is that of the last run. */
  | { kind: 'resting'; rest: Pick<Rest, 'record' | 'due'>; report?: RunReport };

/** @returns whether all hops have a result */
export function isChecked(hops: { status: Finding['status'] | 'waiting' }[]): boolean {
  return hops.every(({ status }) => status !== 'waiting');
}
