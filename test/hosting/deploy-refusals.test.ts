import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Desk, SPACE } from './desk.ts';

const API = `/api/spaces/${SPACE}`;
const PASSES = ['printf', '\\n2 ok\\n'];

/** Requests that change something. */
const writes = (requests: string[]) => requests.filter((request) => !request.startsWith('GET'));

describe('what can be known here is known before anything is asked', () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await Desk.open();
  });
  afterAll(() => desk[Symbol.asyncDispose]());
  beforeEach(() => desk.write(desk.env));

  test('all missing variables at once, whatever the shell has', async () => {
    const { POSTGRES_URL: _, URGENCY_DATASET: __, ...rest } = desk.env;
    await desk.write(rest);
    await rename(join(desk.folder, '.env'), join(desk.folder, 'production.env'));
    const shell = { POSTGRES_URL: 'postgres://a:b@c/d', URGENCY_DATASET: 'a/b' };
    const { exitCode, text, requests } = await desk.deploy(['--yes', '--env-file', 'production.env'], { env: shell });
    expect({ exitCode, requests }).toEqual({ exitCode: 2, requests: [] });
    expect(text).toContain('production.env'); // the one place where they can be set
    expect(text).toContain('VARIABLE_MISSING');
    expect(text).toContain('POSTGRES_URL (line');
    expect(text).toContain('URGENCY_DATASET (line');
  });

  test.each<[string, Record<string, string>]>([
    ['a flag that has no such value', { SAMPLES: 'many' }],
    ['flags that exclude each other', { ROLLBACK: 'v1' }],
    ['what the log could not be read with', { JSON: 'true' }],
  ])('%s', async (_, env) => {
    await desk.write({ ...desk.env, ...env });
    const { exitCode, code, requests } = await desk.deploy();
    expect({ exitCode, code, requests }).toEqual({ exitCode: 2, code: 'ENV_FILE', requests: [] });
  });

  test.each<[string, string, string[], string]>([
    ['a label of the file that there is not', 'LABEL_UNKNOWN', [], 'LABEL'],
    ['no file', 'ENV_FILE', ['--env-file', 'none.env'], ''],
    ['an empty file', 'ENV_FILE', ['--env-file', '/dev/null'], ''],
    ['no such YAML', 'SPEC_NOT_FOUND', ['--config', 'none.yaml'], ''],
    ['a label, which a Space does not have', 'USAGE', ['--label', 'urgency'], ''],
  ])('%s', async (_, wanted, argv, name) => {
    if (name) await desk.write({ ...desk.env, [name]: 'none' });
    const { exitCode, code, requests } = await desk.deploy(['--yes', ...argv]);
    expect({ exitCode, code, requests }).toEqual({ exitCode: 2, code: wanted, requests: [] });
  });

  test.each(['prepare-dataset', 'tester/a--b', 'tester/ a', 'a/b/c'])('the name %s', async (space) => {
    const { exitCode, code, requests } = await desk.deploy(['--yes'], { space });
    expect({ exitCode, code, requests }).toEqual({ exitCode: 2, code: 'USAGE', requests: [] });
  });

  test('no token, and one that is none', async () => {
    const { HF_TOKEN: _, ...rest } = desk.env;
    await desk.write(rest);
    const none = await desk.deploy(['--yes'], { env: { DEPLOY_TOKEN: '' } });
    expect({ code: none.code, requests: none.requests }).toEqual({ code: 'TOKEN_MISSING', requests: [] });
    const bad = await desk.deploy(['--yes'], { env: { DEPLOY_TOKEN: '"hf_quoted"' } });
    expect({ code: bad.code, requests: bad.requests }).toEqual({ code: 'TOKEN_REFUSED', requests: [] });
  });

  test('the file’s own flags are not those of the command', async () => {
    await desk.write({ ...desk.env, DRY_RUN: 'true', CHECK: 'true' });
    const { exitCode, code } = await desk.deploy([], { env: { DRY_RUN: 'true', CHECK: 'true' } }); // as Bun loads a .env
    expect({ exitCode, code }).toEqual({ exitCode: 2, code: 'USAGE' }); // it would have asked
  });
});

test('nothing that the Hub answers moves the cursor of a terminal', async () => {
  await using desk = await Desk.open({}, PASSES);
  desk.hub.createSpace(SPACE).stage = '\u001b[2J' as never;
  desk.hub.fail({ path: /\/runtime$/, times: 9, answer: { status: 200, body: { stage: '\u001b[2J\u202e' } } });
  const deployed = await desk.deploy();
  desk.hub.commit(`spaces/${SPACE}`, { 'lib/\u001b[2Ja.ts': '' });
  const plan = await desk.deploy(['--dry-run']);
  for (const { text } of [deployed, plan]) {
    expect(text).toContain('[2J');
    expect(text.match(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu)).toBeNull();
  }
});

test('a checkout that lacks files is said with all of them', async () => {
  await using desk = await Desk.open();
  await rm(join(desk.folder, 'bun.lock'));
  await rm(join(desk.folder, 'lib'), { recursive: true });
  const { code, text, requests } = await desk.deploy();
  expect({ code, requests }).toEqual({ code: 'USAGE', requests: [] });
  expect(text).toContain('bun.lock, lib');
});

describe('what only the Hub knows is known before anything is sent', () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = await Desk.open();
    desk.hub.createSpace('tester/public', { private: false });
    desk.hub.createSpace('tester/static', { sdk: 'static' });
    desk.hub.createSpace('other/public', { private: false });
    desk.hub.createSpace('other/private');
  });
  afterAll(() => desk[Symbol.asyncDispose]());

  test.each([
    ['tester/public', 'TARGET_PUBLIC', 1],
    ['tester/static', 'USAGE', 2],
    ['other/public', 'SPACE_FORBIDDEN', 1],
    ['other/private', 'SPACE_FORBIDDEN', 1],
    ['other/none', 'SPACE_FORBIDDEN', 1],
  ])('%s: %s', async (space, wanted, exit) => {
    const { exitCode, code, requests } = await desk.deploy(['--yes'], { space });
    expect({ exitCode, code, writes: writes(requests) }).toEqual({ exitCode: exit, code: wanted, writes: [] });
  });

  test.each<[string, 'readToken' | 'unknown', string]>([
    ['a token that may only read', 'readToken', 'SPACE_FORBIDDEN'],
    ['a token that nobody issued', 'unknown', 'TOKEN_REFUSED'],
  ])('%s, and which it was', async (_, which, wanted) => {
    const DEPLOY_TOKEN = which === 'unknown' ? 'hf_unknown' : desk.hub[which];
    const { code, requests, text } = await desk.deploy(['--yes'], { env: { DEPLOY_TOKEN } });
    expect({ code, writes: writes(requests) }).toEqual({ code: wanted, writes: [] });
    expect(text).toContain('DEPLOY_TOKEN was used');
  });

  test.each<[RegExp, unknown]>([
    [/\/api\/spaces\/[^/]+\/[^/]+$/, '<html>'],
    [/\/api\/spaces\/[^/]+\/[^/]+$/, { sha: 'a', private: 'no' }],
    [/\/tree\//, '<html>'],
    [/\/tree\//, [{ type: 'file', path: 7 }]],
    [/\/variables$/, { CHECK: true }],
    [/\/secrets$/, '<html>'],
  ])('%p answered with something else: %j', async (path, body) => {
    const space = 'tester/there';
    if (!desk.hub.spaces.has(space)) desk.hub.createSpace(space);
    desk.hub.fail({ path, answer: { status: 200, body } });
    const { code, requests } = await desk.deploy(['--yes'], { space });
    expect({ code, writes: writes(requests) }).toEqual({ code: 'SPACE_UNREACHABLE', writes: [] });
  });

  test('whoever declines has sent nothing, and has seen the plan', async () => {
    const asked: string[] = [];
    const confirm = async (question: string) => asked.push(question) === 0;
    const { exitCode, requests, text } = await desk.deploy([], { confirm });
    expect({ exitCode, asked: asked.length, writes: writes(requests) }).toEqual({ exitCode: 1, asked: 1, writes: [] });
    expect(text).toContain('POSTGRES_URL');
    expect(text).not.toContain('canary');
  });

  test('where nobody can be asked, --yes is needed', async () => {
    const { exitCode, code, requests } = await desk.deploy([]);
    expect({ exitCode, code, writes: writes(requests) }).toEqual({ exitCode: 2, code: 'USAGE', writes: [] });
  });

  test('--dry-run shows every file before the plan, and asks and sends nothing', async () => {
    const { exitCode, requests, text } = await desk.deploy(['--dry-run'], { confirm: () => expect.unreachable() });
    expect({ exitCode, writes: writes(requests) }).toEqual({ exitCode: 0, writes: [] });
    expect(text).toMatch(/lib\/hosting\/deploy\.ts\n.+POSTGRES_URL/s);
    expect(desk.hub.spaces.has(SPACE)).toBe(false);
  });
});

test('who confirms has it done', async () => {
  await using desk = await Desk.open({}, PASSES);
  expect((await desk.deploy([], { confirm: async () => true })).exitCode).toBe(0);
});

test('a plan without Docker Spaces (402) is said, and nothing was made', async () => {
  await using desk = await Desk.open();
  desk.hub.fail({ path: /repos\/create/, answer: { status: 402 } });
  const { code, text } = await desk.deploy();
  expect(code).toBe('SPACE_FORBIDDEN');
  expect(text).toContain('PRO');
});

describe('an image that is not built', () => {
  test.each<[string, string, (text: string) => string, string]>([
    ['a file that is not there', 'Dockerfile', (text) => text.replace('COPY lib', 'COPY nothing'), 'BUILD_ERROR'],
    ['another SDK', 'README.md', (text) => text.replace('sdk: docker', 'sdk: gradio'), 'CONFIG_ERROR'],
  ])('%s', async (_, path, change, stage) => {
    await using desk = await Desk.open();
    await desk.edit(path, change);
    const { exitCode, code, text } = await desk.deploy();
    expect({ exitCode, code }).toEqual({ exitCode: 1, code: 'DEPLOY_BUILD' });
    expect(text).toContain('ERROR: '); // of the build's log
    expect(desk.space.stages).toContain(stage as never);
    expect(desk.space.stage).toBe('PAUSED');
    expect(desk.space.variables.has('CHECK')).toBe(false);
  });
});

describe('a check of which nothing is heard', () => {
  test.each<[string, string[]]>([
    ['a program that ends without one', ['sh', '-c', 'echo VARIABLE_MISSING; exit 2']],
    ['a program that does something else', ['sleep', '600']],
  ])('%s', async (_, command) => {
    await using desk = await Desk.open({}, command);
    let minutes = 0;
    const clock = { now: () => new Date(minutes++ * 60_000), sleep: (ms: number) => Bun.sleep(ms / 100) };
    const { exitCode, code } = await desk.deploy(['--yes'], { clock });
    expect({ exitCode, code }).toEqual({ exitCode: 1, code: 'DEPLOY_CHECK' });
    expect(desk.space.stage).toBe('PAUSED');
    expect(desk.space.variables.has('CHECK')).toBe(false);
  });

  test('a Space that somebody else pauses', async () => {
    await using desk = await Desk.open({}, ['sleep', '600']);
    const before = async () => {
      desk.space.stage = 'PAUSED';
      await desk.space.machine?.stop();
    };
    desk.hub.fail({ path: /logs\/run/, before });
    expect((await desk.deploy()).code).toBe('DEPLOY_CHECK');
  });
});

describe('a lost answer', () => {
  const lost: [string, RegExp, string][] = [
    ['GET', /whoami/, ''],
    ['POST', /repos\/create/, 'NO_APP_FILE'],
    ['POST', /secrets$/, ''],
    ['POST', /variables$/, ''],
    ['POST', /commit\/main/, ''],
    ['DELETE', /variables$/, ''],
    ['POST', /pause$/, ''],
  ];
  test.each(lost)('%s %p is no failure', async (method, path) => {
    await using desk = await Desk.open({}, PASSES);
    desk.hub.fail({ method, path, land: true, answer: 'drop' });
    const { exitCode } = await desk.deploy();
    expect(exitCode).toBe(0);
    expect(desk.repo.commits).toHaveLength(2); // that of the Hub, and ours
    expect(desk.space.stage).toBe('PAUSED');
    expect(desk.space.variables.has('CHECK')).toBe(false);
  });

  test('of a creation gives no secret to a Space that somebody else made, and made public', async () => {
    await using desk = await Desk.open({}, PASSES);
    const before = () => void desk.hub.createSpace(SPACE, { private: false });
    desk.hub.fail({ path: /repos\/create/, before, answer: 'drop' });
    const { code } = await desk.deploy();
    expect(code).toBe('SPACE_UNREACHABLE');
    expect([desk.space.secrets.size, desk.space.variables.size]).toEqual([0, 0]);
  });

  test('of a restart neither', async () => {
    await using desk = await Desk.open({}, PASSES);
    await desk.deploy();
    desk.hub.fail({ path: /restart$/, land: true, answer: 'drop' });
    const { exitCode, requests } = await desk.deploy();
    expect(exitCode).toBe(0);
    expect(requests.filter((request) => request.endsWith('restart'))).toHaveLength(1);
  });

  test.each([
    [/repos\/create/, 'SPACE_UNREACHABLE'],
    [/commit\/main/, 'SPACE_UNREACHABLE'],
  ])('of %p that was not done is one, and deploying again goes on', async (path, wanted) => {
    await using desk = await Desk.open({}, PASSES);
    desk.hub.fail({ path, answer: 'drop' });
    const { exitCode, code } = await desk.deploy();
    expect({ exitCode, code }).toEqual({ exitCode: 1, code: wanted });
    expect((await desk.deploy()).exitCode).toBe(0);
    expect(desk.repo.readText('README.md')).toContain('sdk: docker');
  });
});

test('who commits meanwhile is not overwritten', async () => {
  await using desk = await Desk.open({}, PASSES);
  desk.hub.createSpace(SPACE);
  desk.hub.fail({
    path: /secrets$/,
    before: () => void desk.hub.commit(`spaces/${SPACE}`, { 'lib/open.ts': 'theirs' }),
  });
  const { exitCode, code } = await desk.deploy();
  expect({ exitCode, code }).toEqual({ exitCode: 1, code: 'TARGET_MOVED' });
  expect(desk.repo.readText('lib/open.ts')).toBe('theirs');
  expect(desk.space.stage).toBe('PAUSED');
});

test('a Space that cannot be paused keeps CHECK, and it is said: without it, it would run', async () => {
  await using desk = await Desk.open({}, ['sh', '-c', 'echo; echo 2 ok; exec sleep 600']);
  desk.hub.fail({ path: /pause$/, times: 9, answer: { status: 500 } });
  const { exitCode, code, text } = await desk.deploy();
  expect({ exitCode, code }).toEqual({ exitCode: 1, code: 'SPACE_UNREACHABLE' });
  expect(text).toContain('CHECK');
  expect(desk.space.variables.get('CHECK')?.value).toBe('true');
});

describe('Ctrl-C', () => {
  const PHASES: [string, string, RegExp, boolean][] = [
    ['while it is looked at', 'GET', /whoami/, false],
    ['while it is made', 'POST', /repos\/create/, false],
    ['between the settings', 'POST', /secrets$/, true],
    ['at the commit', 'POST', /commit\/main/, true],
    ['while it is built', 'GET', /runtime$/, true],
    ['during the check', 'GET', /logs\/run/, true],
    ['at the end', 'POST', /pause$/, true],
  ];
  test.each(PHASES)('%s leaves nothing that runs', async (_, method, path) => {
    await using desk = await Desk.open({}, ['sh', '-c', 'exec sleep 600']);
    const deployed = desk.deploy(['--yes'], {
      onWorld: (world) => desk.hub.fail({ method, path, before: () => world.interrupt() }),
    });
    if (path.test('/pause'))
      desk.hub.fail({ path: /logs\/run/, answer: { status: 200, body: 'data: {"data": "1 ok\\n"}\n\n' } });
    const { exitCode, code } = await deployed;
    if (!path.test('/pause')) expect({ exitCode, code }).toEqual({ exitCode: 130, code: 'INTERRUPTED' });
    const space = desk.hub.spaces.get(SPACE);
    expect(['PAUSED', 'NO_APP_FILE', undefined]).toContain(space?.stage);
    expect(space?.variables.has('CHECK') ?? false).toBe(false);
  });

  test('of a Space that ran says that it is paused now', async () => {
    await using desk = await Desk.open({}, PASSES);
    desk.hub.createSpace(SPACE);
    const { exitCode, text } = await desk.deploy(['--yes'], {
      onWorld: (world) => desk.hub.fail({ method: 'POST', path: /secrets$/, before: () => world.interrupt() }),
    });
    expect(exitCode).toBe(130);
    expect(text).toContain('paused');
    expect(desk.space.stage).toBe('PAUSED');
  });
});

test('the requests name the Space only', async () => {
  await using desk = await Desk.open({}, PASSES);
  const { requests } = await desk.deploy();
  const others = requests.filter((request) => !request.includes(API));
  expect(others).toEqual(['GET /api/whoami-v2', 'POST /api/repos/create']);
});
