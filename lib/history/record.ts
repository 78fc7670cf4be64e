import * as v from 'valibot';
import { STEPS } from '../events.ts';
import type { Outcome } from '../outcome.ts';
import { ACTIONS, type RestartReport, type RunReport } from '../report/report.ts';

/** A run's name, as reports have it. It becomes part of a path, so nothing else is one. */
export const RUN_NAME = /^\d{8}-\d{6}-\d{3}$/;

const RestartSchema = v.object({
  space: v.string(),
  version: v.string(),
  status: v.picklist(['done', 'failed']),
});

/** One run as a line of `runs.jsonl`; what a list of runs needs, without reading their reports. Keys are in snake_case, as in the report's JSON. */
export const RecordSchema = v.object({
  run: v.pipe(v.string(), v.regex(RUN_NAME)),
  action: v.picklist(ACTIONS),
  /** The version whose rows a rollback asked for. */
  rolled_back_to: v.exactOptional(v.string()),
  reason: v.exactOptional(v.string()),
  started_at: v.pipe(v.string(), v.isoTimestamp()),
  seconds: v.number(),
  exit_code: v.number(),
  /** The program's version. */
  version: v.string(),
  /** SHA-256 of the spec's labels: a run of an edited spec is another one. */
  spec: v.string(),
  labels: v.array(
    v.object({
      label: v.string(),
      target: v.string(),
      /** `interrupted` where the run ended before the label did. */
      status: v.string(),
      /** The version that was published, or that the target holds. */
      version: v.exactOptional(v.string()),
      code: v.exactOptional(v.string()),
      failed_step: v.exactOptional(v.picklist(STEPS)),
      restarts: v.exactOptional(v.array(RestartSchema)),
    }),
  ),
});

export type RunRecord = v.InferOutput<typeof RecordSchema>;

/** @param spec see RunRecord */
export function recordOf(report: RunReport, spec: string): RunRecord {
  const { run, action, rolledBackTo, reason, startedAt, seconds, exitCode, version, labels } = report;
  return {
    run,
    action,
    ...(rolledBackTo === undefined ? {} : { rolled_back_to: rolledBackTo }),
    ...(reason === undefined ? {} : { reason }),
    started_at: startedAt,
    seconds,
    exit_code: exitCode,
    version,
    spec,
    labels: labels.map(({ label, target, outcome, failedStep, restarts }) => ({
      label,
      target,
      status: outcome?.status ?? 'interrupted',
      ...versionOf(outcome),
      ...(outcome && 'problem' in outcome ? { code: outcome.problem.code } : {}),
      ...(failedStep === undefined ? {} : { failed_step: failedStep }),
      ...(restarts ? { restarts: restarts.map(recordRestart) } : {}),
    })),
  };
}

/** One that is remembered is not lost. */
function recordRestart({ space, version, status }: RestartReport): v.InferOutput<typeof RestartSchema> {
  return { space, version, status: status === 'done' ? 'done' : 'failed' };
}

function versionOf(outcome: Outcome | undefined): { version?: string } {
  return outcome && 'version' in outcome && outcome.version !== '' ? { version: outcome.version } : {};
}

/** The last run that published a version of a label. Two specs may keep one history, and name a label alike: its target tells them apart. */
export function lastSuccess(
  records: readonly RunRecord[],
  { label, target }: { label: string; target: string },
): { version: string; at: string } | undefined {
  for (const { started_at, labels } of records.toReversed()) {
    const found = labels.find((each) => each.label === label && each.target === target && each.status === 'success');
    if (found?.version !== undefined) return { version: found.version, at: started_at };
  }
  return undefined;
}
