import type { Code } from '../errors.ts';

/** Neither field ever holds the password or the whole URL. */
export interface UrlProblem {
  code: Code;
  message: string;
  fix?: string;
}

/** libpq's keywords and their values, decoded. Several hosts stay a list: `host` is `h1,h2`, `port` is `5432,5433`. */
export type Keywords = Map<string, string>;

export type Read = { keywords: Keywords } | { problems: UrlProblem[] };

const SCHEME = /^([a-z][a-z\d+.-]*):\/\//i;
const OURS = /^postgres(?:ql)?(?:\+\w+)?$/i; // SQLAlchemy names its driver: postgresql+psycopg2
const ENCODE =
  'percent-encode what is special in the user name and the password: % as %25, @ as %40, : as %3A, / as %2F, ? as %3F';

/** Read a URL, or libpq's other form: `host=… dbname=…`. */
export function readKeywords(given: string): Read {
  const read = readText(unwrap(given));
  return 'keywords' in read ? checkPlaceholders(read.keywords) : read;
}

function readText(text: string): Read {
  if (text === '') return refuse('found nothing, must be postgresql://user:password@host/database');
  if (/\p{Cc}/u.test(text)) return refuse('found a line break or a control character', 'paste it as one line');
  const placeholder = findPlaceholder(text);
  if (placeholder !== undefined) return { problems: [placeholder] };
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme === undefined) return readWithoutScheme(text);
  if (OURS.test(scheme)) return readUrl(text.slice(scheme.length + '://'.length));
  const fix = /^https?$/i.test(scheme)
    ? 'copy the connection string, which is not the address of the project or its API'
    : 'use the URL of a PostgreSQL database';
  return refuse(`found ${scheme}://, must be postgresql://`, fix);
}

/** What is around a URL that was copied with its command or its quotes: Neon offers `psql 'postgresql://…'`. */
function unwrap(given: string): string {
  const text = given.trim().replace(/^psql\s+/, '');
  const quote = text.charAt(0);
  return /["'`]/.test(quote) && text.length > 1 && text.endsWith(quote) ? text.slice(1, -1).trim() : text;
}

function readWithoutScheme(text: string): Read {
  if (/^(?:export\s+)?\w+\s*=\s*["']?\w+(?:\+\w+)?:\/\//.test(text))
    return refuse('found a variable and its value, must be the value alone', 'paste only what follows the "="');
  if (/^\w+\s*=/.test(text)) return readConninfo(text);
  if (/^jdbc:/i.test(text)) return refuse('found jdbc:, must be postgresql://', 'remove "jdbc:"');
  return refuse('found no postgresql:// at its start', 'write postgresql://user:password@host/database');
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function readConninfo(text: string): Read {
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\s\\]|\\.)*))\s*/giy;
  const keywords: Keywords = new Map();
  while (pair.lastIndex < text.length) {
    const [match, name, quoted, bare] = pair.exec(text) ?? [];
    if (match === undefined || name === undefined)
      return refuse('found text that is not name=value', "quote a value that has blanks: password='…', with ' as \\'");
    keywords.set(name, (quoted ?? bare ?? '').replaceAll(/\\(.)/g, '$1'));
  }
  return { keywords };
}

interface Parts {
  /** `user` or `user:password`. */
  login: string;
  hosts: string[];
  ports: string[];
  database: string;
  parameters: string[];
}

function readUrl(rest: string): Read {
  const parts = splitUrl(rest);
  if (typeof parts === 'string') return refuse(parts, ENCODE);
  const { login, hosts, ports, database, parameters } = parts;
  const colon = login.includes(':') ? login.indexOf(':') : login.length;
  const raw: [name: string, value: string][] = [
    ['user', login.slice(0, colon)],
    ['password', login.slice(colon + 1)],
    ['host', hosts.join(',')],
    ['port', ports.some((port) => port !== '') ? ports.join(',') : ''],
    ['dbname', database],
    ...parameters.map((text): [string, string] => [text.replace(/=.*/s, ''), text.replace(/^[^=]*=/, '')]),
  ];
  const decoded = raw.map(([name, value]) => [name, decode(value)] as const);
  const broken = decoded.find(([, value]) => value === undefined);
  if (broken) return refuse(`found a "%" in the ${broken[0]} that is not an escape`, 'write "%" as %25');
  return { keywords: new Map(decoded.flatMap(([name, value]) => (value ? [[name, value]] : []))) };
}

/**
 * Find the "@" that ends the login. People paste passwords as they are: where the standard's reading is impossible, and
 * one other is possible, it is taken.
 *
 * @returns the parts, still encoded; or what is wrong
 */
function splitUrl(rest: string): Parts | string {
  const authority = rest.search(/[/?]/) < 0 ? rest : rest.slice(0, rest.search(/[/?]/));
  const at = authority.lastIndexOf('@');
  const standard = splitAt(rest, at);
  const isLoginLost = at < 0 && rest.includes('@') && !/[?&]user=/.test(rest);
  if (typeof standard !== 'string' && !isLoginLost) return standard;
  const other = [...rest.matchAll(/@/g)]
    .map(({ index }) => splitAt(rest, index))
    .filter((parts) => typeof parts !== 'string')
    .find(({ login }) => !PARAMETER.test(login)); // a parameter's own "@", as in application_name=me@here
  return other ?? (typeof standard === 'string' ? standard : 'found several ways to read its "@"');
}

const PARAMETER = /[?&][a-z_][\w.-]*=/i;
const HOST = /^(?:\[([\da-f:.]+(?:%25\w+)?)\]|((?:[\p{L}\p{N}._~-]|%[\da-f]{2})*))(?::(\d*))?$/iu;

/** @param at offset of the "@"; -1 for a URL without a login */
function splitAt(rest: string, at: number): Parts | string {
  const [, list = '', database = '', query = ''] =
    /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest.slice(at + 1)) ?? [];
  const matches = list.split(',').map((host) => HOST.exec(host));
  if (matches.some((match) => match === null)) return 'found a host or a port that cannot be one';
  if (/[/@]/.test(database)) return 'found "/" or "@" in the name of the database';
  const parameters = query.split('&').filter((parameter) => parameter !== '');
  if (!parameters.every((parameter) => `&${parameter}`.search(PARAMETER) === 0))
    return 'found a parameter that is not name=value';
  return {
    login: rest.slice(0, Math.max(0, at)),
    hosts: matches.map((match) => match?.[1] ?? match?.[2] ?? ''),
    ports: matches.map((match) => match?.[3] ?? ''),
    database,
    parameters,
  };
}

/** A text without any escape keeps its "%". One with both, or with bytes that are not UTF-8, is undefined. */
function decode(raw: string): string | undefined {
  if (!/%[\da-f]{2}/i.test(raw)) return raw;
  try {
    const decoded = decodeURIComponent(raw);
    return decoded.includes('\0') ? undefined : decoded;
  } catch {
    return undefined;
  }
}

const PLACE = 'pass|pwd|secret|user|role|host|server|endpoint|your|project|ref|region|db|database|port|name';
const OPEN = '(?:[[<{]|%5B|%3C|%7B)+';
const CLOSE = '(?:[\\]>}]|%5D|%3E|%7D)+';
const BRACKETED = new RegExp(
  `(?<=^|[:/@.,=_' -])${OPEN}([\\w .-]*(?:${PLACE})[\\w .-]*)${CLOSE}(?=$|[:/@.,?&_' -])`,
  'i',
);
const NAMED_PORT = /@[^/?@]*:(?:db_?)?port(?=[/?]|$)/i;

/** What Supabase, Neon and the manuals print where the real value goes: `[YOUR-PASSWORD]`, `<user>`, `{host}`, `****`. */
function findPlaceholder(text: string): UrlProblem | undefined {
  const word = BRACKETED.exec(text)?.[1] ?? (NAMED_PORT.test(text) ? 'port' : undefined);
  if (word === undefined) return undefined;
  return placeholder(/pass|pwd|secret/i.test(word) ? 'password' : 'value');
}

const MASK = /^[*•●]{3,}$/;
const SAMPLE_PASSWORD =
  /^your[ _-]?(?:db[ _-]?|database[ _-]?|supabase[ _-]?)?(?:password|passwd|pass|pwd)(?:[ _-]?here)?$/i;
const VARIABLE = /^(?:\$\{?\w*(?:pass|pwd)\w*\}?|%\w*(?:pass|pwd)\w*%)$/i;
const MANUAL_PASSWORD = /^(?:my|db)?(?:pass|password|passwd|pwd|secret)$/i;
const MANUAL_HOST = /^(?:(?:my|your|db)?[_-]?host(?:name)?|(?:.*\.)?example\.(?:com|org|net))$/i;

/** `user:password@host` as manuals write it: a plain "password" may be real, but not on a host called "host". */
function checkPlaceholders(keywords: Keywords): Read {
  const password = keywords.get('password') ?? '';
  const isSample = [MASK, SAMPLE_PASSWORD, VARIABLE].some((pattern) => pattern.test(password));
  if (isSample) return { problems: [placeholder('password')] };
  if (!MANUAL_HOST.test(keywords.get('host') ?? '')) return { keywords };
  return MANUAL_PASSWORD.test(password) ? { problems: [placeholder('host and password')] } : { keywords };
}

function placeholder(what: string): UrlProblem {
  return {
    code: 'DATABASE_URL_PLACEHOLDER',
    message: `Cannot use the database URL: found a placeholder, must be the real ${what}`,
    fix:
      what === 'password'
        ? 'put the password of the database user in its place; the provider shows it once, or lets you reset it'
        : 'copy the URL from the provider again',
  };
}

export function refuse(found: string, fix?: string): { problems: UrlProblem[] } {
  const problem = { code: 'DATABASE_URL', message: `Cannot use the database URL: ${found}` } as const;
  return { problems: [fix === undefined ? problem : { ...problem, fix }] };
}
