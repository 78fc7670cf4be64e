import { hubAccess } from '../edges/hub-access.ts';
import type { Spec } from '../spec/spec.ts';
import { isSameName } from '../spec/target.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, ok, skipped, warning } from './hops.ts';
import { type FineGrained, type Identity, isOwner, type Known, NO_ANSWER, type RepoType, TOKEN } from './hub-hops.ts';
import { needsToken, usesOf } from './space-hops.ts';

/** A repo that a run writes. */
export interface Written {
  type: RepoType;
  repo: string;
  /** It does not exist yet: whoever creates it needs its whole namespace. */
  absent: boolean;
}

/**
 * Plan the hop that says what the token may besides what a run needs. Comes after those that find out what exists; a token that may too much
 * never fails.
 */
export function planScopesHop(
  spec: Spec,
  identity: Known<Identity>,
  absent: ReadonlySet<string>,
  { env }: Pick<World, 'env'>,
): Hop[] {
  if (!needsToken(spec) && !spec.labels.some(({ target }) => target.kind === 'hub')) return [];
  const run = async () => {
    if (!identity.value) return skipped(`needs ${TOKEN}`);
    return describeExcess(identity.value, writtenBy(spec, absent), hubAccess(env).hubUrl);
  };
  return [{ id: 'hub.scopes', needs: [TOKEN], run, late: NO_ANSWER }];
}

/** Targets, the history, and Spaces that are restarted or paused. */
function writtenBy(spec: Spec, absent: ReadonlySet<string>): Written[] {
  const { runs } = spec.operations;
  const datasets = [
    ...spec.labels.flatMap(({ target }) => (target.kind === 'hub' ? [target.repo] : [])),
    ...(runs?.kind === 'hub' ? [runs.repo] : []),
  ];
  return [
    ...datasets.map((repo) => ({ type: 'dataset' as const, repo, absent: absent.has(repo) })),
    ...[...usesOf(spec).keys()].map((repo) => ({ type: 'space' as const, repo, absent: false })),
  ];
}

/**
 * What a token may write besides what is wanted, as far as whoami tells. Rights to read are not counted.
 *
 * @param hubUrl where tokens are made
 */
export function describeExcess({ name, orgs, auth }: Identity, written: readonly Written[], hubUrl: string): Finding {
  const wanted = `repo.write for ${written.map(({ repo }) => repo).join(', ')}`;
  const { role, fineGrained } = auth.accessToken ?? {};
  if (role === 'write') {
    const owners = [name, ...orgs.map((org) => org.name)].join(', ');
    return warning(
      `a token with the role write may write every repo of ${owners}`,
      `make a fine-grained token at ${hubUrl}/settings/tokens with ${wanted}, and set HF_TOKEN to it`,
      'RIGHTS_EXCESSIVE',
    );
  }
  if (!fineGrained) return ok(`role ${role ?? 'not told'}: the Hub does not tell its scopes`);
  const excess = excessOf(fineGrained, written);
  if (excess.length > 0)
    return warning(
      `the token also has ${excess.join('; ')}`,
      `take that away at ${hubUrl}/settings/tokens: ${wanted} is enough`,
      'RIGHTS_EXCESSIVE',
    );
  const created = written.filter(({ absent }) => absent).map(({ repo }) => repo);
  const later = ` or less, once ${created.join(', ')} exist${created.length === 1 ? 's' : ''}`;
  return ok(`the token writes what a run needs${created.length > 0 ? later : ''}, and nothing else`);
}

/** Each scope that is not needed, as `permission, … for whom`. */
function excessOf({ global, scoped }: FineGrained, written: readonly Written[]): string[] {
  const scopes = [
    { who: 'everything', permissions: global.filter(writes) },
    ...scoped.map(({ entity, permissions }) => ({
      who: entity.name || entity.type,
      permissions: permissions.filter((each) => writes(each) && !isNeeded(each, entity, written)),
    })),
  ];
  return scopes
    .filter(({ permissions }) => permissions.length > 0)
    .map(({ who, permissions }) => `${permissions.join(', ')} for ${who}`);
}

const writes = (permission: string) => !permission.endsWith('.read');

/** Jobs are of a whole namespace, and `--submit` gives its own token to them. */
function isNeeded(permission: string, { type, name }: { type: string; name: string }, written: readonly Written[]) {
  const owned = written.filter(({ repo }) => isSameName(repo.split('/')[0] ?? '', name));
  if (isOwner(type))
    return permission === 'repo.write'
      ? owned.some(({ absent }) => absent)
      : permission === 'job.write' && owned.length > 0;
  return permission === 'repo.write' && written.some((each) => each.type === type && isSameName(each.repo, name));
}
