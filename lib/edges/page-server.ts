import { PipelineError } from '../errors.ts';
import type { PageAddress } from '../options.ts';

const IDLE_S = 60; // of a connection that takes nothing; a heartbeat comes every 15 s
const GRACE_MS = 1000; // for the last state to arrive

/** A server of the status page. */
export interface PageServer {
  /** Where people find it. */
  readonly url: string;
  /** Let what is under way end, and free the port. */
  stop(): Promise<void>;
}

/** @throws PipelineError PAGE_UNAVAILABLE where nothing can listen there */
export function servePage({ host, port }: PageAddress, answer: (request: Request) => Promise<Response>): PageServer {
  const server = listen({ host, port }, answer);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${server.port}/`,
    stop: async () => {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, GRACE_MS);
      await Promise.race([server.stop(), late.promise]);
      clearTimeout(timer); // it would keep the process
      await server.stop(true); // who is too slow to take the end
    },
  };
}

function listen({ host, port }: PageAddress, fetch: (request: Request) => Promise<Response>) {
  try {
    const error = () => new Response('Something broke\n', { status: 500 }); // without a stack trace
    return Bun.serve({ hostname: host, port, idleTimeout: IDLE_S, fetch, error });
  } catch (cause) {
    const { code } = cause as { code?: string };
    const why = WHY[code ?? ''] ?? 'it is no address of this machine';
    throw new PipelineError('PAGE_UNAVAILABLE', `Cannot serve the status page on ${host}:${port}: ${why}`, {
      fix: 'name another port or address, e.g. --serve 7861; --serve off has no page',
      cause,
    });
  }
}

const WHY: Record<string, string> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this process may not listen there',
};
