import type { Building } from '../dataset/ship.ts';
import { type About, conclude, reportOf } from '../finish.ts';
import { clearPlan, openJob, openLabel } from '../open.ts';
import { Operations } from '../operations/operations.ts';
import { retrain } from '../operations/retraining.ts';
import type { Options } from '../options.ts';
import { watch } from '../report/watch.ts';
import { attempt, type LabelRun, step } from '../run.ts';
import type { Spec } from '../spec/spec.ts';
import { openSpool } from '../spool.ts';
import type { World } from '../world.ts';
import { rollBack } from './rollback.ts';
import { unhold } from './unhold.ts';

/** Work on what is published, by a person: neither a database nor the data engine is needed. */
interface Maintenance extends Building, AsyncDisposable {
  readonly labels: LabelRun[];
}

/**
 * Carry out --rollback or --unhold.
 *
 * @returns the exit code
 */
export async function maintain(spec: Spec, options: Options, world: World): Promise<number> {
  await using operations = await Operations.open(spec, options, world);
  await using maintenance = await openMaintenance(spec, options, world);
  using _progress = watch(maintenance);
  const { rollback: tag, unhold: ends } = options;
  const reason = options.reason === undefined ? undefined : maintenance.mask(options.reason.trim()); // before it goes anywhere
  const about: About = {
    action: ends ? 'unhold' : 'rollback',
    ...(tag === undefined ? {} : { rolledBackTo: tag }),
    ...(reason === undefined ? {} : { reason }),
    config: spec.file,
  };
  await operations.follow(maintenance, (exitCode) => reportOf(maintenance, about, [], exitCode));
  for (const label of maintenance.labels) {
    await attempt(maintenance, label, async () => {
      maintenance.events.emit({ type: 'label.started', label: label.spec.name });
      await label.target.preflight({ private: label.spec.push.private, write: !options.dryRun });
      const work = () =>
        ends ? unhold(maintenance, label) : rollBack(maintenance, label, { tag: tag ?? '', reason: reason ?? '' });
      return step(maintenance, label, 'push', work);
    });
  }
  if (!ends) await retrain(maintenance, operations);
  return await conclude(maintenance, about, operations);
}

async function openMaintenance(spec: Spec, options: Options, world: World): Promise<Maintenance> {
  const job = openJob(options, world);
  if (options.dryRun) await clearPlan(options, world);
  const spool = await openSpool(options, world);
  return {
    ...job,
    labels: await Promise.all(spec.labels.map((label) => openLabel(label, world))),
    spool: spool.path,
    [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
  };
}
