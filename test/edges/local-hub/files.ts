import * as v from 'valibot';
import { attributesOf, isLfs } from './attributes.ts';
import { bodyText, type Context, decode, flag, jsonBody, type RepoContext } from './context.ts';
import { check, entryNotFound, HubError, revisionNotFound } from './errors.ts';
import {
  type Bytes,
  type Commit,
  lfsPointer,
  parentFolders,
  type Repo,
  type StoredFile,
  sha1,
  toBytes,
} from './store.ts';

/**
 * Split `{rev}/{path}`. A slash inside the revision may be percent-encoded (huggingface_hub) or not (huggingface.js),
 * so the shortest prefix that names a revision is taken.
 */
function splitRevision(repo: Repo, rest: string): { revision: string; commit: Commit; path: string } {
  const parts = rest.split('/').map(decode);
  for (let n = 1; n <= parts.length; n++) {
    const revision = parts.slice(0, n).join('/');
    const commit = repo.find(revision);
    if (commit) return { revision, commit, path: parts.slice(n).join('/') };
  }
  throw revisionNotFound(parts[0] ?? '');
}

type Entry = Record<string, unknown> & { path: string };

function fileEntry(file: StoredFile, commit: Commit | undefined): Entry {
  const { path, content, oid, lfs } = file;
  return { type: 'file', oid, size: content.length, path, ...(lfs && { lfs }), ...lastCommit(commit) };
}

function folderEntry(path: string, children: StoredFile[], commit: Commit | undefined): Entry {
  const oid = sha1('tree\n', ...children.map((file) => `${file.path}\0${file.oid}\n`));
  return { type: 'directory', oid, size: 0, path, ...lastCommit(commit) };
}

const lastCommit = (commit: Commit | undefined) =>
  commit && { lastCommit: { id: commit.oid, title: commit.title, date: commit.date } };

function entriesOf(repo: Repo, commit: Commit, expand: boolean): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const folders = new Map<string, StoredFile[]>();
  const newest = (files: StoredFile[]) =>
    expand ? repo.commits.findLast(({ oid }) => files.some((file) => file.changedIn === oid)) : undefined;
  for (const file of commit.files.values()) {
    for (const folder of parentFolders(file.path)) {
      const within = folders.get(folder);
      if (within) within.push(file);
      else folders.set(folder, [file]);
    }
    entries.set(file.path, fileEntry(file, newest([file])));
  }
  for (const [path, children] of folders) entries.set(path, folderEntry(path, children, newest(children)));
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function tree(context: RepoContext): Response {
  const { repo, url, params } = context;
  const { revision, commit, path } = splitRevision(repo, params.rest ?? '');
  const recursive = flag(context, 'recursive');
  const expand = flag(context, 'expand');
  const all = [...entriesOf(repo, commit, expand).values()];
  if (path && !all.some((entry) => entry.path === path && entry.type === 'directory'))
    throw entryNotFound(`${path} does not exist on "${revision}"`);
  const within = path ? all.filter((entry) => entry.path.startsWith(`${path}/`)) : all;
  const from = path ? path.length + 1 : 0;
  const shown = recursive ? within : within.filter((entry) => !entry.path.slice(from).includes('/'));
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const end = start + context.hub.settings.pageSize;
  const headers: Record<string, string> = end < shown.length ? { Link: nextLink(context, end) } : {};
  return Response.json(shown.slice(start, end), { headers });
}

function nextLink({ hub, url }: Context, cursor: number): string {
  const next = new URL(`${hub.url}${url.pathname}${url.search}`);
  next.searchParams.set('cursor', String(cursor));
  return `<${next.href}>; rel="next"`;
}

const PathsInfo = v.strictObject({ paths: v.array(v.string()), expand: v.optional(v.boolean()) });

export function pathsInfo(context: RepoContext): Response {
  const { commit } = splitRevision(context.repo, context.params.rest ?? '');
  const { paths, expand = false } = check(PathsInfo, pathsBody(context), 'paths');
  const entries = entriesOf(context.repo, commit, expand);
  return Response.json(paths.map((path) => entries.get(path)).filter((entry) => entry !== undefined));
}

/** huggingface.js sends JSON, huggingface_hub a form with repeated `paths`. */
function pathsBody(context: Context): unknown {
  if (!context.request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded'))
    return jsonBody(context);
  const form = new URLSearchParams(bodyText(context));
  return { paths: form.getAll('paths'), expand: form.get('expand')?.toLowerCase() === 'true' };
}

export function resolve(context: RepoContext): Response {
  const { commit, path } = splitRevision(context.repo, context.params.rest ?? '');
  const file = commit.files.get(path);
  if (!file) throw entryNotFound();
  const headers: Record<string, string> = { 'X-Repo-Commit': commit.oid, ETag: `"${file.lfs?.oid ?? file.oid}"` };
  if (file.lfs) {
    headers['X-Linked-Size'] = String(file.lfs.size);
    headers['X-Linked-ETag'] = `"${file.lfs.oid}"`;
  }
  return sendBytes(context, file.content, headers);
}

/** The git blob itself: for an LFS file, its pointer. */
export function raw(context: RepoContext): Response {
  const { commit, path } = splitRevision(context.repo, context.params.rest ?? '');
  const file = commit.files.get(path);
  if (!file) throw entryNotFound();
  const blob = file.lfs ? toBytes(lfsPointer(file.lfs.oid, file.lfs.size)) : file.content;
  return sendBytes(context, blob, { 'X-Repo-Commit': commit.oid, ETag: `"${file.oid}"` });
}

function sendBytes({ request }: Context, content: Bytes, headers: Record<string, string>): Response {
  const range = readRange(request.headers.get('range'), content.length);
  const part = range ? content.subarray(range.start, range.end) : content;
  const body = request.method === 'HEAD' ? null : part;
  return new Response(body, {
    status: range ? 206 : 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(part.length),
      'Accept-Ranges': 'bytes',
      ...(range && { 'Content-Range': `bytes ${range.start}-${range.end - 1}/${content.length}` }),
      ...headers,
    },
  });
}

/** One `bytes=` range of RFC 9110; anything else is ignored, as a server may. `end` is exclusive. */
function readRange(header: string | null, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (!match[1] && !match[2])) return undefined;
  const start = match[1] ? Number(match[1]) : Math.max(0, size - Number(match[2]));
  const end = match[1] && match[2] ? Math.min(size, Number(match[2]) + 1) : size;
  if (start >= size || start >= end)
    throw new HubError(416, 'Range not satisfiable', { headers: { 'Content-Range': `bytes */${size}` } });
  return { start, end };
}

const Base64 = v.pipe(v.string(), v.base64());
const Preupload = v.strictObject({
  files: v.array(
    v.strictObject({ path: v.string(), size: v.pipe(v.number(), v.integer(), v.minValue(0)), sample: Base64 }),
  ),
  gitAttributes: v.optional(v.string()),
  gitIgnore: v.optional(v.string()),
});

export function preupload(context: RepoContext): Response {
  const { repo, hub, params } = context;
  const commit = repo.at(decode(params.rev ?? ''));
  const { files, gitAttributes } = check(Preupload, jsonBody(context), 'preupload');
  const attributes = gitAttributes ?? attributesOf(commit.files);
  const answers = files.map(({ path, size, sample }) => {
    const sampled = Buffer.from(sample, 'base64').length;
    if (sampled !== Math.min(size, 512)) throw new HubError(400, `Sample of "${path}" has ${sampled} bytes`);
    const existing = commit.files.get(path);
    const uploadMode = isLfs(path, size, attributes, hub.settings.lfsThreshold) ? 'lfs' : 'regular';
    return { path, uploadMode, shouldIgnore: false, ...(existing && { oid: existing.lfs?.oid ?? existing.oid }) };
  });
  return Response.json({ files: answers, commitOid: commit.oid });
}
