import { join, resolve } from 'node:path';
import { commitVersion, tagVersion } from '../dataset/commit.ts';
import { PipelineError } from '../errors.ts';
import { type About, conclude, reportOf } from '../finish.ts';
import { openJob, openTarget } from '../open.ts';
import { Operations } from '../operations/operations.ts';
import { restartSpaces } from '../operations/retraining.ts';
import type { Settings } from '../operations/tracking.ts';
import type { Options } from '../options.ts';
import type { Outcome } from '../outcome.ts';
import { shownPath } from '../report/names.ts';
import { planDigest } from '../report/plan-digest.ts';
import type { LabelReport, PlanReport, RunReport } from '../report/report.ts';
import { noSamples } from '../report/samples.ts';
import { watch } from '../report/watch.ts';
import { attempt, attemptAll, type Job, type JobLabel, openLabels, step } from '../run.ts';
import { NO_OPERATIONS } from '../spec/operations.ts';
import { parseTarget } from '../spec/target.ts';
import { openSpool } from '../spool.ts';
import type { World } from '../world.ts';
import { planChanged, verifyFiles } from './files.ts';
import { historyOf, planDeletionProblem, planStanding } from './plan.ts';
import { readPlan, selectLabels } from './read.ts';

const ATTEMPTS = 3; // on a target whose head is still the plan's

interface Shipment extends Job, AsyncDisposable {
  readonly labels: ShippedLabel[];
  /** Directory of the dry run. */
  readonly root: string;
  /** Private directory (0700); undefined in a dry run, which writes nothing. */
  readonly spool: string | undefined;
}

interface ShippedLabel extends JobLabel {
  /** What came of it in the dry run. */
  readonly before: Outcome | undefined;
  /** Undefined where the dry run planned nothing. */
  readonly plan: PlanReport | undefined;
  /** An earlier attempt published and tagged it. */
  landed: boolean;
}

/**
 * Ship the files of an earlier dry run as they are. Needs that directory and the token, and neither spec nor database: what was
 * reviewed is what ships. Labels that the dry run did not plan keep their outcome.
 *
 * @returns the exit code
 */
export async function publish(directory: string, options: Options, world: World): Promise<number> {
  const report = await readPlan(directory, world);
  const digest = planDigest(report);
  await using operations = await Operations.open(settingsOf(report), options, world);
  await using shipment = await openShipment(selectLabels(report, options), directory, options, world);
  using _progress = watch(shipment);
  const { config, database, rolledBackTo, reason } = report;
  const about: About = {
    action: 'publish',
    config,
    ...(database ? { database } : {}),
    ...(rolledBackTo === undefined ? {} : { rolledBackTo }),
    ...(reason === undefined ? {} : { reason }),
    ...(digest === undefined ? {} : { planDigest: digest }),
  };
  await operations.follow(shipment, (exitCode) => reportOf(shipment, about, [], exitCode));

  await attemptAll(shipment, async () => requireDigest(report, digest, options.planDigest));
  for (const label of openLabels(shipment)) if (!label.plan) await attempt(shipment, label, async () => label.before);
  for (const label of openLabels(shipment)) await attempt(shipment, label, () => preflight(shipment, label));
  for (const label of openLabels(shipment))
    await attempt(shipment, label, () => step(shipment, label, 'push', () => shipLabel(shipment, label)));
  if (!options.dryRun) await retrain(shipment, operations);
  return await conclude(shipment, about, operations);
}

/** Whoever ships a plan is a person at a desk, or a workflow: of what a run does besides, the plan's history is kept on. */
function settingsOf({ config, effects }: RunReport): Settings {
  return { file: config, labels: [], operations: { ...NO_OPERATIONS, runs: historyOf(effects) } };
}

async function openShipment(
  labels: LabelReport[],
  directory: string,
  options: Options,
  world: World,
): Promise<Shipment> {
  const spool = options.dryRun ? undefined : await openSpool(options, world);
  return {
    ...openJob(options, world),
    labels: await Promise.all(labels.map((label) => openLabel(label, world))),
    root: resolve(world.cwd, directory),
    spool: spool?.path,
    async [Symbol.asyncDispose]() {
      await spool?.[Symbol.asyncDispose]();
    },
  };
}

async function openLabel({ outcome: before, ...report }: LabelReport, world: World): Promise<ShippedLabel> {
  const target = parseTarget(report.target);
  if ('problem' in target) throw new Error(target.problem); // planProblem() has looked at each
  return {
    target: await openTarget({ target }, world),
    report: { ...report, seconds: {} },
    samples: noSamples(),
    before,
    plan: before?.status === 'planned' ? report.plan : undefined,
    landed: false,
  };
}

/** @throws PipelineError PLAN_CHANGED */
function requireDigest({ planDigest: written }: RunReport, digest = 'none', approved = ''): void {
  if (written !== undefined && written !== digest)
    throw planChanged('this plan', [`its digest is ${digest}, and the report says ${written}`]);
  if (!digest.startsWith(approved))
    throw planChanged('this plan', [`its digest is ${digest}, and ${approved} was approved`]);
}

/** As before a run: no token, or a public repo. */
async function preflight({ options, events }: Shipment, { report, target, plan }: ShippedLabel): Promise<undefined> {
  events.emit({ type: 'label.started', label: report.label });
  await target.preflight({ private: plan?.private ?? true, write: !options.dryRun });
}

async function shipLabel(shipment: Shipment, label: ShippedLabel): Promise<Outcome | undefined> {
  const { plan, target, report } = label;
  if (!plan) return undefined;
  const { root, spool, world } = shipment;
  const files = await verifyFiles(root, plan, spool && join(spool, report.label), world.signal);
  if (spool === undefined) {
    const outcome = await dryShip(shipment, label, plan);
    if (outcome.status === 'unchanged') delete report.plan; // carried out by an earlier attempt
    return outcome;
  }
  // A directory is locked from the reading of its head to the switch.
  const outcome = await target.locked(() => ship({ ...shipment, spool }, label, plan, files));
  report.files = plan.files;
  delete report.plan; // carried out
  return outcome;
}

/** The Spaces that the plan names. Without a history, and where no variable tells, they are restarted with each attempt. */
async function retrain(shipment: Shipment, { records }: Operations): Promise<void> {
  const trainees = shipment.labels.flatMap((label) => {
    const { restarts: spaces, setVariable } = label.plan ?? {};
    return spaces && setVariable !== undefined
      ? [{ label, spaces, setVariable, landed: label.landed && (setVariable || records !== undefined) }]
      : [];
  });
  await restartSpaces(shipment, trainees, records);
}

/** @throws PipelineError PLAN_STALE */
async function standingOf({ target, report }: ShippedLabel, plan: PlanReport) {
  const head = await target.readHead();
  const standing = planStanding(head, await target.versions(), plan, report.previousVersion);
  if (standing.state === 'stale')
    throw new PipelineError('PLAN_STALE', `Cannot publish to ${target.name}: ${standing.why}`, {
      fix: 'make the dry run again, and have it reviewed again',
    });
  const problem = standing.state === 'ready' ? planDeletionProblem(head, plan) : undefined;
  if (problem !== undefined) throw planChanged(plan.directory, [problem]);
  return { head, standing };
}

/** What would come of it. */
async function dryShip({ options }: Shipment, label: ShippedLabel, plan: PlanReport): Promise<Outcome> {
  const { standing } = await standingOf(label, plan);
  if (standing.state === 'landed' && standing.tagged) return { status: 'unchanged', version: plan.version };
  return { status: 'planned', version: plan.version, directory: shownPath(options.publish ?? '.', plan.directory) };
}

/** A commit whose answer was lost may have landed, or created the repo only: the head is read again, and judged again. */
async function ship(
  shipment: Shipment & { spool: string },
  label: ShippedLabel,
  plan: PlanReport,
  files: Map<string, string>,
): Promise<Outcome> {
  const { target, report } = label;
  const { version, message, deletions } = plan;
  const shipping = { run: shipment, target, label: report.label, sent: [], private: plan.private };
  for (let attempt = 1; ; attempt++) {
    const { head, standing } = await standingOf(label, plan);
    if (standing.state === 'landed') {
      label.landed = standing.tagged;
      await tagVersion(shipping, standing.revision, plan);
      return { status: 'success', version, revision: standing.revision, url: target.name };
    }
    try {
      const { revision, url } = await commitVersion(shipping, head, { version, message, files, deletions }, plan);
      return { status: 'success', version, revision, url };
    } catch (thrown) {
      if (!(thrown instanceof PipelineError) || thrown.code !== 'TARGET_MOVED' || attempt === ATTEMPTS) throw thrown;
    }
  }
}
