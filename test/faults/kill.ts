import type { Lane } from './lane.ts';
import type { Passage } from './surroundings.ts';

/** Where a run is killed: at a passage of its kind, counted from 0, or some milliseconds after its start. */
export type Moment = ({ kind: string; nth: number; stage: Passage['stage'] } | { ms: number }) & {
  /** Of a run that makes the first version. */
  first?: boolean;
};

/** A passage without what differs from run to run. */
export function kindOf({ name }: Pick<Passage, 'name'>): string {
  return name
    .replace(/[0-9a-f]{40}/, '{commit}')
    .replace(/v\d{8}_\d{6}/, '{version}')
    .replace(/\d{8}-\d{6}-\d+/, '{run}')
    .replace(/_\d+_[0-9a-f]{20}|(?<=lfs-storage\/)\d+/, '{n}');
}

export interface Killed {
  moment: Moment;
  /** Whether it was killed before its end. */
  hit: boolean;
  /** What was wrong right after it, and after the run that followed. */
  problems: string[];
}

/** A run that nobody kills. @param first it makes the first version. @returns the kinds of what it sends, in order, and how long it takes */
export async function rehearse(
  lane: Lane,
  first: boolean,
): Promise<{ kinds: string[]; ms: number; problems: string[] }> {
  const kinds: string[] = [];
  await lane.prepare(first);
  lane.around.gate = (passage) => void (passage.stage === 'before' && kinds.push(kindOf(passage)));
  const start = performance.now();
  const { stdout, stderr } = await lane.around.run();
  const ms = performance.now() - start;
  lane.around.gate = () => {};
  return { kinds, ms, problems: await lane.recover(stdout + stderr) };
}

/** Kill a run, then let one go through. */
export async function kill(lane: Lane, moment: Moment): Promise<Killed> {
  const { around } = lane;
  await lane.prepare(moment.first);
  let passed = 0;
  const child = await around.start();
  around.gate = async (passage) => {
    if (!('kind' in moment) || kindOf(passage) !== moment.kind || passage.stage !== moment.stage) return;
    if (passed++ === moment.nth) await child.kill();
  };
  const timer = 'ms' in moment ? setTimeout(() => void child.kill(), moment.ms) : undefined;
  const { signal, stdout, stderr } = await child.ended;
  clearTimeout(timer);
  around.gate = () => {};
  return { moment, hit: signal === 'SIGKILL', problems: await lane.recover(stdout + stderr) };
}
