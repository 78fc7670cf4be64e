import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubTarget } from '../../lib/edges/hub.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { labelSpec, type SourceRow, type Version, Workshop } from './harness.ts';

const REPO = 'tester/topic';
const rowsOf = (count: number, from = 0): SourceRow[] =>
  Array.from({ length: count }, (_, index) => ({
    key: String(from + index),
    text: `text ${from + index}`,
    label: 'ABC'.charAt(index % 3),
    origin: 'misclassified',
  }));

describe('push() to the Hub', () => {
  let workshop: Workshop;
  let hub: LocalHub;
  beforeEach(async () => {
    workshop = await Workshop.open();
    hub = await startLocalHub({ lfsThreshold: 1000 });
  });
  afterEach(async () => {
    expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
    await hub[Symbol.asyncDispose]();
    await workshop[Symbol.asyncDispose]();
  });

  const target = (token = hub.token) => new HubTarget(REPO, workshop.world({ HF_ENDPOINT: hub.url, HF_TOKEN: token }));
  const publish = (rows: SourceRow[], yaml = '', options = {}): Promise<Version> =>
    workshop.publish(rows, labelSpec(yaml), options, target());
  const repo = () => hub.repos.get(`datasets/${REPO}`) as NonNullable<ReturnType<LocalHub['repos']['get']>>;
  const head = () => repo().branches.get('main') as string;
  const writes = () =>
    hub.requests.filter(
      ({ method, path }) => (method === 'POST' && /\/(commit|tag|create)/.test(path)) || method === 'DELETE',
    );
  const sent = (path: RegExp) => hub.requests.filter((request) => request.method === 'POST' && path.test(request.path));

  /** Text → split of what a revision holds. */
  const splitsAt = async (revision = 'main') => {
    const folder = join(workshop.directory, `read-${revision}-${hub.requests.length}`);
    mkdirSync(join(folder, 'data'), { recursive: true });
    for (const [path, file] of repo().files(revision))
      if (path.startsWith('data/')) writeFileSync(join(folder, path), file.content);
    return new Map((await workshop.read(labelSpec(), folder)).map(({ text, split }) => [text, split]));
  };
  const expectNothingMoved = (before: Map<string, string>, after: Map<string, string>) => {
    for (const [text, split] of after)
      if (before.has(text)) expect(`${text} ${split}`).toBe(`${text} ${before.get(text)}`);
  };

  test('creates a private repo, commits once on top of its head, then tags', async () => {
    const { outcome } = await publish(rowsOf(100));
    expect(outcome).toMatchObject({ status: 'success', version: 'v20260101_000100', revision: head() });
    expect(repo().private).toBe(true);
    expect([...repo().tags]).toEqual([['v20260101_000100', head()]]);
    expect([...repo().files('main').keys()].sort()).toEqual([
      '.gitattributes',
      'README.md',
      'data/eval-00000-of-00001.parquet',
      'data/test-00000-of-00001.parquet',
      'data/train-00000-of-00001.parquet',
      'dataset_metadata.json',
      'splits.parquet',
    ]);
    const [header] = (sent(/\/commit\/main$/)[0]?.body ?? []) as unknown[];
    expect(header).toMatchObject({ key: 'header', value: { parentCommit: repo().commits[0]?.oid } });
    expect(
      writes().map(({ path }) =>
        path
          .split('/')
          .slice(3, 6)
          .join('/')
          .replace(/[0-9a-f]{40}/, 'SHA'),
      ),
    ).toEqual(['create', 'tester/topic/commit', 'tester/topic/tag'].map((path) => expect.stringContaining(path)));
    expect(hub.requests.every(({ auth }) => auth === 'write' || auth === 'none')).toBe(true);
  });

  test('writes nothing when nothing changed', async () => {
    await publish(rowsOf(100));
    const before = { commits: repo().commits.length, requests: writes().length };
    expect((await publish(rowsOf(100))).outcome.status).toBe('unchanged');
    expect({ commits: repo().commits.length, requests: writes().length }).toEqual(before);
  });

  test('a second version keeps every split and deletes stale shards', async () => {
    await publish(rowsOf(100));
    const before = await splitsAt();
    hub.commit(REPO, { 'data/train-00001-of-00002.parquet': 'stale', 'analysis/labels.csv': 'mine' });
    await publish(rowsOf(160));
    expectNothingMoved(before, await splitsAt());
    expect([...repo().files('main').keys()].filter((path) => path.startsWith('data/'))).toHaveLength(3);
    expect(repo().files('main').has('analysis/labels.csv')).toBe(true);
    expect(repo().tags.size).toBe(2);
  });

  test('splits again on the new head when somebody commits meanwhile', async () => {
    await publish(rowsOf(100));
    const before = await splitsAt();
    hub.fail({ method: 'POST', path: /\/commit\/main/, before: () => void hub.commit(REPO, { 'NOTES.md': 'hello' }) });
    expect((await publish(rowsOf(140))).outcome.status).toBe('success');
    expect(repo().files('main').has('NOTES.md')).toBe(true);
    expectNothingMoved(before, await splitsAt());
    expect(sent(/\/commit\/main/).map(({ status }) => status)).toEqual([200, 412, 200]);
  });

  test('gives up when the head never stops moving, and publishes nothing', async () => {
    await publish(rowsOf(100));
    let count = 0;
    hub.fail({
      method: 'POST',
      path: /\/commit\/main/,
      times: 99,
      before: () => void hub.commit(REPO, { 'NOTES.md': `${count++}` }),
    });
    await expect(publish(rowsOf(140))).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(sent(/\/commit\/main/)).toHaveLength(4);
    expect(repo().tags.size).toBe(1);
  });

  test('sends the same commit again while the branch is locked', async () => {
    await publish(rowsOf(100));
    hub.fail({
      method: 'POST',
      path: /\/commit\/main/,
      times: 2,
      answer: { status: 409, body: { error: 'Another commit operation is in progress for this repository' } },
    });
    expect((await publish(rowsOf(140))).outcome.status).toBe('success');
    expect(sent(/\/commit\/main/).map(({ status }) => status)).toEqual([200, 409, 409, 200]);
  });

  test.each(['drop', { status: 500 }, { status: 504, body: '<html>' }, { status: 200, body: '<html>' }] as const)(
    'finds that a commit landed although its answer was %p',
    async (answer) => {
      await publish(rowsOf(100));
      hub.fail({ method: 'POST', path: /\/commit\/main/, land: true, answer });
      const { outcome } = await publish(rowsOf(140));
      expect(outcome).toMatchObject({ status: 'success', revision: head() });
      expect(sent(/\/commit\/main/)).toHaveLength(2);
      expect(repo().tags.get((outcome as { version: string }).version)).toBe(head());
    },
  );

  test.each(['drop', { status: 500 }] as const)(
    'sends it again when %p was the answer and nothing landed',
    async (answer) => {
      await publish(rowsOf(100));
      hub.fail({ method: 'POST', path: /\/commit\/main/, times: 2, answer });
      expect((await publish(rowsOf(140))).outcome.status).toBe('success');
      expect(repo().tags.size).toBe(2);
      expect(repo().commits).toHaveLength(3); // the repo's own, then one each
    },
  );

  test('is a success, not "unchanged", when the commit landed late', async () => {
    await publish(rowsOf(100));
    hub.fail({ method: 'POST', path: /\/commit\/main/, land: true, answer: 'drop' });
    hub.fail({ method: 'GET', path: /\/revision\/main/, after: 1, answer: { status: 500 } }); // and the head is slow to be seen
    const { outcome } = await publish(rowsOf(140));
    expect(outcome.status).toBe('success');
    expect(repo().tags.size).toBe(2);
  });

  test('tags a commit that a dead run left without its tag', async () => {
    await publish(rowsOf(100));
    repo().tags.clear();
    expect((await publish(rowsOf(100))).outcome.status).toBe('unchanged');
    expect([...repo().tags]).toEqual([['v20260101_000100', head()]]);
  });

  test('takes the next free second for a tag that exists already', async () => {
    await publish(rowsOf(100));
    repo().tags.set('v20260101_000200', head());
    expect((await publish(rowsOf(140))).outcome).toMatchObject({ version: 'v20260101_000201' });
  });

  test('waits as the Hub asks after 429, on reads and on the commit', async () => {
    await publish(rowsOf(100));
    hub.fail({ path: /\/revision\/main/, times: 2, answer: { status: 429, headers: { 'Retry-After': '3' } } });
    hub.fail({
      method: 'POST',
      path: /\/commit\/main/,
      answer: { status: 429, headers: { RateLimit: '"api";r=0;t=55' } },
    });
    expect((await publish(rowsOf(140))).outcome.status).toBe('success');
  });

  test.each([false, true])('creates a repo once although the first answer was lost, landed: %p', async (land) => {
    hub.fail({ method: 'POST', path: /repos\/create/, land, answer: 'drop' });
    expect((await publish(rowsOf(100))).outcome.status).toBe('success');
    expect(repo().commits).toHaveLength(2); // the repo's own, and ours
  });

  test.each([false, true])('tags although the first answer was lost, landed: %p', async (land) => {
    hub.fail({ method: 'POST', path: /\/tag\//, land, answer: { status: 502 } });
    expect((await publish(rowsOf(100))).outcome.status).toBe('success');
    expect([...repo().tags]).toEqual([['v20260101_000100', head()]]);
  });

  test('a repo that exists but cannot be read is a failure, never a first version', async () => {
    hub.createRepo(REPO);
    const before = repo().commits.length;
    hub.fail({
      path: /\/revision\/main/,
      times: 9,
      answer: { status: 404, headers: { 'X-Error-Code': 'RepoNotFound' } },
    });
    await expect(publish(rowsOf(100))).rejects.toMatchObject({ code: 'TARGET_FORBIDDEN' });
    expect(repo().commits).toHaveLength(before);
  });

  test.each([
    [401, {}, 'TOKEN_REFUSED'],
    [403, {}, 'TARGET_FORBIDDEN'],
    [404, { 'X-Error-Code': 'RevisionNotFound' }, 'TARGET_ANSWER'],
    [500, {}, 'TARGET_ANSWER'],
    [200, {}, 'TARGET_ANSWER'],
  ] as const)('a head answered with %d %p is a failure, in a dry run too', async (status, headers, code) => {
    hub.fail({ path: /\/revision\/main/, times: 99, answer: { status, headers, body: 'no JSON' } });
    await expect(publish(rowsOf(100))).rejects.toMatchObject({ code });
    await expect(publish(rowsOf(100), '', { dryRun: true })).rejects.toMatchObject({ code });
    expect(writes()).toEqual([]);
  });

  test('a ledger that is gone, cut or unreadable is a failure', async () => {
    await publish(rowsOf(100));
    hub.commit(REPO, { 'splits.parquet': 'not a ledger' });
    await expect(publish(rowsOf(140))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
    hub.commit(REPO, { 'splits.parquet': null });
    await expect(publish(rowsOf(140))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
    await expect(publish(rowsOf(140), '', { dryRun: true })).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
    expect(repo().tags.size).toBe(1);
  });

  test('keeps the splits of a version that the Python service pushed', async () => {
    hub.createRepo(REPO);
    const old = await workshop.publish(rowsOf(100), labelSpec('split: { train: 0.5, eval: 0.2, test: 0.3 }'));
    const published = join(workshop.directory, 'published');
    const files = Object.fromEntries(
      ['train', 'eval', 'test'].map((split) => [
        `data/${split}-00000-of-00001.parquet`,
        readFileSync(join(published, `data/${split}-00000-of-00001.parquet`)),
      ]),
    );
    const metadata = JSON.stringify({
      dataset_name: REPO,
      version_tag: 'v20251017_045551',
      label_column: 'topic',
      num_samples: 100,
    });
    hub.commit(REPO, {
      ...files,
      'dataset_metadata.json': metadata,
      'README.md': '# Dataset\n\n_Last updated automatically by the pipeline on 2025._\n',
    });
    const { outcome, report } = await publish(rowsOf(200));
    expect(outcome.status).toBe('success');
    expect(report.split).toMatchObject({ remembered: 100, assigned: 100 });
    expectNothingMoved(new Map(old.rows.map(({ text, split }) => [text, split])), await splitsAt());
    const card = new TextDecoder().decode(repo().files('main').get('README.md')?.content);
    expect(card).not.toContain('_Last updated automatically');
  });

  test('data that no ledger can be rebuilt from is a failure', async () => {
    hub.createRepo(REPO);
    hub.commit(REPO, { 'all.csv': 'text,label\na,0\n' });
    await expect(publish(rowsOf(100))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
  });

  test('a dry run sends nothing but reads', async () => {
    await publish(rowsOf(100));
    const before = hub.requests.length;
    const { outcome } = await workshop.publish(rowsOf(140), labelSpec(), { dryRun: true }, target(hub.readToken));
    expect(outcome.status).toBe('planned');
    expect(hub.requests.slice(before).every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true);
  });

  test('preflight() refuses a public repo unless the spec says so', async () => {
    hub.createRepo(REPO, { private: false });
    await expect(target().preflight({ private: true, write: true })).rejects.toMatchObject({ code: 'TARGET_PUBLIC' });
    await target().preflight({ private: false, write: true });
  });

  test('preflight() says what is wrong with the token', async () => {
    await expect(target('').preflight({ private: true, write: true })).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
    await expect(target('mine').preflight({ private: true, write: true })).rejects.toMatchObject({
      code: 'TOKEN_REFUSED',
    });
    await expect(target('hf_unknown').preflight({ private: true, write: true })).rejects.toMatchObject({
      code: 'TOKEN_REFUSED',
    });
    await target().preflight({ private: true, write: true });
  });
});
