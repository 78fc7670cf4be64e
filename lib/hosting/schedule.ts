import type { JobRequest, Jobs, Schedule } from '../edges/jobs.ts';
import { IDENTITY, SETTINGS } from './job-plan.ts';

/** What is to be done so that there is one schedule, and that as it is wanted. */
export interface SchedulePlan {
  /** It is so already. */
  keep: Schedule | undefined;
  /** Others of ours: what is replaced, and what a crash left behind. */
  remove: Schedule[];
  /** Somebody has suspended it: what replaces it stays so. */
  suspend: boolean;
}

/** @param settings digest of what is wanted; undefined: none */
export function planSchedule(found: readonly Schedule[], identity: string, settings: string | undefined): SchedulePlan {
  const ours = found.filter(({ jobSpec }) => jobSpec.labels?.[IDENTITY] === identity);
  const keep = ours.find(({ jobSpec }) => settings !== undefined && jobSpec.labels?.[SETTINGS] === settings);
  return {
    keep,
    remove: ours.filter((each) => each !== keep),
    suspend: ours.length > 0 && ours.every(({ suspend }) => suspend === true),
  };
}

export interface Scheduled {
  what: 'created' | 'updated' | 'unchanged';
  schedule: Schedule;
  removed: Schedule[];
}

/** The new one is made before the old one goes: whatever breaks off between them, there is one. */
export async function applySchedule(jobs: Jobs, request: JobRequest, cron: string): Promise<Scheduled> {
  const { keep, remove, suspend } = planSchedule(
    await jobs.schedules(),
    request.labels[IDENTITY] ?? '',
    request.labels[SETTINGS],
  );
  const schedule = keep ?? (await jobs.schedule(request, cron, suspend));
  for (const { id } of remove) await jobs.unschedule(id);
  return { what: keep ? 'unchanged' : remove.length > 0 ? 'updated' : 'created', schedule, removed: remove };
}

/** @returns those that were deleted */
export async function removeSchedules(jobs: Jobs, identity: string): Promise<Schedule[]> {
  const { remove } = planSchedule(await jobs.schedules(), identity, undefined);
  for (const { id } of remove) await jobs.unschedule(id);
  return remove;
}
