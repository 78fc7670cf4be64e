import { describe, expect, test } from 'bun:test';
import { type DatabaseAddress, type PgEnvironment, parseDatabaseUrl } from '../../lib/spec/database-url.ts';

const REMOTE = 'postgresql://u:p@db.acme.io/app';
const LOCAL = 'postgresql://u:p@127.0.0.1/app';

const parse = (url: string, env: PgEnvironment = {}): DatabaseAddress => {
  const parsed = parseDatabaseUrl(url, env);
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.address;
};

const problemsOf = (url: string, env: PgEnvironment = {}) => {
  const parsed = parseDatabaseUrl(url, env);
  return 'problems' in parsed ? parsed.problems : [];
};

describe('a host that is not local is reached', () => {
  test.each([
    ['', { mode: 'require' }],
    ['sslmode=allow', { mode: 'require' }],
    ['sslmode=prefer', { mode: 'require' }],
    ['sslmode=require', { mode: 'require' }],
    ['sslmode=no-verify', { mode: 'require' }],
    ['ssl=true', { mode: 'require' }],
    ['ssl=1', { mode: 'require' }],
    ['ssl=verify-full', { mode: 'verify-full' }],
    ['sslmode=verify-ca', { mode: 'verify-ca' }],
    ['sslmode=verify-full', { mode: 'verify-full' }],
    ['sslmode=require&sslrootcert=ca.pem', { mode: 'verify-ca', caFile: 'ca.pem' }],
    ['sslrootcert=/etc/ca.pem', { mode: 'verify-ca', caFile: '/etc/ca.pem' }],
    ['sslmode=verify-full&sslrootcert=ca.pem', { mode: 'verify-full', caFile: 'ca.pem' }],
    ['sslrootcert=system', { mode: 'verify-full' }],
    ['sslmode=require&sslrootcert=system', { mode: 'verify-full' }],
    ['sslmode=require&channel_binding=require', { mode: 'verify-full' }],
    ['channel_binding=require&sslrootcert=ca.pem', { mode: 'verify-full', caFile: 'ca.pem' }],
    ['channel_binding=prefer', { mode: 'require' }],
    ['sslmode=require&sslaccept=accept_invalid_certs', { mode: 'require' }],
    ['sslmode=require&sslaccept=strict', { mode: 'verify-full' }],
    ['sslcert=c.pem&sslkey=k.pem', { mode: 'require', certFile: 'c.pem', keyFile: 'k.pem' }],
    ['sslnegotiation=direct', { mode: 'require', negotiation: 'direct' }],
    ['sslnegotiation=postgres', { mode: 'require' }],
    ['sslmode=disable', false],
    ['sslmode=disable&sslrootcert=ca.pem', false],
  ] as const)('with %j as %j', (query, tls) => {
    expect(parse(`${REMOTE}?${query}`).tls).toEqual(tls);
  });

  test('as the environment says where the URL does not', () => {
    const env = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: 'ca.pem' };
    expect(parse(REMOTE, env).tls).toEqual({ mode: 'verify-full', caFile: 'ca.pem' });
    expect(parse(`${REMOTE}?sslmode=require`, env).tls).toEqual({ mode: 'verify-ca', caFile: 'ca.pem' });
    expect(parse(`${REMOTE}?sslmode=disable`, { PGSSLROOTCERT: 'system' }).tls).toBe(false);
  });

  test.each([
    [`${REMOTE}?ssl=false`, {}, 'ssl=false'],
    [`${REMOTE}?ssl=0`, {}, 'ssl=0'],
    [REMOTE, { PGSSLMODE: 'disable' }, 'PGSSLMODE=disable'],
    ['postgresql://u:p@localhost,db.acme.io/app', { PGSSLMODE: 'disable' }, 'PGSSLMODE=disable'],
  ])('never in plain by way of %s and %j', (url, env, source) => {
    expect(problemsOf(url, env)).toMatchObject([
      {
        code: 'DATABASE_PLAINTEXT',
        message: `Cannot connect without encryption to a host that is not local: found ${source}, must be sslmode=disable`,
      },
    ]);
  });
});

describe('a local host is reached', () => {
  test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.1.2.3', '[::1]', '[::ffff:127.0.0.1]', 'localhost,[::1]'])(
    'at %s with TLS only where it has it',
    (host) => {
      expect(parse(`postgresql://u:p@${host}/app`).tls).toEqual({ mode: 'prefer' });
    },
  );

  test.each([
    '10.0.0.1',
    '128.0.0.1',
    'localhost.acme.io',
    '127.0.0.1.acme.io',
    '[::2]',
    'localhost,db',
    'db',
    '0.0.0.0',
  ])('but %s is not local', (host) => {
    expect(parse(`postgresql://u:p@${host}/app`).tls).toEqual({ mode: 'require' });
  });

  test.each([
    ['sslmode=allow', { mode: 'prefer' }],
    ['sslmode=require', { mode: 'require' }],
    ['sslmode=verify-ca', { mode: 'verify-ca' }],
    ['sslrootcert=ca.pem', { mode: 'prefer' }],
    ['sslmode=require&sslrootcert=ca.pem', { mode: 'verify-ca', caFile: 'ca.pem' }],
    ['sslrootcert=system', { mode: 'verify-full' }],
    ['channel_binding=require', { mode: 'verify-full' }],
    ['sslcert=c.pem&sslkey=k.pem', { mode: 'require', certFile: 'c.pem', keyFile: 'k.pem' }],
    ['sslnegotiation=direct', { mode: 'require', negotiation: 'direct' }],
    ['sslmode=disable', false],
    ['ssl=false', false],
  ] as const)('with %j as %j', (query, tls) => {
    expect(parse(`${LOCAL}?${query}`).tls).toEqual(tls);
  });

  test('through a Unix socket without TLS, whatever is written', () => {
    expect(parse('postgresql://u@/app?host=/tmp&sslmode=verify-full&channel_binding=require').tls).toBe(false);
  });
});

describe('a parameter', () => {
  test.each([
    ['keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=1000'],
    ['gssencmode=disable&krbsrvname=postgres&gsslib=gssapi&gssdelegation=0'],
    ['sslsni=1&sslcompression=0&sslcertmode=allow&ssl_min_protocol_version=TLSv1.2&max_protocol_version=latest'],
    ['client_encoding=UTF8&load_balance_hosts=random&target_session_attrs=any&replication=false'],
    ['pgbouncer=true&connection_limit=1&pool_timeout=0&socket_timeout=3&statement_cache_size=0'],
    ['supa=base-pooler.x&workaround=supabase-pooler.vercel&uselibpqcompat=true'],
  ])('that changes nothing is dropped: %s', (query) => {
    expect(parse(`${REMOTE}?${query}`)).toEqual(parse(REMOTE));
  });

  test.each([
    ['application_name=etl&fallback_application_name=x', { applicationName: 'etl' }],
    ['fallback_application_name=x', { applicationName: 'x' }],
    ['connect_timeout=5', { connectTimeoutSeconds: 5 }],
    ['connect_timeout=0', { connectTimeoutSeconds: 30 }],
    ['connect_timeout=-1', { connectTimeoutSeconds: 30 }],
    ['connect_timeout=99999999999', { connectTimeoutSeconds: 86_400 }],
    ['target_session_attrs=prefer-standby', { targetSessionAttrs: 'prefer-standby' }],
    ['schema=app_1', { settings: { search_path: 'app_1' } }],
    ['schema=a"B', { settings: { search_path: '"a""B"' } }],
    ['schema=a&options=-c%20search_path%3Db', { settings: { search_path: 'b' } }],
  ] as const)('is translated: %s', (query, expected) => {
    expect(parse(`${REMOTE}?${query}`)).toMatchObject(expected);
  });

  test.each([
    ['sslmode=requre', 'sslmode', 'write sslmode=require'],
    ['sslmod=require', 'sslmod', 'write sslmode'],
    ['SSLMODE=require', 'SSLMODE', 'write sslmode'],
    ['whatever=1', 'whatever', 'remove it'],
    ['constructor=1', 'constructor', 'remove it'],
    ['ssl=constructor', 'ssl', 'remove it'],
    ['channel_binding=on', 'channel_binding', 'remove it'],
    ['sslnegotiation=dirct', 'sslnegotiation', 'write sslnegotiation=direct'],
    ['target_session_attrs=readonly', 'target_session_attrs', 'write target_session_attrs=read-only'],
    ['connect_timeout=5s', 'connect_timeout', 'write connect_timeout=30'],
    ['gssencmode=require', 'gssencmode', 'remove it'],
    ['sslsni=0', 'sslsni', 'remove it'],
    ['client_encoding=LATIN1', 'client_encoding', 'remove it'],
    ['replication=database', 'replication', 'remove it'],
    ['ssl_min_protocol_version=TLSv1.3', 'ssl_min_protocol_version', 'remove it'],
    ['ssl_max_protocol_version=TLSv1.2', 'ssl_max_protocol_version', 'remove it'],
    ['min_protocol_version=3.2', 'min_protocol_version', 'remove it'],
    ['hostaddr=10.0.0.1', 'hostaddr', 'write one of the two'],
    ['passfile=x', 'passfile', 'set PGPASSWORD, or write the password in the URL'],
    ['service=x', 'service', 'write host, database and user in the URL'],
    ['require_auth=scram-sha-256', 'require_auth', 'remove it and write sslmode=verify-full'],
    ['sslcrl=x', 'sslcrl', 'remove it'],
    ['sslpassword=x', 'sslpassword', 'use a key without a passphrase'],
    ['sslkey=k.pem', 'sslkey', "write sslcert and sslkey; the CA's certificate is sslrootcert"],
    ['sslcert=ca.pem', 'sslcert', "write sslcert and sslkey; the CA's certificate is sslrootcert"],
    ['sslmode=disable&channel_binding=require', 'sslmode', 'write one of the two'],
    ['sslmode=disable&sslrootcert=system', 'sslmode', 'write one of the two'],
    ['sslmode=disable&sslnegotiation=direct', 'sslmode', 'write one of the two'],
    ['search_path=a', 'search_path', 'write options=-c%20search_path%3DNAME'],
  ])('is refused: %s', (query, name, fix) => {
    const [problem, ...more] = problemsOf(`${REMOTE}?${query}`);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'DATABASE_URL_PARAMETER', fix });
    expect(problem?.message).toStartWith(`Cannot use ${name} for the database: `);
  });

  test('is refused with what was found and what must be', () => {
    expect(problemsOf(`${REMOTE}?sslmode=requre`)[0]?.message).toBe(
      'Cannot use sslmode for the database: found "requre", must be disable, allow, prefer, require, verify-ca, verify-full',
    );
    expect(problemsOf(`${REMOTE}?gssencmode=require`)[0]?.message).toBe(
      'Cannot use gssencmode for the database: found "require", must be disable or prefer',
    );
    expect(problemsOf(REMOTE, { PGSSLMODE: 'on' })[0]?.message).toStartWith(
      'Cannot use PGSSLMODE for the database: found "on"',
    );
  });
});

describe('options', () => {
  test.each([
    ['-c statement_timeout=5s', { statement_timeout: '5s' }],
    ['-cstatement_timeout=5s', { statement_timeout: '5s' }],
    ['--statement-timeout=5s', { statement_timeout: '5s' }],
    ['-c a.b=c=d -c x=', { 'a.b': 'c=d', x: '' }],
    ['-c search_path=a,\\ "b\\\\"  --x=1', { search_path: 'a, "b\\"', x: '1' }],
    ['endpoint=ep-cool-1', {}],
    ['project=ep-cool-1 -c role=reader', { role: 'reader' }],
    ['-c+statement_timeout=5s+-c+x=1+1', { statement_timeout: '5s', x: '1+1' }],
    ['-c client_encoding=utf8', {}],
    ['-c a=1 -c a=2', { a: '2' }],
  ])('become settings: %s', (options, settings) => {
    expect(parse(`${REMOTE}?options=${encodeURIComponent(options)}`).settings).toEqual(settings);
  });

  test('may be written without escapes', () => {
    expect(parse(`${REMOTE}?options=-c statement_timeout=5s`).settings).toEqual({ statement_timeout: '5s' });
  });

  test.each([
    ['-d 5', 'write options=-c%20NAME%3DVALUE, or remove it'],
    ['-c', 'write options=-c%20NAME%3DVALUE, or remove it'],
    ['-c a', 'write options=-c%20NAME%3DVALUE, or remove it'],
    ['a=1', 'write options=-c%20NAME%3DVALUE, or remove it'],
    ['-c 1a=1', 'write options=-c%20NAME%3DVALUE, or remove it'],
    ['reference=qwe', 'write the user as NAME.qwe'],
    ['-c client_encoding=LATIN1', 'remove it'],
  ])('are refused: %s', (options, fix) => {
    const [problem] = problemsOf(`${REMOTE}?options=${encodeURIComponent(options)}`);
    expect(problem).toMatchObject({ code: 'DATABASE_URL_PARAMETER', fix });
    expect(problem?.message).toStartWith('Cannot use options for the database: found ');
  });
});
