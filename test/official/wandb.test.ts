import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { WandbRun } from '../../lib/edges/wandb.ts';
import { type LocalRun, type LocalWandb, startLocalWandb } from '../edges/local-wandb.ts';
import { officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const PYTHON_MS = 120_000; // wandb-core from a cold disk is slow
const PAGE = '<p>report</p>';

/** What the official client tells of the machine and of itself, and ours does not. */
const OFFICIAL_ONLY = {
  config: ['_wandb'], // its version, features that were used, hardware
  files: ['config.yaml', 'output.log', 'requirements.txt', 'wandb-metadata.json', 'wandb-summary.json'], // copies of what it streams
};

/** The same run by both clients; wandb_run.py is the other one. */
async function runOurs({ url, key }: LocalWandb, id: string): Promise<{ page: string }> {
  const world = { fetch, clock: { now: () => new Date(), sleep: sleepFor } };
  const settings = {
    apiKey: key,
    baseUrl: url,
    appUrl: url,
    entity: 'team',
    project: 'datasets',
    runId: id,
    displayName: 'a name',
    jobType: 'prepare-dataset',
    tags: ['one', 'two'],
    notes: 'some notes',
    config: { version: '0.1.0', labels: ['department'], spec: { department: { seed: 42 } } },
    host: 'host',
    program: 'pipeline.ts',
    commit: undefined,
    repo: undefined,
  };
  const run = new WandbRun(settings, world, new Date());
  run.print(`{"page": "team/datasets/runs/${id}"}`, new Date(), false);
  run.print('to stderr', new Date(), true);
  run.log({ db_connection_status: 'success' });
  run.log({ department_records_fetched: 90 });
  await run.alert({ title: 'Department Dataset Updated', text: '90 rows', severity: 'WARN' });
  await run.finish({ exitCode: 3, page: PAGE }, new AbortController().signal);
  return { page: new URL(run.url ?? '').pathname.slice(1) };
}

const sleepFor = (ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/** A value with its leaves as their types, except where the value is what was logged. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shape(each)]));
}

const without = (value: Record<string, unknown>, keys: string[]) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
const namesOf = ({ files }: LocalRun) => [...files.keys()].filter((name) => !OFFICIAL_ONLY.files.includes(name));

describe.skipIf(python === '')('a run by the official client and by ours', () => {
  let theirServer: LocalWandb;
  let ourServer: LocalWandb;
  let theirs: LocalRun;
  let ours: LocalRun;
  let pages: unknown[];

  beforeAll(async () => {
    theirServer = await startLocalWandb({ rewritesConsole: true });
    ourServer = await startLocalWandb();
    const { url, key } = theirServer;
    const env = { WANDB_BASE_URL: url, WANDB_API_KEY: key, WANDB_DISABLE_GIT: 'true' };
    const seen = await runOfficial(python, 'wandb_run.py', ['team', 'datasets', 'run1'], undefined, env);
    pages = [seen, await runOurs(ourServer, 'run1')];
    [theirs, ours] = [theirServer, ourServer].map(({ runs }) => runs.get('run1')) as [LocalRun, LocalRun];
  }, PYTHON_MS);
  afterAll(async () => {
    await theirServer?.[Symbol.asyncDispose]();
    await ourServer?.[Symbol.asyncDispose]();
  });

  test('meets a server that refuses nothing and knows every route but that for traces', () => {
    for (const { requests } of [theirServer, ourServer]) {
      expect(requests.flatMap(({ refused }) => refused ?? [])).toEqual([]);
      expect(requests.filter(({ known, path }) => !known && !path.startsWith('/sdk/otel/'))).toEqual([]);
      expect(requests.every(({ auth, path }) => (auth === 'valid') !== /^\/(storage|sdk)\//.test(path))).toBe(true);
    }
  });

  test('is described in the same words', () => {
    const said = ({ id, entity, project, displayName, jobType, tags, notes, groupName, commit, repo }: LocalRun) => ({
      ...{ id, entity, project, displayName, jobType, tags, notes, groupName, commit, repo },
    });
    expect(said(ours)).toEqual(said(theirs));
    expect([typeof ours.host, typeof ours.program]).toEqual([typeof theirs.host, typeof theirs.program]);
    expect(pages[1]).toEqual(pages[0]);
  });

  test('has the same config', () => {
    expect(ours.config).toEqual(without(theirs.config, OFFICIAL_ONLY.config));
  });

  test('has the same history and summary', () => {
    expect(ours.history.map(shape)).toEqual(theirs.history.map(shape));
    const logged = ({ history }: LocalRun) => history.map((row) => without(row, ['_runtime', '_timestamp', 'report']));
    expect(logged(ours)).toEqual(logged(theirs));
    expect(shape(ours.summary)).toEqual(shape(theirs.summary));
    const { report: ourPage, _step: ourStep } = ours.summary;
    const { report: theirPage, _step: theirStep } = theirs.summary;
    expect([ourPage, ourStep]).toEqual([theirPage, theirStep]); // its name too
  });

  test('counts time in the same units', () => {
    for (const { history } of [ours, theirs]) {
      const row = history.at(-1);
      expect(Math.abs((row?._timestamp as number) - Date.now() / 1000)).toBeLessThan(300);
      expect(row?._runtime as number).toBeLessThan(60);
    }
  });

  test('has the same console', () => {
    const lines = ({ output }: LocalRun) =>
      output.map((line) => line.replace(/\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6} /, 'TIME '));
    expect(lines(ours)).toEqual(['TIME {"page": "team/datasets/runs/run1"}', 'ERROR TIME to stderr']);
    expect(lines(theirs)).toEqual(lines(ours));
  });

  test('has the same alert, page and end', () => {
    expect(ours.alerts).toEqual(theirs.alerts);
    expect(namesOf(ours)).toEqual(namesOf(theirs));
    for (const name of namesOf(ours)) expect(ours.files.get(name)).toEqual(theirs.files.get(name) as Uint8Array);
    expect([ours.complete, ours.exitcode]).toEqual([theirs.complete, theirs.exitcode]);
    expect(ours.events).toEqual([]); // figures of the machine: the official client’s only
  });
});
