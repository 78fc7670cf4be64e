import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import * as js from '@huggingface/hub';
import { type LocalHub, startLocalHub } from './local-hub.ts';

const REPO = 'datasets/owner/client';
const API = `/api/${REPO}`;
const LARGE = new Uint8Array(2500).map((_, i) => i % 251);

let hub: LocalHub;
beforeAll(async () => {
  hub = await startLocalHub({ pageSize: 2, multipartThreshold: 2000, partSize: 1000 });
});
afterAll(() => hub[Symbol.asyncDispose]());

const get = (path: string, init: RequestInit = {}) =>
  fetch(hub.url + path, { ...init, headers: { Authorization: `Bearer ${hub.token}`, ...init.headers } });

const asClient = () => ({
  repo: { type: 'dataset' as const, name: 'owner/client' },
  hubUrl: hub.url,
  accessToken: hub.token,
});
const blob = (content: string | Uint8Array<ArrayBuffer>) => new Blob([content]);
const lastCommit = () => hub.repos.get(REPO)?.commits.at(-1);

describe('@huggingface/hub', () => {
  test('creates a private repo, once', async () => {
    const client = asClient();
    expect(await js.createRepo({ ...client, visibility: 'private' })).toMatchObject({ repoUrl: `${hub.url}/${REPO}` });
    expect(hub.repos.get(REPO)?.private).toBe(true);
    await expect(js.createRepo({ ...client, visibility: 'private' })).rejects.toMatchObject({ statusCode: 409 });
    expect(await js.repoExists(client)).toBe(true);
    expect(await js.repoExists({ ...client, repo: { type: 'dataset', name: 'owner/none' } })).toBe(false);
  });

  test('commits a small and a large file, in parts, having offered Xet', async () => {
    const info = await js.datasetInfo({
      name: 'owner/client',
      hubUrl: hub.url,
      accessToken: hub.token,
      additionalFields: ['sha'],
    });
    expect(info).toMatchObject({ private: true, sha: lastCommit()?.oid ?? '' });
    const landed = await js.commit({
      ...asClient(),
      title: 'First',
      parentCommit: info.sha,
      operations: [
        { operation: 'addOrUpdate', path: 'README.md', content: blob('---\nlicense: mit\n---\n') },
        { operation: 'addOrUpdate', path: 'data/large.parquet', content: blob(LARGE) },
        { operation: 'addOrUpdate', path: 'data/small.csv', content: blob('a,b\n') },
        { operation: 'addOrUpdate', path: 'empty.parquet', content: blob('') },
      ],
    });
    expect(landed?.commit.oid).toBe(lastCommit()?.oid ?? '');
    expect(hub.repos.get(REPO)?.read('data/large.parquet')).toEqual(LARGE);
    expect(hub.repos.get(REPO)?.files().get('data/large.parquet')?.lfs?.size).toBe(2500);
    expect(hub.repos.get(REPO)?.files().get('empty.parquet')?.lfs).toBeUndefined();
    expect(hub.requests.filter(({ method, path }) => method === 'PUT' && path.startsWith('/lfs-storage'))).toHaveLength(
      3,
    );
  });

  test('lists over several pages, and downloads', async () => {
    const listed = await Array.fromAsync(js.listFiles({ ...asClient(), recursive: true, expand: true }));
    expect(listed.map(({ path, type, lastCommit }) => [path, type, lastCommit?.title])).toEqual([
      ['.gitattributes', 'file', 'initial commit'],
      ['README.md', 'file', 'First'],
      ['data', 'directory', 'First'],
      ['data/large.parquet', 'file', 'First'],
      ['data/small.csv', 'file', 'First'],
      ['empty.parquet', 'file', 'First'],
    ]);
    expect(hub.requests.filter(({ path }) => path.startsWith(`${API}/tree/main?`))).toHaveLength(3);
    const large = await js.downloadFile({ ...asClient(), path: 'data/large.parquet' });
    expect(new Uint8Array((await large?.arrayBuffer()) ?? [])).toEqual(LARGE);
    expect(await large?.slice(2, 4).arrayBuffer()).toEqual(LARGE.slice(2, 4).buffer);
    expect(await js.downloadFile({ ...asClient(), path: 'none' })).toBeNull();
    expect(await js.fileExists({ ...asClient(), path: 'data/large.parquet' })).toBe(true);
    expect(await js.fileExists({ ...asClient(), path: 'none' })).toBe(false);
    const infos = await js.pathsInfo({ ...asClient(), paths: ['data', 'none', 'README.md'], expand: true });
    expect(infos.map(({ path, type }) => [path, type])).toEqual([
      ['data', 'directory'],
      ['README.md', 'file'],
    ]);
  });

  test('commits what is unchanged, which changes no file', async () => {
    const before = lastCommit();
    await js.uploadFile({
      ...asClient(),
      file: { path: 'data/small.csv', content: blob('a,b\n') },
      commitTitle: 'Same',
    });
    expect(lastCommit()).toMatchObject({ title: 'Same', parent: before?.oid });
    expect([...(lastCommit()?.files.values() ?? [])]).toEqual([...(before?.files.values() ?? [])]);
  });

  test('opens a pull request, meets a 412, deletes files, and says who it is', async () => {
    const operations = [{ operation: 'delete' as const, path: 'data/small.csv' }];
    const pull = await js.commit({ ...asClient(), title: 'Pull', operations, isPullRequest: true });
    expect(pull?.pullRequestUrl).toBe(`${hub.url}/${REPO}/discussions/1`);
    expect(await js.fileExists({ ...asClient(), path: 'data/small.csv', revision: 'refs/pr/1' })).toBe(false);
    const parentCommit = hub.repos.get(REPO)?.commits[0]?.oid ?? '';
    await expect(js.commit({ ...asClient(), title: 'Late', operations, parentCommit })).rejects.toMatchObject({
      statusCode: 412,
    });
    await js.commit({ ...asClient(), title: 'Delete', operations });
    expect(await js.fileExists({ ...asClient(), path: 'data/small.csv' })).toBe(false);
    expect(await js.whoAmI({ hubUrl: hub.url, accessToken: hub.readToken })).toMatchObject({
      name: 'tester',
      auth: { accessToken: { role: 'read' } },
    });
  });

  test('asked for no route that the stand-in lacks', () => {
    expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  });
});

describe('files', () => {
  const large = `/${REPO}/resolve/main/data/large.parquet`;
  const ranges: [string, number, string | null, number][] = [
    ['bytes=0-0', 206, 'bytes 0-0/2500', 1],
    ['bytes=10-19', 206, 'bytes 10-19/2500', 10],
    ['bytes=2490-', 206, 'bytes 2490-2499/2500', 10],
    ['bytes=2490-9999', 206, 'bytes 2490-2499/2500', 10],
    ['bytes=-5', 206, 'bytes 2495-2499/2500', 5],
    ['bytes=2500-', 416, 'bytes */2500', 0],
    ['lines=1-2', 200, null, 2500],
  ];
  test.each(ranges)('Range %s → %d %s', async (range, status, contentRange, length) => {
    const response = await get(large, { headers: { Range: range } });
    expect([response.status, response.headers.get('Content-Range')]).toEqual([status, contentRange]);
    const [first = 0] = /\d+/.exec(contentRange ?? '') ?? [];
    const body = await response.bytes();
    if (status < 300) expect(body).toEqual(LARGE.slice(Number(first), Number(first) + length));
  });

  test('HEAD gives the commit, the size and the sha256 of an LFS file', async () => {
    const response = await get(large, { method: 'HEAD' });
    const sha = hub.repos.get(REPO)?.files().get('data/large.parquet')?.lfs?.oid;
    for (const [name, value] of [
      ['X-Repo-Commit', hub.repos.get(REPO)?.branches.get('main')],
      ['Content-Length', '2500'],
      ['X-Linked-Size', '2500'],
      ['X-Linked-ETag', `"${sha}"`],
      ['Accept-Ranges', 'bytes'],
    ])
      expect([name, response.headers.get(name ?? '')]).toEqual([name, value]);
  });

  test('raw gives the pointer of an LFS file', async () => {
    const text = await (await get(`/${REPO}/raw/main/data/large.parquet`)).text();
    expect(text).toMatch(/^version https:\/\/git-lfs\.github\.com\/spec\/v1\noid sha256:[0-9a-f]{64}\nsize 2500\n$/);
  });

  test('paths-info takes a form, and a missing folder of a tree is EntryNotFound', async () => {
    const body = new URLSearchParams([
      ['paths', 'data'],
      ['paths', 'README.md'],
      ['expand', 'False'],
    ]);
    expect(await (await get(`${API}/paths-info/main`, { method: 'POST', body })).json()).toHaveLength(2);
    const response = await get(`${API}/tree/main/none`);
    expect([response.status, response.headers.get('X-Error-Code')]).toEqual([404, 'EntryNotFound']);
  });

  test('preupload knows LFS by attributes and size, and what is there already', async () => {
    const sample = btoa('x');
    const files = ['README.md', 'a.parquet', 'a.txt'].map((path) => ({ path, size: 1, sample }));
    const read = async (response: Promise<Response>) =>
      (await (await response).json()) as {
        files: { path: string; uploadMode: string; shouldIgnore: boolean; oid?: string }[];
      };
    const ask = (json: unknown) =>
      get(`${API}/preupload/main`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(json),
      });
    const answer = await read(ask({ files }));
    const readme = hub.repos.get(REPO)?.files().get('README.md')?.oid ?? '';
    expect(answer.files).toEqual([
      { path: 'README.md', uploadMode: 'regular', shouldIgnore: false, oid: readme },
      { path: 'a.parquet', uploadMode: 'lfs', shouldIgnore: false },
      { path: 'a.txt', uploadMode: 'regular', shouldIgnore: false },
    ]);
    const huge = { path: 'a.txt', size: 10_000_001, sample: btoa('x'.repeat(512)) };
    expect((await read(ask({ files: [huge] }))).files[0]?.uploadMode).toBe('lfs');
    expect((await ask({ files: [{ ...huge, sample }] })).status).toBe(400);
  });
});

describe('faults', () => {
  const upload = (path: string) =>
    js.uploadFile({ ...asClient(), file: { path, content: blob('x') }, commitTitle: path });
  const isThere = (path: string) => hub.repos.get(REPO)?.files().has(path);

  test('an answer is replaced as often as asked, after letting some through', async () => {
    const fault = hub.fail({
      method: 'GET',
      path: /\/refs$/,
      after: 1,
      times: 2,
      answer: { status: 429, headers: { RateLimit: '"api";r=0;t=55' }, body: { error: 'slow down' } },
    });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await get(`${API}/refs`)).status);
    expect([statuses, fault.hits]).toEqual([[200, 429, 429, 200], 2]);
    expect(hub.requests.at(-2)).toMatchObject({ spoilt: true, known: true, status: 429 });
  });

  test('a dropped request did not land', async () => {
    hub.fail({ path: /\/commit\/main/, answer: 'drop' });
    expect(await upload('dropped.txt').catch((error) => error)).toMatchObject({ code: 'ECONNRESET' });
    expect(isThere('dropped.txt')).toBe(false);
  });

  test.each([
    ['reset', 'drop' as const, { code: 'ECONNRESET' }],
    ['a 500', { status: 500 }, { statusCode: 500 }],
  ])('a commit lands and its answer is lost: %s', async (name, answer, problem) => {
    hub.fail({ path: /\/commit\/main/, land: true, answer });
    expect(await upload(`${name}.txt`).catch((error) => error)).toMatchObject(problem);
    expect(isThere(`${name}.txt`)).toBe(true);
  });

  test('someone else commits between two requests', async () => {
    const fault = hub.fail({ path: /\/commit\/main/, before: () => void hub.commit(REPO, { 'theirs.txt': '1' }) });
    await upload('ours.txt');
    expect(fault.hits).toBe(1);
    expect(
      hub.repos
        .get(REPO)
        ?.commits.slice(-2)
        .map(({ title }) => title),
    ).toEqual(['Seed', 'ours.txt']);
  });

  test('an unknown route is a 404 that is told apart', async () => {
    expect((await get(`${API}/xet-write-token/main`)).status).toBe(404);
    expect(hub.requests.at(-1)).toMatchObject({ known: false, status: 404 });
  });
});
