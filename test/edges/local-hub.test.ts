import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { sha256 } from './local-hub/store.ts';
import { type LocalHub, startLocalHub } from './local-hub.ts';

const REPO = 'datasets/owner/strict';
const API = `/api/${REPO}`;
const LFS = `/${REPO}.git/info/lfs/objects`;
const OBJECT = new Uint8Array(2500).fill(7);
const OID = sha256(OBJECT);

let hub: LocalHub;
let base: string;
beforeAll(async () => {
  hub = await startLocalHub({ lfsThreshold: 100, multipartThreshold: 2000, partSize: 1000, namespaces: ['owner'] });
  hub.createRepo('owner/strict');
  base = hub.commit('owner/strict', { 'README.md': '# x', 'data/a.csv': 'a', 'data/b.csv': 'b', 'big.bin': OBJECT });
});
afterAll(() => hub[Symbol.asyncDispose]());

interface Call {
  token?: string | null;
  json?: unknown;
  body?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

function call(method: string, path: string, { token = hub.token, json, body, headers = {} }: Call = {}) {
  const sent: Record<string, string> = { ...headers };
  if (token) sent.Authorization = `Bearer ${token}`;
  if (json !== undefined) sent['Content-Type'] ??= 'application/json';
  const url = path.startsWith('http') ? path : hub.url + path;
  return fetch(url, { method, headers: sent, body: json === undefined ? (body ?? null) : JSON.stringify(json) });
}

const lfs = (path: string, json: unknown) =>
  call('POST', path, { json, headers: { 'Content-Type': 'application/vnd.git-lfs+json' } });

const ndjson = (...lines: unknown[]) => lines.map((line) => JSON.stringify(line)).join('\n');
const header = { key: 'header', value: { summary: 'x' } };
const file = (path: string, content = 'eA==') => ({ key: 'file', value: { path, content, encoding: 'base64' } });
const commit = (body: string, path = `${API}/commit/main`) =>
  call('POST', path, { body, headers: { 'Content-Type': 'application/x-ndjson' } });

interface Answer {
  error?: string;
  tags?: unknown;
  converts?: unknown;
  commitOid?: string;
  pullRequestUrl?: string;
  transfer?: string;
  objects?: LfsAnswer[];
}

interface LfsAnswer {
  oid: string;
  size: number;
  error?: { code: number };
  actions?: { upload: { href: string; header?: Record<string, string> }; verify: { href: string } };
}

const read = async (response: Response | Promise<Response>) => (await (await response).json()) as Answer;
const head = () => hub.repos.get(REPO)?.branches.get('main');

describe('credentials', () => {
  const rows: [string, string, string, string | null, number, string | null][] = [
    ['no token', 'GET', '/api/whoami-v2', null, 401, null],
    ['an unknown token', 'GET', '/api/whoami-v2', 'hf_nobody', 401, null],
    ['no token on a private repo', 'GET', API, null, 401, 'RepoNotFound'],
    ['no token on a missing repo', 'GET', '/api/datasets/owner/none', null, 401, 'RepoNotFound'],
    ['a token on a missing repo', 'GET', '/api/datasets/owner/none', 'read', 404, 'RepoNotFound'],
    ['a token on a private repo of strangers', 'GET', '/api/datasets/else/private', 'write', 404, 'RepoNotFound'],
    ['no token on a public repo', 'GET', '/api/datasets/else/public', null, 200, null],
    ['no token that tags a public repo', 'POST', '/api/datasets/else/public/tag/main', null, 401, null],
    ['a read token that reads', 'GET', API, 'read', 200, null],
    ['a read token that creates a repo', 'POST', '/api/repos/create', 'read', 403, null],
    ['a read token that tags', 'POST', `${API}/tag/main`, 'read', 403, null],
    ['a read token that commits', 'POST', `${API}/commit/main`, 'read', 403, null],
    ['a read token that preuploads', 'POST', `${API}/preupload/main`, 'read', 403, null],
    ['a read token that uploads', 'POST', `${LFS}/batch`, 'read', 403, null],
    ['a stranger that tags', 'POST', '/api/datasets/else/public/tag/main', 'write', 403, null],
  ];
  test.each(rows)('%s: %s %s', async (_, method, path, who, status, code) => {
    if (!hub.repos.has('datasets/else/private')) hub.createRepo('else/private');
    if (!hub.repos.has('datasets/else/public')) hub.createRepo('else/public', { private: false });
    const token = who === 'read' ? hub.readToken : who === 'write' ? hub.token : who;
    const json = method === 'POST' ? { name: 'new', type: 'dataset' } : undefined;
    const response = await call(method, path, { token, ...(json && { json }) });
    expect([response.status, response.headers.get('X-Error-Code')]).toEqual([status, code]);
  });

  test('a bad token is named as such, and never recorded', async () => {
    const response = await call('GET', API, { token: 'hf_secretsecret' });
    expect(response.headers.get('X-Error-Message')).toBe('Invalid credentials in Authorization header');
    expect(hub.requests.at(-1)).toMatchObject({ auth: 'unknown', status: 401, known: true });
    expect(JSON.stringify(hub.requests)).not.toContain('hf_');
  });
});

describe('repos', () => {
  test('creating what exists is a 409 that says where it is', async () => {
    const response = await call('POST', '/api/repos/create', {
      json: { name: 'strict', organization: 'owner', type: 'dataset', visibility: 'private' },
    });
    expect([response.status, await response.json()]).toEqual([
      409,
      { error: 'You already created this dataset repo', url: `${hub.url}/${REPO}` },
    ]);
  });

  test('a deleted repo is gone', async () => {
    const json = { name: 'brief', organization: 'owner', type: 'dataset' };
    expect((await call('POST', '/api/repos/create', { json })).status).toBe(200);
    expect(await (await call('DELETE', '/api/repos/delete', { json })).text()).toBe('OK');
    expect((await call('DELETE', '/api/repos/delete', { json })).status).toBe(404);
  });

  const refused: [string, string, string, unknown, number, string | null][] = [
    ['an unknown key', 'POST', '/api/repos/create', { name: 'n', type: 'dataset', colour: 1 }, 400, null],
    ['a bad name', 'POST', '/api/repos/create', { name: 'a--b', type: 'dataset' }, 400, null],
    ['an unknown expand', 'GET', `${API}?expand=nothing`, undefined, 400, null],
    ['a missing revision', 'GET', `${API}/revision/none`, undefined, 404, 'RevisionNotFound'],
    ['a tag with a space', 'POST', `${API}/tag/main`, { tag: 'v 1' }, 400, null],
    ['a tag on a missing revision', 'POST', `${API}/tag/none`, { tag: 'v1' }, 404, 'RevisionNotFound'],
    ['a tag without its name', 'POST', `${API}/tag/main`, { message: 'v1' }, 400, null],
    ['a missing tag to delete', 'DELETE', `${API}/tag/none`, undefined, 404, 'RevisionNotFound'],
    ['a branch that exists', 'POST', `${API}/branch/main`, {}, 409, null],
    ['a branch below refs/', 'POST', `${API}/branch/refs%2Fpr%2F5`, {}, 400, null],
    ['a short title', 'POST', `${API}/discussions`, { title: 'x', description: '' }, 400, null],
    ['a broken card', 'POST', '/api/validate-yaml', { content: '---\na: [\n---\n', repoType: 'dataset' }, 400, null],
  ];
  test.each(refused)('refuses %s: %s %s', async (_, method, path, json, status, code) => {
    const response = await call(method, path, json === undefined ? {} : { json });
    expect([response.status, response.headers.get('X-Error-Code')]).toEqual([status, code]);
  });

  test('a tag stays where it is: 409, even for another commit', async () => {
    expect((await call('POST', `${API}/tag/main`, { json: { tag: 'v1' } })).status).toBe(200);
    const again = await call('POST', `${API}/tag/${base}`, { json: { tag: 'v1' } });
    expect([again.status, (await read(again)).error]).toEqual([409, 'Tag reference exists already: refs/tags/v1']);
    const refs = await read(call('GET', `${API}/refs`));
    expect(refs.tags).toEqual([{ name: 'v1', ref: 'refs/tags/v1', targetCommit: head() }]);
    expect(refs.converts).toEqual([]);
    expect((await call('DELETE', `${API}/tag/v1`)).status).toBe(200);
  });

  test('a pull request has a ref, written with or without an encoded slash', async () => {
    const body = ndjson(header, file('pull.txt'));
    const { pullRequestUrl = '' } = await read(commit(body, `${API}/commit/main?create_pr=1`));
    const number = /\/discussions\/(\d+)$/.exec(pullRequestUrl)?.[1];
    for (const rev of [`refs/pr/${number}`, `refs%2Fpr%2F${number}`])
      expect(await (await call('GET', `/${REPO}/resolve/${rev}/pull.txt`)).text()).toBe('x');
    expect((await call('GET', `/${REPO}/resolve/main/pull.txt`)).status).toBe(404);
  });
});

describe('commits', () => {
  const object = { path: 'x.bin', algo: 'sha256', oid: 'a'.repeat(64), size: 3 };
  const shapes: [string, string, number][] = [
    ['no header', ndjson(file('x'), file('y')), 400],
    ['two headers', ndjson(header, header, file('x')), 400],
    ['an empty summary', ndjson({ key: 'header', value: { summary: ' ' } }, file('x')), 400],
    ['an unknown header key', ndjson({ key: 'header', value: { summary: 'x', author: 'y' } }, file('x')), 400],
    ['no operation', ndjson(header), 400],
    ['a blank line', `${ndjson(header)}\n\n${ndjson(file('x'))}`, 400],
    ['a line that is not JSON', `${ndjson(header)}\n{`, 400],
    ['an unknown operation', ndjson(header, { key: 'copyFile', value: { path: 'x' } }), 400],
    ['content that is not base64', ndjson(header, file('x', 'not base64!')), 400],
    ['an unknown key of a file', ndjson(header, { key: 'file', value: { ...file('x').value, mode: 1 } }), 400],
    ['a large file that is not LFS', ndjson(header, file('x', btoa('x'.repeat(101)))), 400],
    ['an LFS file nobody uploaded', ndjson(header, { key: 'lfsFile', value: object }), 400],
    ['an LFS file of another size', ndjson(header, { key: 'lfsFile', value: { ...object, oid: OID } }), 400],
    ['a card with broken YAML', ndjson(header, file('README.md', btoa('---\na: [\n---\n'))), 400],
    ['the same path twice', ndjson(header, file('x'), { key: 'deletedFile', value: { path: 'x' } }), 422],
    ['a path up', ndjson(header, file('../x')), 422],
    ['an absolute path', ndjson(header, file('/x')), 422],
    ['a backslash', ndjson(header, file('..\\x')), 422],
    ['a path into .git', ndjson(header, file('.git/x')), 422],
    ['a file used as a folder', ndjson(header, file('README.md/x')), 422],
    ['deleting a missing file', ndjson(header, { key: 'deletedFile', value: { path: 'gone' } }), 404],
    ['deleting a missing folder', ndjson(header, { key: 'deletedFolder', value: { path: 'gone' } }), 404],
  ];
  test.each(shapes)('refuse %s and leave the head alone', async (name, body, status) => {
    const before = head();
    const response = await commit(body);
    expect([response.status, head()]).toEqual([status, before]);
    expect(response.headers.get('X-Error-Code')).toBe(name.startsWith('deleting') ? 'EntryNotFound' : null);
  });

  test('refuse another content type, and a branch, tag or oid that takes none', async () => {
    const json = ndjson(header, file('x'));
    expect((await call('POST', `${API}/commit/main`, { body: json })).status).toBe(415);
    expect((await call('POST', `${API}/tag/main`, { body: '{"tag":"v9"}' })).status).toBe(415);
    expect((await commit(json, `${API}/commit/none`)).status).toBe(404);
    expect((await commit(json, `${API}/commit/${base}`)).status).toBe(404);
  });

  test('a parent that is no longer the head is a 412, and the right one lands', async () => {
    const parent = head();
    const late = ndjson({ key: 'header', value: { summary: 'late', parentCommit: parent } }, file('late.txt'));
    hub.commit('owner/strict', { 'theirs.txt': 'first' });
    const response = await commit(late);
    expect([response.status, (await read(response)).error]).toEqual([
      412,
      'The branch was updated since you opened this page. Please refresh and try again.',
    ]);
    const { commitOid } = await read(commit(late.replace(parent ?? '', head() ?? '')));
    expect([commitOid, commitOid?.length]).toEqual([head(), 40]);
    expect([...(hub.repos.get(REPO)?.files().keys() ?? [])]).toContain('late.txt');
  });

  test('a pull request may start from an older commit', async () => {
    const title = { key: 'header', value: { summary: 'old', parentCommit: base } };
    const { commitOid } = await read(commit(ndjson(title, file('old.txt')), `${API}/commit/main?create_pr=1`));
    expect(hub.repos.get(REPO)?.at(commitOid ?? '').parent).toBe(base);
  });

  test('a folder goes with all that is in it', async () => {
    hub.commit('owner/strict', { 'old/1/a': 'a', 'old/2': 'b' });
    const response = await commit(ndjson(header, { key: 'deletedFolder', value: { path: 'old/' } }, file('old/new')));
    expect(response.status).toBe(200);
    expect([...(hub.repos.get(REPO)?.files().keys() ?? [])].filter((path) => path.startsWith('old'))).toEqual([
      'old/new',
    ]);
    hub.commit('owner/strict', { 'old/new': null });
  });
});

describe('LFS', () => {
  const request = { operation: 'upload', transfers: ['basic', 'multipart', 'xet'], hash_algo: 'sha_256' };
  const small = new Uint8Array(1500).fill(1);
  const large = new Uint8Array(2600).fill(2);
  const allow = async (content: Uint8Array, extra: object = {}) => {
    const objects = [{ oid: sha256(content), size: content.length }];
    const { objects: answers = [], transfer } = await read(lfs(`${LFS}/batch`, { ...request, objects, ...extra }));
    const [object] = answers;
    return { transfer, object, upload: object?.actions?.upload, verify: object?.actions?.verify };
  };
  const put = (url = '', body: Uint8Array<ArrayBuffer>) => call('PUT', url, { body, token: null });

  test('an object already stored needs no upload, and says so if its size is wrong', async () => {
    expect((await allow(OBJECT)).object).toEqual({ oid: OID, size: 2500 });
    const wrong = await read(lfs(`${LFS}/batch`, { ...request, objects: [{ oid: OID, size: 1 }] }));
    expect(wrong.objects?.[0]?.error?.code).toBe(422);
  });

  test('bytes must have the size and sha256 that were announced', async () => {
    const { upload, verify, transfer } = await allow(small);
    expect(transfer).toBe('basic');
    expect((await put(upload?.href, small.subarray(1))).status).toBe(400);
    expect((await put(upload?.href, new Uint8Array(1500).fill(9))).status).toBe(400);
    const claim = { oid: sha256(small), size: 1500 };
    expect((await call('POST', verify?.href ?? '', { json: claim })).status).toBe(404);
    expect((await call('PUT', upload?.href ?? '', { body: small })).status).toBe(400); // a token has no place on a signed URL
    expect((await put(`${hub.url}/lfs-storage/999`, small)).status).toBe(403);
    const { objects } = await read(lfs(`${LFS}/batch`, { ...request, objects: [{ oid: sha256(small), size: 1499 }] }));
    expect((await put(objects?.[0]?.actions?.upload.href, small)).status).toBe(400);
    expect((await put(upload?.href, small)).status).toBe(200);
    expect((await call('POST', verify?.href ?? '', { json: claim })).status).toBe(200);
    expect((await call('POST', verify?.href ?? '', { json: { ...claim, size: 1 } })).status).toBe(400);
  });

  test('a large object goes in parts, each of its size, all with their ETag', async () => {
    expect((await allow(large, { transfers: ['basic'] })).upload?.header).toBeUndefined();
    const { upload, transfer } = await allow(large);
    expect([transfer, Object.keys(upload?.header ?? {})]).toEqual([
      'multipart',
      ['chunk_size', '00001', '00002', '00003'],
    ]);
    expect((await put(upload?.header?.['00003'], large.subarray(0, 1000))).status).toBe(400);
    const parts = [];
    for (const [partNumber, from] of [
      [1, 0],
      [2, 1000],
      [3, 2000],
    ] as const) {
      const response = await put(upload?.header?.[`0000${partNumber}`], large.subarray(from, from + 1000));
      parts.push({ partNumber, etag: response.headers.get('ETag') });
    }
    const oid = sha256(large);
    expect((await lfs(upload?.href ?? '', { oid, parts: parts.slice(0, 2) })).status).toBe(400);
    expect((await lfs(upload?.href ?? '', { oid, parts: parts.toReversed() })).status).toBe(400);
    expect(
      (await lfs(upload?.href ?? '', { oid, parts: parts.map((part) => ({ ...part, etag: '"x"' })) })).status,
    ).toBe(400);
    expect((await lfs(upload?.href ?? '', { oid: OID, parts })).status).toBe(400);
    expect((await lfs(upload?.href ?? '', { oid, parts })).status).toBe(200);
    expect(hub.repos.get(REPO)?.objects.get(oid)).toEqual(large);
  });

  const refused: [string, object][] = [
    ['a download', { operation: 'download' }],
    ['an unknown hash', { hash_algo: 'sha1' }],
    ['an oid that is no sha256', { objects: [{ oid: 'abc', size: 1 }] }],
    ['an empty object', { objects: [{ oid: OID, size: 0 }] }],
  ];
  test.each(refused)('refuses %s', async (_, change) => {
    const objects = [{ oid: OID, size: 2500 }];
    expect((await lfs(`${LFS}/batch`, { ...request, objects, ...change })).status).toBe(400);
  });
});
