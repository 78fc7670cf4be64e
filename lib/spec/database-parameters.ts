import type { Keywords, UrlProblem } from './database-text.ts';
import { nearest } from './nearest.ts';

// After https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS, and what others add to it.

/** Translated by database-url.ts. */
const READ = [
  ...['host', 'hostaddr', 'port', 'dbname', 'user', 'password', 'options', 'schema'],
  ...['application_name', 'fallback_application_name', 'connect_timeout', 'target_session_attrs'],
  ...['sslmode', 'ssl', 'sslaccept', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'channel_binding'],
];

/** Nothing changes without them. */
const DROPPED = [
  // The driver keeps one TCP connection alive by itself.
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout'],
  // Kerberos is never tried.
  ...['krbsrvname', 'gsslib', 'gssdelegation'],
  // Wishes that libpq too grants only where it can.
  ...['load_balance_hosts', 'sslcompression', 'max_protocol_version'],
  // Pools and statement caches of Prisma, SQLAlchemy and others: there is one connection, without named statements.
  ...['pgbouncer', 'connection_limit', 'pool_timeout', 'socket_timeout', 'statement_cache_size', 'prepared_statements'],
  // Supabase's and Vercel's notes to their own tools; node-postgres's choice of what sslmode means, which here is libpq's.
  ...['supa', 'workaround', 'uselibpqcompat'],
];

/** Accepted where they ask for what is done anyway. */
const FIXED: Record<string, { values: RegExp; must: string }> = {
  gssencmode: { values: /^(?:disable|prefer)$/, must: 'disable or prefer' },
  client_encoding: { values: /^(?:utf-?8|unicode|auto)$/i, must: 'UTF8' },
  sslsni: { values: /^1$/, must: '1' },
  sslcertmode: { values: /^allow$/, must: 'allow' },
  replication: { values: /^(?:false|off|no|0)$/, must: 'false' },
  ssl_min_protocol_version: { values: /^TLSv1(?:\.[12])?$/, must: 'TLSv1.2' },
  ssl_max_protocol_version: { values: /^TLSv1\.3$/, must: 'TLSv1.3' },
  min_protocol_version: { values: /^3\.0$/, must: '3.0' },
};

/** What cannot be kept, and must not be dropped in silence. */
const REFUSED: Record<string, { why: string; fix: string }> = {
  passfile: { why: 'password files are not read', fix: 'set PGPASSWORD, or write the password in the URL' },
  service: { why: 'service files are not read', fix: 'write host, database and user in the URL' },
  servicefile: { why: 'service files are not read', fix: 'write host, database and user in the URL' },
  require_auth: { why: 'the server chooses how to log in', fix: 'remove it and write sslmode=verify-full' },
  requirepeer: { why: 'the owner of a socket is not checked', fix: 'remove it' },
  sslcrl: { why: 'revocation lists are not checked', fix: 'remove it' },
  sslcrldir: { why: 'revocation lists are not checked', fix: 'remove it' },
  sslpassword: { why: 'an encrypted key cannot be opened', fix: 'use a key without a passphrase' },
  sslidentity: { why: 'PKCS #12 files are not read', fix: 'write sslcert and sslkey, in PEM' },
  sslkeylogfile: { why: 'keys of TLS are not logged', fix: 'remove it' },
  scram_client_key: { why: 'only a password can log in', fix: 'write the password' },
  scram_server_key: { why: 'only a password can log in', fix: 'write the password' },
  oauth_issuer: { why: 'only a password can log in', fix: 'write the password' },
  oauth_client_id: { why: 'only a password can log in', fix: 'write the password' },
  oauth_client_secret: { why: 'only a password can log in', fix: 'write the password' },
  oauth_scope: { why: 'only a password can log in', fix: 'write the password' },
  search_path: { why: 'PostgreSQL takes settings as options', fix: 'write options=-c%20search_path%3DNAME' },
  currentSchema: { why: 'PostgreSQL takes settings as options', fix: 'write options=-c%20search_path%3DNAME' },
  statement_timeout: { why: 'PostgreSQL takes settings as options', fix: 'set database.statement_timeout instead' },
};

/** Problems of the names, and of the values that allow no choice. */
export function checkParameters(keywords: Keywords): UrlProblem[] {
  return [...keywords].flatMap(([name, value]) => {
    if (READ.includes(name) || DROPPED.includes(name)) return [];
    if (Object.hasOwn(FIXED, name)) {
      const { values, must } = FIXED[name] ?? { values: /^/, must: '' };
      return values.test(value) ? [] : [parameterProblem(name, `found "${value}", must be ${must}`, 'remove it')];
    }
    const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (refused) return [parameterProblem(name, refused.why, refused.fix)];
    const near = nearest(name, [...READ, ...DROPPED, ...Object.keys(FIXED)]);
    return [parameterProblem(name, 'PostgreSQL knows no such parameter', near ? `write ${near}` : 'remove it')];
  });
}

/** A value that is one of few. */
export function readChoice<T extends string>(
  name: string,
  value: string | undefined,
  choices: readonly T[],
  problems: UrlProblem[],
): T | undefined {
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  const near = nearest(value, choices);
  const fix = near ? `write ${name}=${near}` : 'remove it';
  problems.push(parameterProblem(name, `found "${value}", must be ${choices.join(', ')}`, fix));
  return undefined;
}

const SETTING = /^([a-z_][\w$-]*(?:\.[a-z_][\w$-]*)?)=(.*)$/is;

/**
 * Read the server's command line, `-c name=value` and `--name=value`, as settings. A blank within a value follows a
 * backslash: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS
 */
export function readOptions(options: string, problems: UrlProblem[]): Record<string, string> {
  const unplussed = options.replaceAll(/(?<=^|[\s+])-c\+/g, '-c ').replaceAll(/\+(?=-c|--)/g, ' '); // blanks of HTML forms
  const words = (unplussed.match(/(?:[^\s\\]|\\.)+/gs) ?? []).map((word) => word.replaceAll(/\\(.)/gs, '$1'));
  const settings = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (/^(?:endpoint|project)=/.test(word)) continue; // Neon's, for clients that cannot name the host in TLS; ours does
    const assignment = word === '-c' ? (words[++i] ?? '') : word.replace(/^-c|^--/, '');
    const [, name, value] = SETTING.exec(assignment) ?? [];
    if (word === assignment || name === undefined || value === undefined) problems.push(optionProblem(word));
    else settings.set(name.replaceAll('-', '_'), value);
  }
  const encoding = settings.get('client_encoding') ?? 'UTF8';
  if (!FIXED.client_encoding?.values.test(encoding))
    problems.push(parameterProblem('options', `found client_encoding=${encoding}, must be UTF8`, 'remove it'));
  settings.delete('client_encoding');
  return Object.fromEntries(settings);
}

function optionProblem(word: string): UrlProblem {
  const fix = word.startsWith('reference=')
    ? `write the user as NAME.${word.slice('reference='.length)}` // Supabase's tenant
    : 'write options=-c%20NAME%3DVALUE, or remove it';
  return parameterProblem('options', `found "${word}", must be -c name=value`, fix);
}

export function parameterProblem(name: string, found: string, fix: string): UrlProblem {
  return { code: 'DATABASE_URL_PARAMETER', message: `Cannot use ${name} for the database: ${found}`, fix };
}
