import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from '../../lib/check/check.ts';
import type { HopResult } from '../../lib/check/hops.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type LocalWandb, startLocalWandb } from '../edges/local-wandb.ts';
import { makeTestCa } from '../edges/postgres-server.ts';
import { type MailServer, PASSWORD, startMailServer, USER } from '../edges/smtp-server.ts';
import { testWorld } from './world.ts';

let hub: LocalHub;
let mail: MailServer;
let wandb: LocalWandb;
let scratch: string;
let ca: string;
beforeAll(async () => {
  hub = await startLocalHub({ namespaces: ['tester'] });
  hub.createSpace('tester/trainer');
  hub.createSpace('tester/static', { sdk: 'static' });
  hub.createSpace('stranger/trainer', { private: false });
  hub.createRepo('tester/public-runs', { private: false });
  hub.createRepo('tester/runs');
  scratch = await mkdtemp(join(tmpdir(), 'check-'));
  const authority = await makeTestCa(scratch);
  ca = await readFile(authority.caFile, 'utf8');
  mail = await startMailServer(await authority.issue('127.0.0.1'));
  wandb = await startLocalWandb();
});
afterAll(async () => {
  expect(hub.requests.filter(({ method, known }) => method !== 'GET' || !known)).toEqual([]); // nothing is written
  expect(wandb.requests.map(({ path }) => path).filter((path) => path !== '/graphql#Viewer')).toEqual([]);
  expect(mail.deliveries).toEqual([]);
  await Promise.all([hub, wandb, mail].map((server) => server[Symbol.asyncDispose]()));
  await rm(scratch, { recursive: true });
});

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
    env,
  );
  const world = testWorld({
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, WANDB_BASE_URL: wandb.url, SMTP_CA: ca, ...env },
    clock: { now: () => new Date(), sleep: async () => {} },
  });
  await check(spec, world, { json: true });
  const results = JSON.parse(world.stdout.text) as HopResult[];
  const ours = results.filter(({ id }) => /^(hub|space|runs|email|webhook|wandb)/.test(id));
  return { text: world.stdout.text, hops: Object.fromEntries(ours.map((result) => [result.id, result])) };
}

const statuses = (hops: Record<string, HopResult>) =>
  Object.fromEntries(
    Object.values(hops).map(({ id, status, code }) => [id, code === undefined ? status : `${status} ${code}`]),
  );

const ALL = (password: string, key: string, hook = 'https://hooks.example.org/hook-canary') => `
space: { id: tester/trainer }
runs: tester/runs
notify:
  email: { smtp: '${`smtp://${encodeURIComponent(USER)}:${encodeURIComponent(password)}@127.0.0.1:${mail.port}`}', to: admin@example.org }
  webhook: { url: '${hook}' }
tracking: { wandb: { api_key: ${key} } }`;

describe('--check of what a run does besides publishing', () => {
  test('finds nothing to say where all is well', async () => {
    const permissions = ['repo.write'];
    const HF_TOKEN = hub.grant(
      { entity: { type: 'dataset', name: 'tester/runs' }, permissions },
      { entity: { type: 'space', name: 'tester/trainer' }, permissions },
    );
    const { hops, text } = await hopsOf(ALL(PASSWORD, wandb.key), { HF_TOKEN });
    expect(statuses(hops)).toEqual({
      'hub.token': 'ok',
      'hub.scopes': 'ok',
      'space(tester/trainer)': 'ok',
      runs: 'ok',
      'email.login': 'ok',
      'webhook.url': 'ok',
      'wandb.key': 'ok',
    });
    expect(hops['space(tester/trainer)']?.message).toStartWith(
      'tester/trainer: RUNNING, to restart for urgency, pause;',
    );
    for (const secret of [wandb.key, PASSWORD, encodeURIComponent(PASSWORD), 'canary'])
      expect(text).not.toContain(secret);
  });

  test('warns, and nothing more, where nothing is there', async () => {
    const yaml = ALL('wrong', 'wrong-key', '${HOOK}').replace('tester/runs', 'tester/public-runs');
    const { hops } = await hopsOf(yaml, { HOOK: 'none' }, 'tester/none');
    expect(statuses(hops)).toEqual({
      'hub.token': 'ok',
      'space(tester/none)': 'warn SPACE_NOT_FOUND',
      'space(tester/trainer)': 'ok',
      runs: 'warn HISTORY_UNWRITABLE',
      'hub.scopes': 'warn RIGHTS_EXCESSIVE', // the classic role
      'email.login': 'warn EMAIL_FAILED',
      'webhook.url': 'warn WEBHOOK_FAILED',
      'wandb.key': 'warn TRACKING_FAILED',
    });
    for (const { status, fix } of Object.values(hops)) if (status === 'warn') expect(fix).toBeString();
  });

  test('names the port of the mail server where a Space may not reach it, and there only', async () => {
    const yaml = "notify: { email: { smtp: 'smtp://127.0.0.1:1?ignoreTLS=true', to: a@example.org } }";
    const loginOf = async (env: Record<string, string>) => (await hopsOf(yaml, env)).hops['email.login'];
    const inSpace = await loginOf({ SPACE_ID: 'tester/prepare' });
    expect(inSpace).toMatchObject({ status: 'warn', code: 'EMAIL_FAILED' });
    expect(inSpace?.message).toContain('80, 443, 8080');
    for (const env of [{}, { SPACE_ID: 'tester/prepare', JOB_ID: '6a2aa7cec4f53f9fc5aa4cff' }])
      expect((await loginOf(env as Record<string, string>))?.message).not.toContain('80, 443, 8080');
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
