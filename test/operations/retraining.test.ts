import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { HubTarget } from '../../lib/edges/hub.ts';
import { type Event, EventStream } from '../../lib/events.ts';
import type { RunRecord } from '../../lib/history/record.ts';
import { restartSpaces, type Trainees } from '../../lib/operations/retraining.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { noSamples } from '../../lib/report/samples.ts';
import type { Job } from '../../lib/run.ts';
import { type FaultRule, type LocalHub, type SpaceState, startLocalHub } from '../edges/local-hub.ts';
import { type TestWorld, testWorld } from '../run/world.ts';
import { record, V1, V2 } from './records.ts';

const ONE = 'tester/one';
const TWO = 'tester/two';
const SUCCESS: Outcome = { status: 'success', version: V2, revision: 'c0ffee', url: 'https://x' };
const UNCHANGED: Outcome = { status: 'unchanged', version: V2 };
const HELD: Outcome = { status: 'held', version: V2, since: '2026-03-02T03:00:00Z', reason: 'bad rows' };
const FAILED: Outcome = { status: 'failed', problem: { code: 'DATABASE_LOST', message: 'x' } };

let hub: LocalHub;
let one: SpaceState;
let two: SpaceState;
beforeEach(async () => {
  hub = await startLocalHub();
  [one, two] = [hub.createSpace(ONE), hub.createSpace(TWO)];
  for (const space of [one, two]) Object.assign(space, { stage: 'PAUSED' }); // they train, and pause themselves
});
afterEach(async () => {
  expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  await hub[Symbol.asyncDispose]();
});

interface Given {
  records?: RunRecord[];
  setVariable?: boolean;
  spaces?: string[];
  env?: Record<string, string>;
  landed?: boolean;
}

/** A job whose labels have ended, as far as restartSpaces() knows one. */
function jobOf(world: TestWorld) {
  const events = new EventStream(() => world.clock.now());
  const restarted: Event[] = [];
  events.subscribe((event) => void (event.type === 'space.restarted' && restarted.push(event)));
  const job = { world, events, warnings: [] as string[] } as unknown as Job;
  return { job, restarted };
}

function trainees(world: TestWorld, outcome: Outcome, label: string, given: Given): Trainees {
  const { spaces = [ONE, TWO], setVariable = true, landed = false } = given;
  const target = new HubTarget(`tester/${label}`, world);
  const report = { label, target: target.name, classes: [], seconds: {}, outcome };
  return { label: { target, report, samples: noSamples() }, spaces, setVariable, landed };
}

const worldOf = (env: Record<string, string> = {}) =>
  testWorld({
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, ...env },
    clock: { now: () => new Date(), sleep: async () => {} },
  });

/** Let a job end with `outcome` for urgency. */
async function end(outcome: Outcome, given: Given = {}) {
  hub.requests.length = 0;
  const world = worldOf(given.env);
  const { job, restarted } = jobOf(world);
  const urgency = trainees(world, outcome, 'urgency', given);
  await restartSpaces(job, [urgency], given.records);
  const { restarts } = urgency.label.report;
  return { restarts, restarted, warnings: job.warnings, statuses: restarts?.map(({ status }) => status) };
}

const requests = () =>
  hub.requests.map(({ method, path, body }) => {
    const value = (body as { value?: string } | undefined)?.value;
    return `${method} ${path.replace('/api/spaces/tester/', '')}${value === undefined ? '' : ` ${value}`}`;
  });
const toldTo = (space: SpaceState) => space.variables.get('DATASET_VERSION')?.value;

describe('a new version', () => {
  test('restarts its Spaces in order, each told the version first', async () => {
    const { restarts, restarted, warnings } = await end(SUCCESS);
    expect(requests()).toEqual(
      ['one', 'two'].flatMap((name) => [
        `GET ${name}/variables`,
        `POST ${name}/variables ${V2}`,
        `POST ${name}/restart`,
      ]),
    );
    const done = [ONE, TWO].map((space) => ({ space, version: V2, status: 'done' as const }));
    expect(restarts).toEqual(done);
    expect(restarted).toEqual(
      [ONE, TWO].map((space) => ({ type: 'space.restarted', label: 'urgency', space, version: V2 })),
    );
    expect(warnings).toEqual([]);
    expect([one, two].map(toldTo)).toEqual([V2, V2]);
  });

  test('is told to nobody with set_variable: false', async () => {
    expect((await end(SUCCESS, { setVariable: false })).statuses).toEqual(['done', 'done']);
    expect(requests()).toEqual(['POST one/restart', 'POST two/restart']);
  });

  test.each([FAILED, { ...UNCHANGED, version: '' }])('is none: %j', async (outcome) => {
    expect((await end(outcome)).restarts).toBeUndefined();
    expect(requests()).toEqual([]);
  });

  test('restarts a Space once that trains on two labels', async () => {
    const world = worldOf();
    const { job } = jobOf(world);
    const both = ['urgency', 'department'].map((label) =>
      trainees(world, SUCCESS, label, { spaces: [ONE, ONE], setVariable: false }),
    );
    await restartSpaces(job, both, undefined);
    expect(requests()).toEqual(['POST one/restart']);
    const done = [{ space: ONE, version: V2, status: 'done' as const }];
    expect(both.map(({ label }) => label.report.restarts)).toEqual([done, done]);
  });
});

/** What keeps a Space from being restarted, and what the run says of it. */
const REFUSALS: [string, FaultRule | undefined, Record<string, string>, string][] = [
  ['403', { method: 'POST', path: /one\//, answer: { status: 403 } }, {}, 'SPACE_FORBIDDEN'],
  ['404', { path: /one\//, answer: { status: 404 } }, {}, 'SPACE_NOT_FOUND'],
  ['401 for a login', undefined, { HF_TOKEN: 'hf_oauth_localtoken' }, 'SPACE_FORBIDDEN'],
  ['500', { path: /one\/restart/, answer: { status: 500 } }, {}, 'SPACE_UNREACHABLE'],
  ['a lost answer', { path: /one\/restart/, answer: 'drop' }, {}, 'SPACE_UNREACHABLE'],
  ['no token', undefined, { HF_TOKEN: '' }, 'TOKEN_MISSING'],
];

describe('a restart that fails is a warning, and still owed', () => {
  const only = { spaces: [ONE] };

  test.each(REFUSALS)('%s, remembered by the variable', async (_, rule, env, code) => {
    one.variables.set('DATASET_VERSION', { value: V1, updatedAt: '2026-03-01T02:00:02Z' });
    if (rule) hub.fail(rule);
    const { restarts, warnings, restarted } = await end(SUCCESS, { ...only, env });
    expect(restarts).toMatchObject([{ space: ONE, version: V2, status: 'failed', problem: { code } }]);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${code}: Cannot .* ${ONE}`))]);
    expect(restarted).toEqual([]);
    expect(toldTo(one)).toBe(V1); // as if nothing had been tried
    expect((await end(UNCHANGED, only)).statuses).toEqual(['done']);
    expect(toldTo(one)).toBe(V2);
    expect((await end(UNCHANGED, only)).statuses).toBeUndefined();
    expect(requests()).toEqual(['GET one/variables']);
  });

  test.each(REFUSALS)('%s, remembered by the history', async (_, rule, env) => {
    if (rule) hub.fail(rule);
    const records = [record('2026-03-02T02:59:00.000Z', { status: 'success', version: V1 })];
    const { statuses } = await end(SUCCESS, { ...only, env, records });
    expect(statuses).toEqual(['failed']);
    expect(toldTo(one)).toBe(requests().includes('POST one/restart') ? V2 : undefined); // and it is not taken back
    records.push(
      record('2026-03-02T02:59:50.000Z', { status: 'success', version: V2, restarts: [[ONE, V2, 'failed']] }),
    );
    expect((await end(HELD, { ...only, records })).statuses).toEqual(['done']);
    records.push(record('2026-03-03T03:00:00.000Z', { status: 'held', version: V2, restarts: [[ONE, V2, 'done']] }));
    expect((await end(HELD, { ...only, records })).statuses).toBeUndefined();
  });

  test('the other Spaces are restarted all the same', async () => {
    hub.fail({ path: /one\//, answer: { status: 404 } });
    expect((await end(SUCCESS)).statuses).toEqual(['failed', 'done']);
  });

  test('a Space that had no variable has none again', async () => {
    hub.fail({ path: /restart/, answer: { status: 500 } });
    await end(SUCCESS, only);
    expect(requests()).toEqual([
      'GET one/variables',
      `POST one/variables ${V2}`,
      'POST one/restart',
      'DELETE one/variables',
    ]);
    expect(one.variables.size).toBe(0);
  });

  test('a variable that cannot be taken back is told to a person', async () => {
    hub.fail({ path: /restart/, answer: { status: 500 } });
    hub.fail({ method: 'DELETE', path: /variables/, times: 9, answer: { status: 500 } });
    const { warnings } = await end(SUCCESS, only);
    expect(warnings).toEqual([
      `DATASET_VERSION of ${ONE} says ${V2}, although it was not restarted; restart it by hand`,
      expect.stringContaining('SPACE_UNREACHABLE'),
    ]);
  });

  test('where nothing remembers it, a person is to restart it', async () => {
    hub.fail({ path: /restart/, answer: { status: 500 } });
    const { restarts } = await end(SUCCESS, { ...only, setVariable: false });
    expect(restarts?.[0]?.status).toBe('lost');
    expect(restarts?.[0]?.problem?.fix).toContain('restart it by hand');
    expect((await end(UNCHANGED, { ...only, setVariable: false })).statuses).toBeUndefined();
    expect(requests()).toEqual([]);
  });

  test('the history keeps the debt with set_variable: false', async () => {
    const records = [
      record('2026-03-02T02:59:50.000Z', { status: 'success', version: V2, restarts: [[ONE, V2, 'failed']] }),
    ];
    const given = { ...only, setVariable: false, records };
    expect((await end(UNCHANGED, given)).statuses).toEqual(['done']);
    records.push(
      record('2026-03-03T02:00:00.000Z', { status: 'unchanged', version: V2, restarts: [[ONE, V2, 'done']] }),
    );
    expect((await end(UNCHANGED, given)).statuses).toBeUndefined();
  });
});

describe('a run that is stopped', () => {
  test('between variable and restart leaves a debt that the history knows of', async () => {
    const world = worldOf();
    const { job } = jobOf(world);
    const urgency = trainees(world, SUCCESS, 'urgency', { spaces: [ONE] });
    hub.fail({ path: /restart/, before: () => world.interrupt('SIGTERM'), answer: 'drop' });
    const records = [record('2026-03-01T02:00:00.000Z', { status: 'success', version: V1 })];
    await expect(restartSpaces(job, [urgency], records)).rejects.toThrow('SIGTERM');
    expect(toldTo(one)).toBe(V2);
    expect(one.stages).toEqual(['RUNNING']);
    expect((await end(UNCHANGED, { spaces: [ONE], records })).statuses).toEqual(['done']);
    expect(requests()).toEqual(['GET one/variables', 'POST one/restart']);
  });

  test('asks nothing more', async () => {
    const world = worldOf();
    world.interrupt();
    await expect(restartSpaces(jobOf(world).job, [trainees(world, SUCCESS, 'urgency', {})], undefined)).rejects.toThrow(
      'SIGINT',
    );
    expect(hub.requests).toEqual([]);
  });
});

test('a version that an earlier attempt published restarts only what was not told it', async () => {
  one.variables.set('DATASET_VERSION', { value: V2, updatedAt: '2026-03-02T03:00:02Z' });
  const { restarts } = await end(SUCCESS, { landed: true });
  expect(restarts).toEqual([{ space: TWO, version: V2, status: 'done' }]);
});
