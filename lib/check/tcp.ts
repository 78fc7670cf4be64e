import { connect, type Socket } from 'node:net';
import { isSocket } from '../spec/database-tls.ts';
import type { DatabaseAddress } from '../spec/database-url.ts';

export type Place = DatabaseAddress['hosts'][number];

/** `host:port`, `[::1]:port`, or the path of a Unix socket. */
export function placeName({ host, port }: Place): string {
  if (isSocket(host)) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Open a connection; it is destroyed when the signal aborts. */
export function connectTcp(place: Place, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(isSocket(place.host) ? { path: placeName(place) } : { host: place.host, port: place.port });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {}); // whoever reads or writes next learns of it by the close
      resolve(socket);
    });
  });
}
