import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { main } from '../../pipeline.ts';
import { type LocalHub, type Scope, startLocalHub } from '../edges/local-hub.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { fillPlain, onHub, Site } from '../run/site.ts';

/** The narrowest token of docs/deploy.md: `write` to the repos that a run writes, one by one. */

setDefaultTimeout(30_000);

const found = await requirePostgres();
const write = (type: Scope['entity']['type'], name: string): Scope => ({
  entity: { type, name },
  permissions: ['repo.content.read', 'repo.write'],
});
const SPACE = 'tester/prepare';
const REPOS = ['tester/department', 'tester/urgency', 'tester/runs'];

describe.skipIf(!found)('a fine-grained token for these repos only', () => {
  let site: Site;
  let hub: LocalHub;
  let token: string;
  beforeAll(async () => {
    [site, hub] = [await Site.open(), await startLocalHub()];
    await site.sql(fillPlain(300, 100));
    for (const repo of [...REPOS, 'tester/other']) hub.createRepo(repo);
    hub.createSpace(SPACE);
    hub.createSpace('tester/trainer');
    token = hub.grant(...REPOS.map((repo) => write('dataset', repo)), write('space', SPACE));
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });
  const env = () => ({
    ...onHub({ url: hub.url, token }),
    RUNS_DATASET: 'tester/runs',
    PREPARE_DATASET_SPACE_ID: SPACE,
  });

  test('is enough for a whole run: two versions, the history, the pause', async () => {
    const { exitCode, report } = await site.run([], { env: env() });
    expect(exitCode).toBe(0);
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'success']);
    expect(report.warnings).toEqual([]);
    expect(report.effects?.map(({ kind, status }) => [kind, status])).toContainEqual(['history', 'done']);
    expect(hub.spaces.get(SPACE)?.stage).toBe('PAUSED');
    expect(hub.requests.filter(({ status }) => status === 403)).toEqual([]);
    expect(new Set(hub.requests.map(({ auth }) => auth))).toEqual(new Set(['fineGrained', 'none'])); // a signed URL needs none
  });

  test('and for --check, which finds nothing to take away', async () => {
    const world = site.world({ env: env() });
    expect(await main(['--check', '--json'], world)).toBe(0);
    const hops = JSON.parse(world.stdout.text) as { id: string; status: string }[];
    const ofHub = hops.filter(({ id }) => /^(hub|runs|space|\w+\.(repo|write))\b/.test(id));
    expect(ofHub.map(({ status }) => status)).toEqual(Array(8).fill('ok'));
  });

  test('publishes nowhere else, and one label that is out of reach does not stop the other', async () => {
    const { exitCode, report } = await site.run(['--force'], { env: { ...env(), URGENCY_DATASET: 'tester/other' } });
    expect(exitCode).toBe(1);
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'failed']);
    expect(report.labels[1]?.outcome).toMatchObject({ problem: { code: 'TARGET_FORBIDDEN' } });
    expect(hub.repos.get('datasets/tester/other')?.commits).toHaveLength(1);
  });

  const JSON_TYPE = { 'Content-Type': 'application/json' };
  test.each([
    ['POST', 'api/datasets/tester/open/commit/main', 403],
    ['POST', 'api/datasets/tester/open/preupload/main', 403],
    ['POST', 'api/datasets/tester/open/preupload/main?create_pr=1', 403],
    ['POST', 'api/datasets/tester/open/tag/main', 403],
    ['DELETE', 'api/datasets/tester/open/tag/v1', 403],
    ['POST', 'api/datasets/tester/open/branch/b', 403],
    ['POST', 'api/datasets/tester/open/discussions', 403],
    ['POST', 'datasets/tester/open.git/info/lfs/objects/batch', 403],
    ['POST', 'api/repos/create', 403],
    ['DELETE', 'api/repos/delete', 403],
    ['POST', 'api/jobs/tester', 403],
    ['POST', 'api/spaces/tester/trainer/restart', 404], // it may not even see a private one
    ['POST', 'api/spaces/tester/trainer/pause', 404],
    ['GET', 'api/datasets/tester/other', 404],
    ['GET', 'api/datasets/tester/open', 200], // as anybody
    ['GET', 'api/datasets/tester/urgency', 200],
  ])('%s %s is %i', async (method, path, status) => {
    if (!hub.repos.has('datasets/tester/open')) hub.createRepo('tester/open', { private: false });
    const body = method === 'GET' ? null : JSON.stringify({ name: 'urgency', type: 'dataset' });
    const headers = { ...JSON_TYPE, Authorization: `Bearer ${token}` };
    expect((await fetch(`${hub.url}/${path}`, { method, headers, body })).status).toBe(status);
  });
});
