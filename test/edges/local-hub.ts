import { addRepo, addSpace } from './local-hub/accounts.ts';
import { attributesOf, isLfs } from './local-hub/attributes.ts';
import type { HubState, Scope, Settings } from './local-hub/context.ts';
import { type Fault, type FaultRule, Faults, faultResponse, type Passing } from './local-hub/faults.ts';
import { Jobs } from './local-hub/jobs.ts';
import { type RecordedRequest, record } from './local-hub/record.ts';
import { dispatch } from './local-hub/routes.ts';
import type { SpaceState } from './local-hub/spaces.ts';
import { type Bytes, lfsFile, type Repo, type RepoType, regularFile, toBytes } from './local-hub/store.ts';

export type { Scope } from './local-hub/context.ts';
export type { Fault, FaultAnswer, FaultRule, Passing } from './local-hub/faults.ts';
export type { RecordedRequest } from './local-hub/record.ts';
export type { SpaceState } from './local-hub/spaces.ts';
export type { Commit, Repo, StoredFile } from './local-hub/store.ts';

export interface LocalHubOptions extends Partial<Settings> {
  passing?: Passing;
}

/** A stand-in for the Hugging Face Hub that holds repos in memory and is as strict as the real one, or stricter. */
export interface LocalHub extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** May write. */
  readonly token: string;
  readonly readToken: string;
  /** Of a login: may write, and not restart a Space. */
  readonly oauthToken: string;
  /** Make a fine-grained token. @returns the token */
  grant(...scoped: Scope[]): string;
  /** Every request, in the order they came. */
  readonly requests: RecordedRequest[];
  /** `datasets/owner/name` → repo */
  readonly repos: Map<string, Repo>;
  /** @param id `owner/name` is a dataset; `spaces/owner/name` is not */
  createRepo(id: string, options?: { private?: boolean }): Repo;
  /** `owner/name` → what a Space has besides its files */
  readonly spaces: Map<string, SpaceState>;
  readonly jobs: Jobs;
  /** A Space that runs. @param id `owner/name` */
  createSpace(id: string, options?: { private?: boolean; sdk?: string }): SpaceState;
  /**
   * Commit without a request, as if someone else did it.
   *
   * @param files path → new content, or null to delete it
   * @returns the commit's oid
   */
  commit(
    id: string,
    files: Record<string, Uint8Array | string | null>,
    options?: { branch?: string; title?: string },
  ): string;
  /** Spoil requests to come. */
  fail(rule: FaultRule): Fault;
}

const DEFAULTS: Settings = {
  user: 'tester',
  namespaces: undefined,
  pageSize: 1000,
  lfsThreshold: 10_000_000,
  multipartThreshold: 5_000_000_000,
  partSize: 50_000_000,
  realSpaces: false,
};

export async function startLocalHub({ passing = () => {}, ...options }: LocalHubOptions = {}): Promise<LocalHub> {
  const token = 'hf_localwritetoken';
  const readToken = 'hf_localreadtoken';
  const oauthToken = 'hf_oauth_localtoken';
  const settings = { ...DEFAULTS, ...options };
  let commits = 0;
  const hub: HubState = {
    url: '',
    settings,
    tokens: new Map([
      [token, { user: settings.user, role: 'write' }],
      [readToken, { user: settings.user, role: 'read' }],
      [oauthToken, { user: settings.user, role: 'write', oauth: true }],
    ]),
    repos: new Map(),
    spaces: new Map(),
    jobs: new Jobs(),
    uploads: new Map(),
    sequence: { next: () => ++commits },
  };
  const requests: RecordedRequest[] = [];
  const faults = new Faults();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: (request) => serve(hub, faults, passing, requests, request),
  });
  hub.url = `http://127.0.0.1:${server.port}`;
  return {
    url: hub.url,
    token,
    readToken,
    oauthToken,
    grant(...scoped) {
      const granted = `hf_localfinegrained${hub.tokens.size}`;
      hub.tokens.set(granted, { user: settings.user, role: 'fineGrained', scoped });
      return granted;
    },
    requests,
    repos: hub.repos,
    createRepo: (id, { private: isPrivate = true } = {}) => addRepo(hub, ...splitId(id), { private: isPrivate }),
    spaces: hub.spaces,
    jobs: hub.jobs,
    createSpace: (id, { private: isPrivate = true, sdk = 'docker' } = {}) => {
      return addSpace(hub, addRepo(hub, 'spaces', id, { private: isPrivate }), sdk, 'RUNNING');
    },
    commit: (id, files, target) => seed(hub, splitId(id).join('/'), files, target),
    fail: (rule) => faults.add(rule),
    async [Symbol.asyncDispose]() {
      await hub.jobs[Symbol.asyncDispose]();
      await Promise.all([...hub.spaces.values()].map(({ machine }) => machine?.stop()));
      await server.stop(true);
    },
  };
}

async function serve(
  hub: HubState,
  faults: Faults,
  passing: Passing,
  requests: RecordedRequest[],
  request: Request,
): Promise<Response> {
  const body: Bytes = new Uint8Array(await request.arrayBuffer());
  const entry = record(request, body, authOf(hub, request));
  requests.push(entry);
  await passing('before', entry);
  const fault = faults.take(request.method, entry.path);
  entry.spoilt = fault !== undefined;
  await fault?.before?.();
  if (!fault?.answer || fault.land) {
    const response = await dispatch(hub, request, body);
    entry.known = response !== undefined;
    entry.status = response?.status ?? 404;
    await passing('after', entry);
    if (!fault?.answer) return tagged(response ?? notFound(request), requests.length);
  }
  entry.status = typeof fault.answer === 'string' ? 0 : fault.answer.status;
  const response = faultResponse(fault.answer);
  return fault.answer === 'drop' ? response : tagged(response, requests.length);
}

function authOf(hub: HubState, request: Request): RecordedRequest['auth'] {
  const header = request.headers.get('authorization');
  if (header === null) return 'none';
  return hub.tokens.get(header.replace(/^Bearer /, ''))?.role ?? 'unknown';
}

function tagged(response: Response, number: number): Response {
  response.headers.set('X-Request-Id', `Root=1-local-${number}`);
  return response;
}

const notFound = (request: Request) =>
  Response.json({ error: `Cannot ${request.method} ${new URL(request.url).pathname}` }, { status: 404 });

function splitId(id: string): [RepoType, string] {
  const space = /^spaces\/(.+)$/.exec(id)?.[1];
  return space ? ['spaces', space] : ['datasets', id.replace(/^datasets\//, '')];
}

function seed(
  hub: HubState,
  key: string,
  files: Record<string, Uint8Array | string | null>,
  { branch = 'main', title = 'Seed' }: { branch?: string; title?: string } = {},
): string {
  const repo = hub.repos.get(key);
  if (!repo) throw new Error(`No repo ${key} on the local hub`);
  const head = repo.head(branch);
  const attributes = attributesOf(head.files);
  const changes = Object.entries(files).map(([path, given]) => {
    if (given === null) return [path, null] as const;
    const content = toBytes(given);
    if (!isLfs(path, content.length, attributes, hub.settings.lfsThreshold))
      return [path, regularFile(path, content)] as const;
    const file = lfsFile(path, content);
    if (file.lfs) repo.objects.set(file.lfs.oid, content);
    return [path, file] as const;
  });
  const commit = repo.append(head, { title }, new Map(changes));
  repo.setHead(branch, commit.oid);
  return commit.oid;
}
