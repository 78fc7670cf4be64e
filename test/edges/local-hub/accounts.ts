import * as v from 'valibot';
import { parse as parseYaml } from 'yaml';
import { DEFAULT_ATTRIBUTES } from './attributes.ts';
import { type AccessToken, type Context, type HubState, jsonBody, repoKey, webUrl } from './context.ts';
import { badCredentials, check, HubError, notSignedIn, repoNotFound } from './errors.ts';
import { SpaceMachine } from './space-machine.ts';
import { newSpace, type SpaceState } from './spaces.ts';
import { Repo, type RepoType, regularFile, toBytes } from './store.ts';

/** @returns null without credentials; a token nobody issued is refused */
export function authenticate(hub: HubState, request: Request) {
  const header = request.headers.get('authorization');
  if (header === null) return null;
  const token = hub.tokens.get(/^Bearer (\S+)$/.exec(header)?.[1] ?? '');
  if (!token) throw badCredentials();
  return token;
}

const SINGULAR = { datasets: 'dataset', spaces: 'space' } as const;

/** Whether a fine-grained token has one of these permissions for a repo, or for all of its namespace. Without a repo: for the namespace. */
export function hasScope(
  { scoped = [] }: AccessToken,
  permissions: string[],
  namespace: string,
  repo?: { type: RepoType; id: string },
): boolean {
  return scoped.some(({ entity: { type, name }, permissions: given }) => {
    const isOwner = type === 'user' || type === 'org';
    const fits = isOwner ? name === namespace : repo && name === repo.id && type === SINGULAR[repo.type];
    return fits && permissions.some((each) => given.includes(each));
  });
}

/**
 * Refuse a request that may not change `repo`, or what else `namespace` has.
 *
 * @param permission what a fine-grained token needs for it
 */
export function requireWrite(context: Context, namespace?: string, repo?: Repo, permission = 'repo.write'): void {
  if (!context.token) throw notSignedIn();
  if (context.token.role === 'fineGrained') {
    if (hasScope(context.token, [permission], namespace ?? repo?.namespace ?? '', repo)) return;
    throw new HubError(403, `Forbidden: your fine-grained token lacks ${permission} for this resource`);
  }
  if (context.token.role !== 'write')
    throw new HubError(403, 'Forbidden: you must use a write token to upload to a repository.');
  const { namespaces, user } = context.hub.settings;
  if (namespace && namespace !== user && namespaces && !namespaces.includes(namespace))
    throw new HubError(403, `You don't have the rights to write under the namespace "${namespace}"`);
}

export function whoami({ hub, token }: Context): Response {
  if (!token) throw notSignedIn();
  const orgs = (hub.settings.namespaces ?? []).map((name) => ({
    type: 'org',
    id: `org-${name}`,
    name,
    fullname: name,
    email: null,
    canPay: false,
    periodEnd: null,
    avatarUrl: '',
    roleInOrg: 'write',
  }));
  return Response.json({
    type: 'user',
    id: `user-${token.user}`,
    name: token.user,
    fullname: token.user,
    email: `${token.user}@localhost`,
    emailVerified: true,
    canPay: false,
    isPro: false,
    periodEnd: null,
    avatarUrl: '',
    billingMode: 'postpaid',
    orgs,
    auth: {
      type: 'access_token',
      accessToken: {
        displayName: `local ${token.role}`,
        role: token.role,
        createdAt: '2026-01-01T00:00:00.000Z',
        ...(token.role === 'fineGrained' && { fineGrained: describeScopes(token) }),
      },
    },
  });
}

const describeScopes = ({ global = [], scoped = [] }: AccessToken) => ({
  canReadGatedRepos: false,
  global,
  scoped: scoped.map(({ entity, permissions }, index) => ({
    entity: { _id: `entity-${index}`, ...entity },
    permissions,
  })),
});

// huggingface_hub utils/_validators.py
export const isRepoName = (name: string) =>
  /^[\w.-]{1,96}$/.test(name) && !/--|\.\.|^[.-]|[.-]$/.test(name) && !name.endsWith('.git');

const RepoName = v.pipe(v.string(), v.check(isRepoName, 'is not a repo name'));
const Designation = {
  name: RepoName,
  organization: v.nullish(RepoName),
  type: v.picklist(['dataset', 'space']),
};
const CreateRepo = v.strictObject({
  ...Designation,
  visibility: v.optional(v.picklist(['public', 'private'])),
  private: v.optional(v.boolean()),
  license: v.optional(v.string()),
  sdk: v.optional(v.string()),
});

export function createRepo(context: Context): Response {
  const { hub } = context;
  const wanted = check(CreateRepo, jsonBody(context), 'repo');
  const namespace = wanted.organization ?? hub.settings.user;
  requireWrite(context, namespace);
  const id = `${namespace}/${wanted.name}`;
  const type: RepoType = `${wanted.type}s`;
  const existing = hub.repos.get(repoKey(type, id));
  if (existing) {
    const error = `You already created this ${wanted.type} repo`;
    throw new HubError(409, error, { body: { error, url: webUrl(hub, existing) } });
  }
  const isPrivate = wanted.visibility === 'private' || wanted.private === true;
  if (type === 'spaces' && !wanted.sdk) throw new HubError(400, 'A Space needs an sdk');
  const repo = addRepo(hub, type, id, { private: isPrivate });
  if (wanted.sdk) addSpace(hub, repo, wanted.sdk, hub.settings.realSpaces ? 'NO_APP_FILE' : 'BUILDING');
  return Response.json({ url: webUrl(hub, repo), name: id, id: `repo-${id}` });
}

export function addRepo(hub: HubState, type: RepoType, id: string, visibility: { private: boolean }): Repo {
  if (hub.repos.has(repoKey(type, id))) throw new Error(`${repoKey(type, id)} is on the local hub already`);
  const repo = new Repo(type, id, visibility, hub.sequence);
  const attributes = regularFile('.gitattributes', toBytes(DEFAULT_ATTRIBUTES));
  const first = repo.append(null, { title: 'initial commit' }, new Map([[attributes.path, attributes]]));
  repo.setHead('main', first.oid);
  hub.repos.set(repoKey(type, id), repo);
  return repo;
}

export function addSpace(hub: HubState, repo: Repo, sdk: string, stage: SpaceState['stage']): SpaceState {
  const space = newSpace(sdk, stage);
  if (hub.settings.realSpaces && sdk !== 'static') space.machine = new SpaceMachine(repo, space);
  hub.spaces.set(repo.id, space);
  return space;
}

export function deleteRepo(context: Context): Response {
  const { hub } = context;
  const wanted = check(v.strictObject(Designation), jsonBody(context), 'repo');
  const namespace = wanted.organization ?? hub.settings.user;
  requireWrite(context, namespace);
  const id = `${namespace}/${wanted.name}`;
  if (!hub.repos.delete(repoKey(`${wanted.type}s`, id))) throw repoNotFound();
  if (wanted.type === 'space') hub.spaces.delete(id);
  return new Response('OK');
}

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** @returns the card's metadata, or what is wrong with it */
export function readCard(content: string): { data?: unknown; errors: { message: string }[] } {
  const yaml = FRONT_MATTER.exec(content)?.[1];
  if (yaml === undefined) return { errors: [] };
  try {
    const data: unknown = parseYaml(yaml);
    const isMapping = typeof data === 'object' && data !== null && !Array.isArray(data);
    return isMapping ? { data, errors: [] } : { errors: [{ message: 'YAML metadata must be a mapping' }] };
  } catch (error) {
    return { errors: [{ message: error instanceof Error ? error.message : String(error) }] };
  }
}

export function validateYaml(context: Context): Response {
  const Card = v.strictObject({ content: v.string(), repoType: v.picklist(['dataset', 'model', 'space']) });
  const { errors } = readCard(check(Card, jsonBody(context), 'card').content);
  return Response.json({ errors, warnings: [] }, { status: errors.length ? 400 : 200 });
}
