import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createServer, type Server } from 'node:net';
import { check } from '../../lib/check/check.ts';
import type { HopResult } from '../../lib/check/hops.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { testWorld } from './world.ts';

const KEY = 'wandb-canary-key';

let hub: LocalHub;
let mail: Server;
let wandb: Bun.Server<undefined>;
beforeAll(async () => {
  hub = await startLocalHub({ namespaces: ['tester'] });
  hub.createSpace('tester/trainer');
  hub.createSpace('tester/static', { sdk: 'static' });
  hub.createSpace('stranger/trainer', { private: false });
  hub.createRepo('tester/public-runs', { private: false });
  hub.createRepo('tester/runs');
  mail = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => mail.listen(0, '127.0.0.1', resolve));
  wandb = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      const { query } = (await request.json()) as { query: string };
      const isKnown = request.headers.get('authorization') === `Basic ${btoa(`api:${KEY}`)}`;
      const viewer = query.startsWith('query') && isKnown ? { username: 'admin' } : null;
      return Response.json({ data: { viewer } });
    },
  });
});
afterAll(async () => {
  expect(hub.requests.filter(({ method, known }) => method !== 'GET' || !known)).toEqual([]); // nothing is written
  await hub[Symbol.asyncDispose]();
  await wandb.stop(true);
  mail.close();
});

const port = () => (mail.address() as { port: number }).port;

/** The hops of what a run does besides publishing. The database is not there, and the label goes into a directory. */
async function hopsOf(yaml: string, env: Record<string, string | undefined> = {}, space = 'tester/trainer') {
  const spec = parseSpec(
    'pipeline.config.yaml',
    `version: 1
database: { url: 'postgres://user@127.0.0.1:1/x' }
defaults:
  sources: { misclassified: SELECT 1, correct: SELECT 1 }
labels:
  urgency: { repo: ./urgency, classes: [A, B], after_push: { restart_spaces: [${space}] } }
${yaml}
`,
    {},
  );
  const world = testWorld({
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, WANDB_BASE_URL: wandb.url.href, ...env },
    clock: { now: () => new Date(), sleep: async () => {} },
  });
  await check(spec, world, { json: true });
  const results = JSON.parse(world.stdout.text) as HopResult[];
  const ours = results.filter(({ id }) => /^(hub|space|runs|email|wandb)/.test(id));
  return { text: world.stdout.text, hops: Object.fromEntries(ours.map((result) => [result.id, result])) };
}

const statuses = (hops: Record<string, HopResult>) =>
  Object.fromEntries(
    Object.values(hops).map(({ id, status, code }) => [id, code === undefined ? status : `${status} ${code}`]),
  );

const ALL = (smtpPort: number, key = KEY) => `
space: { id: tester/trainer }
runs: tester/runs
notify: { email: { smtp: 'smtp://user:pa55word@127.0.0.1:${smtpPort}', to: admin@example.org } }
tracking: { wandb: { api_key: ${key} } }`;

describe('--check of what a run does besides publishing', () => {
  test('finds nothing to say where all is well', async () => {
    const { hops, text } = await hopsOf(ALL(port()));
    expect(statuses(hops)).toEqual({
      'hub.token': 'ok',
      'space(tester/trainer)': 'ok',
      runs: 'ok',
      'email.tcp': 'ok',
      'wandb.key': 'ok',
    });
    expect(hops['space(tester/trainer)']?.message).toStartWith(
      'tester/trainer: RUNNING, to restart for urgency, pause;',
    );
    for (const secret of [KEY, 'pa55word']) expect(text).not.toContain(secret);
  });

  test('warns, and nothing more, where nothing is there', async () => {
    const { hops } = await hopsOf(ALL(1, 'wrong-key').replace('tester/runs', 'tester/public-runs'), {}, 'tester/none');
    expect(statuses(hops)).toEqual({
      'hub.token': 'ok',
      'space(tester/none)': 'warn SPACE_NOT_FOUND',
      'space(tester/trainer)': 'ok',
      runs: 'warn HISTORY_UNWRITABLE',
      'email.tcp': 'warn EMAIL_FAILED',
      'wandb.key': 'warn TRACKING_FAILED',
    });
    for (const { status, fix } of Object.values(hops)) if (status === 'warn') expect(fix).toBeString();
  });

  test.each<[string, () => Record<string, string>, string, string]>([
    ['a Space of somebody else', () => ({}), 'stranger/trainer', 'warn SPACE_FORBIDDEN'],
    ['a static Space', () => ({}), 'tester/static', 'warn SPACE_UNREACHABLE'],
    ['a login, which may not restart', () => ({ HF_TOKEN: hub.oauthToken }), 'tester/trainer', 'warn SPACE_FORBIDDEN'],
    ['a token that may read', () => ({ HF_TOKEN: hub.readToken }), 'tester/trainer', 'warn SPACE_FORBIDDEN'],
    ['no token', () => ({ HF_TOKEN: '' }), 'tester/trainer', 'skipped'],
    ['a Hub that is not there', () => ({ HF_ENDPOINT: 'http://127.0.0.1:1' }), 'tester/trainer', 'skipped'],
  ])('says of %s', async (_, env, space, status) => {
    const { hops } = await hopsOf('', env(), space);
    expect(statuses(hops)[`space(${space})`]).toBe(status);
    expect(hops['hub.token']?.status).not.toBe('fail'); // no label needs it
  });

  test('tries no key where WANDB_MODE switches tracking off, and a directory of runs without the Hub', async () => {
    const { hops } = await hopsOf('runs: ./runs\ntracking: { wandb: { api_key: x } }', { WANDB_MODE: 'offline' });
    expect(statuses(hops)).toMatchObject({ 'wandb.key': 'skipped', runs: 'ok' });
  });
});
