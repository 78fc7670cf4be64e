import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { tlsOptions } from '../edges/postgres.ts';
import { PipelineError } from '../errors.ts';
import type { DatabaseTls } from '../spec/database-url.ts';
import type { DatabaseSpec } from '../spec/spec.ts';
import { type Finding, ok, skipped, warning } from './hops.ts';
import { connectTcp, type Place, placeName } from './tcp.ts';

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]); // length 8, code 80877103: PostgreSQL, "SSLRequest"
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Encrypt as the driver would, and tell what the server shows. */
export async function checkTls(database: DatabaseSpec, place: Place, now: Date, signal: AbortSignal): Promise<Finding> {
  const { tls } = database.address;
  const options = await tlsOptions(database.address, database.ca);
  if (!tls || options === false) return skipped('not encrypted: sslmode=disable, or a Unix socket');
  const socket = await connectTcp(place, signal);
  try {
    if (tls.negotiation !== 'direct' && (await askForTls(socket)) !== 'S') {
      if (tls.mode === 'prefer') return ok(`not encrypted: ${placeName(place)} offers no TLS, and it is local`);
      throw new PipelineError('DATABASE_TLS', `Cannot encrypt: ${placeName(place)} offers no TLS`, {
        fix: 'switch ssl on in the server, or write sslmode=disable in the URL where the network is safe',
      });
    }
    const secured = await handshake(socket, {
      ...(isIP(place.host) > 0 ? {} : { servername: place.host }),
      ...(tls.negotiation === 'direct' ? { ALPNProtocols: ['postgresql'] } : {}),
      ...(options === 'prefer' ? { rejectUnauthorized: false } : options),
    });
    return describe(secured, tls, now);
  } finally {
    socket.destroy();
  }
}

/** The server's one letter: S encrypts, N does not. */
function askForTls(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (answer: Buffer) => resolve(String.fromCharCode(answer[0] ?? 0)));
    socket.once('close', () =>
      reject(
        new PipelineError('DATABASE_TLS', 'Cannot encrypt: the server closed the connection instead of answering', {
          fix: 'check that host and port are those of a PostgreSQL server',
        }),
      ),
    );
    socket.write(SSL_REQUEST);
  });
}

function handshake(socket: Socket, options: Record<string, unknown>): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    socket.removeAllListeners(); // the encrypted stream reads it from here on
    const secured = connect({ socket, ...options });
    secured.once('secureConnect', () => resolve(secured));
    secured.on('error', (cause: Error & { code?: string }) => reject(tlsFault(cause.code ?? 'unknown', cause)));
    secured.once('close', () => reject(tlsFault('closed')));
  });
}

function tlsFault(code: string, cause?: unknown): PipelineError {
  return new PipelineError('DATABASE_TLS', `The server’s certificate or its encryption is not accepted (${code})`, {
    fix: tlsFix(code),
    cause,
  });
}

function tlsFix(code: string): string {
  if (/ALTNAME|HOSTNAME/.test(code))
    return 'write a host that the certificate names; or sslmode=verify-ca, which checks the CA and not the host';
  if (/EXPIRED|NOT_YET_VALID/.test(code)) return 'renew the server’s certificate, and check this machine’s clock';
  if (/CERT|SIGN|ISSUER|VERIFY/.test(code))
    return 'give the provider’s CA as sslrootcert=PATH in the URL, or its PEM text as DATABASE_CA';
  return 'check sslmode and sslcert in the URL';
}

const VERIFIED: Record<DatabaseTls['mode'], string> = {
  prefer: 'certificate not checked (sslmode=prefer)',
  require: 'certificate and host name not checked (sslmode=require)',
  'verify-ca': 'CA checked, host name not (sslmode=verify-ca)',
  'verify-full': 'CA and host name verified',
};

function describe(socket: TLSSocket, { mode }: DatabaseTls, now: Date): Finding {
  const { issuer, valid_to } = socket.getPeerCertificate();
  const issuedBy = issuer?.O ?? issuer?.CN ?? 'unknown';
  const days = Math.floor((Date.parse(valid_to) - now.getTime()) / DAY_MS);
  const message = `${socket.getProtocol()}, issued by ${issuedBy}, valid until ${valid_to}; ${VERIFIED[mode]}`;
  if (Number.isNaN(days) || days >= SOON_DAYS) return ok(message);
  return warning(
    `${message}; ${days < 0 ? 'expired' : `expires in ${days} days`}`,
    'renew the server’s certificate',
    'DATABASE_TLS',
  );
}
