import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type DatabaseAddress, type PgEnvironment, parseDatabaseUrl } from '../../lib/spec/database-url.ts';

const parse = (url: string, env: PgEnvironment = {}): DatabaseAddress => {
  const parsed = parseDatabaseUrl(url, env);
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.address;
};

const problemsOf = (url: string, env: PgEnvironment = {}) => {
  const parsed = parseDatabaseUrl(url, env);
  return 'problems' in parsed ? parsed.problems : [];
};

/** `user:password@host:port/database mode`, to read a table at a glance. */
const summary = (url: string, env?: PgEnvironment): string => {
  const { hosts, username, password, database, tls } = parse(url, env);
  const list = hosts.map(({ host, port }) => `${host}:${port}`).join(',');
  return `${username}:${password}@${list}/${database} ${tls === false ? 'plain' : tls.mode}`;
};

describe('`parseDatabaseUrl()` reads what is pasted from', () => {
  test.each([
    [
      'Supabase, direct',
      'postgresql://postgres:Ab1%21x@db.qwertyuiop.supabase.co:5432/postgres',
      'postgres:Ab1!x@db.qwertyuiop.supabase.co:5432/postgres require',
    ],
    [
      'Supabase, transaction pooler, for Prisma',
      'postgres://postgres.qwertyuiop:s3cr3t@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1',
      'postgres.qwertyuiop:s3cr3t@aws-0-eu-central-1.pooler.supabase.com:6543/postgres require',
    ],
    [
      'Supabase by way of Vercel',
      'postgres://postgres.qwe:s3@aws-0-us-east-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x&workaround=supabase-pooler.vercel',
      'postgres.qwe:s3@aws-0-us-east-1.pooler.supabase.com:6543/postgres require',
    ],
    [
      'Neon',
      'postgresql://neondb_owner:npg_a1B2@ep-cool-name-a1b2-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
      'neondb_owner:npg_a1B2@ep-cool-name-a1b2-pooler.eu-central-1.aws.neon.tech:5432/neondb verify-full',
    ],
    [
      'Neon, as a command',
      "psql 'postgresql://owner:npg_a@ep-cool.neon.tech/neondb?sslmode=require'",
      'owner:npg_a@ep-cool.neon.tech:5432/neondb require',
    ],
    [
      'Neon, with the endpoint as an option',
      'postgresql://owner:npg_a@ep-cool.neon.tech/neondb?options=endpoint%3Dep-cool&sslmode=verify-full',
      'owner:npg_a@ep-cool.neon.tech:5432/neondb verify-full',
    ],
    [
      'RDS',
      'postgresql://master:p%40ss@mydb.c9akciq32.eu-west-1.rds.amazonaws.com:5432/app?sslmode=verify-full&sslrootcert=/etc/ssl/rds.pem',
      'master:p@ss@mydb.c9akciq32.eu-west-1.rds.amazonaws.com:5432/app verify-full',
    ],
    [
      'Heroku',
      'postgres://uabc:pdef0@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1a2?sslmode=no-verify',
      'uabc:pdef0@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1a2 require',
    ],
    [
      'Azure, whose old user names hold an "@"',
      'postgres://admin@myserver:pw1@myserver.postgres.database.azure.com/app?sslmode=require',
      'admin@myserver:pw1@myserver.postgres.database.azure.com:5432/app require',
    ],
    ['a docker-compose file', 'postgres://app:app@db_1:5432/app?sslmode=disable', 'app:app@db_1:5432/app plain'],
    [
      'SQLAlchemy',
      'postgresql+psycopg2://scott:tiger@localhost/mydatabase',
      'scott:tiger@localhost:5432/mydatabase prefer',
    ],
    ['Cloud SQL', 'postgresql://u:p@/db?host=/cloudsql/a:b:c', 'u:p@/cloudsql/a:b:c:5432/db plain'],
    ['a quoted line', ' "postgres://u:p@localhost/db"\n', 'u:p@localhost:5432/db prefer'],
  ])('%s', (_, url, expected) => {
    expect(summary(url)).toBe(expected);
  });

  test('Prisma, with its schema as the search path', () => {
    const url = 'postgresql://u:p@localhost:5432/db?schema=Public&connection_limit=5&pool_timeout=2&sslaccept=strict';
    expect(parse(url)).toEqual({
      hosts: [{ host: 'localhost', port: 5432 }],
      database: 'db',
      username: 'u',
      password: 'p',
      tls: { mode: 'verify-full' },
      connectTimeoutSeconds: 30,
      applicationName: undefined,
      settings: { search_path: '"Public"' },
    });
  });
});

describe('`parseDatabaseUrl()` reads', () => {
  test.each([
    ['several hosts', 'postgresql://u:p@h1:5433,h2,[::1]:5434/db', 'u:p@h1:5433,h2:5432,::1:5434/db require'],
    ['one port for several hosts', 'postgresql://u:p@h1,h2/db?port=6000', 'u:p@h1:6000,h2:6000/db require'],
    ['an IPv6 address', 'postgresql://u:p@[2001:db8::1]/db', 'u:p@2001:db8::1:5432/db require'],
    ['an IPv6 zone', 'postgresql://u:p@[fe80::1%25eth0]:1/db', 'u:p@fe80::1%eth0:1/db require'],
    [
      'a socket as a parameter',
      'postgresql://u@/db?host=/var/run/postgresql',
      'u:undefined@/var/run/postgresql:5432/db plain',
    ],
    ['an encoded socket', 'postgresql://u@%2Fvar%2Frun%2Fpg:5433/db', 'u:undefined@/var/run/pg:5433/db plain'],
    ['parameters that say all', 'postgresql://?host=h&port=1&user=u&password=p%26&dbname=d', 'u:p&@h:1/d require'],
    ['the last of two', 'postgresql://u:p@h/db?host=h2&host=h3', 'u:p@h3:5432/db require'],
    ['hostaddr alone', 'postgresql://u:p@/db?hostaddr=10.0.0.1', 'u:p@10.0.0.1:5432/db require'],
    ['no database', 'postgresql://u:p@localhost', 'u:p@localhost:5432/u prefer'],
    ['encoded names', 'postgresql://a%40b:%25@localhost/a%2Fb', 'a@b:%@localhost:5432/a/b prefer'],
    ['an empty query', 'postgresql://u:p@localhost/db?', 'u:p@localhost:5432/db prefer'],
    [
      'keywords and values',
      "host=h port = 5433 dbname='my db' user=u password='p\\' \\\\w'",
      "u:p' \\w@h:5433/my db require",
    ],
    ['a backslash in a bare value', 'host=localhost user=u password=a\\ b', 'u:a b@localhost:5432/u prefer'],
  ])('%s', (_, url, expected) => {
    expect(summary(url)).toBe(expected);
  });

  test('the environment where the URL leaves a gap', () => {
    const env = { PGHOST: 'h', PGPORT: '7', PGUSER: 'u', PGPASSWORD: 'p', PGDATABASE: 'd', PGSSLMODE: 'verify-ca' };
    expect(summary('postgresql://', env)).toBe('u:p@h:7/d verify-ca');
    expect(summary('postgresql://a:b@c:8/e?sslmode=require', env)).toBe('a:b@c:8/e require');
  });
});

describe('`parseDatabaseUrl()` takes a password as it is pasted', () => {
  test.each([
    'p@ss',
    'p/ss',
    'p?ss',
    'p#ss',
    'p:ss',
    '100%',
    '%zz',
    'p[1]',
    'a&b=c',
    'p@s/s?',
    '12/34',
    '1?',
    'a b',
    '@',
    '//',
  ])('%s', (password) => {
    expect(parse(`postgresql://user:${password}@db.acme.io:6543/app?sslmode=require`)).toMatchObject({
      hosts: [{ host: 'db.acme.io', port: 6543 }],
      username: 'user',
      password,
      database: 'app',
    });
  });

  test.each([
    ['an escape and a bare "%"', 'postgresql://u:50%off%21@h/db'],
    ['an escape that is not UTF-8', 'postgresql://u:caf%E9@h/db'],
    ['an escaped zero', 'postgresql://u:a%00b@h/db'],
    ['what may be parameters', 'postgresql://u:1?x=1@h/db'],
  ])('or explains what to percent-encode: %s', (_, url) => {
    const [problem] = problemsOf(url);
    expect(problem?.code).toBe('DATABASE_URL');
    expect(problem?.fix).toContain('%25');
  });

  test('and sends nothing to a host that only a broken URL names', () => {
    expect(problemsOf('postgresql://u:p@h:54x2/db?application_name=me@corp')).toMatchObject([{ code: 'DATABASE_URL' }]);
  });
});

describe('`parseDatabaseUrl()` refuses', () => {
  test.each([
    ['', 'found nothing, must be postgresql://user:password@host/database'],
    ['https://qwe.supabase.co', 'found https://, must be postgresql://'],
    ['mysql://u:p@h/db', 'found mysql://, must be postgresql://'],
    ['jdbc:postgresql://h/db', 'found jdbc:, must be postgresql://'],
    ['DATABASE_URL="postgres://u:p@h/db"', 'found a variable and its value, must be the value alone'],
    ['u:p@h/db', 'found no postgresql:// at its start'],
    ['postgresql://u:p@h/a\nb', 'found a line break or a control character'],
    ['postgresql://u:p@h:99999/db', 'found a port that cannot be one, must be 1 to 65535'],
    ['postgresql://u:p@h:0/db', 'found a port that cannot be one, must be 1 to 65535'],
    ['postgresql://u:p@h:x/db', 'found a host or a port that cannot be one'],
    ['postgresql://u:p@2001:db8::1:5432/db', 'found a host or a port that cannot be one'],
    ['postgresql://u:p@h/db?host=a%20b', 'found a host that cannot be one'],
    ['postgresql://u:p@h/a/b', 'found "/" or "@" in the name of the database'],
    ['postgresql://u:p@h/db?sslmode', 'found a parameter that is not name=value'],
    ['postgresql://h/db', 'found no user name'],
    ['postgresql://u:p@h1,h2,h3/db?port=1,2', 'found 2 ports for 3 hosts'],
    ['postgresql://u:p@/db?host=/tmp,h2', 'found a Unix socket among several hosts'],
    ['host=h password=my secret user=u', 'found text that is not name=value'],
    ["host=h user=u password='open", 'found text that is not name=value'],
  ])('%p', (url, found) => {
    expect(problemsOf(url)).toMatchObject([{ code: 'DATABASE_URL', message: `Cannot use the database URL: ${found}` }]);
  });

  test.each([
    'postgresql://postgres:[YOUR-PASSWORD]@db.qwe.supabase.co:5432/postgres',
    'postgresql://postgres:%5BYOUR-PASSWORD%5D@db.qwe.supabase.co:5432/postgres',
    'postgresql://postgres.[PROJECT-REF]:s3@aws-0-eu.pooler.supabase.com/postgres',
    'postgresql://postgres.qwe:s3@aws-0-[REGION].pooler.supabase.com/postgres',
    'postgres://user:<password>@h.io/db',
    'postgres://<user>:s3@h.io/db',
    'postgres://u:s3@{host}:5432/db',
    'postgres://u:s3@h.io/{{ database }}',
    'postgres://owner:****************@ep-cool.neon.tech/neondb',
    'postgres://u:YOUR_PASSWORD@h.io/db',
    'postgres://u:your-db-password@h.io/db',
    'postgres://u:$PGPASSWORD@h.io/db',
    'postgres://u:${DB_PASS}@h.io/db',
    'postgres://user:pass@host/db',
    'postgres://user:password@host:port/database',
    'postgres://user:password@hostname:5432/database',
    'postgres://user:secret@example.com/db',
    "host=h.io user=u password='[YOUR-PASSWORD]'",
  ])('the placeholder in %s', (url) => {
    expect(problemsOf(url)).toMatchObject([{ code: 'DATABASE_URL_PLACEHOLDER' }]);
  });

  test.each([
    'postgres://postgres:password@localhost/db',
    'postgres://user:pass@h.io/db',
    'postgres://u:a[b]c@h.io/db',
    'postgres://u:xX<9>@h.io/db',
    'postgres://u:p@host/db',
  ])('no real value, as in %s', (url) => {
    expect(problemsOf(url)).toEqual([]);
  });

  test("a project's address, and tells it from a database's", () => {
    expect(problemsOf('https://qwe.supabase.co')[0]?.fix).toStartWith('copy the connection string');
  });

  test('with all problems at once', () => {
    const url = 'postgresql://u:p@h:0/db?sslmod=require&sslcrl=x&connect_timeout=soon&channel_binding=yes';
    const parameter = 'DATABASE_URL_PARAMETER';
    const codes = [parameter, parameter, 'DATABASE_URL', parameter, parameter] as const;
    expect(problemsOf(url).map(({ code }) => code)).toEqual([...codes]);
  });
});

const letters = (signs: string) =>
  fc.array(fc.constantFrom(...signs), { minLength: 1, maxLength: 12 }).map((some) => some.join(''));
const anyText = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => !/\p{Cc}|[[<{*•●$%]/u.test(text));
const SPECIAL = letters('abz019@#/?:%[]!&=+ ');

describe('whatever the login, `parseDatabaseUrl()`', () => {
  test('reads it back when it is percent-encoded', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, SPECIAL), fc.oneof(anyText, SPECIAL), fc.oneof(anyText, SPECIAL), (u, p, d) => {
        const url = `postgresql://${[u, p].map(encodeURIComponent).join(':')}@h.io/${encodeURIComponent(d)}`;
        expect(parse(url)).toMatchObject({ username: u, password: p, database: d });
      }),
    );
  });

  test('reads it back from a quoted value', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, SPECIAL), (password) => {
        const quoted = password.replaceAll(/[\\']/g, '\\$&');
        expect(parse(`host=h.io user=u password='${quoted}'`).password).toBe(password);
      }),
    );
  });

  test('takes a pasted password as it is, or refuses the URL', () => {
    fc.assert(
      fc.property(letters('abz019@#/?:[]!&=+ '), (password) => {
        const parsed = parseDatabaseUrl(`postgresql://user:${password}@db.acme.io/app`, {});
        if ('address' in parsed) expect(parsed.address).toMatchObject({ password, hosts: [{ host: 'db.acme.io' }] });
      }),
      { numRuns: 5_000 },
    );
  });

  test('never quotes the password or the URL in a problem', () => {
    const shapes = [
      (p: string) => `postgresql://u:${p}@h.io:5432/db`,
      (p: string) => `postgresql://u:${encodeURIComponent(p)}@h:99999/db?sslmod=1&sslmode=off&sslrootcert=system&ssl=0`,
      (p: string) => `postgresql://u:${p}/db`,
      (p: string) => `postgresql://u:${p}@h/db?foo=${p.length}&options=-x&gssencmode=require&connect_timeout=x`,
      (p: string) => `u:${p}@h/db`,
      (p: string) => `host=h user=u password=${p} foo=1 sslmode=x`,
      (p: string) => `jdbc:postgresql://h/db?password=${p}`,
      (p: string) => `https://u:${p}@h/db`,
      (p: string) => `postgresql://h/db?password=${p}&ssl=false`,
    ];
    const secret = SPECIAL.map((middle) => `Zq7${middle}Kx9`);
    fc.assert(
      fc.property(secret, fc.constantFrom(...shapes), (password, shape) => {
        const url = shape(password);
        const told = JSON.stringify(problemsOf(url, { PGSSLMODE: 'disable' }));
        for (const part of [password, encodeURIComponent(password), url]) expect(told).not.toContain(part);
      }),
      { numRuns: 5_000 },
    );
  });
});
