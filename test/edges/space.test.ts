import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Space } from '../../lib/edges/space.ts';
import type { PipelineError } from '../../lib/errors.ts';
import { type TestWorld, type TestWorldOptions, testWorld } from '../run/world.ts';
import { type LocalHub, type SpaceState, startLocalHub } from './local-hub.ts';

const ID = 'tester/trainer';
const API = `/api/spaces/${ID}`;

let hub: LocalHub;
let state: SpaceState;
let slept: number[];
beforeEach(async () => {
  hub = await startLocalHub({ namespaces: ['tester'] });
  state = hub.createSpace(ID);
  slept = [];
});
afterEach(() => hub[Symbol.asyncDispose]());

const world = (env: Record<string, string> = {}, options: TestWorldOptions = {}): TestWorld =>
  testWorld({
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, ...env },
    clock: { now: () => new Date(), sleep: async (ms) => void slept.push(ms) },
    ...options,
  });
const requests = () => hub.requests.map(({ method, path }) => `${method} ${path}`);
const fault = (call: Promise<unknown>): Promise<PipelineError> =>
  call.then(
    () => expect.unreachable(),
    (thrown) => thrown,
  );

describe('a Space', () => {
  test('is paused and restarted', async () => {
    const space = new Space(ID, world());
    await space.pause();
    await space.restart();
    expect(state.stages).toEqual(['RUNNING', 'PAUSED', 'BUILDING']);
    expect(await space.info()).toEqual({ sdk: 'docker', stage: 'BUILDING' });
  });

  test('is told a variable, which can be read and removed', async () => {
    const space = new Space(ID, world());
    expect(await space.variables()).toEqual(new Map());
    await space.setVariable('DATASET_VERSION', 'v1', 'to train on');
    expect(state.variables.get('DATASET_VERSION')).toMatchObject({ value: 'v1', description: 'to train on' });
    const found = (await space.variables()).get('DATASET_VERSION');
    expect(found).toEqual({ value: 'v1', updatedAt: state.variables.get('DATASET_VERSION')?.updatedAt });
    await space.deleteVariable('DATASET_VERSION');
    expect(state.variables.size).toBe(0);
  });
});

describe('a redirect', () => {
  test('is followed on the same host, as of a Space that was renamed', async () => {
    hub.createSpace('tester/renamed');
    const headers = { Location: '/api/spaces/tester/renamed/secrets' };
    hub.fail({ path: new RegExp(`${API}/secrets$`), answer: { status: 307, headers } });
    await new Space(ID, world()).setSecret('WANDB_API_KEY', 'canary');
    expect([...(hub.spaces.get('tester/renamed')?.secrets ?? [])]).toEqual([['WANDB_API_KEY', 'canary']]);
  });

  test.each([301, 302, 307, 308])('to another host gets no secret (%i)', async (status) => {
    const got: string[] = [];
    await using other = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        got.push(JSON.stringify([...request.headers]), await request.text());
        return Response.json({});
      },
    });
    const answer = { status, headers: { Location: other.url.href } };
    hub.fail({ path: new RegExp(`${API}/secrets$`), times: 2, answer });
    const space = new Space(ID, world());
    expect((await fault(space.setSecret('WANDB_API_KEY', 'canary'))).code).toBe('SPACE_UNREACHABLE');
    expect((await fault(space.deleteSecret('WANDB_API_KEY'))).code).toBe('SPACE_UNREACHABLE');
    expect(got).toEqual([]);
  });
});

describe('a fault that passes', () => {
  const lost = { times: 2, answer: { status: 503 } };
  test.each<[string, (space: Space) => Promise<void>]>([
    ['pause', (space) => space.pause()],
    ['variables', (space) => space.setVariable('DATASET_VERSION', 'v1')],
  ])('is tried again for %s', async (route, call) => {
    hub.fail({ method: 'POST', path: new RegExp(`${API}/${route}$`), ...lost });
    await call(new Space(ID, world()));
    expect(slept).toEqual([1000, 2000]);
  });

  test('is tried again where the connection is lost', async () => {
    hub.fail({ path: /pause/, times: 2, answer: 'drop' });
    await new Space(ID, world()).pause();
    expect(slept).toEqual([1000, 2000]);
    expect(state.stage).toBe('PAUSED');
  });

  test.each([ID, 'tester/xet-trainer'])('is not for a restart of %s, which may have been done', async (id) => {
    const restarted = hub.spaces.get(id) ?? hub.createSpace(id);
    hub.fail({ path: /\/restart$/, land: true, answer: 'drop' });
    const { code, retryable } = await fault(new Space(id, world()).restart());
    expect({ code, retryable }).toEqual({ code: 'SPACE_UNREACHABLE', retryable: true });
    expect(restarted.stages).toEqual(['RUNNING', 'BUILDING']);
    expect(requests()).toEqual([`POST /api/spaces/${id}/restart`]);
  });

  test('but is after 429, which says that nothing was done', async () => {
    hub.fail({ path: /\/restart$/, answer: { status: 429, headers: { 'Retry-After': '7' } } });
    await new Space(ID, world()).restart();
    expect(slept).toEqual([8000]);
    expect(state.stages).toEqual(['RUNNING', 'BUILDING']);
  });
});

describe('a refusal says which right is missing', () => {
  const OAUTH = `Cannot restart ${ID}: the token of a login (OAuth) may pause a Space and not restart it (401)`;
  const REFUSALS: [string, () => Promise<void>, string, string][] = [
    ['no token', () => new Space(ID, world({ HF_TOKEN: '' })).pause(), 'TOKEN_MISSING', 'HF_TOKEN is not set'],
    ['a token nobody issued', () => new Space(ID, world({ HF_TOKEN: 'hf_x' })).pause(), 'SPACE_FORBIDDEN', '(401)'],
    [
      'a token that may read',
      () => new Space(ID, world({ HF_TOKEN: hub.readToken })).restart(),
      'SPACE_FORBIDDEN',
      'the token has no write access to this Space (403)',
    ],
    ['a login', () => new Space(ID, world({ HF_TOKEN: hub.oauthToken })).restart(), 'SPACE_FORBIDDEN', OAUTH],
    ['no such Space', () => new Space('tester/none', world()).pause(), 'SPACE_NOT_FOUND', '(404)'],
    ['a static Space', () => new Space('tester/static', world()).pause(), 'SPACE_UNREACHABLE', 'a static Space'],
  ];
  test.each(REFUSALS)('%s', async (_, call, code, message) => {
    hub.createSpace('tester/static', { sdk: 'static' });
    const error = await fault(call());
    expect(error.code).toBe(code as PipelineError['code']);
    expect(error.message).toContain(message);
    expect(error.fix).toBeString();
    expect(slept).toEqual([]); // it would be refused again
  });

  test('a login may pause all the same', async () => {
    await new Space(ID, world({ HF_TOKEN: hub.oauthToken })).pause();
    expect(state.stage).toBe('PAUSED');
  });

  test('the Hub’s own message is not shown: it may quote what was sent', async () => {
    hub.fail({ path: /pause/, times: 9, answer: { status: 500, body: { error: 'canary' } } });
    const error = await fault(new Space(ID, world()).pause());
    expect(error.code).toBe('SPACE_UNREACHABLE');
    expect(`${error.message} ${error.fix}`).not.toContain('canary');
  });
});

test.each([['{"DATASET_VERSION": "v1"}'], ['[1'], ['null']])(
  'variables that cannot be read are a fault: %s',
  async (body) => {
    hub.fail({ path: /variables/, answer: { status: 200, body } });
    expect((await fault(new Space(ID, world()).variables())).code).toBe('SPACE_UNREACHABLE');
  },
);

test('a Hub that says nothing is given up after the limit, all tries together', async () => {
  const silence = Promise.withResolvers<void>();
  hub.fail({ path: /pause/, times: 9, before: () => silence.promise });
  const error = await fault(new Space(ID, world(), 50).pause());
  expect(error.message).toBe(`Cannot pause ${ID}: no answer in 0.05 s`);
  expect(hub.requests).toHaveLength(1);
  silence.resolve();
});

test('an interruption ends the waiting at once', async () => {
  const silence = Promise.withResolvers<void>();
  const here = world();
  hub.fail({
    path: /pause/,
    before: () => {
      here.interrupt('SIGTERM');
      return silence.promise;
    },
  });
  expect((await fault(new Space(ID, here).pause())).name).toBe('Interrupted');
  silence.resolve();
});
