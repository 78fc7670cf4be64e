import type { Lane } from './lane.ts';
import type { Passage } from './surroundings.ts';

/** Where a run is killed: at a passage, or some time after its start. */
export type Moment = ({ passage: number; stage: Passage['stage'] } | { ms: number }) & {
  /** Of a run that makes the first version. */
  first?: boolean;
};

export interface Killed {
  moment: Moment;
  /** The passage; undefined for a time. */
  name: string | undefined;
  /** Whether it was killed before its end. */
  hit: boolean;
  /** What was wrong right after it, and after the run that followed. */
  problems: string[];
}

/** A run that nobody kills. @param first it makes the first version. @returns what it sends, in order, and how long it takes */
export async function rehearse(
  lane: Lane,
  first: boolean,
): Promise<{ passages: string[]; ms: number; problems: string[] }> {
  const passages: string[] = [];
  lane.around.gate = ({ name, stage }) => void (stage === 'before' && passages.push(name));
  await lane.prepare(first);
  const start = performance.now();
  const { stdout, stderr } = await lane.around.run();
  const ms = performance.now() - start;
  lane.around.gate = () => {};
  return { passages, ms, problems: await lane.recover(stdout + stderr) };
}

/** Kill a run, then let one go through. */
export async function kill(lane: Lane, moment: Moment): Promise<Killed> {
  const { around } = lane;
  await lane.prepare(moment.first);
  let passed = 0;
  let name: string | undefined;
  const child = await around.start();
  around.gate = async (passage) => {
    if (!('passage' in moment)) return;
    const index = passage.stage === 'before' ? passed++ : passed - 1;
    if (index !== moment.passage || passage.stage !== moment.stage || name !== undefined) return;
    name = passage.name;
    await child.kill();
  };
  const timer = 'ms' in moment ? setTimeout(() => void child.kill(), moment.ms) : undefined;
  const { signal, stdout, stderr } = await child.ended;
  clearTimeout(timer);
  around.gate = () => {};
  return { moment, name, hit: signal === 'SIGKILL', problems: await lane.recover(stdout + stderr) };
}
