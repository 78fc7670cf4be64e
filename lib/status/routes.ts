import type { Asset, Assets } from './assets.ts';
import type { Broadcast } from './broadcast.ts';
import { renderDocument } from './document.ts';

const YEAR_S = 31_536_000;
/** Not by `URL`, which throws where a client names a host that is none; one of HTTP/1.0 names no host at all. */
const PATH = /^(?:https?:\/\/[^/?#]*)?([^?#]*)/;

/** Of every answer, also to what is no request. On the Hub a Space's page is a frame in a page of theirs. */
export const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors https://huggingface.co",
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** What the routes show. */
export interface Shown {
  readonly broadcast: Broadcast;
  /** As JSON; undefined where there is none yet. */
  report(): string | undefined;
}

type Handler = (request: Pick<Request, 'method' | 'url'>) => Promise<Response>;

/** GET and HEAD of a few fixed paths, answered from memory. */
export function planRoutes(page: Shown, assets: Assets): Handler {
  const routes = new Map<string, (method: string) => Response | Promise<Response>>([
    ['/', async () => reply(renderDocument(await page.broadcast.view(), assets), 'text/html')],
    ['/events', (method) => listen(page, method)],
    ['/healthz', () => reply('ok\n')],
    ['/report.json', () => reportOf(page)],
    ['/page.css', () => file(assets.styles)],
    ['/page.js', () => file(assets.script)],
  ]);
  return async ({ method, url }) => {
    if (method !== 'GET' && method !== 'HEAD')
      return reply('GET and HEAD only\n', 'text/plain', 405, { Allow: 'GET, HEAD' });
    const route = routes.get(PATH.exec(url)?.[1] || '/');
    return route ? await route(method) : reply('Nothing here\n', 'text/plain', 404);
  };
}

function reply(body: string | ReadableStream | null, type = 'text/plain', status = 200, more: object = {}): Response {
  const length = typeof body === 'string' && { 'Content-Length': `${Buffer.byteLength(body)}` };
  return new Response(body, {
    status,
    headers: { ...HEADERS, 'Content-Type': `${type}; charset=utf-8`, ...length, ...more },
  });
}

/** Its address changes with its content. */
function file({ text, type }: Asset): Response {
  return reply(text, type, 200, { 'Cache-Control': `public, max-age=${YEAR_S}, immutable` });
}

function listen({ broadcast }: Shown, method: string): Response {
  const unbuffered = { 'X-Accel-Buffering': 'no' }; // a proxy that collects an answer before it passes it on would show nothing
  if (method === 'HEAD') return reply(null, 'text/event-stream', 200, unbuffered);
  const stream = broadcast.listen();
  if (!stream) return reply('Too many are watching\n', 'text/plain', 503, { 'Retry-After': '10' });
  return reply(stream, 'text/event-stream', 200, unbuffered);
}

function reportOf(page: Shown): Response {
  const report = page.report();
  if (report !== undefined) return reply(report, 'application/json');
  const error = `${JSON.stringify({ error: 'There is no report yet' })}\n`;
  return reply(error, 'application/json', 503, { 'Retry-After': '5' });
}
