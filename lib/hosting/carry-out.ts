import type { CheckSummary } from '../check/render.ts';
import { HubAnswer } from '../edges/hub-errors.ts';
import { Space } from '../edges/space.ts';
import { SpaceFiles } from '../edges/space-files.ts';
import { PipelineError } from '../errors.ts';
import { countOf } from '../report/words.ts';
import type { World } from '../world.ts';
import { isChanged, planFiles } from './checkout.ts';
import { CHECK, type DeployPlan, type Wanted } from './deploy-plan.ts';
import { followCheck, isBuilding } from './follow-check.ts';

const SETTLE_MS = 20_000; // after Ctrl-C too

/** How far it has come: what must be taken back. */
interface Trace {
  /** Something of the Space is another than before, or may be. */
  touched: boolean;
  /** A machine was started, or may have been. */
  started: boolean;
  /** CHECK=true is, or may be, set. */
  checks: boolean;
}

/**
 * Carry out a plan: the settings, then the files, then the check there. Whatever happens, the Space is paused at the end and checks no more.
 *
 * @returns what the check found
 */
export async function carryOut(
  plan: DeployPlan,
  wanted: Wanted,
  world: World,
  say: (line: string) => void,
): Promise<CheckSummary> {
  const trace: Trace = { touched: false, started: false, checks: false };
  const end = await tryThere(plan, wanted, world, trace, say).then(
    (summary) => ({ summary }),
    (failure: unknown) => ({ failure }),
  );
  const isSettled = await settle(plan, wanted, world, trace, say);
  if ('failure' in end) {
    if (trace.touched && isSettled)
      say(`Left as it is: ${plan.space}, ${describeRest(plan, trace)}. Deploy again to go on.`);
    throw end.failure;
  }
  if (isSettled) return end.summary;
  throw new PipelineError('SPACE_UNREACHABLE', `Cannot leave ${plan.space} paused and without ${CHECK}`, {
    fix: 'do what is said above',
  });
}

async function tryThere(
  plan: DeployPlan,
  wanted: Wanted,
  world: World,
  trace: Trace,
  say: (text: string) => void,
): Promise<CheckSummary> {
  const space = new Space(plan.space, world);
  const revision = await readySpace(space, plan, trace, say);
  await configure(space, plan, wanted, trace, say);
  await commitFiles(plan, wanted, revision, world, trace, say);
  await start(space, trace);
  return await followCheck(space, world, {
    stage: (stage) => say(`The Space is ${stage}`),
    line: (text) => say(`  | ${text}`),
  });
}

/** A Space at rest: made, or paused, since one that runs is restarted by each change of a variable. */
async function readySpace(space: Space, plan: DeployPlan, trace: Trace, say: (text: string) => void): Promise<string> {
  trace.touched = !plan.before || plan.pauses;
  if (!plan.before) {
    say(`Creating ${space.id}, private`);
    return await create(space);
  }
  if (plan.pauses) {
    say(`Pausing ${space.id}`);
    await space.pause();
  }
  return plan.before.revision;
}

/** @returns its first commit */
async function create(space: Space): Promise<string> {
  const failed = await space.create().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const isLost = failed instanceof PipelineError && failed.retryable && !(failed.cause instanceof HubAnswer);
  if (failed !== undefined && !isLost) throw failed;
  const found = await space.find(); // a lost answer may hide that it was made
  if (found?.private && found.sdk === 'docker') return found.revision;
  throw failed ?? new PipelineError('SPACE_FORBIDDEN', `Cannot read ${space.id} after creating it`);
}

async function configure(
  space: Space,
  plan: DeployPlan,
  { settings }: Wanted,
  trace: Trace,
  say: (text: string) => void,
): Promise<void> {
  const { variables, secrets, secretsRemoved } = plan;
  const changes = [...variables].filter(([, change]) => change !== 'same');
  say(
    changes.length > 0
      ? `Setting ${countOf(changes.length, 'variable')} and ${countOf(secrets.size, 'secret')}`
      : `Setting ${countOf(secrets.size, 'secret')}; the variables are the same already`,
  );
  trace.touched = true;
  for (const name of secretsRemoved) await space.deleteSecret(name);
  for (const [name, change] of changes) if (change === 'removed') await space.deleteVariable(name);
  for (const name of secrets.keys()) await space.setSecret(name, settings.secrets.get(name) ?? '');
  for (const [name, change] of changes)
    if (change !== 'removed' && name !== CHECK) await space.setVariable(name, settings.variables.get(name) ?? '');
  trace.checks = true;
  await space.setVariable(CHECK, 'true');
}

function describeRest({ before, pauses }: DeployPlan, { started }: Trace): string {
  if (started || pauses) return 'paused';
  return before ? `${before.stage} as before` : 'private, without our files';
}

async function commitFiles(
  { space, files }: DeployPlan,
  wanted: Wanted,
  revision: string,
  world: World,
  trace: Trace,
  say: (text: string) => void,
): Promise<void> {
  if (!isChanged(files)) return say('The files are the same already');
  const written = [...files.added, ...files.changed];
  say(`Committing ${countOf(written.length + files.removed.length, 'file')}`);
  const remote = new SpaceFiles(space, world);
  const chosen = new Map(written.map((path) => [path, wanted.files.get(path) ?? new Uint8Array()]));
  trace.started = true; // a commit builds the Space
  try {
    await remote.commit(revision, 'Deploy', chosen, files.removed);
  } catch (thrown) {
    const isLost = thrown instanceof PipelineError && thrown.code === 'SPACE_UNREACHABLE';
    if (!isLost || isChanged(planFiles(wanted.files, await remote.list('main')))) throw thrown;
  }
}

/** A commit may have started it. Where the answer is lost, what it does tells. */
async function start(space: Space, trace: Trace): Promise<void> {
  if (trace.started && isBuilding(await space.stage())) return;
  trace.started = true;
  try {
    await space.restart();
  } catch (thrown) {
    const isLost = thrown instanceof PipelineError && thrown.code === 'SPACE_UNREACHABLE';
    if (!isLost || !isBuilding(await space.stage())) throw thrown;
  }
}

/** Pause it, then take CHECK away: a paused Space stays paused when a variable goes. */
async function settle(
  { space: id }: DeployPlan,
  { settings }: Wanted,
  world: World,
  { started, checks }: Trace,
  say: (text: string) => void,
): Promise<boolean> {
  const space = new Space(id, { ...world, signal: AbortSignal.timeout(SETTLE_MS) });
  try {
    if (started) {
      say(`Pausing ${id}`);
      await space.pause();
    }
  } catch {
    say(`${id} could not be paused: pause it in its settings, and then remove its variable ${CHECK}.`);
    return false;
  }
  try {
    const own = settings.variables.get(CHECK);
    if (checks) await (own === undefined ? space.deleteVariable(CHECK) : space.setVariable(CHECK, own));
    return true;
  } catch {
    say(`${id} still has its variable ${CHECK}: remove it in its settings, or it will check instead of run.`);
    return false;
  }
}
