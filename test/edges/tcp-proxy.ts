import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open. */
  readonly open: number;
  /** From now on nothing passes, in neither direction, as when a cable is pulled: nobody is told. New connections are taken, and silent. */
  hold(): void;
  /** What was held passes, and all that comes. */
  release(): void;
  /** Reset every connection. */
  cut(): void;
}

export interface TcpProxyOptions {
  /** Where it listens; any port when left out. */
  port?: number;
  /** Called with each chunk of the client before it is passed on, and after that. */
  passing?: (stage: 'before' | 'after', chunk: Buffer) => void | Promise<void>;
  /** Called when so many bytes have come from the server, over all connections, before they are passed on. */
  onBytes?: { bytes: number; call: (proxy: TcpProxy) => void };
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.once('drain', done).once('close', done);
  });
}

/** A network between a client and a real server on this machine, which loses packets and connections when it is told to. */
export async function startTcpProxy(
  to: { host: string; port: number },
  { port = 0, passing = () => {}, onBytes }: TcpProxyOptions = {},
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let held: { promise: Promise<void>; resolve: () => void } | undefined;
  let received = 0;

  const pump = async (from: Socket, into: Socket, transmit: (chunk: Buffer) => void | Promise<void>) => {
    try {
      for await (const chunk of from) {
        await held?.promise;
        await transmit(chunk);
      }
    } catch {
      into.destroy(); // a reset goes on to the other side
    }
    await held?.promise;
    into.end();
  };

  const server = createServer((client) => {
    const upstream = connect(to);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    }
    void pump(client, upstream, async (chunk) => {
      await passing('before', chunk);
      upstream.write(chunk);
      await passing('after', chunk);
    });
    void pump(upstream, client, async (chunk) => {
      const before = received;
      received += chunk.length;
      if (onBytes && before < onBytes.bytes && received >= onBytes.bytes) onBytes.call(proxy);
      await held?.promise;
      if (!client.write(chunk)) await drained(client);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    get open() {
      return sockets.size / 2;
    },
    hold() {
      held ??= Promise.withResolvers<void>();
    },
    release() {
      held?.resolve();
      held = undefined;
    },
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      proxy.release();
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
