import type { Space } from '../edges/space.ts';
import { toPipelineError } from '../errors.ts';
import type { RunRecord } from '../history/record.ts';
import { problemOf } from '../outcome.ts';
import type { RestartReport } from '../report/report.ts';
import { type Job, type JobLabel, type LabelRun, warn } from '../run.ts';
import type { Operations } from './operations.ts';
import { type Claim, planOwed } from './owed.ts';

/** The variable of a Space that says which version to train on. */
export const VARIABLE = 'DATASET_VERSION';

const BY_HAND = 'restart it by hand: without a history (runs) nothing remembers it';

/** Spaces that train on a label. */
export interface Trainees {
  label: JobLabel;
  spaces: string[];
  /** Whether they get the version as DATASET_VERSION first. */
  setVariable: boolean;
  /** An earlier attempt published the version: only what is still owed is restarted. */
  landed?: boolean;
}

/** Those of a job's labels. */
export async function retrain(
  run: Omit<Job, 'labels'> & { readonly labels: LabelRun[] },
  operations: Operations,
): Promise<void> {
  if (run.options.dryRun) return;
  const trainees = run.labels.map((label) => {
    const { restartSpaces: spaces, setVariable } = label.spec.afterPush;
    return { label, spaces, setVariable };
  });
  const forgetful = trainees.some(
    ({ label, spaces, setVariable }) =>
      !setVariable && spaces.length > 0 && label.report.outcome?.status === 'success' && !operations.records,
  );
  if (forgetful)
    warn(
      run,
      'after_push.set_variable is false and no history (runs) can be read: a restart that fails is not remembered',
    );
  await restartSpaces(run, trainees, operations.records);
}

/**
 * Restart the Spaces that are owed it, label by label, in the order of the spec; what came of it stands in each label's report. A
 * Space that several labels name is restarted once.
 *
 * @param records the history of runs; undefined where none is kept or it cannot be read
 */
export async function restartSpaces(
  job: Job,
  trainees: Trainees[],
  records: readonly RunRecord[] | undefined,
): Promise<void> {
  const ended = new Map<string, RestartReport>();
  for (const { label, spaces, setVariable, landed = false } of trainees) {
    const { outcome } = label.report;
    const holds = outcome?.status === 'success' || outcome?.status === 'unchanged' || outcome?.status === 'held';
    if (!holds || outcome.version === '') continue;
    const { version, status } = outcome;
    for (const space of new Set(spaces)) {
      const fresh = status === 'success' && !landed;
      const claim = { label: label.report.label, space, version, fresh, setVariable };
      const known = setVariable ? undefined : ended.get(space);
      const restart = known ? again(known, claim, records) : await settle(job, label, claim, records);
      if (!restart) continue;
      ended.set(space, restart);
      label.report.restarts = [...(label.report.restarts ?? []), restart];
    }
  }
}

/** The restart for another label was this one's too. */
function again(known: RestartReport, claim: Claim, records: readonly RunRecord[] | undefined) {
  return planOwed(claim, undefined, records) ? { ...known, version: claim.version } : undefined;
}

/** @returns what came of it; undefined where nothing is owed */
async function settle(
  job: Job,
  { target }: JobLabel,
  claim: Claim,
  records: readonly RunRecord[] | undefined,
): Promise<RestartReport | undefined> {
  const { label, space: id, version, setVariable } = claim;
  try {
    const { Space } = await import('../edges/space.ts');
    const space = new Space(id, job.world);
    const before = setVariable ? (await space.variables()).get(VARIABLE)?.value : undefined;
    if (!planOwed(claim, before, records)) return undefined;
    const told = setVariable && before !== version;
    if (told) await space.setVariable(VARIABLE, version, `Version of ${target.name} to train on`);
    try {
      await space.restart();
    } catch (thrown) {
      job.world.signal.throwIfAborted();
      if (told && !records) await withdraw(job, space, before, version);
      throw thrown;
    }
  } catch (thrown) {
    job.world.signal.throwIfAborted();
    const error = toPipelineError(thrown);
    warn(job, `${error.code}: ${error.message}`, label);
    const isLost = !setVariable && !records;
    const problem = isLost ? { ...problemOf(error), fix: BY_HAND } : problemOf(error);
    return { space: id, version, status: isLost ? 'lost' : 'failed', problem };
  }
  job.events.emit({ type: 'space.restarted', label, space: id, version });
  return { space: id, version, status: 'done' };
}

/** Without a history the variable alone tells the next run that a restart is owed. */
async function withdraw(job: Job, space: Space, before: string | undefined, version: string): Promise<void> {
  try {
    if (before === undefined) await space.deleteVariable(VARIABLE);
    else await space.setVariable(VARIABLE, before);
  } catch {
    job.world.signal.throwIfAborted();
    warn(job, `${VARIABLE} of ${space.id} says ${version}, although it was not restarted; restart it by hand`);
  }
}
