import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { BOUNDS, servePage } from '../../lib/edges/page-server.ts';
import { HEADERS } from '../../lib/status/routes.ts';
import { openTestPage, type TestPage } from './pages.ts';

/** What a stranger may send, byte by byte, to the page of a program that has something else to do. */

setDefaultTimeout(30_000);

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});
const opened = async (bounds: Partial<typeof BOUNDS> = {}): Promise<TestPage> => {
  const page = await openTestPage({ bounds: { ...BOUNDS, ...bounds } });
  open.push(page);
  return page;
};

interface Talk {
  socket: Socket;
  /** All that came, once the other side has closed. */
  closed: Promise<string>;
  said(): string;
}

/** A connection of its own. @param bytes are sent at once */
function talk({ server }: Pick<TestPage, 'server'>, bytes: string | Uint8Array = ''): Talk {
  const { hostname, port } = new URL(server.url);
  let said = '';
  const socket = connect(Number(port), hostname, () => bytes.length > 0 && socket.write(bytes));
  socket.on('data', (data) => {
    said += data.toString('latin1');
  });
  socket.on('error', () => {}); // a reset is an end, too
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve(said))), said: () => said };
}

const HOST = 'Host: page.example\r\n';
/** Closed afterwards, so that the whole answer is known. */
const get = (target: string, more = '', method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\n${HOST}${more}Connection: close\r\n\r\n`;

const statusesOf = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));

/** The one answer, and that it forbids what every answer does. */
function statusOf(answer: string): number {
  const [status = 0, ...more] = statusesOf(answer);
  expect(more).toEqual([]);
  const [head = ''] = answer.toLowerCase().split('\r\n\r\n');
  for (const name of Object.keys(HEADERS)) expect(head).toContain(`\r\n${name.toLowerCase()}: `);
  return status;
}

const DEEP = '/a'.repeat(4000);
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const SMUGGLED = get('/healthz');
const LAST_CHUNK = '0\r\n\r\n';
const head = (method: string, more: string) => `${method} /healthz HTTP/1.1\r\n${HOST}${more}\r\n`;

describe('a request', () => {
  test.each([
    ['/../package.json', 404],
    ['/../../../../etc/passwd', 404],
    ['/%2e%2e/package.json', 404],
    ['/%2e%2e%2f%2e%2e%2fetc/passwd', 404],
    ['/..%5c..%5cpackage.json', 404],
    ['/..\\..\\package.json', 404],
    ['/page.css/../healthz', 404],
    ['/./healthz', 404],
    ['//healthz', 404],
    ['//evil.example/healthz', 404],
    ['/healthz%00', 404],
    ['/healthz%00.css', 404],
    ['/%68ealthz', 404],
    ['/HEALTHZ', 404],
    ['/healthz;a=b', 404],
    ['/__proto__', 404],
    ['/constructor', 404],
    [DEEP, 404],
    ['http://evil.example/healthz', 200],
    ['http://user:password@evil.example:1/healthz?a#b', 200],
    ['http://evil.example/../package.json', 404],
    ['/healthz?../../package.json', 200],
    ['file:///etc/passwd', 400],
    ['healthz', 400],
    ['\\healthz', 400],
    ['/\0healthz', 400],
    ['/a b', 400],
    ['*', 400],
    [`/${'a'.repeat(20_000)}`, 431],
    [`/${'a'.repeat(1_000_000)}`, 431],
  ])('of %.40s is %i', async (target, status) => {
    const page = await opened();
    expect(statusOf(await talk(page, get(target)).closed)).toBe(status);
  });

  test.each([
    ['POST', 405],
    ['PUT', 405],
    ['DELETE', 405],
    ['PATCH', 405],
    ['OPTIONS', 405],
    ['TRACE', 405],
    ['PROPFIND', 405],
    ['get', 400],
    ['FOO', 400],
  ])('by %s is %i', async (method, status) => {
    const answer = await talk(await opened(), get('/healthz', 'X-Echo: canary\r\n', method)).closed;
    expect(statusOf(answer)).toBe(status);
    expect(/^allow: GET, HEAD\r$/im.test(answer)).toBe(status === 405);
    expect(answer).not.toContain('canary'); // TRACE would send it back
  });

  test.each<[string, string, number]>([
    ['a header of 20 kB', get('/healthz', `X-A: ${'b'.repeat(20_000)}\r\n`), 431],
    ['a header of 1 MB', get('/healthz', `X-A: ${'b'.repeat(1_000_000)}\r\n`), 431],
    ['5,000 headers', get('/healthz', 'X-A: b\r\n'.repeat(5000)), 431],
    ['headers without end', `GET / HTTP/1.1\r\n${HOST}${'X-A: b\r\n'.repeat(100_000)}`, 431],
    ['a header’s name without end', `GET / HTTP/1.1\r\n${HOST}${'X'.repeat(1_000_000)}`, 431],
    ['a line that goes on', get('/healthz', 'X-A: b\r\n c\r\n'), 400],
    ['a lone carriage return', get('/healthz', 'X-A: b\rX-B: c\r\n'), 400],
    ['a NUL', get('/healthz', 'X-A: b\0c\r\n'), 400],
    ['no colon', get('/healthz', 'X-A\r\n'), 400],
    ['line feeds alone', 'GET /healthz HTTP/1.1\nHost: x\n\n', 400],
    ['HTTP/0.9', 'GET /healthz\r\n\r\n', 400],
    ['HTTP/1.0', 'GET /healthz HTTP/1.0\r\n\r\n', 200],
    ['HTTP/1.0 and keep-alive, and a close', `GET /healthz HTTP/1.0\r\nConnection: close\r\n\r\n`, 200],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['HTTP/3.0', `GET /healthz HTTP/3.0\r\n${HOST}\r\n`, 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 200],
    ['two Hosts', get('/healthz', HOST), 200],
    ['a wish for HTTP/2', get('/healthz', 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'), 200],
    ['a range', get('/page.css', 'Range: bytes=0-1\r\n'), 200],
    ['bytes that are TLS', '\x16\x03\x01\x00\xf6\x01\x00\x00\xf2\x03\x03', 400],
    ['bytes that are nothing', '\xff'.repeat(100_000), 400],
  ])('with %s is %i', async (_, bytes, status) => {
    const page = await opened();
    expect(statusOf(await talk(page, Buffer.from(bytes, 'latin1')).closed)).toBe(status);
    expect((await fetch(`${page.server.url}healthz`)).status).toBe(200);
  });

  // Where two lengths are given, a proxy before the page might believe the other one.
  test.each<[string, string, number]>([
    ['Content-Length and chunks', head('GET', `Content-Length: 6\r\n${CHUNKED}`) + LAST_CHUNK + SMUGGLED, 400],
    ['chunks and Content-Length', head('POST', `${CHUNKED}Content-Length: 4\r\n`) + LAST_CHUNK + SMUGGLED, 400],
    ['two encodings', head('POST', `${CHUNKED}Transfer-Encoding: identity\r\n`) + LAST_CHUNK + SMUGGLED, 400],
    ['an encoding that is none', head('POST', 'Transfer-Encoding: xchunked\r\n') + LAST_CHUNK + SMUGGLED, 405],
    ['a space before the colon', head('POST', 'Transfer-Encoding : chunked\r\n') + LAST_CHUNK + SMUGGLED, 400],
    ['two lengths', head('POST', 'Content-Length: 0\r\nContent-Length: 44\r\n') + SMUGGLED, 400],
    ['a length below 0', head('POST', 'Content-Length: -1\r\n') + SMUGGLED, 400],
    ['a length with a sign', head('POST', 'Content-Length: +5\r\n') + SMUGGLED, 400],
    ['a length beyond all numbers', head('POST', 'Content-Length: 99999999999999999999\r\n') + SMUGGLED, 400],
    ['a body of a GET', head('GET', `Content-Length: ${SMUGGLED.length}\r\n`) + SMUGGLED, 200],
    ['a body of a GET, which is more', head('GET', 'Content-Length: 3\r\n') + SMUGGLED, 200],
    ['a body of a HEAD', head('HEAD', `${CHUNKED}`) + LAST_CHUNK + SMUGGLED, 200],
    ['a body of a POST', head('POST', 'Content-Length: 0\r\n') + SMUGGLED, 405],
    ['a chunk without end', `${head('POST', CHUNKED)}ffffffffffffffff\r\nabc`, 405],
    ['a chunk of no size', `${head('POST', CHUNKED)}ZZ\r\n`, 405],
  ])('with %s is %i, and what follows is no request', async (_, bytes, status) => {
    expect(statusOf(await talk(await opened(), bytes).closed)).toBe(status);
  });

  test.each(['POST', 'GET'])(
    'by %s with a gigabyte after it is closed before much of that has come',
    async (method) => {
      const page = await opened();
      const length = 1_000_000_000;
      const { socket, closed } = talk(page, head(method, `Content-Length: ${length}\r\n`));
      const piece = Buffer.alloc(1_000_000);
      const timer = setInterval(() => socket.write(piece), 1);
      await closed; // the answer may be lost by that
      clearInterval(timer);
      expect(socket.bytesWritten).toBeLessThan(length / 5);
      expect((await fetch(`${page.server.url}healthz`)).status).toBe(200);
    },
  );

  test('may come with a thousand others in one go', async () => {
    const { closed } = talk(await opened(), head('GET', '').repeat(999) + get('/healthz'));
    const statuses = statusesOf(await closed);
    expect([statuses.length, new Set(statuses)]).toEqual([1000, new Set([200])]);
  });

  test('that the program cannot answer is 500, without a word of why', async () => {
    const answer = () => Promise.reject(new Error('canary'));
    const server = await servePage({ host: '127.0.0.1', port: 0 }, answer, { headers: HEADERS });
    const said = await talk({ server }, get('/')).closed;
    expect(statusOf(said)).toBe(500);
    expect(said).not.toContain('canary');
    await server.stop();
  });
});

describe('a client that is slow', () => {
  const QUICK = { headersMs: 300, requestMs: 400, idleMs: 200 };
  const UNDER_WAY = `GET /healthz HTTP/1.1\r\n${HOST}`;

  test.each<[string, string, string | undefined, number[] | undefined]>([
    ['says nothing', '', undefined, undefined], // closed without a word, or with 408: whichever limit comes first
    ['stops within the headers', UNDER_WAY, undefined, [408]],
    ['sends one header after the other', UNDER_WAY, 'X-A: b\r\n', [408]],
    ['sends a header byte by byte', `${UNDER_WAY}X-A: `, 'a', [408]],
    ['stops within the first line', 'GET /heal', undefined, [408]],
    ['sends a body byte by byte', head('POST', 'Content-Length: 1000\r\n'), 'a', [405]],
    ['sends chunk by chunk', head('POST', CHUNKED), '1\r\na\r\n', [405]],
    ['asks nothing more', head('GET', ''), undefined, [200]],
  ])('and %s is closed', async (_, first, each, statuses) => {
    const page = await opened(QUICK);
    const { socket, closed } = talk(page, first);
    const timer = each === undefined ? undefined : setInterval(() => socket.writable && socket.write(each), 20);
    const answers = statusesOf(await closed);
    clearInterval(timer);
    if (statuses) expect(answers).toEqual(statuses);
  });

  test('and takes nothing is closed', async () => {
    const endless = () =>
      new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(65_536)) }, { highWaterMark: 0 });
    const bounds = { ...BOUNDS, deafMs: 300 };
    const server = await servePage({ host: '127.0.0.1', port: 0 }, async () => new Response(endless()), { bounds });
    const { socket, closed } = talk({ server }, get('/'));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const { promise: gone, resolve: isGone } = Promise.withResolvers<void>();
    const poll = setInterval(() => void server.connections().then((count) => count === 0 && isGone()), 20);
    await gone;
    clearInterval(poll);
    socket.resume();
    await closed;
    await server.stop();
  });

  test('and listens to a page on which nothing happens stays', async () => {
    const page = await opened(QUICK);
    const { socket, said } = talk(page, `GET /events HTTP/1.1\r\n${HOST}\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    const begun = said().length;
    await talk(page).closed; // another one, which says nothing: the time has passed
    await talk(page, UNDER_WAY).closed;
    page.follow();
    await new Promise((resolve) => socket.once('data', resolve));
    expect(said().length).toBeGreaterThan(begun);
    socket.destroy();
  });
});

describe('many clients', () => {
  test('have so many connections, and no more; whoever leaves makes room', async () => {
    const page = await opened({ connections: 20 });
    const silent = Array.from({ length: 20 }, () => talk(page));
    await Promise.all(silent.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))));
    while ((await page.server.connections()) < 20) await Bun.sleep(1);
    expect(statusesOf(await talk(page, get('/healthz')).closed)).toEqual([]);
    silent[0]?.socket.destroy();
    while ((await page.server.connections()) === 20) await Bun.sleep(1);
    expect(statusOf(await talk(page, get('/healthz')).closed)).toBe(200);
    for (const { socket } of silent) socket.destroy();
  });

  test('that only listen leave room for a health check', () => {
    expect(BOUNDS.connections).toBeGreaterThanOrEqual(256 * 2);
  });
});
