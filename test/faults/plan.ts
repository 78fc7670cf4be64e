import { seededRandom } from '../../lib/demo/random.ts';
import type { Moment } from './kill.ts';
import type { Outcome } from './outcome.ts';

/** What a full round of `bun run faults` found, as test/faults/found.json keeps it. */
export interface Found {
  kills: { tried: number; hit: number; passages: Record<string, number>; random: number; versions: number };
  /** `server: request: fault, times` → what came of it. */
  wire: Record<string, Outcome>;
  silence: Record<string, Outcome>;
  scenarios: Record<string, Pick<Outcome, 'labels' | 'besides' | 'exitCode'> & { seconds: number }>;
  /** Part → sinks × secrets. */
  looks: Record<string, number>;
}

export const RANDOM_KILLS = 50;
const STAGES = ['before', 'after'] as const;

/** Before and after every passage of a run that makes the first version, of one that makes a later one, and at random times. @param kinds in order */
export function planMoments(kinds: { first: readonly string[]; later: readonly string[] }, ms: number): Moment[] {
  const random = seededRandom(7);
  const around = (sent: readonly string[], first: boolean): Moment[] =>
    sent.flatMap((kind, index) => {
      const nth = sent.slice(0, index).filter((earlier) => earlier === kind).length;
      return STAGES.map((stage) => ({ kind, nth, stage, first }));
    });
  return [
    ...around(kinds.first, true),
    ...around(kinds.later, false),
    ...Array.from({ length: RANDOM_KILLS }, () => ({ ms: Math.round(ms * random.next()) })),
  ];
}
