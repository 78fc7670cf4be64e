import { readFile } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { PipelineError } from '../errors.ts';
import type { DatabaseAddress } from '../spec/database-url.ts';
import { isTransient, tlsError } from './postgres-errors.ts';

export type Place = DatabaseAddress['hosts'][number];

/** How to encrypt: options of tls.connect; 'prefer' goes on in plain where the server cannot. */
export interface Encryption {
  options: false | 'prefer' | Record<string, unknown>;
  /** TLS from the first byte on, without asking first. */
  direct: boolean;
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]); // length 8, code 80877103: PostgreSQL, "SSLRequest"

export async function planEncryption(address: DatabaseAddress, ca: string | undefined): Promise<Encryption> {
  const direct = address.tls !== false && address.tls.negotiation === 'direct';
  return { options: await tlsOptions(address, ca), direct };
}

/**
 * Options of tls.connect; 'prefer' falls back to plaintext and is only for local hosts. A CA that is given is used: with it `require`
 * verifies the chain, whether it comes as sslrootcert or as DATABASE_CA. libpq does so for its root certificate.
 *
 * @param ca PEM text of DATABASE_CA; sslrootcert of the URL comes first
 * @throws PipelineError DATABASE_CA when a file of the URL cannot be read
 */
export async function tlsOptions({ tls }: DatabaseAddress, ca: string | undefined): Promise<Encryption['options']> {
  if (!tls || tls.mode === 'prefer') return tls ? 'prefer' : false;
  const authority = tls.caFile ? await readTlsFile(tls.caFile) : ca;
  return {
    rejectUnauthorized: tls.mode !== 'require' || authority !== undefined,
    ...(authority ? { ca: authority } : {}),
    ...(tls.mode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ...(tls.certFile ? { cert: await readTlsFile(tls.certFile) } : {}),
    ...(tls.keyFile ? { key: await readTlsFile(tls.keyFile) } : {}),
  };
}

async function readTlsFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new PipelineError('DATABASE_CA', `Cannot read ${path}: ${cause.code}`, {
      fix: 'the database URL names this file; mount it, or put the CA’s PEM text in DATABASE_CA',
      cause,
    });
  });
}

/**
 * Open a connection and encrypt it. The driver's own way takes a server's "no encryption" for a yes, and begins again for ever where
 * a server closes the connection before the login.
 *
 * @param signal gives up, also in the middle of the handshake
 */
export async function openSocket(place: Place, encryption: Encryption, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const { host, port } = place;
  const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  socket.on('error', () => {}); // whoever waits next learns of it by the close
  try {
    await next(socket, 'connect', signal);
    return await encrypt(socket, place, encryption, signal);
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
}

async function encrypt(socket: Socket, place: Place, encryption: Encryption, signal: AbortSignal): Promise<Socket> {
  const { options, direct } = encryption;
  if (options === false) return socket;
  if (!direct) {
    socket.write(SSL_REQUEST);
    const answer = (await next<Buffer>(socket, 'data', signal)).toString('latin1');
    if (answer === 'N' && options === 'prefer') return socket;
    if (answer !== 'S') throw refusal(answer, place); // nor "S" with more behind it, which nobody has encrypted
  }
  let secured: TLSSocket | undefined;
  try {
    secured = connectTls({
      socket,
      host: place.host, // whose name or address the certificate must have
      ...(isIP(place.host) > 0 ? {} : { servername: place.host }),
      ...(direct ? { ALPNProtocols: ['postgresql'] } : {}),
      ...(options === 'prefer' ? { rejectUnauthorized: false } : options),
    });
    secured.on('error', () => {});
    await next(secured, 'secureConnect', signal);
    return secured;
  } catch (thrown) {
    secured?.destroy();
    throw signal.aborted || isTransient(thrown) ? thrown : tlsError(thrown);
  }
}

/** The next event of a kind; rejects when the connection ends before. */
export function next<T>(socket: Socket, event: string, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const end = () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
  const abort = () => reject(signal.reason);
  socket.once(event, resolve).once('error', reject).once('close', end);
  signal.addEventListener('abort', abort);
  return promise.finally(() => {
    socket.off(event, resolve).off('error', reject).off('close', end);
    signal.removeEventListener('abort', abort);
  });
}

function refusal(answer: string, { host, port }: Place): PipelineError {
  if (answer === 'N')
    return new PipelineError('DATABASE_TLS', `Cannot encrypt: ${host}:${port} offers no TLS`, {
      fix: 'switch ssl on in the server, or write sslmode=disable in the URL where the network is safe',
    });
  if (answer.startsWith('E'))
    return new PipelineError('DATABASE_UNREACHABLE', `${host}:${port} refuses connections`, {
      retryable: true,
      fix: 'look at the server’s log; it may have no memory or no process left',
    });
  return new PipelineError('DATABASE_TLS', `Cannot encrypt: ${host}:${port} answers what no PostgreSQL server does`, {
    fix: 'check that host and port are those of a PostgreSQL server',
  });
}
