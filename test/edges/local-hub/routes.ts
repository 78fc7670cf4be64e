import { authenticate, createRepo, deleteRepo, hasScope, requireWrite, validateYaml, whoami } from './accounts.ts';
import { commit } from './commit.ts';
import { type Context, decode, flag, type HubState, type RepoContext, repoKey } from './context.ts';
import { HubError, notSignedIn, repoHidden, repoNotFound } from './errors.ts';
import { pathsInfo, preupload, raw, resolve, tree } from './files.ts';
import * as jobs from './jobs.ts';
import { batch, completeParts, putObject, putPart, verify } from './lfs.ts';
import { createBranch, createDiscussion, createTag, deleteTag, info, refs } from './repos.ts';
import {
  deleteSecret,
  deleteVariable,
  logs,
  ofSpace,
  pause,
  restart,
  runtime,
  secrets,
  setSecret,
  setVariable,
  variables,
} from './spaces.ts';
import type { Bytes, RepoType } from './store.ts';

type Answer = Response | Promise<Response>;

interface Route {
  method: string;
  path: RegExp;
  answer(context: Context): Answer;
}

const REPO = '(?<type>datasets|spaces)/(?<id>[^/]+/[^/]+)';
const api = (rest: string) => new RegExp(`^/api/${REPO}${rest}$`);
const git = (rest: string) => new RegExp(`^/${REPO}${rest}$`);

/** `open` needs no token: its URL was handed out, signed, by another route. */
const open = (method: string, path: RegExp, answer: Route['answer']): Route => ({ method, path, answer });

const signedIn = (method: string, path: RegExp, answer: Route['answer']): Route =>
  open(method, path, (context) => {
    if (!context.token) throw notSignedIn();
    return answer(context);
  });

const reads = (method: string, path: RegExp, answer: (context: RepoContext) => Answer): Route =>
  open(method, path, (context) => answer({ ...context, repo: visibleRepo(context) }));

const writes = (method: string, path: RegExp, answer: (context: RepoContext) => Answer): Route =>
  reads(method, path, (context) => {
    requireWrite(context, context.repo.namespace, context.repo);
    return answer(context);
  });

/** Anyone with a write token may propose a change to a repo they can see. */
const proposes = (path: RegExp, answer: (context: RepoContext) => Answer): Route =>
  reads('POST', path, (context) => {
    requireWrite(context, flag(context, 'create_pr') ? undefined : context.repo.namespace, context.repo);
    return answer(context);
  });

const ofJobs = (method: string, rest: string, answer: Route['answer']): Route =>
  open(method, new RegExp(`^/api/${rest}$`), jobs.ofNamespace(answer));

const JOB = '(?<ns>[^/]+)/(?<job>[0-9a-f]+)';
const JOB_ROUTES: Route[] = [
  open('GET', /^\/api\/jobs\/hardware$/, jobs.hardware),
  ofJobs('POST', 'jobs/(?<ns>[^/]+)', jobs.run),
  ofJobs('GET', 'jobs/(?<ns>[^/]+)', jobs.list),
  ofJobs('GET', `jobs/${JOB}`, jobs.inspect),
  ofJobs('GET', `jobs/${JOB}/logs`, jobs.logs),
  ofJobs('POST', `jobs/${JOB}/cancel`, jobs.cancel),
  ofJobs('POST', 'scheduled-jobs/(?<ns>[^/]+)', jobs.createScheduled),
  ofJobs('GET', 'scheduled-jobs/(?<ns>[^/]+)', jobs.listScheduled),
  ofJobs('GET', `scheduled-jobs/${JOB}`, jobs.inspectScheduled),
  ofJobs('DELETE', `scheduled-jobs/${JOB}`, jobs.deleteScheduled),
  ofJobs('POST', `scheduled-jobs/${JOB}/suspend`, jobs.suspendScheduled(true)),
  ofJobs('POST', `scheduled-jobs/${JOB}/resume`, jobs.suspendScheduled(false)),
  ofJobs('POST', `scheduled-jobs/${JOB}/run`, jobs.runScheduled),
];

const ROUTES: Route[] = [
  signedIn('GET', /^\/api\/whoami-v2$/, whoami),
  signedIn('POST', /^\/api\/repos\/create$/, createRepo),
  signedIn('DELETE', /^\/api\/repos\/delete$/, deleteRepo),
  signedIn('POST', /^\/api\/validate-yaml$/, validateYaml),
  reads('GET', api(''), info),
  reads('GET', api('/revision/(?<rev>[^/]+|refs/pr/\\d+)'), info),
  reads('GET', api('/tree/(?<rest>.+)'), tree),
  reads('POST', api('/paths-info/(?<rest>.+)'), pathsInfo),
  reads('GET', api('/refs'), refs),
  writes('POST', api('/tag/(?<rev>[^/]+|refs/pr/\\d+)'), createTag),
  writes('DELETE', api('/tag/(?<rev>[^/]+)'), deleteTag),
  writes('POST', api('/branch/(?<rev>[^/]+)'), createBranch),
  proposes(api('/preupload/(?<rev>[^/]+)'), preupload),
  proposes(api('/commit/(?<rev>[^/]+)'), commit),
  reads('GET', api('/runtime'), runtime),
  reads('POST', api('/pause'), ofSpace(pause)),
  reads('POST', api('/restart'), ofSpace(restart)),
  reads('GET', api('/variables'), ofSpace(variables)),
  reads('POST', api('/variables'), ofSpace(setVariable)),
  reads('DELETE', api('/variables'), ofSpace(deleteVariable)),
  reads('GET', api('/logs/(?<kind>run|build)'), ofSpace(logs)),
  reads('GET', api('/secrets'), ofSpace(secrets)),
  reads('POST', api('/secrets'), ofSpace(setSecret)),
  reads('DELETE', api('/secrets'), ofSpace(deleteSecret)),
  ...JOB_ROUTES,
  reads('POST', api('/discussions'), (context) => {
    requireWrite(context, undefined, context.repo);
    return createDiscussion(context);
  }),
  reads('POST', git('\\.git/info/lfs/objects/batch'), (context) => {
    requireWrite(context, undefined, context.repo);
    return batch(context);
  }),
  reads('POST', git('\\.git/info/lfs/objects/verify'), verify),
  open('PUT', /^\/lfs-storage\/(?<upload>\d+)$/, putObject),
  open('PUT', /^\/lfs-storage\/(?<upload>\d+)\/(?<part>\d+)$/, putPart),
  open('POST', /^\/api\/complete_multipart\/(?<upload>\d+)$/, completeParts),
  reads('GET', git('/resolve/(?<rest>.+)'), resolve),
  reads('HEAD', git('/resolve/(?<rest>.+)'), resolve),
  reads('GET', git('/raw/(?<rest>.+)'), raw),
  reads('HEAD', git('/raw/(?<rest>.+)'), raw),
];

const READS = ['repo.content.read', 'repo.write'];

function visibleRepo({ hub, params, token }: Context) {
  const repo = hub.repos.get(repoKey(params.type as RepoType, decode(params.id ?? '')));
  if (repo && !repo.private) return repo;
  if (!token) throw repoHidden();
  const { namespaces, user } = hub.settings;
  const isOurs = repo && (!namespaces || repo.namespace === user || namespaces.includes(repo.namespace));
  const sees = token.role !== 'fineGrained' || (repo && hasScope(token, READS, repo.namespace, repo));
  if (!isOurs || !sees) throw repoNotFound();
  return repo;
}

/** @returns the answer, or undefined if no such route exists */
export async function dispatch(hub: HubState, request: Request, body: Bytes): Promise<Response | undefined> {
  const url = new URL(request.url);
  for (const route of ROUTES) {
    const match = route.method === request.method ? route.path.exec(url.pathname) : null;
    if (!match) continue;
    try {
      const token = url.pathname.startsWith('/lfs-storage/') ? null : authenticate(hub, request);
      return await route.answer({ hub, request, url, body, params: { ...match.groups }, token });
    } catch (error) {
      if (error instanceof HubError) return error.toResponse();
      throw error;
    }
  }
  return undefined;
}
