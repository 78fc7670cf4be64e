import * as v from 'valibot';
import { readCard } from './accounts.ts';
import { bodyText, decode, flag, type RepoContext, webUrl } from './context.ts';
import { check, entryNotFound, HubError, parseJson } from './errors.ts';
import { committed } from './spaces.ts';
import { type Changes, type Commit, lfsFile, type Repo, regularFile, type StoredFile } from './store.ts';

const Header = v.strictObject({
  summary: v.pipe(
    v.string(),
    v.check((text) => text.trim() !== '', 'must not be empty'),
  ),
  description: v.optional(v.string()),
  parentCommit: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{7,40}$/, 'must be a commit oid'))),
});
const Line = v.variant('key', [
  v.strictObject({ key: v.literal('header'), value: Header }),
  v.strictObject({
    key: v.literal('file'),
    value: v.strictObject({
      path: v.string(),
      content: v.union([v.literal(''), v.pipe(v.string(), v.base64())], 'must be base64'),
      encoding: v.literal('base64'),
    }),
  }),
  v.strictObject({
    key: v.literal('lfsFile'),
    value: v.strictObject({
      path: v.string(),
      algo: v.literal('sha256'),
      oid: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      size: v.pipe(v.number(), v.integer(), v.minValue(1)),
    }),
  }),
  v.strictObject({ key: v.literal('deletedFile'), value: v.strictObject({ path: v.string() }) }),
  v.strictObject({ key: v.literal('deletedFolder'), value: v.strictObject({ path: v.string() }) }),
]);
type Operation = Exclude<v.InferOutput<typeof Line>, { key: 'header' }>;

export function commit(context: RepoContext): Response {
  const { hub, repo, params } = context;
  const { header, operations } = parseLines(context);
  const ref = decode(params.rev ?? '');
  const isPull = flag(context, 'create_pr');
  const head = repo.head(ref);
  const parent = isPull && header.parentCommit ? repo.at(header.parentCommit) : head;
  if (header.parentCommit && !parent.oid.startsWith(header.parentCommit))
    throw new HubError(412, 'The branch was updated since you opened this page. Please refresh and try again.');
  const changes = planChanges(repo, parent, operations, hub.settings.lfsThreshold);
  const { summary: title, description = '' } = header;
  const landed = repo.append(parent, { title, description }, changes);
  const pull = isPull ? ++repo.discussions : undefined;
  repo.setHead(pull ? `refs/pr/${pull}` : ref, landed.oid);
  if (!pull && repo.type === 'spaces') committed(hub.spaces.get(repo.id));
  return Response.json({
    success: true,
    commitOid: landed.oid,
    commitUrl: `${webUrl(hub, repo)}/commit/${landed.oid}`,
    hookOutput: '',
    ...(pull && { pullRequestUrl: `${webUrl(hub, repo)}/discussions/${pull}` }),
  });
}

function parseLines(context: RepoContext) {
  const type = context.request.headers.get('content-type') ?? '';
  if (!type.startsWith('application/x-ndjson'))
    throw new HubError(415, `Content-Type must be application/x-ndjson, not "${type}"`);
  const lines = bodyText(context)
    .replace(/\n$/, '') // huggingface_hub ends with a newline, huggingface.js does not
    .split('\n')
    .map((line, i) => check(Line, parseJson(line, `commit line ${i + 1}`), `commit line ${i + 1}`));
  const [first, ...rest] = lines;
  if (first?.key !== 'header') throw new HubError(400, 'The first line of a commit must be its header');
  const operations = rest.filter((line): line is Operation => line.key !== 'header');
  if (operations.length < rest.length) throw new HubError(400, 'A commit has only one header');
  if (operations.length === 0) throw new HubError(400, 'A commit needs at least one operation');
  return { header: first.value, operations };
}

function isPathAllowed(path: string): boolean {
  const isBadPart = (part: string) => part === '' || part === '.' || part === '..' || part === '.git';
  return !/[\\\p{Cc}]/u.test(path) && !path.split('/').some(isBadPart);
}

/** Check all operations before any is applied: a commit lands whole or not at all. */
function planChanges(repo: Repo, parent: Commit, operations: Operation[], lfsThreshold: number): Changes {
  const deletions = new Map<string, null>();
  const additions = new Map<string, Omit<StoredFile, 'changedIn'>>();
  const seen = new Set<string>();
  for (const operation of operations) {
    const path = operation.key === 'deletedFolder' ? operation.value.path.replace(/\/$/, '') : operation.value.path;
    if (!isPathAllowed(path)) throw new HubError(422, `Invalid path in commit: "${path}"`);
    if (seen.has(path)) throw new HubError(422, `"${path}" stands twice in this commit`);
    seen.add(path);
    if (operation.key === 'file') additions.set(path, addedFile(path, operation.value.content, lfsThreshold));
    else if (operation.key === 'lfsFile') additions.set(path, addedLfsFile(repo, operation.value));
    else for (const deleted of deletedFiles(parent, path)) deletions.set(deleted, null);
  }
  return new Map([...deletions, ...additions]);
}

function addedFile(path: string, base64: string, lfsThreshold: number): Omit<StoredFile, 'changedIn'> {
  const content = new Uint8Array(Buffer.from(base64, 'base64'));
  if (content.length > lfsThreshold)
    throw new HubError(
      400,
      `Your push was rejected because it contains files larger than ${lfsThreshold} bytes: ${path}`,
    );
  const { errors } = path === 'README.md' ? readCard(new TextDecoder().decode(content)) : { errors: [] };
  if (errors.length) throw new HubError(400, 'Invalid metadata in README.md', { body: { errors } });
  return regularFile(path, content);
}

function addedLfsFile(repo: Repo, { path, oid, size }: { path: string; oid: string; size: number }) {
  const object = repo.objects.get(oid);
  if (!object || object.length !== size)
    throw new HubError(
      400,
      `Your push was rejected because an LFS pointer pointed to a file that does not exist. Offending file: ${path}`,
    );
  return lfsFile(path, object);
}

/** A folder may be deleted by either key (huggingface_hub `tests/test_hf_api.py`, implicit delete folder). */
function deletedFiles(parent: Commit, path: string): string[] {
  if (parent.files.has(path)) return [path];
  const within = [...parent.files.keys()].filter((file) => file.startsWith(`${path}/`));
  if (within.length === 0) throw entryNotFound(`A file with this name doesn't exist: ${path}`);
  return within;
}
