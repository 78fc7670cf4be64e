import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatReport, parseReport } from '../../lib/report/json.ts';
import { planDigest } from '../../lib/report/plan-digest.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type Ended, fillPlain, onHub, SHIPPED, Site } from './site.ts';

setDefaultTimeout(30_000); // a test runs the whole program up to four times

const DEPARTMENT = 'tester/train-department';
const URGENCY = ['tester/train-urgency', 'tester/evaluate-urgency'];

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  hub = await startLocalHub();
  for (const id of [DEPARTMENT, ...URGENCY]) hub.createSpace(id).stage = 'PAUSED';
});
afterEach(() => hub[Symbol.asyncDispose]());

/** The shipped spec with Spaces for both labels. */
function yamlWith(more = ''): string {
  const spaces = (label: string, list: string[]) =>
    [`  ${label}:`, `    after_push: { restart_spaces: [${list.join(', ')}]${more} }`].join('\n');
  return SHIPPED.replace(/^ {2}department:/m, spaces('department', [DEPARTMENT])).replace(
    /^ {2}urgency:/m,
    spaces('urgency', URGENCY),
  );
}

const run = async (argv: string[] = [], yaml = yamlWith(), env: Record<string, string> = {}): Promise<Ended> => {
  hub.requests.length = 0;
  return await site.run(argv, {
    yaml,
    env: {
      ...onHub(hub),
      HF_HUB_DISABLE_XET: '1',
      ...env,
    },
    clock: { now: () => new Date(), sleep: async () => {} },
  });
};
const restartsOf = ({ report }: Ended) =>
  report.labels.map(({ restarts }) => restarts?.map(({ space, status }) => `${space} ${status}`));
const asked = () =>
  hub.requests
    .filter(({ path }) => path.startsWith('/api/spaces/'))
    .map(({ method, path }) => `${method} ${path.replace('/api/spaces/tester/', '')}`);
const tagOf = (name: string) => [...(hub.repos.get(`datasets/tester/${name}`)?.tags.keys() ?? [])].at(-1);
const toldTo = (id: string) => hub.spaces.get(id)?.variables.get('DATASET_VERSION')?.value;

describe('a run', () => {
  test('restarts what trains on a new version, after all labels are published, and nothing on an old one', async () => {
    const first = await run();
    expect(first.exitCode).toBe(0);
    expect(restartsOf(first)).toEqual([[`${DEPARTMENT} done`], URGENCY.map((id) => `${id} done`)]);
    expect(asked()).toEqual(
      ['train-department', 'train-urgency', 'evaluate-urgency'].flatMap((name) => [
        `GET ${name}/variables`,
        `POST ${name}/variables`,
        `POST ${name}/restart`,
      ]),
    );
    const firstAsked = hub.requests.findIndex(({ path }) => path.startsWith('/api/spaces/'));
    expect(hub.requests.slice(firstAsked).every(({ path }) => path.startsWith('/api/spaces/'))).toBe(true);
    expect([DEPARTMENT, ...URGENCY].map(toldTo)).toEqual(['department', 'urgency', 'urgency'].map(tagOf));
    expect(first.world.stderr.text).toContain(
      `Restarted ${DEPARTMENT} to train on ${tagOf('department')} of 'department'.`,
    );

    const second = await run();
    expect(second.report.labels.map(({ outcome }) => outcome?.status)).toEqual(['unchanged', 'unchanged']);
    expect(restartsOf(second)).toEqual([undefined, undefined]);
    expect(asked().filter((line) => line.startsWith('POST'))).toEqual([]);

    for (const { variables } of hub.spaces.values()) variables.clear(); // owed again, and a dry run asks none of them
    expect((await run(['--dry-run'])).report.labels.map(({ outcome }) => outcome?.status)).toEqual([
      'unchanged',
      'unchanged',
    ]);
    expect(asked()).toEqual([]);
  });

  test('goes on without a restart that fails, says so, and the next run makes up for it', async () => {
    hub.fail({ path: /train-department\/restart/, answer: { status: 500 } });
    const first = await run();
    expect(first.exitCode).toBe(0);
    expect(first.report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'success']);
    expect(restartsOf(first)[0]).toEqual([`${DEPARTMENT} failed`]);
    expect(first.report.warnings).toEqual([expect.stringContaining('SPACE_UNREACHABLE')]);
    expect(restartsOf(await run())).toEqual([[`${DEPARTMENT} done`], undefined]);
    expect(restartsOf(await run())).toEqual([undefined, undefined]);
  });

  test('with set_variable: false and no history warns once that nothing remembers a restart that fails', async () => {
    const yaml = yamlWith(', set_variable: false');
    const { report } = await run([], yaml);
    expect(report.warnings).toEqual([expect.stringContaining('is not remembered')]);
    expect(asked()).toEqual(
      ['train-department', 'train-urgency', 'evaluate-urgency'].map((name) => `POST ${name}/restart`),
    );
    expect((await run([], yaml)).report.warnings).toEqual([]);
    expect(asked()).toEqual([]);
  });
});

test('a run pauses its Space as the very last thing, and says where it cannot', async () => {
  const space = hub.createSpace('tester/prepare');
  const skipping = { MIN_DATASET_LEN: '9999' };
  await run([], SHIPPED, { ...skipping, PREPARE_DATASET_SPACE_ID: 'tester/prepare' });
  expect(asked().at(-1)).toBe('POST prepare/pause');
  expect(hub.requests.at(-1)?.path).toBe('/api/spaces/tester/prepare/pause');
  expect(space.stages).toEqual(['RUNNING', 'PAUSED']);
  const { exitCode, world } = await run([], SHIPPED, { ...skipping, PREPARE_DATASET_SPACE_ID: 'tester/none' });
  expect(exitCode).toBe(0);
  expect(world.stderr.text).toContain('Warning: SPACE_NOT_FOUND: Cannot pause tester/none');
});

describe('--publish', () => {
  const out = () => join(site.folder, 'out/report.json');
  const edit = (path: string, to: string) => {
    const report = parseReport(readFileSync(out(), 'utf8'));
    for (const { plan } of report.labels) if (plan) plan.restarts = plan.restarts.map((id) => (id === path ? to : id));
    writeFileSync(out(), formatReport(report));
    return report;
  };
  beforeEach(async () => {
    rmSync(join(site.folder, 'out'), { recursive: true, force: true });
    await run(['--dry-run']);
  });

  test('restarts the Spaces of its plan, those that an earlier attempt could not restart too, and no other', async () => {
    hub.fail({ path: /train-urgency\/restart/, answer: { status: 500 } });
    const first = await run(['--publish', 'out']);
    expect(first.exitCode).toBe(0);
    expect(restartsOf(first)).toEqual([[`${DEPARTMENT} done`], [`${URGENCY[0]} failed`, `${URGENCY[1]} done`]]);
    const again = await run(['--publish', 'out']);
    expect(restartsOf(again)).toEqual([undefined, [`${URGENCY[0]} done`]]);
    expect(restartsOf(await run(['--publish', 'out', '--dry-run']))).toEqual([undefined, undefined]);
    expect(asked()).toEqual([]);
  });

  test('restarts them with each attempt where neither a variable nor a history tells', async () => {
    await run(['--dry-run'], yamlWith(', set_variable: false'));
    const [first, again] = [await run(['--publish', 'out']), await run(['--publish', 'out'])];
    expect(restartsOf(again)).toEqual([[`${DEPARTMENT} done`], URGENCY.map((id) => `${id} done`)]);
    expect(restartsOf(again)).toEqual(restartsOf(first));
  });

  test('restarts only what is owed where no variable, but a history tells', async () => {
    const remembering = { RUNS_DATASET: 'tester/runs' };
    await run(['--dry-run'], yamlWith(', set_variable: false'), remembering);
    hub.fail({ path: /train-urgency\/restart/, answer: { status: 500 } });
    const publish = async () => restartsOf(await run(['--publish', 'out']));
    expect(await publish()).toEqual([[`${DEPARTMENT} done`], [`${URGENCY[0]} failed`, `${URGENCY[1]} done`]]);
    expect(await publish()).toEqual([undefined, [`${URGENCY[0]} done`]]);
    expect(await publish()).toEqual([undefined, undefined]);
  });

  test('ships no plan whose Spaces somebody changed', async () => {
    const digest = planDigest(parseReport(readFileSync(out(), 'utf8')));
    const changed = edit(DEPARTMENT, 'tester/another');
    expect(planDigest(changed)).not.toBe(digest);
    const { exitCode } = await run(['--publish', 'out']);
    expect(exitCode).toBe(3);
    edit('tester/another', '../datasets/tester');
    const refused = await run(['--publish', 'out']);
    expect(refused.exitCode).toBe(2);
    expect(refused.world.stderr.text).toContain('no Space that can be restarted');
    expect(asked()).toEqual([]);
  });
});
