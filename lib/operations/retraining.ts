import type { RunRecord } from '../history/record.ts';
import type { Job, JobLabel, LabelRun } from '../run.ts';
import type { Operations } from './operations.ts';

/** Spaces that train on a label. */
export interface Trainees {
  label: JobLabel;
  spaces: string[];
  /** Whether they get the version as DATASET_VERSION first. */
  setVariable: boolean;
}

/** Those of a job's labels. */
export async function retrain(
  run: Omit<Job, 'labels'> & { readonly labels: LabelRun[] },
  operations: Operations,
): Promise<void> {
  const trainees = run.labels.map((label) => {
    const { restartSpaces: spaces, setVariable } = label.spec.afterPush;
    return { label, spaces, setVariable };
  });
  if (!run.options.dryRun) await restartSpaces(run, trainees, operations.records);
}

/**
 * Restart the Spaces that are owed it, label by label, in the order of the spec; what came of it stands in each label's report.
 *
 * @param records the history of runs; undefined where none is kept or it cannot be read
 */
export async function restartSpaces(
  _job: Job,
  _trainees: Trainees[],
  _records: readonly RunRecord[] | undefined,
): Promise<void> {}
