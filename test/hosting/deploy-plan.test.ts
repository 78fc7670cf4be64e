import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { spaceCard } from '../../lib/hosting/card.ts';
import { imageNames, planFiles, readFiles } from '../../lib/hosting/checkout.ts';
import { type FoundSpace, planDeploy } from '../../lib/hosting/deploy-plan.ts';
import { renderPlan } from '../../lib/hosting/deploy-render.ts';
import { readEnvFile, readSettings } from '../../lib/hosting/settings.ts';
import { findToken } from '../../lib/hosting/token.ts';
import { widthOf } from '../../lib/report/layout.ts';
import { PROJECT, testWorld } from '../run/world.ts';

const read = (path: string) => Bun.file(join(PROJECT, path)).text();
const SPACE = 'tester/prepare-dataset';
const FILE = {
  POSTGRES_URL: 'postgres://reader:canary@db.example.org:443/complaints',
  DEPARTMENT_DATASET: 'tester/department',
  URGENCY_DATASET: 'tester/urgency',
  HF_TOKEN: 'hf_canary',
};
const BEFORE: FoundSpace = {
  revision: 'a',
  private: true,
  sdk: 'docker',
  stage: 'PAUSED',
  hardware: 'cpu-upgrade',
  files: new Map(),
  variables: new Map(),
  secretNames: [],
};

async function plan(file: Record<string, string> = {}, before?: Partial<FoundSpace>) {
  const options = { config: 'pipeline.config.yaml', envFile: '.env' };
  const settings = await readSettings(SPACE, options, { ...FILE, ...file }, testWorld());
  const files = await readFiles(settings.config, { cwd: PROJECT });
  return { settings, plan: planDeploy(SPACE, settings, files, before && { ...BEFORE, ...before }) };
}

describe('the files of a Space', () => {
  test('are what the Dockerfile copies, and what makes a Docker Space of it', async () => {
    const copied = [...(await read('Dockerfile')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(imageNames(await read('.dockerignore')).sort()).toEqual(
      [...new Set(copied)].filter((name) => name !== './').sort(),
    );
    const files = [...(await readFiles('pipeline.config.yaml', { cwd: PROJECT })).keys()];
    expect(files).toContainValues(['Dockerfile', '.dockerignore', 'README.md', 'bun.lock', 'lib/report/html/page.css']);
    expect(files.filter((path) => /^(test|docs|node_modules|examples|\.git|\.env)/.test(path))).toEqual([]);
  });

  test('are not what editors and systems leave beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'files-'));
    await mkdir(join(folder, 'lib/.idea'), { recursive: true });
    await writeFile(join(folder, 'lib/.idea/keys.ts'), 'canary');
    await writeFile(join(folder, '.dockerignore'), '*\n!lib/\n!pipeline.config.yaml\n');
    await writeFile(join(folder, 'README.md'), '---\nsdk: docker\n---\n');
    for (const name of ['Dockerfile', 'other.yaml', 'lib/a.ts', 'lib/.DS_Store', 'lib/a.ts~', 'lib/#a.ts#', 'lib/.env'])
      await writeFile(join(folder, name), name);
    const files = await readFiles('other.yaml', { cwd: folder });
    await rm(folder, { recursive: true });
    expect([...files.keys()]).toEqual(['.dockerignore', 'Dockerfile', 'README.md', 'lib/a.ts', 'pipeline.config.yaml']);
    expect(new TextDecoder().decode(files.get('pipeline.config.yaml'))).toBe('other.yaml');
  });

  test.each<[string, string, string]>([
    ['a key', 'lib/server.pem', ''],
    ['credentials', 'lib/edges/account.json', ''],
    ['an env file with a name', 'lib/prod.env', ''],
    ['a link that leads out', 'lib/link.ts', '/etc/hostname'],
  ])('are none at all where one is not of the program: %s', async (_, name, to) => {
    const folder = await mkdtemp(join(tmpdir(), 'files-'));
    await mkdir(join(folder, 'lib/edges'), { recursive: true });
    await writeFile(join(folder, '.dockerignore'), '*\n!lib/\n!pipeline.config.yaml\n');
    await writeFile(join(folder, 'README.md'), '---\nsdk: docker\n---\n');
    for (const each of ['Dockerfile', 'pipeline.config.yaml', 'lib/a.ts']) await writeFile(join(folder, each), each);
    if (to) await symlink(to, join(folder, name));
    else await writeFile(join(folder, name), 'canary');
    const read = readFiles('pipeline.config.yaml', { cwd: folder });
    expect(read).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining(name) });
    await read.catch(() => {});
    await rm(folder, { recursive: true });
  });

  const bytes = (text: string) => new TextEncoder().encode(text);
  const blob = (text: string) =>
    new Bun.CryptoHasher('sha1').update(`blob ${bytes(text).length}\0${text}`).digest('hex');
  const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex');
  const LOCAL = new Map([
    ['README.md', bytes('card')],
    ['lib/a.ts', bytes('a')],
    ['pipeline.ts', bytes('p')],
  ]);
  const regular = (text: string) => ({ oid: blob(text), isLfs: false });

  test('are compared as git and LFS name them', () => {
    const there = new Map([
      ['README.md', regular('card')],
      ['lib/a.ts', { oid: sha256('a'), isLfs: true }],
      ['pipeline.ts', regular('older')],
    ]);
    expect(planFiles(LOCAL, there)).toEqual({
      added: [],
      changed: ['pipeline.ts'],
      removed: [],
      same: 2,
      keepsCard: false,
    });
  });

  test('go where they are gone here, below our folders only', () => {
    const there = new Map(
      ['lib/old.ts', 'lib2/theirs.ts', 'theirs.txt', '.gitattributes'].map((path) => [path, regular(path)] as const),
    );
    expect(planFiles(LOCAL, there)).toMatchObject({ added: [...LOCAL.keys()], removed: ['lib/old.ts'] });
  });

  test('replace the Hub’s own card, and never one that was edited later', () => {
    const edited = ['README.md', regular('edited')] as const;
    expect(planFiles(LOCAL, new Map([edited]))).toMatchObject({ changed: ['README.md'], keepsCard: false });
    const deployed = new Map([edited, ['pipeline.ts', regular('p')] as const, ['lib/a.ts', regular('a')] as const]);
    expect(planFiles(LOCAL, deployed)).toEqual({ added: [], changed: [], removed: [], same: 2, keepsCard: true });
  });
});

test('the card says what the Hub must know, and links nothing that a Space does not have', async () => {
  const card = spaceCard(await read('README.md'));
  const [, front = '', body = ''] = card.split('---\n');
  expect(parse(front)).toMatchObject({ sdk: 'docker', app_port: 7860 });
  const links = [...body.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  const files = await readFiles('pipeline.config.yaml', { cwd: PROJECT });
  expect(links.filter((link) => !files.has(link))).toEqual([]);
});

describe('the plan', () => {
  test('makes a secret of what is one, and leaves here what nothing reads', async () => {
    const { settings, plan: planned } = await plan({
      OTHER: 'x',
      DRY_RUN: 'true',
      DEPLOY_TOKEN: 'hf_mine',
      LEDGER_KEY: '',
      NO_COLOR: '1',
      WANDB_BASE_URL: 'https://who:canary@wandb.example.org',
      WANDB_APP_URL: 'https://wandb.example.org/app',
    });
    expect([...settings.secrets.keys()]).toEqual(['POSTGRES_URL', 'HF_TOKEN', 'WANDB_BASE_URL']);
    expect([...settings.variables.keys()]).toEqual([
      'DEPARTMENT_DATASET',
      'URGENCY_DATASET',
      'DRY_RUN',
      'WANDB_APP_URL',
    ]);
    expect(planned.unread).toEqual(['OTHER', 'NO_COLOR']);
    expect(planned.notes).toEqual([]);
  });

  test('knows the Space by its name in another case', async () => {
    const { notes } = (await plan({ PREPARE_DATASET_SPACE_ID: SPACE.toUpperCase() })).plan;
    expect(notes).toEqual([]);
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ['a port that a Space does not reach', { POSTGRES_URL: 'postgres://a:b@db.example.org/c' }, /5432/],
    ['a database at the desk', { POSTGRES_URL: 'postgres://a:b@localhost:443/c' }, /localhost/],
    ['the same in IPv6', { POSTGRES_URL: 'postgres://a:b@[::ffff:127.0.0.1]:443/c' }, /localhost/],
    ['a target on its disk', { URGENCY_DATASET: './urgency' }, /urgency \(\.\/urgency\)/],
    ['a history on its disk', { RUNS_DATASET: '/runs' }, /runs \(\/runs\)/],
    ['no token for the Hub', { HF_TOKEN: '' }, /HF_TOKEN.*department, urgency/],
    ['another Space that is paused', { PREPARE_DATASET_SPACE_ID: 'tester/other' }, /tester\/other/],
  ])('notes %s', async (_, file, wanted) => {
    const { notes } = (await plan(file)).plan;
    expect(notes).toEqual([expect.stringMatching(wanted)]);
  });

  test.each([
    ['RUNNING', true],
    ['BUILDING', true],
    ['SLEEPING', true],
    ['RUNTIME_ERROR', true],
    ['PAUSED', false],
    ['NO_APP_FILE', false],
  ])('of a Space that is %s pauses it first: %p', async (stage, pauses) => {
    expect((await plan({}, { stage })).plan.pauses).toBe(pauses);
  });

  test('says of each variable what becomes of it', async () => {
    const there = {
      URGENCY_DATASET: 'tester/urgency',
      DEPARTMENT_DATASET: 'old',
      SAMPLES: '0',
      THEIRS: '1',
      CHECK: 'true',
    };
    const variables = new Map(Object.entries(there).map(([name, value]) => [name, { value, updatedAt: undefined }]));
    const { plan: planned } = await plan({ MIN_DATASET_LEN: '5' }, { variables, secretNames: ['HF_TOKEN', 'OWN'] });
    expect(Object.fromEntries(planned.variables)).toEqual({
      MIN_DATASET_LEN: 'new',
      URGENCY_DATASET: 'same',
      DEPARTMENT_DATASET: 'changed',
      SAMPLES: 'removed',
    });
    expect(Object.fromEntries(planned.secrets)).toEqual({ POSTGRES_URL: 'new', HF_TOKEN: 'again' });
    expect(planned.secretsLeft).toEqual(['OWN']);
  });

  test.each([40, 60, 80, 200])('fits a terminal of %d columns, and shows no value', async (columns) => {
    const { settings, plan: planned } = await plan({ OTHER: 'canary' }, { stage: 'RUNNING' });
    for (const colour of [true, false]) {
      const text = renderPlan(planned, settings, 'DEPLOY_TOKEN', { colour, columns, all: true });
      expect(text).not.toContain('canary');
      const long = text.split('\n').filter((line) => widthOf(line) > columns && / \S+ \S/.test(line.trim()));
      expect(long).toEqual([]);
    }
  });
});

test('an env file is read as Windows writes it, too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'env-'));
  await writeFile(join(folder, '.env'), "\ufeffPOSTGRES_URL='postgres://a:b@c/d'\r\n# none\r\nHF_TOKEN=hf_a\r\n");
  expect({ ...(await readEnvFile('.env', { cwd: folder })) }).toEqual({
    POSTGRES_URL: 'postgres://a:b@c/d',
    HF_TOKEN: 'hf_a',
  });
  await rm(folder, { recursive: true });
});

describe('the token that deploys', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'home-'));
    for (const folder of ['.cache/huggingface', 'cache/huggingface', 'hf']) {
      await mkdir(join(home, folder), { recursive: true });
      await writeFile(join(home, folder, 'token'), `hf_${folder.replace('/', '_')}\n`);
    }
    await writeFile(join(home, 'mine'), 'hf_mine');
  });
  afterAll(() => rm(home, { recursive: true }));

  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['DEPLOY_TOKEN first', { DEPLOY_TOKEN: ' hf_own ', HF_TOKEN: 'hf_a', HOME: '~' }, {}, 'hf_own'],
    ['that of the shell before that of the file', { DEPLOY_TOKEN: 'hf_own' }, { DEPLOY_TOKEN: 'hf_file' }, 'hf_own'],
    ['that of the file', { HOME: '~' }, { DEPLOY_TOKEN: 'hf_file' }, 'hf_file'],
    ['$HF_TOKEN_PATH', { HF_TOKEN_PATH: '~/mine', HF_HOME: '~/hf', HOME: '~' }, {}, 'hf_mine'],
    ['$HF_HOME', { HF_HOME: '~/hf', XDG_CACHE_HOME: '~/cache', HOME: '~' }, {}, 'hf_hf'],
    ['$XDG_CACHE_HOME', { XDG_CACHE_HOME: '~/cache', HOME: '~' }, {}, 'hf_cache_huggingface'],
    [
      'the login before HF_TOKEN',
      { HOME: '~', HF_TOKEN: 'hf_space' },
      { HF_TOKEN: 'hf_space' },
      'hf_.cache_huggingface',
    ],
    ['HF_TOKEN last', { HOME: '~/none' }, { HF_TOKEN: 'hf_space' }, 'hf_space'],
  ])('%s', async (_, env, file, wanted) => {
    const here = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace('~', home)]));
    const found = await findToken({ env: here }, file);
    expect(found.token).toBe(wanted);
    expect(found.source).not.toContain(wanted);
  });
});
