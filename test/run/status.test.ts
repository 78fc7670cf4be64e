import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { servePage } from '../../lib/edges/page-server.ts';
import { parseReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { fillPlain, onHub, SHIPPED, Site } from './site.ts';
import type { TestWorld, TestWorldOptions } from './world.ts';

/** The whole program with its page: when it is bound, what it shows, and when it ends. */

setDefaultTimeout(30_000);

const SPACE = 'tester/prepare';
const ROW = 'row-canary';
const VALUE = 'value-canary';
const PASSWORD = 'password-canary';
const NOWHERE = `postgres://user-canary:${PASSWORD}@127.0.0.1:1/database-canary?connect_timeout=1`;
const FREE = '127.0.0.1:0';
const CANARIES = /\w+-canary|SELECT|127\.0\.0\.1:1\b/;

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
  await site.sql(`UPDATE complaints SET message = message || ' ${ROW}';
    ALTER TABLE misclassified_complaints DROP CONSTRAINT IF EXISTS misclassified_complaints_correct_urgency_check;
    UPDATE misclassified_complaints SET correct_urgency = '${VALUE}' WHERE complaint_id = 7`);
});
afterAll(() => site[Symbol.asyncDispose]());
const running = new Set<Running>();
beforeEach(async () => {
  hub = await startLocalHub();
  hub.createSpace(SPACE);
});
afterEach(async () => {
  for (const each of running) each.world.interrupt();
  await Promise.all([...running].map(({ ended }) => ended));
  running.clear();
  await hub[Symbol.asyncDispose]();
  for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true, force: true });
});

interface Running {
  world: TestWorld;
  /** The exit code. */
  ended: Promise<number>;
  /** Address of the page, once it is served; empty where the program ended without one. */
  url: Promise<string>;
  /** Once all is done and the page stays: true; false where the program ended instead. */
  stays: Promise<boolean>;
}

interface Start extends TestWorldOptions {
  yaml?: string | undefined;
  /** Called with each text that is written on stderr. */
  said?: (text: string) => void;
}

/** Start the program, and go on while it runs. */
function start(argv: string[], { yaml = SHIPPED, env, said, ...options }: Start = {}): Running {
  if (yaml) writeFileSync(join(site.folder, 'pipeline.config.yaml'), yaml);
  const world = site.world({ env: { ...onHub(hub), SERVE: '', ...env }, ...options });
  const url = Promise.withResolvers<string>();
  const stays = Promise.withResolvers<boolean>();
  const { write } = world.stderr;
  world.stderr.write = (text) => {
    write(text);
    const served = /^Status page: (\S+)$/m.exec(text)?.[1];
    if (served) url.resolve(served);
    if (text.startsWith('The status page stays')) stays.resolve(true);
    said?.(text);
  };
  const ended = main(argv, world).finally(() => {
    url.resolve('');
    stays.resolve(false);
    running.delete(started);
  });
  const started: Running = { world, ended, url: url.promise, stays: stays.promise };
  running.add(started);
  return started;
}

const inSpace = (more: Record<string, string> = {}) => ({ SPACE_ID: SPACE, SERVE: FREE, ...more });
const text = async (url: string, path = '') => await (await fetch(`${url}${path}`)).text();
const reportAt = async (url: string): Promise<RunReport> => parseReport(await text(url, 'report.json'));
const pausing = (pause: string) => SHIPPED.replace(/pause: \w+/, `pause: ${pause}`);

/** What it serves, all of it. */
async function served(url: string): Promise<string> {
  const events = await fetch(`${url}events`); // it ends at once where nothing goes on any more
  return [await text(url), await text(url, 'report.json'), await events.text()].join('\n');
}

describe('the page', () => {
  test('is there before the spec is read', async () => {
    let asked = false;
    const { url, ended, stays } = start(['--dry-run', '--serve', FREE], {
      yaml: '',
      said: (line) => {
        asked ||= line.startsWith('Status page');
        if (asked && !existsSync(join(site.folder, 'pipeline.config.yaml')))
          writeFileSync(join(site.folder, 'pipeline.config.yaml'), SHIPPED); // it is there from now on
      },
    });
    expect(await text(await url, 'healthz')).toBe('ok\n');
    expect(await stays).toBe(true);
    expect((await reportAt(await url)).labels.map(({ outcome }) => outcome?.status)).toEqual(['planned', 'planned']);
    for (const each of running) each.world.interrupt();
    expect(await ended).toBe(0);
  });

  test('shows a run while it goes, and is ended with it', async () => {
    const held = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    hub.fail({
      path: /tester\/urgency\/commit/,
      before: async () => {
        held.resolve();
        await goOn.promise;
      },
    });
    const { url, ended, stays } = start([], { env: inSpace() });
    await held.promise;
    const live = await reportAt(await url);
    expect(live.running).toBe(true);
    expect(live.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', undefined]);
    expect(live.labels[1]?.kept?.total).toBeGreaterThan(0);
    const page = await text(await url);
    expect(page).toContain('http-equiv="refresh"');
    const [department] = live.labels;
    expect(page).toContain(department?.outcome?.status === 'success' ? department.outcome.version : 'none');
    expect(page.match(CANARIES)).toBeNull();
    const { body } = await fetch(`${await url}events`);
    goOn.resolve();
    const events = await new Response(body).text();
    expect(events.match(CANARIES)).toBeNull();
    expect(events).toContain('"over":true');
    expect(await stays).toBe(false);
    expect(await ended).toBe(0);
    expect(hub.spaces.get(SPACE)?.stage).toBe('PAUSED');
    expect(fetch(await url)).rejects.toThrow();
  });

  test('tells neither rows, values, queries nor who could not be reached', async () => {
    const well = start(['--serve', FREE]);
    expect(await well.stays).toBe(true);
    const all = await served(await well.url);
    expect(all.match(CANARIES)).toBeNull();
    expect((await reportAt(await well.url)).labels[1]?.unknownClasses?.map(({ rows }) => rows)).toEqual([1]);
    const clock = { now: () => new Date(), sleep: async () => {} };
    const broken = start(['--serve', FREE], { env: { POSTGRES_URL: NOWHERE }, clock });
    expect(await broken.stays).toBe(true);
    const told = await served(await broken.url);
    expect(told).toContain('DATABASE_UNREACHABLE');
    expect(told.match(CANARIES)).toBeNull();
    for (const each of [well, broken]) each.world.interrupt('SIGTERM');
    expect([await well.ended, await broken.ended]).toEqual([0, 1]); // the run's, not 130
  });

  test('of --check has hops and codes, and none of their messages', async () => {
    const { url, ended, stays, world } = start(['--check', '--serve', FREE], { env: { POSTGRES_URL: NOWHERE } });
    expect(await stays).toBe(true);
    const page = await text(await url);
    expect(page).toContain('database.tcp');
    expect(page).toContain('DATABASE_UNREACHABLE');
    expect(page.match(CANARIES)).toBeNull();
    expect((await fetch(`${await url}report.json`)).status).toBe(503);
    world.interrupt();
    expect(await ended).toBe(1);
  });
});

describe('in a Space', () => {
  test.each<[string, { argv?: string[]; yaml?: string; env?: Record<string, string>; fails?: boolean }, number]>([
    ['after a dry run', { argv: ['--dry-run'] }, 0],
    ['after --check', { argv: ['--check'] }, 0],
    ['that is never paused', { yaml: pausing('never') }, 0],
    ['that is paused on success, after a failure', { yaml: pausing('on_success'), env: { HF_TOKEN: 'hf_nobody' } }, 1],
    ['that could not be paused', { fails: true }, 0],
    ['other than the one that is paused', { env: { PREPARE_DATASET_SPACE_ID: 'tester/other' } }, 0],
  ])('%s it stays, and ends with the run’s exit code', async (_, { argv = [], yaml, env, fails }, exitCode) => {
    hub.createSpace('tester/other');
    if (fails) hub.fail({ path: /\/pause$/, answer: { status: 403 } });
    const { url, ended, stays, world } = start(argv, { yaml, env: inSpace(env) });
    expect(await stays).toBe(true);
    expect((await fetch(`${await url}healthz`)).status).toBe(200);
    expect(await text(await url)).not.toContain('http-equiv="refresh"');
    world.interrupt('SIGTERM');
    expect(await ended).toBe(exitCode);
    expect(hub.spaces.get(SPACE)?.stage).toBe('RUNNING');
  });

  test('that rests it shows the last run, and when the next one is due', async () => {
    const start0 = Date.parse('2026-11-24T03:00:00Z');
    const at = (minutes: number) => ({
      now: () => new Date(start0 + minutes * 60_000),
      sleep: (ms: number) => Bun.sleep(ms),
    });
    const env = inSpace({ RUNS_DATASET: 'tester/runs' });
    expect(await start([], { env, clock: at(0) }).ended).toBe(0);
    const { url, stays, ended, world } = start([], { env: { ...env, POSTGRES_URL: NOWHERE }, clock: at(59) });
    expect(await stays).toBe(true);
    const report = await reportAt(await url);
    expect([report.run, report.running]).toEqual(['20261124-030000-000', undefined]);
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'success']);
    const page = await text(await url);
    expect(page).toContain('2026-11-24T04:00:00.000Z');
    expect(page).toContain('20261124-030000-000');
    expect(page.match(CANARIES)).toBeNull();
    world.interrupt('SIGTERM');
    expect(await ended).toBe(0);
  });

  test.each([
    ['a spec that is broken', 'version: 2', {}, 2],
    ['a spec that is not there', undefined, { CONFIG: 'none.yaml' }, 2],
  ])('it ends at once: %s', async (_, yaml, env, exitCode) => {
    const { url, stays, ended } = start([], { yaml, env: inSpace(env) });
    expect(await url).toStartWith('http://127.0.0.1:');
    expect(await stays).toBe(false);
    expect(await ended).toBe(exitCode);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('it ends at once, interrupted by %s', async (signal, exitCode) => {
    let listening: Promise<string> | undefined;
    const started = start([], {
      yaml: pausing('never'),
      env: inSpace(),
      said: async (line) => {
        if (!line.includes('Fetching misclassified')) return;
        const { body } = await fetch(`${await started.url}events`);
        listening = new Response(body).text();
        started.world.interrupt(signal);
      },
    });
    expect(await started.ended).toBe(exitCode);
    expect(await started.stays).toBe(false);
    expect(await listening).toContain('"over":true');
  });

  test('a port that is taken costs a warning', async () => {
    const taken = await servePage({ host: '127.0.0.1', port: 0 }, async () => new Response());
    const { ended, world } = start([], { env: inSpace({ SERVE: new URL(taken.url).host }) });
    expect(await ended).toBe(0);
    expect(world.stderr.text).toContain('Warning: PAGE_UNAVAILABLE');
    expect(hub.spaces.get(SPACE)?.stage).toBe('PAUSED');
    await taken.stop();
  });

  test('SERVE=off has no page', async () => {
    const { ended, url } = start(['--dry-run'], { env: inSpace({ SERVE: 'off' }) });
    expect(await ended).toBe(0);
    expect(await url).toBe('');
  });
});

describe('at a desk', () => {
  test('a port that is taken ends the program before any work', async () => {
    const taken = await servePage({ host: '127.0.0.1', port: 0 }, async () => new Response());
    const { ended, world } = start(['--serve', new URL(taken.url).host], { env: { POSTGRES_URL: NOWHERE } });
    expect(await ended).toBe(2);
    expect(world.stderr.text).toStartWith('PAGE_UNAVAILABLE\n');
    expect(hub.requests).toEqual([]);
    await taken.stop();
  });

  test('it stays after a pause of another machine’s Space', async () => {
    const { ended, stays, world } = start(['--serve', FREE], { env: { PREPARE_DATASET_SPACE_ID: SPACE } });
    expect(await stays).toBe(true);
    expect(hub.spaces.get(SPACE)?.stage).toBe('PAUSED');
    world.interrupt();
    expect(await ended).toBe(0);
  });

  test('--serve does not go with what has no page, and SERVE says nothing then', async () => {
    const without = [['--history'], ['--show', 'last'], ['--rollback', 'v1', '--label', 'urgency', '--reason', 'x']];
    for (const argv of [...without, ['--unhold', '--label', 'urgency'], ['--publish', 'out']]) {
      const asked = start([...argv, '--serve', FREE], { env: { RUNS_DATASET: './runs' } });
      expect([await asked.ended, await asked.url]).toEqual([2, '']);
      expect(asked.world.stderr.text).toContain('--serve');
      const meant = start(argv, { env: inSpace({ RUNS_DATASET: './runs' }) });
      await meant.ended;
      expect(await meant.url).toBe('');
      expect(meant.world.stderr.text).not.toContain('--serve');
    }
  });
});
