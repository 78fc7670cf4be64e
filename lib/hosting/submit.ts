import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Hardware, type Job, Jobs } from '../edges/jobs.ts';
import { SpaceFiles } from '../edges/space-files.ts';
import { PipelineError } from '../errors.ts';
import { DEFAULT_CONFIG, type Options } from '../options.ts';
import { OBEYED, obeysNothing, plain } from '../report/layout.ts';
import { formatSeconds } from '../report/words.ts';
import { planMask } from '../secrets.ts';
import { nearest } from '../spec/nearest.ts';
import type { Spec } from '../spec/spec.ts';
import { repoProblem } from '../spec/target.ts';
import type { World } from '../world.ts';
import { endOf, follow } from './follow.ts';
import { identityOf, type JobPlan, planJob, planLabels } from './job-plan.ts';
import { applySchedule, removeSchedules, type Scheduled } from './schedule.ts';
import { planLogMask } from './variables.ts';

/**
 * Carry out --submit: this run as a Job on the Hub, by the image of the Space; now, or at the times of --schedule.
 *
 * @returns the exit code: that of the program in the Job; 0 for a schedule
 * @throws PipelineError TOKEN_MISSING, TOKEN_REFUSED, SPACE_*, JOB_*
 */
export async function submit(spec: Spec, options: Options, world: World): Promise<number> {
  const mask = planMask(world.env);
  const say = (text: string) => world.stderr.write(`${obeysNothing(mask(text))}\n`); // it quotes what the Hub answers
  const spaceId = requireSpace(spec);
  const jobs = new Jobs(spaceId.split('/')[0] ?? '', world);
  const { schedule } = options;
  if (schedule === 'off') {
    const removed = await removeSchedules(jobs, identityOf(spaceId, options));
    world.stdout.write(
      removed.map(({ id }) => `deleted ${plain(mask(id))}\n`).join('') || `nothing is scheduled of ${spaceId}\n`,
    );
    return 0;
  }
  const yaml = await readSpaceSpec(spaceId, options, world, say);
  const plan = planJob(spaceId, spec.job, options, yaml, world.env);
  say(describePlan(plan, findHardware(await jobs.hardware(), plan.flavor)));
  const labels = planLabels(plan, options, world.env.HF_TOKEN ?? '', world.clock.now(), schedule);
  const { withheld: _, ...request } = plan;
  if (schedule === undefined) return await runAndFollow(jobs, { ...request, labels }, world, say);
  const done = await applySchedule(jobs, { ...request, labels }, schedule);
  world.stdout.write(`${done.what} ${plain(mask(done.schedule.id))}\n`);
  say(describeSchedule(done, jobs.namespace, schedule, options));
  return 0;
}

function requireSpace({ operations: { space } }: Spec): string {
  if (!space)
    throw new PipelineError('JOB_REFUSED', 'Cannot submit: no Space is named whose image a Job could run', {
      fix: 'set space.id of the spec, or PREPARE_DATASET_SPACE_ID, to owner/name; `bun run deploy owner/name` makes one',
    });
  const problem = repoProblem(space.id);
  if (problem === undefined) return space.id;
  throw new PipelineError('JOB_REFUSED', `Cannot submit: the name of the Space ${problem}`, {
    fix: 'correct space.id, or the variable that it names',
  });
}

/**
 * The spec that the Job will read, since it runs the files of the Space. That it is another one than here is said, and refused where that
 * one was named: it may publish elsewhere.
 */
async function readSpaceSpec(
  spaceId: string,
  { config }: Options,
  world: World,
  say: (text: string) => void,
): Promise<string> {
  const there = await new SpaceFiles(spaceId, world).read(DEFAULT_CONFIG);
  const isNamed = config !== DEFAULT_CONFIG;
  const fix = `bun run deploy ${spaceId}${isNamed ? ` --config ${config}` : ''}`;
  if (there === undefined)
    throw new PipelineError('JOB_REFUSED', `Cannot submit: ${spaceId} has no ${DEFAULT_CONFIG}`, { fix });
  if (there === (await readFile(resolve(world.cwd, config), 'utf8'))) return there;
  const differs = `${DEFAULT_CONFIG} of ${spaceId} is not the same as ${config} here`;
  if (isNamed) throw new PipelineError('JOB_REFUSED', `Cannot submit: ${differs}`, { fix });
  say(`Warning: ${differs}, and the Job runs that of the Space\n  fix: ${fix}`);
  return there;
}

function findHardware(all: Hardware[], flavor: string): Hardware {
  const found = all.find(({ name }) => name === flavor);
  if (found) return found;
  const names = all.map(({ name }) => name);
  const meant = nearest(flavor, names);
  throw new PipelineError('JOB_REFUSED', `Cannot submit with job.flavor ${flavor}: the Hub has ${names.join(', ')}`, {
    fix: meant ? `did you mean ${meant}?` : 'choose one; `hf jobs hardware` tells their prices',
  });
}

/** What is sent; of variables and secrets the names. */
function describePlan(plan: JobPlan, hardware: Hardware): string {
  const { command, environment, secrets, withheld, timeoutSeconds } = plan;
  const names = (record: object) => Object.keys(record).join(', ') || 'none';
  return [
    `Job by the image of ${plan.spaceId}`,
    `  command    ${command.join(' ')}`,
    `  machine    ${hardware.name}, at most ${formatSeconds(timeoutSeconds)}${describePrice(hardware, timeoutSeconds)}`,
    `  variables  ${names(environment)}`,
    `  secrets    ${names(secrets)}`,
    ...(withheld.length > 0 ? [`  not sent   ${withheld.join(', ')}: of this machine, or of a Space`] : []),
  ].join('\n');
}

function describePrice({ unitCostUSD, unitLabel }: Hardware, seconds: number): string {
  if (unitLabel !== 'minute' || typeof unitCostUSD !== 'number') return '';
  const most = Math.max(0.01, unitCostUSD * Math.ceil(seconds / 60)).toFixed(2);
  return `; $${Number((unitCostUSD * 60).toPrecision(2))} an hour, billed by the minute: $${most} at most for a run`;
}

async function runAndFollow(
  jobs: Jobs,
  request: Parameters<Jobs['run']>[0],
  world: World,
  say: (text: string) => void,
): Promise<number> {
  const { signal, stdout, env } = world;
  const mask = planLogMask(env, Object.entries(request.secrets));
  let job: Job | undefined;
  try {
    job = await jobs.run(request);
    say(`Started ${jobs.pageOf(job.id)}`);
    signal.throwIfAborted(); // it could not be stopped any more
    const line = (text: string) => stdout.write(`${mask(text).replace(OBEYED, ' ')}\n`);
    const ended = endOf(await follow(jobs, job, world, { line, say }));
    say(`Job ${job.id} ${ended.text}`);
    return ended.exitCode;
  } catch (thrown) {
    const goesOn = job
      ? `Job ${job.id} goes on: ${jobs.pageOf(job.id)}\nCancel it with: hf jobs cancel ${jobs.namespace}/${job.id}`
      : `Whether a Job was started is not known. Look for one with: hf jobs ps --namespace ${jobs.namespace}`;
    const isKnown = !job && thrown instanceof PipelineError && thrown.code !== 'JOB_UNREACHABLE';
    if (!isKnown) say(goesOn);
    if (signal.aborted) return (signal.reason as { exitCode?: number }).exitCode ?? 130;
    throw thrown;
  }
}

function describeSchedule(
  { what, schedule, removed }: Scheduled,
  namespace: string,
  cron: string,
  { config, labels }: Options,
): string {
  const { id, suspend, status } = schedule;
  const name = `${namespace}/${id}`;
  const choice = `${config === DEFAULT_CONFIG ? '' : ` --config ${config}`}${labels.length > 0 ? ` --label ${labels.join(' ')}` : ''}`;
  return [
    `Scheduled Job ${name}: ${what}, at "${cron}" (UTC)${status?.nextJobRunAt ? `, next at ${status.nextJobRunAt}` : ''}`,
    ...(removed.length > 0 ? [`Deleted: ${removed.map((each) => each.id).join(', ')}`] : []),
    ...(suspend ? [`It is suspended and runs nothing. Resume it with: hf jobs scheduled resume ${name}`] : []),
    `Look at it with: hf jobs scheduled inspect ${name}`,
    `End it with: bun pipeline.ts --submit --schedule off${choice}`,
  ].join('\n');
}
