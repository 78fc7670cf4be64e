import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalHub, type Repo, startLocalHub } from '../edges/local-hub.ts';
import { loadOfficial, officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const md5 = (rows: string[]) =>
  createHash('md5')
    .update(rows.map((row) => `${row}\n`).join(''))
    .digest('hex');
const PYTHON_MS = 120_000; // importing pyarrow from a cold disk is slow

describe.skipIf(python === '')('the official Python clients and the local hub', () => {
  const NAME = 'tester/pushed';
  const TAG = 'v20260101_000000';
  let hub: LocalHub;
  let repo: Repo | undefined;
  let seen: Record<string, unknown>;

  beforeAll(async () => {
    // Small limits, so that one run meets multipart uploads and trees of several pages.
    hub = await startLocalHub({ pageSize: 2, multipartThreshold: 1000, partSize: 500 });
    seen = (await runOfficial(python, 'push_and_tag.py', [NAME, TAG], hub)) as Record<string, unknown>;
    repo = hub.repos.get(`datasets/${NAME}`);
  }, PYTHON_MS);
  afterAll(() => hub?.[Symbol.asyncDispose]());

  const FILES = ['eval', 'test', 'train'].map((split) => `data/${split}-00000-of-00001.parquet`);
  const head = () => repo?.branches.get('main');

  test('push_to_hub, upload_file and create_tag do what they say', () => {
    expect(seen).toMatchObject({
      user: 'tester',
      private: true,
      files: ['.gitattributes', 'README.md', ...FILES, 'dataset_metadata.json'],
      branches: { main: head() },
      tags: { [TAG]: head() },
      head: head(),
      unchanged: true,
    });
    expect(repo?.private).toBe(true);
    expect(repo?.commits.map(({ title }) => title)).toEqual([
      'initial commit',
      'Upload dataset',
      'Upload dataset_metadata.json with huggingface_hub',
      'Pull',
    ]);
  });

  test('a tree of several pages says which commit wrote what', () => {
    expect(seen.tree).toEqual({
      '.gitattributes': 'initial commit',
      'README.md': 'Upload dataset',
      data: 'Upload dataset',
      ...Object.fromEntries(FILES.map((path) => [path, 'Upload dataset'])),
      'dataset_metadata.json': 'Upload dataset_metadata.json with huggingface_hub',
    });
    const pages = hub.requests.filter(({ path }) => /\/tree\/main\?.*expand=true/.test(path));
    expect(pages).toHaveLength(4);
  });

  test('downloads are the bytes that are stored, LFS or not', () => {
    expect(seen).toMatchObject({ regular_file_is_intact: true, exists: [true, false] });
    const shard = repo?.files().get(FILES[0] ?? '');
    const sha256 = createHash('sha256')
      .update(shard?.content ?? '')
      .digest('hex');
    expect(seen.shard).toEqual({ path: FILES[0], sha256, lfs_sha256: sha256 });
    expect(hub.requests.some(({ path, method }) => method === 'PUT' && /^\/lfs-storage\/\d+\/3$/.test(path))).toBe(
      true,
    );
  });

  test('a pull request is apart from main', () => {
    expect(seen).toMatchObject({ pulls: ['refs/pr/1'], pull: { revision: 'refs/pr/1', content: 'pull' } });
    expect(repo?.files().has('pull.txt')).toBe(false);
  });

  const refusals: [string, number, string, string][] = [
    ['parent_moved', 412, 'HfHubHTTPError', 'The branch was updated since you opened this page'],
    ['tag_twice', 409, 'HfHubHTTPError', 'Tag reference exists already'],
    ['tag_with_space', 400, 'BadRequestError', 'Invalid reference for a tag'],
    ['delete_missing', 404, 'RemoteEntryNotFoundError', "A file with this name doesn't exist"],
    ['missing_revision', 404, 'RevisionNotFoundError', 'Invalid rev id'],
    ['missing_repo', 404, 'RepositoryNotFoundError', 'Repository not found'],
    ['missing_folder', 404, 'RemoteEntryNotFoundError', 'does not exist'],
    ['private_without_token', 401, 'RepositoryNotFoundError', 'Invalid username or password'],
    ['bad_token', 401, 'HfHubHTTPError', 'Invalid credentials in Authorization header'],
  ];
  test.each(refusals)('%s is a %d that the client takes for %s', (name, status, type, message) => {
    expect(seen.refused).toHaveProperty(name, { status, type, message: expect.stringContaining(message) });
  });

  test.each([undefined, TAG])(
    'load_dataset gives back what was pushed, at revision %p',
    async (revision) => {
      const options = revision === undefined ? { hub } : { hub, revision };
      const splits = await loadOfficial(python, NAME, options);
      const columns = { features: { grievance: 'string', label: 'int64' }, keys: ['grievance', 'label'] };
      const rows = [
        '{"grievance": "No water since Monday", "label": 0}',
        '{"grievance": "सडक बिग्रियो", "label": 1}',
        '{"grievance": "Street light\\nis \\"broken\\"", "label": 2}',
      ];
      expect(Object.keys(splits)).toEqual(['train', 'eval', 'test']);
      expect(splits.train).toEqual({ num_rows: 3, ...columns, md5: md5(rows) });
      expect(splits.eval).toMatchObject({ num_rows: 1, ...columns });
      expect(splits.test).toMatchObject({ num_rows: 2, ...columns });
    },
    PYTHON_MS,
  );

  test(
    'load_dataset refuses a tag that is not there',
    async () => {
      await expect(loadOfficial(python, NAME, { hub, revision: 'v0' })).rejects.toThrow('v0');
    },
    PYTHON_MS,
  );

  test('the clients asked for no route that the stand-in lacks', () => {
    const unknown = hub.requests.filter(({ known }) => !known);
    expect(unknown.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    // huggingface_hub looks for itself here; a 404 is fine.
    expect(unknown.filter(({ path }) => !path.startsWith('/api/agent-harnesses'))).toEqual([]);
  });
});

describe.skipIf(python === '')('the official Python client and the Spaces of the local hub', () => {
  test(
    'pauses, restarts and configures them',
    async () => {
      await using hub = await startLocalHub({ namespaces: ['tester'] });
      const space = hub.createSpace('tester/trainer');
      hub.createSpace('tester/static', { sdk: 'static' });
      hub.createSpace('other/trainer', { private: false });
      hub.createSpace('other/trainer-private');
      const names = ['tester/trainer', 'tester/static', 'other/trainer'];
      const seen = await runOfficial(python, 'spaces.py', [...names, hub.readToken, hub.oauthToken], hub);
      expect(seen).toEqual({
        made: 'BUILDING',
        running: 'RUNNING',
        none: {},
        added: { DATASET_VERSION: ['v1', 'what to train on', true] },
        changed: { DATASET_VERSION: ['v2', 'what to train on', true] },
        second: { DATASET_VERSION: ['v2', 'what to train on', true], EPOCHS: ['3', null, true] },
        left: { DATASET_VERSION: ['v2', 'what to train on', true] },
        absent: { DATASET_VERSION: ['v2', 'what to train on', true] },
        read: { DATASET_VERSION: ['v2', 'what to train on', true] },
        paused: 'PAUSED',
        restarted: 'BUILDING',
        factory: 'BUILDING',
        login_pauses: 'PAUSED',
        info: ['docker', 'PAUSED'],
        refused: {
          login_restarts: { status: 401, type: 'HfHubHTTPError' },
          reader_pauses: { status: 403, type: 'HfHubHTTPError' },
          foreign: { status: 403, type: 'HfHubHTTPError' },
          unknown: { status: 404, type: 'RepositoryNotFoundError' },
          hidden: { status: 404, type: 'RepositoryNotFoundError' },
          static: { status: 400, type: 'BadRequestError' },
          bad_key: { status: 400, type: 'BadRequestError' },
        },
      });
      // It was started anew by its first variable, then as asked.
      expect(space.stages).toEqual(['RUNNING', 'BUILDING', 'PAUSED', 'BUILDING', 'BUILDING', 'PAUSED']);
      expect([...space.secrets]).toEqual([['HF_TOKEN', 'hf_secret']]);
      expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
    },
    PYTHON_MS,
  );
});

describe.skipIf(python === '')('load.py', () => {
  test(
    'reads a folder without a hub, and names the classes in order',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'load-'));
      const features = [
        'dataset_info:',
        '  features:',
        '  - {name: text, dtype: string}',
        "  - {name: label, dtype: {class_label: {names: {'0': LOW, '1': HIGH}}}}",
      ];
      try {
        await Bun.write(join(folder, 'README.md'), ['---', ...features, '---', ''].join('\n'));
        await Bun.write(join(folder, 'data', 'eval.csv'), 'text,label\nb,1\na,0\n');
        await Bun.write(join(folder, 'data', 'train.csv'), 'text,label\nc,0\n');
        const splits = await loadOfficial(python, folder);
        const columns = { features: { text: 'string', label: ['LOW', 'HIGH'] }, keys: ['text', 'label'] };
        const evalRows = ['{"text": "b", "label": 1}', '{"text": "a", "label": 0}'];
        expect(splits).toEqual({
          train: { num_rows: 1, ...columns, md5: md5(['{"text": "c", "label": 0}']) },
          test: { num_rows: 2, ...columns, md5: md5(evalRows) }, // the library's name for a bare eval file
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    PYTHON_MS,
  );
});
