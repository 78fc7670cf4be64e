import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PipelineError } from '../errors.ts';
import type { PageAddress } from '../options.ts';

/**
 * What a stranger may cost. Not by Bun.serve: it takes any number of connections, and each has a descriptor that the run may need for a file.
 */
export const BOUNDS = {
  /** Connections at a time, those of listeners among them; what comes beyond is closed at once. */
  connections: 512,
  /** Bytes of the request line and all headers. */
  headerBytes: 16_384,
  /** From the first byte to the end of the headers. */
  headersMs: 10_000,
  /** To the end of a body, which nobody reads. */
  requestMs: 15_000,
  /** Of a connection that asks nothing, or nothing more. */
  idleMs: 10_000,
  /** Of a client that takes nothing; a heartbeat comes every 15 s. */
  deafMs: 60_000,
};

const GRACE_MS = 1000; // for the last state to arrive

/** All that is looked at of a request. `url` is as it was sent. */
export type PageRequest = Pick<Request, 'method' | 'url'>;
type Answer = (request: PageRequest) => Promise<Response>;

/** A server of the status page. */
export interface PageServer {
  /** Where people find it. */
  readonly url: string;
  /** Connections that are open. */
  connections(): Promise<number>;
  /** Let what is under way end, and free the port. */
  stop(): Promise<void>;
}

export interface PageOptions {
  /** Of answers that are none of `answer`. */
  headers?: Record<string, string>;
  bounds?: typeof BOUNDS;
}

/** @throws PipelineError PAGE_UNAVAILABLE where nothing can listen there */
export async function servePage(
  { host, port }: PageAddress,
  answer: Answer,
  { headers = {}, bounds = BOUNDS }: PageOptions = {},
): Promise<PageServer> {
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytes,
      headersTimeout: bounds.headersMs,
      requestTimeout: bounds.requestMs,
      keepAliveTimeout: bounds.idleMs,
      connectionsCheckingInterval: Math.min(1000, bounds.headersMs),
      requireHostHeader: false, // a health check may have none
    },
    (request, response) => void reply(request, response, answer, headers).catch(() => response.destroy()),
  );
  server.maxConnections = bounds.connections;
  server.setTimeout(bounds.deafMs);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket, headers));
  await listen(server, { host, port });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/`,
    connections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count ?? 0))),
    stop: () => stop(server),
  };
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  headers: Record<string, string>,
): Promise<void> {
  const { method = '', url = '' } = request;
  const broken = () => new Response('Something broke\n', { status: 500, headers }); // without a stack trace
  const given = await answer({ method, url }).catch(broken);
  const hasBody = ['content-length', 'transfer-encoding'].some((name) => request.headers[name] !== undefined);
  if (hasBody || (method !== 'GET' && method !== 'HEAD')) response.setHeader('Connection', 'close'); // instead of reading it
  response.writeHead(given.status, Object.fromEntries(given.headers));
  if (given.body && method !== 'HEAD') await send(given.body, response);
  response.end();
}

/** Chunk by chunk, the next one when the last one is taken: nothing is kept for a client that is slow. */
async function send(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  const reader = body.getReader();
  let goOn = () => {};
  response.on('drain', () => goOn());
  response.on('close', () => {
    goOn();
    void reader.cancel().catch(() => {});
  });
  response.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || response.destroyed) return;
    if (response.write(value)) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
      if (response.destroyed) resolve();
    });
  }
}

const REFUSALS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is no request, or too much of one. */
function refuse({ code = '' }: NodeJS.ErrnoException, socket: Socket, headers: Record<string, string>): void {
  if (!socket.writable) return void socket.destroy();
  const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': '0' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${REFUSALS[code] ?? '400 Bad Request'}\r\n${lines.join('')}\r\n`, () => socket.destroy());
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS); // who is too slow to take the end
  await closed;
  clearTimeout(timer); // it would keep the process
}

function listen(server: Server, { host, port }: PageAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = WHY[cause.code ?? ''] ?? 'it is no address of this machine';
      reject(
        new PipelineError('PAGE_UNAVAILABLE', `Cannot serve the status page on ${host}:${port}: ${why}`, {
          fix: 'name another port or address, e.g. --serve 7861; --serve off has no page',
          cause,
        }),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

const WHY: Record<string, string> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this process may not listen there',
};
