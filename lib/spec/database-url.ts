import { isIP } from 'node:net';
import { checkParameters, parameterProblem, readChoice, readOptions } from './database-parameters.ts';
import { type Keywords, readKeywords, refuse, type UrlProblem } from './database-text.ts';
import { type DatabaseTls, isSocket, readTls } from './database-tls.ts';

export type { UrlProblem } from './database-text.ts';
export type { DatabaseTls } from './database-tls.ts';

const SESSIONS = ['read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const; // those the driver knows

/** What a URL means, without a way to send its parameters to a server: poolers refuse those they do not know. */
export interface DatabaseAddress {
  /** In the order to try. A host that starts with "/" is the directory of a Unix socket; there is only one then. */
  hosts: { host: string; port: number }[];
  database: string;
  username: string;
  password: string | undefined;
  tls: false | DatabaseTls;
  connectTimeoutSeconds: number;
  applicationName: string | undefined;
  /** Values as `set_config()` takes them: `search_path` may be a list. */
  settings: Record<string, string>;
  targetSessionAttrs?: (typeof SESSIONS)[number];
}

type PgVariable = 'PGHOST' | 'PGPORT' | 'PGUSER' | 'PGPASSWORD' | 'PGDATABASE' | 'PGSSLMODE' | 'PGSSLROOTCERT';
export type PgEnvironment = { readonly [name in PgVariable]?: string | undefined };

const CONNECT_TIMEOUT = 30; // seconds; libpq would wait for ever
const MAX_TIMEOUT = 86_400; // seconds; a timer holds no more than 24 days

/**
 * Read a PostgreSQL URL as providers print it, or `host=… dbname=…`.
 *
 * @param env fills what the URL leaves open, as libpq does
 * @returns the address, or all problems; none of them quotes the password
 */
export function parseDatabaseUrl(
  url: string,
  env: PgEnvironment,
): { address: DatabaseAddress } | { problems: UrlProblem[] } {
  const read = readKeywords(url);
  if ('problems' in read) return read;
  const { keywords } = read;
  const problems = checkParameters(keywords);
  const hosts = readHosts(keywords, env, problems);
  const username = keywords.get('user') || env.PGUSER || '';
  if (username === '') problems.push(...refuse('found no user name', 'write user:password@ before the host').problems);
  const session = readChoice(
    'target_session_attrs',
    keywords.get('target_session_attrs'),
    ['any', ...SESSIONS],
    problems,
  );
  const address: DatabaseAddress = {
    hosts,
    database: keywords.get('dbname') || env.PGDATABASE || username,
    username,
    password: keywords.get('password') || env.PGPASSWORD || undefined,
    tls: readTls(keywords, env, hosts, problems),
    connectTimeoutSeconds: readTimeout(keywords, problems),
    applicationName: keywords.get('application_name') || keywords.get('fallback_application_name') || undefined,
    settings: readSettings(keywords, problems),
    ...(session === undefined || session === 'any' ? {} : { targetSessionAttrs: session }),
  };
  return problems.length > 0 ? { problems } : { address };
}

function readHosts(keywords: Keywords, env: PgEnvironment, problems: UrlProblem[]): DatabaseAddress['hosts'] {
  const [host, address] = [keywords.get('host'), keywords.get('hostaddr')];
  if (host && address) problems.push(parameterProblem('hostaddr', 'the host is named too', 'write one of the two'));
  const names = (host || address || env.PGHOST || '').split(',').map((name) => name || 'localhost');
  const ports = (keywords.get('port') || env.PGPORT || '').split(',').map((port) => port || '5432');
  if (names.length > 1 && names.some(isSocket))
    problems.push(...refuse('found a Unix socket among several hosts', 'name one of them').problems);
  if (!names.every((name) => isSocket(name) || isIP(name) > 0 || /^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u.test(name)))
    problems.push(...refuse('found a host that cannot be one', 'write host:port, or [address]:port for IPv6').problems);
  if (!ports.every((port) => /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    problems.push(...refuse('found a port that cannot be one, must be 1 to 65535').problems);
  if (ports.length > 1 && ports.length !== names.length)
    problems.push(...refuse(`found ${ports.length} ports for ${names.length} hosts`, 'write one port a host').problems);
  return names.map((name, i) => ({ host: name, port: Number(ports[ports.length > 1 ? i : 0]) }));
}

function readTimeout(keywords: Keywords, problems: UrlProblem[]): number {
  const text = keywords.get('connect_timeout') ?? '0';
  if (!/^-?\d+$/.test(text))
    problems.push(parameterProblem('connect_timeout', `found "${text}", must be seconds`, 'write connect_timeout=30'));
  return Number(text) > 0 ? Math.min(Number(text), MAX_TIMEOUT) : CONNECT_TIMEOUT;
}

function readSettings(keywords: Keywords, problems: UrlProblem[]): Record<string, string> {
  const settings = readOptions(keywords.get('options') ?? '', problems);
  const schema = keywords.get('schema'); // Prisma's, spelled as the catalog has it
  if (schema === undefined) return settings;
  const isPlain = /^[a-z_][a-z\d_$]*$/.test(schema);
  return { search_path: isPlain ? schema : `"${schema.replaceAll('"', '""')}"`, ...settings };
}
