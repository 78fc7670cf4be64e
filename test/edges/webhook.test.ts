import { afterEach, describe, expect, test } from 'bun:test';
import { postWebhook } from '../../lib/edges/webhook.ts';
import { PipelineError } from '../../lib/errors.ts';
import { Interrupted } from '../../lib/real-world.ts';

const SECRET = 'T00/B00/x0x0-secret';
const SAID = 'invalid_token x0x0';

interface Post {
  type: string | null;
  body: unknown;
}

const servers: ReturnType<typeof Bun.serve>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.stop(true);
});

/** A chat that gives these answers, one after the other; `undefined` never comes. */
function chat(...answers: (Response | undefined)[]) {
  const posts: Post[] = [];
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      posts.push({ type: request.headers.get('Content-Type'), body: await request.json() });
      resolve();
      return answers[posts.length - 1] ?? (await new Promise<Response>(() => {}));
    },
  });
  servers.push(server);
  return { url: `http://127.0.0.1:${server.port}/services/${SECRET}`, posts, asked };
}

/** A world whose clock notes what was waited for, and does not wait. */
function quickWorld(signal = new AbortController().signal) {
  const waits: number[] = [];
  const sleep = async (ms: number) => void waits.push(ms);
  return { world: { fetch, clock: { now: () => new Date(0), sleep }, signal }, waits };
}

async function failure(posting: Promise<void>): Promise<string> {
  const thrown = await posting.then(
    () => 'posted',
    (error: unknown) => error,
  );
  if (!(thrown instanceof PipelineError)) throw new Error(`no error of ours: ${thrown}`);
  const { code, message, fix, stack, cause } = thrown;
  for (const secret of [SECRET, SAID, '127.0.0.1']) expect(`${message} ${fix} ${stack} ${cause}`).not.toContain(secret);
  expect(code).toBe('WEBHOOK_FAILED');
  return message;
}

const settings = (url: string) => ({ url, when: 'always' as const });
const no = (status: number, headers = {}) => new Response(SAID, { status, headers });

describe('postWebhook()', () => {
  test('posts JSON once where it is taken', async () => {
    const { url, posts } = chat(new Response('ok'));
    const { world, waits } = quickWorld();
    await postWebhook(settings(url), { text: 'नमस्ते' }, world);
    expect(posts).toEqual([{ type: 'application/json', body: { text: 'नमस्ते' } }]);
    expect(waits).toEqual([]);
  });

  test('tries again after 5xx, and after 429 when the chat says so', async () => {
    const { url, posts } = chat(no(503), no(429, { 'Retry-After': '4' }), new Response('ok'));
    const { world, waits } = quickWorld();
    await postWebhook(settings(url), { text: 'x' }, world);
    expect(posts.length).toBe(3);
    expect(waits).toEqual([1000, 5000]);
  });

  test('gives up after three, and waits for nobody longer than half a minute', async () => {
    const { url, posts } = chat(no(429, { 'Retry-After': '9999' }), no(500), no(502));
    const { world, waits } = quickWorld();
    expect(await failure(postWebhook(settings(url), {}, world))).toMatch(/it answered 502$/);
    expect(posts.length).toBe(3);
    expect(waits).toEqual([30_000, 2000]);
  });

  test.each([400, 403, 404, 410])('does not repeat what is refused: %i', async (status) => {
    const { url, posts } = chat(no(status));
    const { world } = quickWorld();
    expect(await failure(postWebhook(settings(url), {}, world))).toContain(`it answered ${status}`);
    expect(posts.length).toBe(1);
  });

  test('follows no redirection', async () => {
    const elsewhere = chat(new Response('ok'));
    const { url } = chat(no(302, { Location: elsewhere.url }));
    expect(await failure(postWebhook(settings(url), {}, quickWorld().world))).toContain('302');
    expect(elsewhere.posts).toEqual([]);
  });

  test('does not repeat what may have arrived', async () => {
    const { url, posts } = chat();
    const { world, waits } = quickWorld();
    expect(await failure(postWebhook(settings(url), {}, world, 50))).toContain('in time');
    expect([posts.length, waits.length]).toEqual([1, 0]);
  });

  test('does not repeat what a connection that broke may have carried', async () => {
    const { url, posts, asked } = chat();
    const { world, waits } = quickWorld();
    const posting = failure(postWebhook(settings(url), {}, world));
    await asked;
    for (const server of servers.splice(0)) server.stop(true);
    expect(await posting).toContain('ECONNRESET');
    expect([posts.length, waits.length]).toEqual([1, 0]);
  });

  test('tries again where nobody listens', async () => {
    const { url } = chat();
    for (const server of servers.splice(0)) await server.stop(true);
    const { world, waits } = quickWorld();
    expect(await failure(postWebhook(settings(url), {}, world))).toMatch(/cannot be reached \(\w+\)/);
    expect(waits).toEqual([1000, 2000]);
  });

  test('ends at once when it is interrupted', async () => {
    const { url, posts, asked } = chat();
    const controller = new AbortController();
    const reason = new Interrupted('SIGINT');
    const posting = postWebhook(settings(url), {}, quickWorld(controller.signal).world);
    await asked;
    controller.abort(reason);
    expect(await posting.catch((thrown: unknown) => thrown)).toBe(reason);
    expect(posts.length).toBe(1);
  });
});
