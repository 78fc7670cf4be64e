import { rm } from 'node:fs/promises';
import type { Building } from '../dataset/ship.ts';
import { type About, conclude, reportOf } from '../finish.ts';
import { clearPlan, openJob, openLabel, openSpool } from '../open.ts';
import { Operations } from '../operations/operations.ts';
import { retrain } from '../operations/retraining.ts';
import type { Options } from '../options.ts';
import { watch } from '../report/watch.ts';
import { attempt, type LabelRun, step } from '../run.ts';
import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { rollBack } from './rollback.ts';
import { unhold } from './unhold.ts';

/** One label that a person looks after: neither a database nor the data engine is needed. */
interface Care extends Building, AsyncDisposable {
  readonly labels: LabelRun[];
}

/**
 * Carry out --rollback or --unhold.
 *
 * @returns the exit code
 */
export async function lookAfter(spec: Spec, options: Options, world: World): Promise<number> {
  await using operations = await Operations.open(spec, options, world);
  await using care = await openCare(spec, options, world);
  using _progress = watch(care);
  const { rollback: tag, unhold: ends } = options;
  const reason = options.reason === undefined ? undefined : care.mask(options.reason.trim()); // before it goes anywhere
  const about: About = {
    action: ends ? 'unhold' : 'rollback',
    ...(tag === undefined ? {} : { rolledBackTo: tag }),
    ...(reason === undefined ? {} : { reason }),
    config: spec.file,
  };
  await operations.follow(care, (exitCode) => reportOf(care, about, [], exitCode));
  for (const label of care.labels) {
    await attempt(care, label, async () => {
      care.events.emit({ type: 'label.started', label: label.spec.name });
      await label.target.preflight({ private: label.spec.push.private, write: !options.dryRun });
      const work = () => (ends ? unhold(care, label) : rollBack(care, label, { tag: tag ?? '', reason: reason ?? '' }));
      return step(care, label, 'push', work);
    });
  }
  if (!ends) await retrain(care, operations);
  return await conclude(care, about, operations);
}

async function openCare(spec: Spec, options: Options, world: World): Promise<Care> {
  const job = openJob(options, world);
  if (options.dryRun) await clearPlan(options, world);
  const spool = await openSpool(options, world);
  return {
    ...job,
    labels: await Promise.all(spec.labels.map((label) => openLabel(label, world))),
    spool,
    async [Symbol.asyncDispose]() {
      await rm(spool, { recursive: true, force: true });
    },
  };
}
