import { seededRandom } from '../../lib/demo/random.ts';
import type { Moment } from './kill.ts';
import type { Outcome } from './outcome.ts';

/** What a full round of `bun run faults` found, as test/faults/found.json keeps it. */
export interface Found {
  kills: { tried: number; hit: number; passages: Record<string, number>; random: number; versions: number };
  /** `server: request: fault, times` → what came of it. */
  wire: Record<string, Outcome>;
  scenarios: Record<string, Pick<Outcome, 'labels' | 'besides' | 'exitCode'> & { seconds: number }>;
  /** Sinks × secrets. */
  looks: number;
}

export const RANDOM_KILLS = 50;
const STAGES = ['before', 'after'] as const;

/** Before and after every passage of a run that makes the first version, of one that makes a later one, and at random times. */
export function planMoments(passages: { first: number; later: number }, ms: number): Moment[] {
  const random = seededRandom(7);
  const at = (count: number, first: boolean): Moment[] =>
    Array.from({ length: count }, (_, passage) => STAGES.map((stage) => ({ passage, stage, first }))).flat();
  return [
    ...at(passages.first, true),
    ...at(passages.later, false),
    ...Array.from({ length: RANDOM_KILLS }, () => ({ ms: Math.round(ms * random.next()) })),
  ];
}
