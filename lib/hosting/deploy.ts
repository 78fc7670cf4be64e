import { whoami } from '../check/hub-hops.ts';
import type { CheckSummary } from '../check/render.ts';
import { requireAccess } from '../check/space-hops.ts';
import { retryingFetch } from '../edges/http.ts';
import { Space } from '../edges/space.ts';
import { SpaceFiles } from '../edges/space-files.ts';
import { PipelineError } from '../errors.ts';
import { guard } from '../finish.ts';
import type { Options } from '../options.ts';
import { hasColour, OBEYED } from '../report/layout.ts';
import { repoProblem } from '../spec/target.ts';
import type { World } from '../world.ts';
import { carryOut } from './carry-out.ts';
import { readFiles } from './checkout.ts';
import { type FoundSpace, planDeploy, type Wanted } from './deploy-plan.ts';
import { renderChecked, renderPlan } from './deploy-render.ts';
import { type EnvFile, readEnvFile, readSettings } from './settings.ts';
import { type FoundToken, findToken } from './token.ts';
import { planLogMask } from './variables.ts';

/**
 * Carry out --deploy: make a private Space of this checkout, or bring it up to date, and try there whether it can do its work.
 *
 * @param id owner/name
 * @returns the exit code
 */
export async function deploy(id: string, options: Options, outside: World): Promise<number> {
  const file = await readEnvFile(options.envFile, outside);
  const world = { ...outside, env: { ...outside.env, ...file } }; // what must not be shown; the file's HF_ENDPOINT too
  return guard(world, async () => {
    const wanted = await readWanted(id, options, file, outside);
    return await withToken(wanted, () => deployWanted(wanted, options, world));
  });
}

/** Everything that can be wrong here is found before anything is asked or sent. */
async function readWanted(id: string, options: Options, file: EnvFile, world: World): Promise<Wanted> {
  const problem = repoProblem(id);
  if (problem !== undefined)
    throw new PipelineError('USAGE', `Cannot deploy to "${id}": a Space’s name ${problem}`, {
      fix: 'bun run deploy OWNER/SPACE',
    });
  const settings = await readSettings(id, options, file, world);
  const files = await readFiles(settings.config, world);
  return { id, settings, files, token: await findToken(world, file) };
}

async function deployWanted(wanted: Wanted, options: Options, outside: World): Promise<number> {
  const { id, settings, files, token } = wanted;
  const world = { ...outside, env: { ...outside.env, HF_TOKEN: token.token } };
  const mask = planLogMask(outside.env, [...settings.secrets, ['DEPLOY_TOKEN', token.token]]);
  const write = (text: string) => world.stdout.write(mask(text));
  const say = (line: string) => world.stderr.write(`${mask(line).replace(OBEYED, ' ').trimEnd()}\n`); // in this order: a secret may hold a tab
  const found = await readSpace(id, token, world);
  const plan = planDeploy(id, settings, files, found);
  const look = { colour: hasColour(world), columns: world.stdout.columns, all: options.dryRun };
  write(renderPlan(plan, settings, token.source, look));
  if (options.dryRun) return 0;
  if (!options.yes && !(await confirm(id, world))) {
    world.stderr.write('Nothing was sent.\n');
    return 1;
  }
  const summary = await carryOut(plan, wanted, world, say);
  write(renderChecked(id, summary, world.env));
  if (summary.broken.length === 0) return 0;
  throw failedCheck(id, summary);
}

/** The Space as it is, and that the token may write it, or make it. */
async function readSpace(id: string, { source }: FoundToken, world: World): Promise<FoundSpace | undefined> {
  const identity = await whoami({ ...world, fetch: retryingFetch(world) }, world.signal, source);
  const space = new Space(id, world);
  const found = await space.find();
  requireAccess(identity, id, 'SPACE_FORBIDDEN', found !== undefined);
  if (!found) return undefined;
  const [files, variables, secretNames] = [
    await new SpaceFiles(id, world).list(found.revision),
    await space.variables(),
    await space.secretNames(),
  ];
  return { ...found, files, variables, secretNames };
}

async function confirm(id: string, world: World): Promise<boolean> {
  const answer = await world.confirm(`Deploy to ${id}?`);
  if (answer !== undefined) return answer;
  throw new PipelineError('USAGE', 'Cannot ask whether to deploy: nobody is at a terminal', {
    fix: 'add --yes, or --dry-run to see the plan only',
  });
}

function failedCheck(id: string, { broken }: CheckSummary): PipelineError {
  return new PipelineError('DEPLOY_CHECK', `The check failed in ${id}: ${broken.join(', ')}`, {
    fix: 'mend what its lines say, here, and deploy again',
  });
}

const ABOUT_TOKEN: ReadonlySet<string> = new Set(['TOKEN_REFUSED', 'SPACE_FORBIDDEN', 'TARGET_FORBIDDEN']);

/** A refusal names the token that was used: it need not be HF_TOKEN. */
async function withToken<T>({ id, token: { source } }: Wanted, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof PipelineError) || !ABOUT_TOKEN.has(thrown.code)) throw thrown;
    throw new PipelineError(thrown.code, thrown.message, {
      fix: `${source} was used: set DEPLOY_TOKEN to a token that may write ${id}, and create it in that namespace where it does not exist`,
      cause: thrown,
    });
  }
}
