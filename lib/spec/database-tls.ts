import { isIPv4 } from 'node:net';
import { parameterProblem, readChoice } from './database-parameters.ts';
import type { Keywords, UrlProblem } from './database-text.ts';

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

type Mode = (typeof MODES)[number];

export interface DatabaseTls {
  /** `require` encrypts without checking who answers, as in libpq. */
  mode: Exclude<Mode, 'disable' | 'allow'>;
  /** Path of the CA's certificate; without it the system's CAs are meant. */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  /** TLS from the first byte on, without asking first (PostgreSQL 17). */
  negotiation?: 'direct';
}

interface Host {
  host: string;
}

interface Asked {
  mode: Mode | undefined;
  /** Where it is written, for a message. */
  source: string;
}

/**
 * Read how to encrypt, after https://www.postgresql.org/docs/current/libpq-ssl.html, with one difference: a host that is
 * not local is reached in plain only where `sslmode=disable` is written.
 */
export function readTls(
  keywords: Keywords,
  env: { readonly PGSSLMODE?: string | undefined; readonly PGSSLROOTCERT?: string | undefined },
  hosts: readonly Host[],
  problems: UrlProblem[],
): false | DatabaseTls {
  const asked = readMode(keywords, env.PGSSLMODE, problems);
  const certificate = readCertificate(keywords, problems);
  const direct = readChoice('sslnegotiation', keywords.get('sslnegotiation'), ['postgres', 'direct'], problems);
  const root = keywords.get('sslrootcert') || (asked.mode === 'disable' ? undefined : env.PGSSLROOTCERT) || undefined;
  const identity = readIdentityDemand(keywords, root, problems);
  if (hosts.every(({ host }) => isSocket(host))) return false; // as libpq: nothing leaves the machine
  if (asked.mode === 'disable') {
    const demand = identity ?? (direct === 'direct' ? 'sslnegotiation=direct' : undefined);
    if (demand) problems.push(parameterProblem('sslmode', `found disable and ${demand}`, 'write one of the two'));
    const remote = hosts.find(({ host }) => !isLocal(host));
    if (remote !== undefined && asked.source !== 'sslmode=disable') problems.push(plaintextProblem(asked.source));
    return false;
  }
  const isNeeded = !hosts.every(({ host }) => isLocal(host)) || certificate !== undefined || direct === 'direct';
  const caFile = root === 'system' ? undefined : root;
  const mode = identity === undefined ? raise(asked.mode, isNeeded, caFile) : 'verify-full';
  return {
    mode,
    ...(caFile !== undefined && mode !== 'prefer' ? { caFile } : {}), // what may fall back to plain proves nothing
    ...certificate,
    ...(direct === 'direct' ? { negotiation: direct } : {}),
  };
}

export function isSocket(host: string): boolean {
  return host.startsWith('/');
}

export function isLocal(host: string): boolean {
  const address = host.replace(/^::ffff:/i, ''); // IPv4 within IPv6
  return (
    isSocket(host) || /^localhost\.?$/i.test(host) || host === '::1' || (isIPv4(address) && /^127\./.test(address))
  );
}

/** `sslmode`; or `ssl`, which libpq reads for JDBC's sake and SQLAlchemy's asyncpg and node-postgres write. */
function readMode(keywords: Keywords, fromEnv: string | undefined, problems: UrlProblem[]): Asked {
  const ssl = keywords.get('ssl');
  const sources = [
    ['sslmode', keywords.get('sslmode')],
    ['ssl', ssl === undefined ? undefined : (SSL_VALUES.get(ssl) ?? ssl)],
    ['PGSSLMODE', fromEnv || undefined],
  ] as const;
  const [name, value] = sources.find(([, written]) => written !== undefined) ?? ['sslmode', undefined];
  const isUnchecked = value === 'no-verify'; // node-postgres's word for libpq's require, in Heroku's guides
  const mode = readChoice(name, isUnchecked ? 'require' : value, MODES, problems);
  return { mode, source: `${name}=${name === 'ssl' ? ssl : value}` };
}

const SSL_VALUES = new Map<string, Mode>([
  ['true', 'require'],
  ['1', 'require'],
  ['false', 'disable'],
  ['0', 'disable'],
]);

function readCertificate(
  keywords: Keywords,
  problems: UrlProblem[],
): { certFile: string; keyFile: string } | undefined {
  const [certFile, keyFile] = [keywords.get('sslcert'), keywords.get('sslkey')];
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  const alone = certFile !== undefined ? 'sslcert' : 'sslkey';
  const fix = "write sslcert and sslkey; the CA's certificate is sslrootcert";
  if (keywords.has(alone))
    problems.push(parameterProblem(alone, 'found it alone, must be a certificate and its key', fix));
  return undefined;
}

/** What asks for proof of who answers. The driver cannot bind channels; a checked name and chain are the nearest. */
function readIdentityDemand(keywords: Keywords, root: string | undefined, problems: UrlProblem[]): string | undefined {
  const binding = readChoice(
    'channel_binding',
    keywords.get('channel_binding'),
    ['disable', 'prefer', 'require'],
    problems,
  );
  const prisma = readChoice('sslaccept', keywords.get('sslaccept'), ['strict', 'accept_invalid_certs'], problems);
  if (root === 'system') return 'sslrootcert=system';
  if (binding === 'require') return 'channel_binding=require';
  return prisma === 'strict' ? 'sslaccept=strict' : undefined;
}

function raise(asked: Mode | undefined, isNeeded: boolean, caFile: string | undefined): DatabaseTls['mode'] {
  if (asked === 'verify-ca' || asked === 'verify-full') return asked;
  if (asked !== 'require' && !isNeeded) return 'prefer';
  return caFile === undefined ? 'require' : 'verify-ca'; // libpq: with a CA's certificate, require means verify-ca
}

function plaintextProblem(source: string): UrlProblem {
  return {
    code: 'DATABASE_PLAINTEXT',
    message: `Cannot connect without encryption to a host that is not local: found ${source}, must be sslmode=disable`,
    fix: `remove ${source}, or write sslmode=disable in the URL where the network is safe`,
  };
}
