import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { WandbRun, type WandbSettings } from '../../lib/edges/wandb.ts';
import { waitAsked } from '../../lib/edges/wandb-requests.ts';
import { WandbStream } from '../../lib/edges/wandb-stream.ts';
import { PipelineError } from '../../lib/errors.ts';
import { type LocalWandb, startLocalWandb } from './local-wandb.ts';
import { VirtualClock } from './virtual-clock.ts';

const ID = '20261123-042611-739';
const SECONDS = 1000;
const quiet = new AbortController().signal;

let server: LocalWandb;
let clock: VirtualClock;
beforeEach(async () => {
  server = await startLocalWandb();
  clock = new VirtualClock();
});
afterEach(async () => {
  clock[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function open(overrides: Partial<WandbSettings> = {}, world = { fetch: clock.fetch, clock }): WandbRun {
  const settings: WandbSettings = {
    apiKey: server.key,
    baseUrl: server.url,
    appUrl: server.url,
    entity: undefined,
    project: 'datasets',
    runId: ID,
    displayName: 'nightly',
    jobType: 'prepare-dataset',
    tags: ['department'],
    notes: 'notes',
    config: { version: '0.1.0', seeds: { department: 42 } },
    host: 'host',
    program: 'pipeline.ts',
    commit: undefined,
    repo: undefined,
    ...overrides,
  };
  return new WandbRun(settings, world, clock.now());
}

const run = () => server.runs.get(ID);
const sent = () => server.requests.map(({ path }) => path.replace(/^\/files.*\//, '').replace(/_[0-9a-f]{20}\b.*/, ''));
const refused = () => server.requests.flatMap(({ refused: why, spoilt }) => (why && !spoilt ? [why] : []));

/** Milliseconds that a piece of work took, and what it threw. */
async function timed(work: () => Promise<void>): Promise<{ ms: number; code?: string; message?: string }> {
  const start = clock.now().getTime();
  const thrown = await work().then(
    () => undefined,
    (error) => error,
  );
  const ms = clock.now().getTime() - start;
  return thrown === undefined ? { ms } : { ms, code: (thrown as PipelineError).code, message: thrown.message };
}

/** Wait for something that the server sees. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('a run', () => {
  test('is created, written and ended, in this order', async () => {
    const tracked = open();
    tracked.log({ rows: 90 });
    tracked.log({ rows: 95, status: 'success' });
    tracked.print('all is well', new Date('2026-11-23T04:26:11.739Z'), false);
    tracked.print('two\nlines', new Date('2026-11-23T04:26:12Z'), true);
    await tracked.alert({ title: 'Updated', text: '90 rows', severity: 'INFO' });
    await tracked.finish({ exitCode: 3, page: '<p>é</p>' }, quiet);

    expect(tracked.url).toBe(`${server.url}/tester/datasets/runs/${ID}`);
    const path = 'media/html/report_2_';
    expect(sent()).toEqual([
      '/graphql#Viewer',
      '/graphql#UpsertBucket',
      'file_stream',
      '/graphql#NotifyScriptableRunAlert',
      '/graphql#CreateRunFiles',
      `/storage/${ID}/${path.slice(0, -1)}`,
      'file_stream',
      'file_stream',
    ]);
    expect(run()).toMatchObject({
      project: 'datasets',
      entity: 'tester',
      displayName: 'nightly',
      jobType: 'prepare-dataset',
      tags: ['department'],
      notes: 'notes',
      host: 'host',
      program: 'pipeline.ts',
      config: { version: { value: '0.1.0' }, seeds: { value: { department: 42 } } },
      alerts: [{ title: 'Updated', text: '90 rows', severity: 'INFO', waitDuration: 60_000 }],
      complete: true,
      exitcode: 3,
    });
    expect(run()?.output).toEqual([
      '2026-11-23T04:26:11.739000 all is well',
      'ERROR 2026-11-23T04:26:12.000000 two',
      'ERROR 2026-11-23T04:26:12.000000 lines',
    ]);
    const started = Date.parse('2026-11-23T04:26:11.739Z') / 1000;
    expect(run()?.history.slice(0, 2)).toEqual([
      { rows: 90, _step: 0, _timestamp: started, _runtime: 0 },
      { rows: 95, status: 'success', _step: 1, _timestamp: started, _runtime: 0 },
    ]);
    const [[name, content] = []] = [...(run()?.files ?? [])];
    expect(name).toStartWith(path);
    expect(new TextDecoder().decode(content)).toBe('<p>é</p>');
    const sha256 = new Bun.CryptoHasher('sha256').update('<p>é</p>').digest('hex');
    expect(run()?.summary).toMatchObject({
      rows: 95,
      status: 'success',
      report: { _type: 'html-file', path: name, sha256, size: 9 },
      _step: 2,
      _wandb: { runtime: 0 },
    });
    expect(refused()).toEqual([]);
  });

  test('goes where the spec says, and its page is named by the server', async () => {
    const tracked = open({ entity: 'team', appUrl: 'https://wandb.ai' });
    await tracked.finish({ exitCode: 0 }, quiet);
    expect(run()).toMatchObject({ entity: 'team', exitcode: 0 });
    expect(tracked.url).toBe(`https://wandb.ai/team/datasets/runs/${ID}`);
  });

  test('is sent while it works, and is alive while it has nothing to say', async () => {
    const tracked = open();
    tracked.print('first', clock.now(), false);
    await until(() => (run()?.heartbeats ?? 0) >= 2);
    expect(run()).toMatchObject({ output: [expect.stringContaining('first')], complete: false });
    const silent = clock.now().getTime() - Date.parse('2026-11-23T04:26:11.739Z');
    expect(silent).toBeGreaterThanOrEqual(60 * SECONDS);
    expect(silent).toBeLessThan(80 * SECONDS);
    tracked.print('second', clock.now(), false);
    await until(() => run()?.output.length === 2);
    await tracked.finish({ exitCode: 0 }, quiet);
  });

  test('does not stop when the server asks it to', async () => {
    const answer = { status: 200, body: { stopped: true } };
    server.fail({ path: /file_stream/, land: true, answer });
    const tracked = open();
    tracked.log({ rows: 1 });
    await until(() => run()?.history.length === 1);
    tracked.log({ rows: 2 });
    await tracked.finish({ exitCode: 0 }, quiet);
    expect(run()).toMatchObject({ history: [{ rows: 1 }, { rows: 2 }], complete: true });
  });

  test('alerts of one title become one, as the server would drop the second', async () => {
    const tracked = open();
    for (const text of ['one', 'two']) await tracked.alert({ title: 'Failed', text, severity: 'WARN' });
    await tracked.alert({ title: 'Other', text: 'three', severity: 'WARN' });
    await tracked.finish({ exitCode: 0 }, quiet);
    await tracked.alert({ title: 'Afterwards', text: 'four', severity: 'WARN' });
    expect(run()?.alerts.map(({ title, text }) => [title, text])).toEqual([
      ['Failed', 'one\n\ntwo'],
      ['Other', 'three'],
      ['Afterwards', 'four'],
    ]);
  });

  test('a console of 15 MB goes in requests below 10 MiB', async () => {
    const tracked = open();
    const line = '"'.repeat(50_000); // twice as long within JSON
    for (let index = 0; index < 150; index++) tracked.print(line, clock.now(), false);
    await tracked.finish({ exitCode: 0 }, quiet);
    expect(run()?.output.length).toBe(150);
    const sizes = server.requests.map(({ text }) => Buffer.byteLength(text));
    expect(Math.max(...sizes)).toBeLessThan(10 << 20);
    expect(sizes.filter((size) => size > 1 << 20)).toHaveLength(2);
  });
});

describe('what goes wrong and right again', () => {
  test.each([
    ['two errors of the server', { times: 2, answer: { status: 500 } }],
    ['two answers that are lost', { times: 2, land: true, answer: 'drop' as const }],
    ['two connections that break', { times: 2, answer: 'drop' as const }],
  ])('%s: nothing is lost or doubled', async (_name, rule) => {
    const faults = [/Viewer/, /UpsertBucket/, /file_stream/].map((path) => server.fail({ path, ...rule }));
    const tracked = open();
    tracked.log({ rows: 1 });
    tracked.print('one', clock.now(), false);
    await until(() => run()?.output.length === 1);
    tracked.log({ rows: 2 });
    await tracked.finish({ exitCode: 0 }, quiet);
    expect(faults.map(({ hits }) => hits)).toEqual([2, 2, 2]);
    expect(run()).toMatchObject({ history: [{ rows: 1 }, { rows: 2 }], complete: true });
    expect(run()?.output).toHaveLength(1);
    expect(refused()).toEqual([]);
  });

  test.each([
    ['Retry-After', { 'Retry-After': '17' }],
    ['RateLimit-Reset', { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '17' }],
  ])('too many requests: waits as long as %s says, also when the run is over', async (_name, headers) => {
    server.fail({ path: /file_stream/, answer: { status: 429, headers } });
    const tracked = open();
    const { ms, code } = await timed(() => tracked.finish({ exitCode: 0 }, quiet));
    expect(code).toBeUndefined();
    expect(ms).toBe(17 * SECONDS);
    expect(run()?.complete).toBe(true);
  });

  test('what the server asks for is kept to when the run ends meanwhile', async () => {
    const freeze = () => {
      clock.frozen = true;
    };
    server.fail({ path: /Viewer/, before: freeze, answer: { status: 429, headers: { 'Retry-After': '17' } } });
    const tracked = open();
    await until(() => clock.frozen && clock.isIdle);
    clock.frozen = false;
    expect(await timed(() => tracked.finish({ exitCode: 0 }, quiet))).toEqual({ ms: 17 * SECONDS });
  });

  test('attempts are 2 s, 4 s … 60 s apart while the run works', async () => {
    const times: number[] = [];
    const note = () => void times.push(clock.now().getTime() / SECONDS);
    server.fail({ path: /Viewer/, times: 8, before: note, answer: { status: 502 } });
    const tracked = open();
    await until(() => times.length === 8);
    await tracked.finish({ exitCode: 0 }, quiet);
    expect(times.slice(1).map((time, index) => time - (times[index] ?? 0))).toEqual([2, 4, 8, 16, 32, 60, 60]);
  });

  test('a server that was down all along and is back soon after the run costs 2 s', async () => {
    const freeze = () => {
      clock.frozen = true;
    };
    server.fail({ path: /Viewer/, times: 8, answer: { status: 503 } });
    server.fail({ path: /Viewer/, before: freeze, answer: { status: 503 } });
    server.fail({ path: /Viewer/, answer: { status: 503 } });
    const tracked = open();
    await until(() => clock.frozen && clock.isIdle); // in a pause of a minute
    clock.frozen = false;
    expect(await timed(() => tracked.finish({ exitCode: 0 }, quiet))).toEqual({ ms: 2 * SECONDS });
    expect(run()?.complete).toBe(true);
  });

  test('also when the run ends while the server refuses once more', async () => {
    const tracked = open();
    let finished: Promise<{ ms: number }> | undefined;
    const finish = () => {
      finished = timed(() => tracked.finish({ exitCode: 0 }, quiet));
    };
    server.fail({ path: /Viewer/, times: 8, answer: { status: 503 } });
    server.fail({ path: /Viewer/, before: finish, answer: { status: 503 } });
    await until(() => finished !== undefined);
    expect(await finished).toEqual({ ms: 2 * SECONDS });
    expect(run()?.complete).toBe(true);
  });

  test('a run that somebody else is writing is asked for again', async () => {
    const fault = server.fail({ path: /UpsertBucket/, times: 2, answer: { status: 409 } });
    await open().finish({ exitCode: 0 }, quiet);
    expect(fault.hits).toBe(2);
    expect(run()?.complete).toBe(true);
  });

  test('an alert or a page that is refused is told, and the run ends all the same', async () => {
    server.fail({ path: /Notify/, answer: { status: 403 } });
    server.fail({ path: /storage/, answer: { status: 403 } });
    const tracked = open();
    await tracked.alert({ title: 'Title', text: 'text', severity: 'INFO' });
    const { code, message, ms } = await timed(() => tracked.finish({ exitCode: 1, page: '<p></p>' }, quiet));
    expect({ code, ms }).toEqual({ code: 'TRACKING_FAILED', ms: 0 });
    expect(message).toContain('send an alert');
    expect(run()).toMatchObject({ complete: true, exitcode: 1, alerts: [] });
  });
});

describe('a budget of 30 s', () => {
  test('a server that does not exist costs 30 s once', async () => {
    await server[Symbol.asyncDispose]();
    const tracked = open();
    const first = await timed(() => tracked.finish({ exitCode: 0 }, quiet));
    expect(first).toMatchObject({ ms: 30 * SECONDS, code: 'TRACKING_FAILED' });
    expect(first.message).toBe('Cannot begin a run at Weights & Biases: no answer in time');
    expect(await timed(() => tracked.alert({ title: 'Late', text: '', severity: 'WARN' }))).toEqual({ ms: 0 });
    expect(await timed(() => tracked.abort(1))).toEqual({ ms: 0 });
    expect(tracked.url).toBeUndefined();
  });

  test('a server that takes everything and never answers costs 30 s', async () => {
    server.fail({ path: /./, times: Number.POSITIVE_INFINITY, before: clock.hold });
    const tracked = open();
    expect(await timed(() => tracked.finish({ exitCode: 0 }, quiet))).toMatchObject({
      ms: 30 * SECONDS,
      code: 'TRACKING_FAILED',
    });
    expect(server.requests.length).toBeGreaterThan(1); // an attempt is given up after 15 s
  });

  test('alerts that are never answered leave time to end the run, and later ones what is left', async () => {
    server.fail({ path: /Notify/, times: Number.POSITIVE_INFINITY, before: clock.hold });
    const tracked = open();
    await until(() => run() !== undefined);
    await tracked.alert({ title: 'Title', text: 'text', severity: 'INFO' });
    const first = await timed(() => tracked.finish({ exitCode: 0 }, quiet));
    expect(first).toMatchObject({ ms: 15 * SECONDS, code: 'TRACKING_FAILED' });
    expect(run()?.complete).toBe(true);
    const second = await timed(() => tracked.alert({ title: 'Late', text: '', severity: 'WARN' }));
    expect(second).toMatchObject({ ms: 15 * SECONDS, code: 'TRACKING_FAILED' });
  });

  test.each([
    ['a viewer that is null', {}, /the key is not valid/],
    ['401', { answer: { status: 401 } }, /refused it \(401\)/],
  ])('a wrong key costs nothing: %s', async (_name, rule, said) => {
    const key = 'wandb_v1_wrong';
    server.fail({ path: /Viewer/, ...rule });
    const { ms, code, message } = await timed(() => open({ apiKey: key }).finish({ exitCode: 0 }, quiet));
    expect({ ms, code }).toEqual({ ms: 0, code: 'TRACKING_FAILED' });
    expect(message).toMatch(said);
    expect(message).not.toContain(key);
    expect(server.requests).toHaveLength(1);
  });

  test('a team that the key may not write, or an address that is none, costs nothing', async () => {
    expect(await timed(() => open({ entity: 'others' }).finish({ exitCode: 0 }, quiet))).toMatchObject({
      ms: 0,
      code: 'TRACKING_FAILED',
      message: expect.stringContaining('(404)'),
    });
    expect(await timed(() => open({ baseUrl: 'wandb' }).finish({ exitCode: 0 }, quiet))).toMatchObject({
      ms: 0,
      code: 'TRACKING_FAILED',
    });
  });
});

test('an answer without an end is left after a megabyte', async () => {
  clock.frozen = true; // it is not the time that ends it
  let chunks = 0;
  const pull = async (controller: ReadableStreamDefaultController) => {
    await new Promise((done) => setImmediate(done)); // lets the reader read
    chunks++;
    controller.enqueue(new Uint8Array(100_000));
  };
  await using endless = Bun.serve({ port: 0, fetch: () => new Response(new ReadableStream({ pull })) });
  const { code } = await timed(() =>
    open({ baseUrl: endless.url.origin }, { fetch, clock }).finish({ exitCode: 0 }, quiet),
  );
  expect(code).toBe('TRACKING_FAILED');
  expect(chunks).toBeLessThan(200); // what is under way in sockets counts too
});

describe('a run that is interrupted', () => {
  test('is told of, with what it has said', async () => {
    const tracked = open();
    tracked.print('working', clock.now(), false);
    expect(await timed(() => tracked.abort(143))).toEqual({ ms: 0 });
    expect(run()).toMatchObject({ output: [expect.stringContaining('working')], complete: true, exitcode: 143 });
  });

  test('while it waits: goes on from there, without alerts and page', async () => {
    const interruption = new AbortController();
    const interrupt = () => {
      const held = clock.hold();
      interruption.abort(new PipelineError('INTERRUPTED', 'SIGTERM'));
      return held;
    };
    server.fail({ path: /Notify/, times: Number.POSITIVE_INFINITY, before: interrupt });
    const tracked = open();
    await tracked.alert({ title: 'Title', text: 'text', severity: 'INFO' });
    const finished = await timed(() => tracked.finish({ exitCode: 0, page: '<p></p>' }, interruption.signal));
    expect(finished).toMatchObject({ code: 'INTERRUPTED' });
    expect(await timed(() => tracked.abort(143))).toMatchObject({ ms: 0, code: 'TRACKING_FAILED' }); // the alert was not sent
    expect(run()).toMatchObject({ complete: true, exitcode: 143 });
    expect(run()?.files.size).toBe(0);
  });

  test('waits 5 s for a server that never answers', async () => {
    server.fail({ path: /./, times: Number.POSITIVE_INFINITY, before: clock.hold });
    expect(await timed(() => open().abort(143))).toMatchObject({ ms: 5 * SECONDS, code: 'TRACKING_FAILED' });
  });
});

test.each([
  [{ 'Retry-After': '2.5' }, 2500],
  [{ 'Retry-After': 'Mon, 23 Nov 2026 04:26:21 GMT' }, 10_000],
  [{ 'RateLimit-Remaining': '0', 'RateLimit-Reset': '3' }, 3000],
  [{ 'RateLimit-Remaining': '9', 'RateLimit-Reset': '3' }, undefined],
  [{ 'Retry-After': 'soon' }, undefined],
  [{}, undefined],
])('waitAsked() of %j is %p ms', (headers: Record<string, string>, ms) => {
  expect(waitAsked(new Headers(headers), new Date('2026-11-23T04:26:11Z'))).toBe(ms as number);
});

test('WandbStream.take() counts offsets on over requests', () => {
  const stream = new WandbStream(new Date(0));
  stream.log({ a: 1 }, new Date(1500));
  expect(stream.take()?.files).toEqual({
    'wandb-history.jsonl': { offset: 0, content: ['{"a":1,"_step":0,"_timestamp":1.5,"_runtime":1.5}'] },
    'wandb-summary.json': {
      offset: 0,
      content: ['{"a":1,"_step":0,"_timestamp":1.5,"_runtime":1,"_wandb":{"runtime":1}}'],
    },
  });
  expect(stream.take()).toBeUndefined();
  stream.log({ b: 2 }, new Date(2000));
  const files = stream.take()?.files;
  expect(files?.['wandb-history.jsonl']?.offset).toBe(1);
  expect(files?.['wandb-summary.json']?.content[0]).toContain('"a":1');
});
