import { HubError, parseJson } from './errors.ts';
import type { Jobs } from './jobs.ts';
import type { SpaceState } from './spaces.ts';
import type { Bytes, Repo, RepoType, Sequence } from './store.ts';

/** What a fine-grained token may do with all that a user or an organisation has, or with one repo. */
export interface Scope {
  entity: { type: 'user' | 'org' | 'dataset' | 'model' | 'space'; name: string };
  /** `repo.content.read`, `repo.write`, `job.write` … */
  permissions: string[];
}

export interface AccessToken {
  user: string;
  role: 'read' | 'write' | 'fineGrained';
  /** Of a fine-grained one. */
  scoped?: readonly Scope[];
  /** Of a fine-grained one, not bound to an entity, e.g. `discussion.write`. */
  global?: readonly string[];
  /** Of a login, not made in the settings. */
  oauth?: true;
}

/** An upload the LFS batch has allowed. */
export interface Upload {
  repo: Repo;
  oid: string;
  size: number;
  /** Part number → bytes, for a multipart upload. */
  parts?: { count: number; size: number; received: Map<number, Bytes> };
}

export interface Settings {
  user: string;
  /** Namespaces the user may write to; undefined is all of them. */
  namespaces: string[] | undefined;
  /** Entries in one page of a tree. */
  pageSize: number;
  /** Bytes above which a file is LFS whatever its name. */
  lfsThreshold: number;
  /** Bytes above which an LFS object is uploaded in parts, if the client offers that. */
  multipartThreshold: number;
  /** Bytes of one part. */
  partSize: number;
  /** Spaces are built, and run as processes; without it they only have a stage. */
  realSpaces: boolean;
}

export interface HubState {
  url: string;
  settings: Settings;
  tokens: Map<string, AccessToken>;
  /** `datasets/owner/name` → repo */
  repos: Map<string, Repo>;
  /** `owner/name` → what a Space has besides its files */
  spaces: Map<string, SpaceState>;
  jobs: Jobs;
  uploads: Map<string, Upload>;
  sequence: Sequence;
}

export interface Context {
  hub: HubState;
  request: Request;
  url: URL;
  body: Bytes;
  /** Named groups of the route's pattern, still percent-encoded. */
  params: Record<string, string | undefined>;
  /** Null for a request without credentials. */
  token: AccessToken | null;
}

export interface RepoContext extends Context {
  repo: Repo;
}

export const bodyText = (context: Context) => new TextDecoder().decode(context.body);

/** The JSON body; the content type must say so. */
export function jsonBody(context: Context, type = 'application/json'): unknown {
  const sent = context.request.headers.get('content-type') ?? '';
  if (!sent.startsWith(type)) throw new HubError(415, `Content-Type must be ${type}, not "${sent}"`);
  return parseJson(bodyText(context), 'body');
}

export function flag(context: Context, name: string): boolean {
  const value = context.url.searchParams.get(name);
  if (value === null || value === 'false' || value === '0' || value === 'False') return false;
  if (value === 'true' || value === '1' || value === 'True') return true;
  throw new HubError(400, `"${name}" must be a boolean, not "${value}"`);
}

export function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new HubError(400, `Malformed percent-encoding in "${encoded}"`);
  }
}

export const repoKey = (type: RepoType, id: string) => `${type}/${id}`;
export const webUrl = (hub: HubState, repo: Repo) => `${hub.url}/${repoKey(repo.type, repo.id)}`;
