import { type Code, toPipelineError } from '../errors.ts';
import type { World } from '../world.ts';

/** One thing that must hold before a run can succeed. */
export interface Hop {
  id: string;
  /** Hops that this one builds on. */
  needs: string[];
  /** Hops of which one is enough, e.g. the hosts of a URL. */
  needsOneOf?: string[];
  /** Throws PipelineError where the hop is broken. */
  run(signal: AbortSignal): Promise<Finding>;
  /** What it means that there is no answer in time. */
  late: Finding;
}

export interface Finding {
  status: 'ok' | 'warn' | 'fail' | 'skipped';
  /** Several facts stand on lines of their own. */
  message: string;
  code?: Code;
  fix?: string;
}

export interface HopResult extends Finding {
  id: string;
  seconds: number;
}

export const HOP_MS = 10_000; // for each hop

/** Run hops in their order. What builds on a broken one is skipped and names the hop at which its chain broke first. */
export async function runHops(
  hops: Hop[],
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  onResult: (result: HopResult) => void,
  limitMs = HOP_MS,
): Promise<HopResult[]> {
  const results: HopResult[] = [];
  const broken = new Map<string, string>(); // hop → the first broken one of its chain
  for (const hop of hops) {
    const start = clock.now().getTime();
    const origin = originOf(hop, broken);
    const finding = origin === undefined ? await runHop(hop, signal, limitMs) : skipped(`needs ${origin}`);
    if (origin !== undefined || finding.status === 'fail') broken.set(hop.id, origin ?? hop.id);
    const result = { id: hop.id, ...finding, seconds: (clock.now().getTime() - start) / 1000 };
    results.push(result);
    onResult(result);
  }
  return results;
}

function originOf({ needs, needsOneOf = [] }: Hop, broken: Map<string, string>): string | undefined {
  const needed = needs.find((id) => broken.has(id));
  if (needed !== undefined) return broken.get(needed);
  const [first] = needsOneOf;
  return first !== undefined && needsOneOf.every((id) => broken.has(id)) ? broken.get(first) : undefined;
}

async function runHop(hop: Hop, interrupted: AbortSignal, limitMs: number): Promise<Finding> {
  interrupted.throwIfAborted();
  const late = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([interrupted, late]);
  try {
    return await Promise.race([hop.run(signal), rejectOnAbort(signal)]);
  } catch (thrown) {
    interrupted.throwIfAborted();
    const finding = failed(thrown);
    return late.aborted || finding.code === 'DATABASE_TIMEOUT' ? hop.late : finding;
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export function ok(message: string): Finding {
  return { status: 'ok', message };
}

export function warning(message: string, fix: string, code?: Code): Finding {
  return { status: 'warn', message, fix, ...(code ? { code } : {}) };
}

export function skipped(message: string): Finding {
  return { status: 'skipped', message };
}

/** What never fails a run never fails a check: a hop that warns where another would be broken. */
export function mild(hop: Hop): Hop {
  const soften = (finding: Finding): Finding => (finding.status === 'fail' ? { ...finding, status: 'warn' } : finding);
  const run = (signal: AbortSignal) => hop.run(signal).catch(failed).then(soften);
  return { ...hop, run, late: soften(hop.late) };
}

/** What a hop threw, as its finding. */
export function failed(thrown: unknown): Finding {
  const { code, message, fix } = toPipelineError(thrown);
  return { status: 'fail', code, message, ...(fix ? { fix } : {}) };
}
