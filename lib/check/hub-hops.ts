import * as v from 'valibot';
import { HubTarget } from '../edges/hub.ts';
import { hubAccess } from '../edges/hub-access.ts';
import { HubAnswer, hubFault } from '../edges/hub-errors.ts';
import { PipelineError } from '../errors.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { isSameName } from '../spec/target.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, ok, warning } from './hops.ts';

export const TOKEN = 'hub.token';
export const NO_ANSWER: Finding = {
  status: 'fail',
  code: 'TARGET_UNREACHABLE',
  message: 'No answer in time',
  fix: 'check the network and HF_ENDPOINT; status.huggingface.co tells of outages',
};

/** The part of GET /api/whoami-v2 that tells what a token may do. */
const Whoami = v.object({
  name: v.string(),
  orgs: v.optional(v.array(v.object({ name: v.string(), roleInOrg: v.optional(v.string()) })), []),
  auth: v.object({
    accessToken: v.optional(
      v.object({
        role: v.string(),
        fineGrained: v.optional(
          v.object({
            global: v.optional(v.array(v.string()), []),
            scoped: v.array(
              v.object({
                entity: v.object({ type: v.string(), name: v.optional(v.string(), '') }),
                permissions: v.array(v.string()),
              }),
            ),
          }),
        ),
      }),
    ),
  }),
});

export type Identity = v.InferOutput<typeof Whoami>;

/** Known once the token's hop has run. */
export interface Known<T> {
  value?: T;
}

/** Plan the hop that asks whose token it is, and the place where it leaves the answer. */
export function planTokenHop(world: World): { hop: Hop; identity: Known<Identity> } {
  const identity: Known<Identity> = {};
  const run = async (signal: AbortSignal) => {
    identity.value = await whoami(world, signal);
    return describeToken(identity.value);
  };
  return { hop: { id: TOKEN, needs: [], run, late: NO_ANSWER }, identity };
}

/** Ask whose token HF_TOKEN is, and what it may. @param name what the token is called */
export async function whoami({ env, fetch }: World, signal: AbortSignal, name = 'HF_TOKEN'): Promise<Identity> {
  const doing = `ask the Hub whose token ${name} is`;
  const { hubUrl, token } = hubAccess(env);
  if (!token)
    throw new PipelineError('TOKEN_MISSING', 'Cannot publish to the Hub: HF_TOKEN is not set', {
      fix: 'set HF_TOKEN to a token that may write the repos of the labels',
    });
  try {
    const answer = await fetch(`${hubUrl}/api/whoami-v2`, { headers: { Authorization: `Bearer ${token}` }, signal });
    if (!answer.ok) throw await HubAnswer.from(answer);
    return v.parse(Whoami, await answer.json());
  } catch (thrown) {
    signal.throwIfAborted();
    throw hubFault(thrown, doing);
  }
}

/** What a token's role means for a run that publishes. */
export function describeToken({ name, auth: { accessToken } }: Identity): Finding {
  switch (accessToken?.role) {
    case 'read':
      throw new PipelineError('TARGET_FORBIDDEN', `The token of ${name} may only read`, {
        fix: 'make a fine-grained token with write access to the repos of the labels, and set HF_TOKEN to it',
      });
    default:
      return ok(`${name}, role ${accessToken?.role ?? 'not told'}`);
  }
}

/**
 * Plan the hops of a repo: what it is, then whether the token may write it.
 *
 * @param absent takes the repo where it does not exist
 */
export function planRepoHops(
  { name, push }: LabelSpec,
  repo: string,
  identity: Known<Identity>,
  absent: Set<string>,
  world: World,
): Hop[] {
  const id = `${name}.repo`;
  const run = async (signal: AbortSignal): Promise<Finding> => {
    const target = new HubTarget(repo, { ...world, signal });
    await target.preflight({ private: push.private, write: true });
    const info = await target.info();
    if (!info) absent.add(repo);
    return ok(`${repo}: ${describeRepo(info, push.private)}`);
  };
  const mayWrite = async () => describeAccess(identity.value, repo, !absent.has(repo));
  return [
    { id, needs: [TOKEN], run, late: NO_ANSWER },
    { id: `${name}.write`, needs: [id], run: mayWrite, late: NO_ANSWER },
  ];
}

function describeRepo(info: { private: boolean } | undefined, wanted: boolean): string {
  if (!info)
    return `does not exist, or is hidden from this token; a run will create it, ${wanted ? 'private' : 'public'}`;
  if (!info.private) return 'public, as push.private: false allows';
  return wanted ? 'private' : 'private, although push.private is false; a run leaves it so';
}

/**
 * Whether a token may write a repo, as far as whoami tells: nothing is written to try it.
 *
 * @throws PipelineError TARGET_FORBIDDEN
 */
export function describeAccess(
  identity: Identity | undefined,
  repo: string,
  exists: boolean,
  type: RepoType = 'dataset',
): Finding {
  const owner = repo.split('/')[0] ?? '';
  const token = identity?.auth.accessToken;
  if (token?.fineGrained) return describeScopes(token.fineGrained.scoped, repo, owner, type);
  if (!identity || isSameName(identity.name, owner))
    return ok(`${exists ? 'write' : 'create'}: ${owner} is the token’s user`);
  const role = identity.orgs.find(({ name }) => isSameName(name, owner))?.roleInOrg;
  if (role === 'admin' || role === 'write' || (role === 'contributor' && !exists))
    return ok(`${identity.name} has the role ${role} in ${owner}`);
  if (identity.orgs.some(({ name }) => isSameName(name, owner)))
    return warning(
      `${identity.name} has the role ${role ?? 'unknown'} in ${owner}, which may not be enough`,
      `ask an administrator of ${owner} for the role write`,
    );
  throw forbidden(`Cannot publish to ${repo}: ${identity.name} is not a member of ${owner}`);
}

export type FineGrained = NonNullable<NonNullable<Identity['auth']['accessToken']>['fineGrained']>;
export type RepoType = 'dataset' | 'space';
/** Of an entity: all that a user or an organisation has, not one repo. */
export const isOwner = (type: string) => type === 'user' || type === 'org';

function describeScopes(scoped: FineGrained['scoped'], repo: string, owner: string, wanted: RepoType): Finding {
  const granting = scoped.find(
    ({ entity: { type, name }, permissions }) =>
      permissions.includes('repo.write') &&
      (isOwner(type) ? isSameName(name, owner) : type === wanted && isSameName(name, repo)),
  );
  if (granting) return ok(`the token has repo.write for ${granting.entity.name}`);
  throw forbidden(`Cannot publish to ${repo}: the fine-grained token has repo.write for neither it nor ${owner}`);
}

function forbidden(message: string): PipelineError {
  return new PipelineError('TARGET_FORBIDDEN', message, {
    fix: 'give the token write access to this repo; to create repos it needs write access to the owner’s namespace',
  });
}
