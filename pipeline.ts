import { parseArguments } from './lib/cli.ts';
import type { PublishedVersion } from './lib/dataset/published.ts';
import { planDrop } from './lib/dataset/tables.ts';
import { withHead } from './lib/dataset/with-head.ts';
import { openInquiry } from './lib/explain/explain.ts';
import { aboutRun, finish, guard, reportOf } from './lib/finish.ts';
import { openPage, openRun } from './lib/open.ts';
import { Operations } from './lib/operations/operations.ts';
import { retrain } from './lib/operations/retraining.ts';
import type { Outcome } from './lib/outcome.ts';
import { realWorld } from './lib/real-world.ts';
import { watch } from './lib/report/watch.ts';
import { openComparison } from './lib/review/base.ts';
import { attempt, attemptAll, type LabelRun, openLabels, preflight, type Run, step } from './lib/run.ts';
import { readSpec } from './lib/spec/read.ts';
import * as balance from './lib/steps/balance.ts';
import { check } from './lib/steps/check.ts';
import { clean } from './lib/steps/clean.ts';
import { type FetchedLabels, fetch } from './lib/steps/fetch.ts';
import { push } from './lib/steps/push.ts';
import { refuseSplit, split } from './lib/steps/split.ts';
import type { World } from './lib/world.ts';

/**
 * fetch → balance → clean → split → push for each label of the spec.
 *
 * @param argv the command line without the program's name
 * @returns the exit code
 */
export async function main(argv: string[], outside: World): Promise<number> {
  return guard(outside, async () => {
    const options = parseArguments(argv, outside);
    if (options.publish !== undefined)
      return await (await import('./lib/publish/publish.ts')).publish(options.publish, options, outside);
    if (options.history || options.show !== undefined)
      return await (await import('./lib/history/commands.ts')).consult(options, outside);
    if (options.deploy !== undefined)
      return await (await import('./lib/hosting/deploy.ts')).deploy(options.deploy, options, outside);
    await using page = await openPage(options, outside); // before any work; it may stay when all is done
    await using demo = options.demo ? await (await import('./lib/demo/demo.ts')).openDemo(options, outside) : undefined;
    const world = demo?.world ?? outside;
    const read = await readSpec(options, world); // all problems at once, before anything is connected
    const spec = demo?.redirect(read) ?? read;
    if (options.submit) return await (await import('./lib/hosting/submit.ts')).submit(spec, options, world);
    if (options.check) return await (await import('./lib/check/check.ts')).check(spec, world, options, page);
    if (options.rollback !== undefined || options.unhold)
      return await (await import('./lib/rollback/command.ts')).maintain(spec, options, world);
    await using operations = await Operations.open(spec, options, world, page); // told, remembered; at the very end, the Space
    if (await operations.rests()) return 0; // a visitor woke the Space shortly after a run
    await using run = await operations.begin(openRun(spec, options, world)); // events, spool, data engine, targets
    using _progress = watch(run);
    page?.follow(run, (effects) => reportOf(run, aboutRun(run), effects));
    await operations.follow(run, (exitCode) => reportOf(run, aboutRun(run), [], exitCode));
    const inquiry = openInquiry(run); // after one record, with --explain

    await preflight(run); // no token, or a public repo: known before a row is read
    await openComparison(run); // the version and the spec to compare with, if any
    await attemptAll(run, async () => {
      const fetched = await fetch(run, balance, inquiry?.inspect); // every label in one snapshot, which is closed here
      for (const label of openLabels(run)) {
        await attempt(run, label, () => prepare(run, label, fetched)); // what fails is this label's outcome
        if (options.explain === undefined) await run.engine.run(planDrop(label.spec.name));
      }
    });
    await retrain(run, operations); // Spaces that train on a new version
    return await finish(run, operations, inquiry); // awaited: the run is closed after it, and then the operations
  });
}

/** What happens to the rows of one label. */
async function prepare(run: Run, label: LabelRun, fetched: FetchedLabels): Promise<Outcome> {
  balance.checkSize(label, 'fetched');
  const cleaned = await step(run, label, 'clean', () => clean(run, label, fetched.get(label)));
  balance.checkSize(label, 'kept');
  return withHead(run, label, async (published) => {
    // again on a new head if somebody else commits meanwhile
    if (label.base) await prepareBase(run, label.base, fetched, published);
    const assigned = await step(run, label, 'split', () => split(run, label, cleaned, published));
    await step(run, label, 'check', () => check(run, label, assigned, published));
    await refuseSplit(run, label, published);
    return step(run, label, 'push', () => push(run, label, assigned, published));
  });
}

/** The same rows by the spec to compare with, as far as their split. */
async function prepareBase(run: Run, base: LabelRun, fetched: FetchedLabels, published: PublishedVersion) {
  await attempt(run, base, async () => {
    const cleaned = await step(run, base, 'clean', () => clean(run, base, fetched.get(base)));
    base.assigned = await step(run, base, 'split', () => split(run, base, cleaned, published));
    return undefined;
  });
}

if (import.meta.main) {
  const umask = process.umask(0o077); // the data engine has no other way to make files that only their owner reads
  process.exitCode = await main(Bun.argv.slice(2), realWorld(umask));
}
