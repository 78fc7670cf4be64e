import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test';
import { connect } from 'node:net';
import { servePage } from '../../lib/edges/page-server.ts';
import { PipelineError } from '../../lib/errors.ts';
import { parseReport } from '../../lib/report/json.ts';
import { Broadcast, LIMITS, type View } from '../../lib/status/broadcast.ts';
import { department, runReport } from '../report/reports.ts';
import { started } from '../report/watched.ts';
import { openTestPage, type TestPage } from './pages.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});
const opened = async (options: Parameters<typeof openTestPage>[0] = {}): Promise<TestPage> => {
  const page = await openTestPage(options);
  open.push(page);
  return page;
};

const ROUTES = ['', 'events', 'healthz', 'report.json', 'page.css', 'page.js'];
const MARKUP = { headers: { Accept: 'text/html' } };

describe('every answer', () => {
  test.each([...ROUTES, 'nothing', '../pipeline.ts', '%2e%2e/pipeline.ts', 'page.css/../../../package.json'])(
    '/%s forbids what the page does not need',
    async (path) => {
      const { server } = await opened();
      for (const method of ['GET', 'HEAD', 'POST']) {
        const ended = new AbortController();
        const { headers, body } = await fetch(`${server.url}${path}`, { method, signal: ended.signal });
        const policy = headers.get('content-security-policy')?.split('; ') ?? [];
        expect(policy).toContain("default-src 'none'");
        expect(policy.filter((each) => /unsafe|\*|https?:/.test(each))).toEqual([
          'frame-ancestors https://huggingface.co',
        ]);
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('permissions-policy')).toContain('camera=()');
        expect(headers.get('cache-control')).toBe(
          method !== 'POST' && /^page\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-store',
        );
        ended.abort();
        await body?.cancel().catch(() => {});
      }
    },
  );

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    '%s is not allowed, and what is, is said',
    async (method) => {
      const { server } = await opened();
      for (const path of [...ROUTES, 'nothing']) {
        const { status, headers } = await fetch(`${server.url}${path}`, { method });
        expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      }
    },
  );

  test('HEAD says what GET would, without a body', async () => {
    const { server, page } = await opened();
    let listens = 0;
    const { listen: begin } = page.broadcast;
    page.broadcast.listen = () => {
      listens++;
      return begin.call(page.broadcast);
    };
    for (const path of ROUTES) {
      const answer = await fetch(`${server.url}${path}`, { method: 'HEAD' });
      expect(answer.status).toBe(path === 'report.json' ? 503 : 200);
      expect(await answer.text()).toBe('');
    }
    expect(listens).toBe(0); // nothing is drawn for it, and nobody's place is taken
  });

  test('there is nothing but the routes', async () => {
    const { server } = await opened();
    for (const path of [
      'nothing',
      'page.ts',
      'lib/status/page.js',
      '%2e%2e/%2e%2e/package.json',
      'healthz/',
      '/etc/passwd',
    ])
      expect((await fetch(`${server.url}${path}`)).status).toBe(404);
  });
});

test.each([
  'HTTP/1.0\r\n',
  'HTTP/1.1\r\nHost: [::\r\n',
  'HTTP/1.1\r\nHost: a b\r\n',
  'HTTP/1.1\r\nHost: x/events?\r\n',
])('a health check gets its answer whatever it says of the host: %j', async (rest) => {
  const { server } = await opened();
  const { hostname, port } = new URL(server.url);
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(`GET /healthz ${rest}Connection: close\r\n\r\n`));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text)).on('error', reject);
  });
  expect(answer).toStartWith('HTTP/1.1 200 ');
  expect(answer.toLowerCase()).toContain('\r\ncontent-security-policy: ');
  expect(answer).toEndWith('\r\n\r\nok\n');
});

test('the page’s addresses are relative, so that it works behind a path', async () => {
  const { server } = await opened();
  const page = await (await fetch(server.url, MARKUP)).text();
  const addresses = [...page.matchAll(/\b(?:href|src)="([^"#]+)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(3);
  for (const address of addresses) expect(address).toMatch(/^(page\.(css|js)\?\w+|report\.json|data:,)$/);
  expect(page).not.toMatch(/\sstyle=|\son\w+=|<style|<script>/);
});

test('/report.json is none before there is a run, one that says it is running, and then one that does not', async () => {
  const { server, follow, labels, events } = await opened();
  const url = `${server.url}report.json`;
  const before = await fetch(url);
  expect([before.status, await before.json()]).toEqual([503, { error: expect.any(String) }]);
  follow();
  expect(parseReport(await (await fetch(url)).text())).toMatchObject({ running: true, labels: [] });
  labels.push(department());
  events.emit({ type: 'run.finished', exitCode: 0, seconds: 1 });
  const ended = parseReport(await (await fetch(url)).text());
  expect(ended.labels).toHaveLength(1);
  expect(ended.running).toBeUndefined();
  labels.push(department()); // what comes later is not of the run
  expect(parseReport(await (await fetch(url)).text()).labels).toHaveLength(1);
});

/** The events of a connection. */
async function* listen(url: string, signal?: AbortSignal) {
  const { body } = await fetch(`${url}events`, signal ? { signal } : {});
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    const ends = text.lastIndexOf('\n\n');
    for (const event of text.slice(0, Math.max(0, ends)).split('\n\n').filter(Boolean)) yield event;
    text = text.slice(ends + 2);
  }
}

interface State {
  title: string;
  over: boolean;
  parts: { id: string; hash: string; markup?: string }[];
}
const stateOf = (event: string | undefined): State => JSON.parse(/^data: (.*)$/m.exec(event ?? '')?.[1] ?? 'null');

describe('/events', () => {
  test('begins with everything, and goes on with what changed', async () => {
    const { server, follow, events, labels } = await opened({
      labels: [department({ label: 'one' }), department({ label: 'two' })],
    });
    follow();
    const stream = listen(server.url);
    const first = (await stream.next()).value as string;
    expect(first).toMatch(/^retry: \d+\nevent: state\ndata: \{.*\}$/);
    const whole = stateOf(first);
    expect(whole.parts.map(({ id }) => id)).toEqual([
      'header',
      'nav',
      'now',
      'progress',
      'overview',
      'label one',
      'label two',
    ]);
    expect(whole.parts.every(({ markup }) => markup !== undefined)).toBe(true);
    labels[1] = department({ label: 'two', previousVersion: 'v20240101_000000' });
    events.emit({ type: 'label.started', label: 'two' });
    const second = stateOf((await stream.next()).value as string);
    const sent = second.parts.filter(({ markup }) => markup !== undefined).map(({ id }) => id);
    expect(sent).toContain('label two');
    expect(sent).not.toContain('label one');
    await stream.return(undefined);
  });

  test('ends with the last state when the page does, and leaves the port free', async () => {
    const { page, server, world } = await opened();
    const stream = listen(server.url);
    expect(stateOf((await stream.next()).value as string).over).toBe(false);
    world.interrupt();
    const ended = page[Symbol.asyncDispose]();
    const rest: string[] = [];
    for await (const event of stream) rest.push(event);
    await ended;
    expect(stateOf(rest.at(-1)).over).toBe(true);
    const port = Number(new URL(server.url).port);
    const again = await servePage({ host: '127.0.0.1', port }, async () => new Response('free'));
    expect(await (await fetch(again.url)).text()).toBe('free');
    await again.stop();
  });

  test('has room for so many, and for another one when one has left', async () => {
    const { server, page } = await opened({ limits: { most: 2 } });
    const leave = new AbortController();
    const [first, second] = [listen(server.url, leave.signal), listen(server.url)];
    await Promise.all([first.next(), second.next()]);
    expect(page.broadcast.listeners).toBe(2);
    const { status, headers } = await fetch(`${server.url}events`);
    expect([status, headers.get('retry-after')]).toEqual([503, '10']);
    leave.abort();
    await first.next().catch(() => {});
    while (page.broadcast.listeners > 1) await Bun.sleep(1);
    const third = listen(server.url);
    expect(stateOf((await third.next()).value as string).over).toBe(false);
    await Promise.all([second.return(undefined), third.return(undefined)]);
  });

  test('says that it is still there when nothing happens', async () => {
    const { server } = await opened({ limits: { tickMs: 5, heartbeatTicks: 2 } });
    const stream = listen(server.url);
    await stream.next();
    expect((await stream.next()).value).toStartWith(':');
    await stream.return(undefined);
  });
});

/** A broadcast whose parts are what a test sets. */
function broadcastOf(limits: Partial<typeof LIMITS> = {}) {
  const state = { drawn: 0, markup: '0', fails: false };
  const draw = async (): Promise<View> => {
    state.drawn++;
    if (state.fails) throw new Error('broken');
    return { title: 'x', over: false, parts: [{ id: 'a', markup: state.markup }] };
  };
  return { state, broadcast: new Broadcast(draw, { ...LIMITS, frameMs: 1, ...limits }) };
}
const readerOf = (broadcast: Broadcast) => (broadcast.listen() as ReadableStream<Uint8Array>).getReader();
const read = async (reader: ReturnType<typeof readerOf>) => {
  const { value } = await reader.read();
  return stateOf(new TextDecoder().decode(value));
};

describe('a broadcast', () => {
  test('draws once for all who listen, and never for nobody', async () => {
    const { state, broadcast } = broadcastOf();
    broadcast.changed(); // nobody listens
    const readers = Array.from({ length: 50 }, () => readerOf(broadcast));
    await Promise.all(readers.map(read));
    expect(state.drawn).toBe(1);
    const pending = readers.map(read);
    state.markup = '1';
    for (let index = 0; index < 100; index++) broadcast.changed(); // at once
    const states = await Promise.all(pending);
    expect(states.every(({ parts }) => parts[0]?.markup === '1')).toBe(true);
    expect(state.drawn).toBe(2);
    await broadcast.end();
  });

  test('one that is slow gets the newest state, and nothing is kept for it', async () => {
    const { state, broadcast } = broadcastOf();
    const [slow, quick] = [readerOf(broadcast), readerOf(broadcast)];
    await Promise.all([read(slow), read(quick)]);
    for (const markup of ['1', '2', '3']) {
      state.markup = markup;
      broadcast.changed();
      expect((await read(quick)).parts[0]?.markup).toBe(markup);
    }
    expect((await read(slow)).parts[0]?.markup).toBe('3');
    state.markup = '4';
    await broadcast.end();
    expect((await read(slow)).parts[0]?.markup).toBe('4');
    expect((await slow.read()).done).toBe(true);
  });

  test('goes on with what it had where something cannot be drawn', async () => {
    const { state, broadcast } = broadcastOf();
    const reader = readerOf(broadcast);
    await read(reader);
    state.fails = true;
    broadcast.changed();
    while (state.drawn < 2) await Bun.sleep(1);
    state.fails = false;
    state.markup = '1';
    broadcast.changed();
    expect((await read(reader)).parts[0]?.markup).toBe('1');
    await broadcast.end();
  });
});

describe('a broadcast, as time passes,', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test('has no timer left when the last one has gone, and not before', async () => {
    const { broadcast } = broadcastOf();
    const [first, last] = [readerOf(broadcast), readerOf(broadcast)];
    await Promise.all([read(first), read(last)]);
    jest.advanceTimersByTime(LIMITS.frameMs); // one that only says when a drawing is old
    await first.cancel();
    expect(jest.getTimerCount()).toBe(1);
    broadcast.changed();
    await last.cancel();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is drawn anew for whoever loads the page, but not for each of many at once', async () => {
    const { state, broadcast } = broadcastOf();
    await Promise.all([broadcast.view(), broadcast.view()]);
    expect(state.drawn).toBe(1);
    jest.advanceTimersByTime(LIMITS.frameMs);
    await broadcast.view();
    expect(state.drawn).toBe(2);
  });
});

test('the end of a server leaves no timer behind, which would keep the process', async () => {
  jest.useFakeTimers();
  const server = await servePage({ host: '127.0.0.1', port: 0 }, async () => new Response());
  await server.stop();
  const timers = jest.getTimerCount();
  jest.useRealTimers();
  expect(timers).toBe(0);
});

test('what is a secret here is masked in the report of an earlier run, whoever wrote that', async () => {
  const { server, page } = await opened({ env: { SPACE_ID: 'acme/prepare', MY_TOKEN: 'canary-token' } });
  const record = { run: '20250131-093011-000', started_at: '2025-01-31T09:30:11.000Z', seconds: 4 };
  const rest = { record, due: new Date() } as Parameters<typeof page.rest>[0];
  page.rest(rest, runReport([department({ target: 'acme/canary-token' })]));
  for (const path of ['', 'report.json']) {
    const text = await (await fetch(`${server.url}${path}`)).text();
    expect(text).toContain('acme/***');
    expect(text).not.toContain('canary-token');
  }
});

test('what is a secret here is masked in whatever is not of the report: hops, progress, the address of tracking', async () => {
  const secret = 'canary-token';
  const labels = [department({ label: secret })];
  const { page, follow, events } = await opened({ env: { SPACE_ID: 'acme/prepare', MY_TOKEN: secret }, labels });
  const partOf = async (id: string) => (await page.broadcast.view()).parts.find((part) => part.id === id)?.markup;
  page.check([secret])({ id: secret, status: 'ok', message: secret, seconds: 0 });
  expect(await partOf('hops')).toContain('***');
  expect(await partOf('hops')).not.toContain(secret);
  follow();
  events.emit({ type: 'tracking.started', url: `https://wandb.ai/${secret}/runs/1` } as never);
  events.emit(started(secret, 'clean'));
  await page.broadcast.end();
  for (const id of ['header', 'progress']) {
    expect(await partOf(id)).toContain('***');
    expect(await partOf(id)).not.toContain(secret);
  }
});

test('a part that is gone is told, although the others are as they were', async () => {
  const parts = ['a', 'b'].map((id) => ({ id, markup: id }));
  const broadcast = new Broadcast(async () => ({ title: '', over: false, parts: [...parts] }), {
    ...LIMITS,
    frameMs: 1,
  });
  const reader = readerOf(broadcast);
  await read(reader);
  parts.pop();
  broadcast.changed();
  expect((await read(reader)).parts.map(({ id }) => id)).toEqual(['a']);
  await broadcast.end();
});

test('who is too slow to take an answer does not hold up the end', async () => {
  const size = 50_000_000;
  const server = await servePage({ host: '127.0.0.1', port: 0 }, async () => new Response(new Uint8Array(size)));
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname, () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  await server.stop();
  let taken = 0;
  socket.on('data', (data) => {
    taken += data.length;
  });
  await new Promise((resolve) =>
    socket
      .on('close', resolve)
      .on('error', () => {})
      .resume(),
  );
  expect(taken).toBeLessThan(size / 2); // what was on its way already
});

test('a client that takes nothing is not written to without end', async () => {
  const markup = 'x'.repeat(2_000_000);
  let drawn = 0;
  const broadcast = new Broadcast(
    async () => ({ title: '', over: false, parts: [{ id: 'a', markup: `${drawn++}${markup}` }] }),
    {
      ...LIMITS,
      frameMs: 1,
    },
  );
  let pulled = 0;
  const server = await servePage({ host: '127.0.0.1', port: 0 }, async () => {
    const reader = (broadcast.listen() as ReadableStream<Uint8Array>).getReader();
    const counted = new ReadableStream(
      {
        pull: async (controller) => {
          const { value } = await reader.read();
          pulled++;
          controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(counted);
  });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () =>
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  );
  socket.pause();
  while (pulled === 0) await Bun.sleep(1);
  while (drawn < 60) {
    broadcast.changed();
    await Bun.sleep(2);
  }
  expect(pulled).toBeLessThan(20); // what fits the socket's own buffers
  socket.destroy();
  await broadcast.end();
  await server.stop();
});

test.each([
  [
    'a port that is taken',
    async () => ({ host: '127.0.0.1', port: Number(new URL((await opened()).server.url).port) }),
  ],
  ['an address of another machine', async () => ({ host: '192.0.2.1', port: 0 })],
  ['a name of no machine', async () => ({ host: 'nowhere.invalid', port: 0 })],
])('%s is PAGE_UNAVAILABLE', async (_, address) => {
  const { host, port } = await address();
  let thrown: unknown;
  try {
    await servePage({ host, port }, async () => new Response());
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(PipelineError);
  expect(thrown).toMatchObject({ code: 'PAGE_UNAVAILABLE', message: expect.stringContaining(host) });
});
