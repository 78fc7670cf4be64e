import * as v from 'valibot';
import { readCard } from './accounts.ts';
import { decode, flag, jsonBody, type RepoContext, webUrl } from './context.ts';
import { check, HubError, revisionNotFound } from './errors.ts';
import { describeRuntime } from './spaces.ts';
import type { Commit, Repo } from './store.ts';

// huggingface_hub ExpandDatasetProperty_T, and the two that its upload path and huggingface.js also ask for.
const EXPANDABLE =
  `author cardData citation createdAt description disabled downloads downloadsAllTime gated lastModified likes mainSize
  paperswithcode_id private resourceGroup runtime sdk sha siblings tags trendingScore usedStorage xetEnabled gitalyUid`.split(
    /\s+/,
  );

export function info(context: RepoContext): Response {
  const { hub, repo, url, params } = context;
  const commit = repo.at(decode(params.rev ?? 'HEAD'));
  const expand = [...url.searchParams.getAll('expand'), ...url.searchParams.getAll('expand[]')];
  const unknown = expand.filter((key) => !EXPANDABLE.includes(key));
  if (unknown.length) throw new HubError(400, `Cannot expand ${unknown.join(', ')}`);
  const space = repo.type === 'spaces' ? hub.spaces.get(repo.id) : undefined;
  const all = {
    ...describe(repo, commit, flag(context, 'blobs')),
    ...(space && { sdk: space.sdk, runtime: describeRuntime(space, repo.id) }),
  };
  if (!expand.length) return Response.json(all);
  const chosen = Object.entries(all).filter(([key]) => key === '_id' || key === 'id' || expand.includes(key));
  return Response.json(Object.fromEntries(chosen));
}

function describe(repo: Repo, commit: Commit, blobs: boolean) {
  const card = commit.files.get('README.md');
  return {
    _id: `repo-${repo.id}`,
    id: repo.id,
    author: repo.namespace,
    sha: commit.oid,
    lastModified: commit.date,
    createdAt: repo.commits[0]?.date,
    private: repo.private,
    gated: false,
    disabled: false,
    downloads: 0,
    likes: 0,
    tags: [],
    siblings: [...commit.files.values()].map(({ path, content, oid, lfs }) => ({
      rfilename: path,
      ...(blobs && { size: content.length, blobId: oid }),
      ...(blobs && lfs && { lfs: { sha256: lfs.oid, size: lfs.size, pointerSize: lfs.pointerSize } }),
    })),
    cardData: card ? readCard(new TextDecoder().decode(card.content)).data : undefined,
    usedStorage: [...repo.objects.values()].reduce((sum, object) => sum + object.length, 0),
    xetEnabled: false,
  };
}

export function refs(context: RepoContext): Response {
  const { branches, tags, pulls } = context.repo;
  const list = (names: Map<string, string>, folder: string) =>
    [...names].map(([name, targetCommit]) => ({ name, ref: `refs/${folder}/${name}`, targetCommit }));
  const pullRequests = [...pulls].map(([n, oid]) => ({ name: `refs/pr/${n}`, ref: `refs/pr/${n}`, targetCommit: oid }));
  return Response.json({
    branches: list(branches, 'heads'),
    converts: [],
    tags: list(tags, 'tags'),
    ...(flag(context, 'include_prs') && { pullRequests }),
  });
}

// git check-ref-format
const isRefName = (name: string) =>
  name !== '' && !/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^[/.-]|\/\.|[/.]$|\.lock$|^@$/u.test(name);

export function createTag(context: RepoContext): Response {
  const { repo, params } = context;
  const Tag = v.strictObject({ tag: v.string(), message: v.optional(v.string()) });
  const { tag } = check(Tag, jsonBody(context), 'tag');
  const target = repo.at(decode(params.rev ?? ''));
  if (!isRefName(tag)) throw new HubError(400, `Invalid reference for a tag: "${tag}"`);
  if (repo.tags.has(tag)) throw new HubError(409, `Tag reference exists already: refs/tags/${tag}`);
  repo.tags.set(tag, target.oid);
  return Response.json({ success: true });
}

export function deleteTag({ repo, params }: RepoContext): Response {
  const tag = decode(params.rev ?? '');
  if (!repo.tags.delete(tag)) throw revisionNotFound(tag);
  return Response.json({ success: true });
}

export function createBranch(context: RepoContext): Response {
  const { repo, params } = context;
  const branch = decode(params.rev ?? '');
  const Branch = v.strictObject({ startingPoint: v.optional(v.string()) });
  const { startingPoint } = check(Branch, jsonBody(context), 'branch');
  if (!isRefName(branch) || branch.startsWith('refs/'))
    throw new HubError(400, `Invalid reference for a branch: "${branch}"`);
  if (repo.branches.has(branch)) throw new HubError(409, `Reference refs/heads/${branch} already exists`);
  repo.branches.set(branch, repo.at(startingPoint ?? 'main').oid);
  return Response.json({ success: true });
}

export function createDiscussion(context: RepoContext): Response {
  const { hub, repo } = context;
  const Discussion = v.strictObject({
    title: v.pipe(v.string(), v.minLength(3), v.maxLength(200)),
    description: v.string(),
    pullRequest: v.optional(v.boolean()),
  });
  const { title, pullRequest = false } = check(Discussion, jsonBody(context), 'discussion');
  const num = ++repo.discussions;
  if (pullRequest) repo.pulls.set(num, repo.at('main').oid);
  return Response.json({ num, title, pullRequest, url: `${webUrl(hub, repo)}/discussions/${num}` });
}
