import { resolve } from 'node:path';
import { HubTarget } from '../edges/hub.ts';
import { hubAccess } from '../edges/hub-access.ts';
import { Space } from '../edges/space.ts';
import { PipelineError } from '../errors.ts';
import { type Spec, targetName } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { nearestExisting, requireWritable } from './directory-hops.ts';
import { type Finding, type Hop, mild, ok, skipped, warning } from './hops.ts';
import { describeAccess, type Identity, type Known, NO_ANSWER, TOKEN } from './hub-hops.ts';

/** Whether anything besides publishing needs the Hub's token. */
export function needsToken({ labels, operations: { space, runs } }: Spec): boolean {
  return (
    space !== undefined || runs?.kind === 'hub' || labels.some(({ afterPush }) => afterPush.restartSpaces.length > 0)
  );
}

/** Plan a hop for each Space that a run restarts or pauses: that it is there, and that the token may do it. */
export function planSpaceHops(spec: Spec, identity: Known<Identity>, world: World): Hop[] {
  return [...usesOf(spec)].map(([id, uses]) =>
    mild({
      id: `space(${id})`,
      needs: [TOKEN],
      run: (signal) => checkSpace(id, uses, identity.value, { ...world, signal }),
      late: NO_ANSWER,
    }),
  );
}

/** What a run does to each Space, in words: `restart for urgency`, `pause`. */
export function usesOf({ labels, operations: { space } }: Spec): Map<string, string[]> {
  const all = [
    ...labels.flatMap(({ name, afterPush }) =>
      afterPush.restartSpaces.map((id) => [id, `restart for ${name}`] as const),
    ),
    ...(space && space.pause !== 'never' ? [[space.id, 'pause'] as const] : []),
  ];
  const uses = new Map<string, string[]>();
  for (const [id, use] of all) uses.set(id, [...(uses.get(id) ?? []), use]);
  return uses;
}

async function checkSpace(id: string, uses: string[], identity: Identity | undefined, world: World): Promise<Finding> {
  if (!identity) return skipped(`needs ${TOKEN}`);
  const { sdk, stage = 'stage not told' } = await new Space(id, world).info();
  if (sdk === 'static') return warning(`${id} is static: it has no machine`, 'name another Space', 'SPACE_UNREACHABLE');
  const isLogin = hubAccess(world.env).token?.startsWith('hf_oauth_') ?? false;
  if (isLogin && uses.some((use) => use.startsWith('restart')))
    return warning(
      `the token of a login (OAuth) may pause ${id} and not restart it`,
      'set HF_TOKEN to a fine-grained token with write access to it',
      'SPACE_FORBIDDEN',
    );
  const { message } = requireAccess(identity, id, 'SPACE_FORBIDDEN');
  return ok(`${id}: ${stage}, to ${uses.join(', ')}; ${message}`);
}

/** @throws PipelineError with `code`, where whoami tells that the token may not write it */
export function requireAccess(
  identity: Identity,
  repo: string,
  code: 'SPACE_FORBIDDEN' | 'HISTORY_UNWRITABLE',
  exists = true,
) {
  const fix = 'give the token write access to it';
  if (identity.auth.accessToken?.role === 'read') throw new PipelineError(code, 'The token may only read', { fix });
  try {
    return describeAccess(identity, repo, exists, code === 'SPACE_FORBIDDEN' ? 'space' : 'dataset');
  } catch (cause) {
    throw new PipelineError(code, `The token of ${identity.name} has no write access to ${repo}`, { fix, cause });
  }
}

/** Plan the hop of the history: a private repo, or a directory that can be written. */
export function planRunsHops(
  { operations: { runs } }: Spec,
  identity: Known<Identity>,
  absent: Set<string>,
  world: World,
): Hop[] {
  if (!runs) return [];
  const run = (signal: AbortSignal) =>
    runs.kind === 'hub'
      ? checkRunsRepo(runs.repo, identity.value, absent, { ...world, signal })
      : checkRunsDirectory(runs.path, world);
  const late: Finding = { ...NO_ANSWER, message: `No answer about ${targetName(runs)}` };
  return [mild({ id: 'runs', needs: runs.kind === 'hub' ? [TOKEN] : [], run, late })];
}

async function checkRunsRepo(
  repo: string,
  identity: Identity | undefined,
  absent: Set<string>,
  world: World,
): Promise<Finding> {
  if (!identity) return skipped(`needs ${TOKEN}`);
  const info = await new HubTarget(repo, world).info();
  if (!info) absent.add(repo);
  if (info && !info.private)
    return warning(
      `${repo} is public, and runs are kept in a private repo only`,
      'make it private',
      'HISTORY_UNWRITABLE',
    );
  const { message } = requireAccess(identity, repo, 'HISTORY_UNWRITABLE', info !== undefined);
  return ok(`${repo}: ${info ? 'private' : 'does not exist; the first run creates it, private'}; ${message}`);
}

async function checkRunsDirectory(path: string, { cwd }: World): Promise<Finding> {
  const parent = await nearestExisting(resolve(cwd, path));
  await requireWritable(parent, path);
  return ok(`${path}: ${parent} is writable`);
}
