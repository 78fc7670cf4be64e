import type { RunReport } from '../report/report.ts';
import type { Job } from '../run.ts';
import type { Spec } from '../spec/spec.ts';
import type { Notice } from './notice.ts';

/** A run in an experiment tracker. Nothing of it stops or delays the job: what fails is told by conclude(). */
export interface Tracking {
  /** Page of the run; undefined until the server answered. */
  readonly url: string | undefined;
  /** Send a notice, also after the run is concluded. */
  alert(notice: Notice): Promise<void>;
  /**
   * Send everything, and end the run there.
   *
   * @throws PipelineError TRACKING_FAILED after at most 30 s in all
   */
  conclude(report: RunReport): Promise<void>;
  /** The same for a run that was interrupted or that threw: there is no report. */
  abort(exitCode: number): Promise<void>;
}

/** Follow a job's events from here on; undefined where tracking is off. Connects in the background. */
export async function openTracking(_job: Job, _spec: Spec, _run: string): Promise<Tracking | undefined> {
  return undefined;
}
