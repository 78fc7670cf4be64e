import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { check } from '../../lib/check/check.ts';
import { tcpFault } from '../../lib/check/database-hops.ts';
import type { HopResult } from '../../lib/check/hops.ts';
import { describeAccess, describeToken, type Identity, type RepoType } from '../../lib/check/hub-hops.ts';
import { variablesOf } from '../../lib/check/spec-hops.ts';
import { CODES } from '../../lib/errors.ts';
import { readSpec } from '../../lib/spec/read.ts';
import { main } from '../../pipeline.ts';
import { createTables, fillComplaints } from '../edges/complaints.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { makeTestCa, type PostgresServer, requirePostgres, startPostgres } from '../edges/postgres-server.ts';
import { type TestWorldOptions, testWorld } from './world.ts';

const REPO = 'tester/urgency';
const CANARY = 'canary-7f3a the text of a row';
const READER = { name: 'check_reader', password: 'reader-pa55word' };

const server = await requirePostgres('postgresql');
let hub: LocalHub;
let folder: string;
/** Of a role that may only read, and of the superuser. */
const urls = { reader: '', owner: '' };

beforeAll(async () => {
  hub = await startLocalHub();
  hub.createRepo(REPO);
  hub.createRepo('tester/public', { private: false });
  hub.createRepo('tester/department');
  folder = await mkdtemp(join(tmpdir(), 'check-'));
  if (server) Object.assign(urls, await fillDatabase(server));
});

afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

afterEach(() => {
  expect(hub.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});

async function fillDatabase({ createDatabase, psql }: PostgresServer): Promise<typeof urls> {
  const owner = await createDatabase();
  const sql = postgres(owner, { max: 1, onnotice: () => {} });
  await createTables(sql);
  await fillComplaints(sql, { complaints: 2000 });
  await sql.end();
  await psql('REVOKE CREATE ON SCHEMA public FROM PUBLIC', owner); // as since PostgreSQL 15
  await psql(`CREATE ROLE ${READER.name} LOGIN PASSWORD '${READER.password}'`, owner);
  await psql(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${READER.name}`, owner);
  await psql(`UPDATE complaints SET message = '${CANARY}' WHERE id <= 3`, owner);
  return { owner, reader: change(owner, { username: READER.name, password: READER.password }) };
}

function change(url: string, parts: Partial<Record<'username' | 'password' | 'host' | 'pathname' | 'search', string>>) {
  return Object.assign(new URL(url), parts).href;
}

interface SpecOptions {
  classes?: string;
  correct?: string;
  more?: string;
}

const CORRECT = 'SELECT id AS key, message AS text, urgency AS label FROM complaints WHERE urgency IS NOT NULL';

/** One label, with as little else as a spec needs. */
async function writeSpec({ classes = '[NORMAL, URGENT, HIGHLY URGENT]', correct = CORRECT, more = '' }: SpecOptions) {
  const file = join(folder, `${crypto.randomUUID()}.yaml`);
  const mistakes = 'SELECT complaint_id AS key, message AS text, correct_urgency AS label';
  await writeFile(
    file,
    `version: 1
database: { url: '\${POSTGRES_URL}' }
defaults:
  min_samples: 100
  sources:
    misclassified: ${mistakes} FROM misclassified_complaints mc JOIN complaints c ON c.id = mc.complaint_id WHERE correct_urgency IS NOT NULL
    correct: ${correct}
labels:
  urgency: { repo: '\${URGENCY_DATASET}', classes: ${classes} }
${more}`,
  );
  return file;
}

/** With a token that may write just the targets, unless told otherwise. */
function envOf(env: Record<string, string | undefined> = {}) {
  const targets = [env.URGENCY_DATASET ?? REPO, ...(env.DEPARTMENT_DATASET ? [env.DEPARTMENT_DATASET] : [])];
  const HF_TOKEN = hub.grant(
    ...targets.map((name) => ({ entity: { type: 'dataset' as const, name }, permissions: ['repo.write'] })),
  );
  return { POSTGRES_URL: urls.reader, URGENCY_DATASET: REPO, HF_ENDPOINT: hub.url, HF_TOKEN, ...env };
}

interface Shown {
  status: string;
  code?: string | undefined;
  /** The whole entry. */
  text: string;
}

/** Run `--check`; the hops by their ids, as read from the lines. */
async function runCheck(
  spec: SpecOptions,
  env: Record<string, string | undefined> = {},
  options: TestWorldOptions = {},
) {
  const world = testWorld({ env: envOf(env), cwd: folder, ...options });
  const exitCode = await main(['--check', '--config', await writeSpec(spec)], world);
  const { text } = world.stdout;
  const entries = text.split(/\n(?! )/).flatMap((entry): [string, Shown][] => {
    const [, status = '', id = '', code] =
      /^(ok|warn|FAIL|skipped) +(\S+)(?: +([A-Z]+_[A-Z_]+) {2})?/.exec(entry) ?? [];
    return id ? [[id, { status, code, text: entry }]] : [];
  });
  return { exitCode, text, stderr: world.stderr.text, hops: new Map(entries) };
}

type Checked = Awaited<ReturnType<typeof runCheck>>;

const idsWith = ({ hops }: Checked, ...statuses: string[]) =>
  [...hops].filter(([, { status }]) => statuses.includes(status)).map(([id]) => id);

/** The only broken hop, and that it is the one that the others name. */
function expectBroken(checked: Checked, id: string, code: string) {
  expect(idsWith(checked, 'FAIL')).toEqual([id]);
  expect(checked.hops.get(id)?.code).toBe(code);
  expect(checked.hops.get(id)?.text).toContain('fix: ');
  expect(CODES as readonly string[]).toContain(code);
  expect(checked.exitCode).toBe(1);
}

const isSkippedFor = (checked: Checked, id: string, origin: string) =>
  checked.hops.get(id)?.status === 'skipped' && checked.hops.get(id)?.text.endsWith(`needs ${origin}`);

async function closedPort(): Promise<number> {
  const listener = await listen();
  const { port } = listener.address() as { port: number };
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** A server that takes connections and never says a word. */
function listen(): Promise<Server> {
  const listener = createServer(() => {});
  return new Promise((resolve) => listener.listen(0, '127.0.0.1', () => resolve(listener)));
}

describe.if(server !== undefined)('--check', () => {
  test('finds nothing to say against the shipped spec, a good database and a good Hub', async () => {
    const env = envOf({ DEPARTMENT_DATASET: 'tester/department', MIN_DATASET_LEN: '100' });
    const world = testWorld({ env });
    expect(await main(['--check'], world)).toBe(0);
    expect(world.stdout.text.match(/^(warn|FAIL) .*/gm)).toBeNull();
    for (const label of ['department', 'urgency'])
      for (const hop of ['misclassified.columns', 'correct.estimate', 'correct.classes', 'size', 'repo', 'write'])
        expect(world.stdout.text).toMatch(new RegExp(`^ok +${label}\\.${hop} `, 'm'));
    expect(world.stderr.text).toBe('');
    expect(world.stdout.text).not.toContain('\x1b');
    expect(hub.requests.length).toBeGreaterThan(0);
  });

  test('prints an array of results with --json', async () => {
    const world = testWorld({ env: envOf() });
    const spec = await readSpec({ config: await writeSpec({}), labels: [] }, world);
    expect(await check(spec, world, { json: true })).toBe(0);
    const results = JSON.parse(world.stdout.text) as HopResult[];
    expect(results.map(({ id }) => id)).toEqual([
      'spec',
      'environment',
      'environment.ledger_key',
      'database.dns',
      'database.tcp',
      'database.tls',
      'database.login',
      'database.read_only',
      'database.role',
      'urgency.misclassified.columns',
      'urgency.misclassified.estimate',
      'urgency.misclassified.classes',
      'urgency.correct.columns',
      'urgency.correct.estimate',
      'urgency.correct.classes',
      'urgency.size',
      'hub.token',
      'urgency.repo',
      'urgency.write',
      'hub.scopes',
    ]);
    for (const result of results)
      expect(result).toEqual({
        id: result.id,
        status: result.status,
        message: expect.any(String),
        seconds: expect.any(Number),
      });
  });

  test('uses colour on a terminal, unless NO_COLOR is set', async () => {
    expect((await runCheck({}, {}, { columns: 80 })).text).toContain('\x1b[');
    expect((await runCheck({}, { NO_COLOR: '1' }, { columns: 80 })).text).not.toContain('\x1b');
  });

  test('masks what a variable declares as secret, wherever it stands', async () => {
    const checked = await runCheck({}, { ROLE_SECRET: READER.name });
    expect(checked.hops.get('database.login')?.text).toContain('*** at ');
    expect(checked.text).not.toContain(READER.name);
    const world = testWorld({ env: envOf({ ROLE_SECRET: READER.name }) });
    await check(await readSpec({ config: await writeSpec({}), labels: [] }, world), world, { json: true });
    expect(world.stdout.text).not.toContain(READER.name);
  });

  test('names the hop when the host does not exist', async () => {
    const url = 'postgres://reader:pa55word@no-such-host.invalid/db';
    const checked = await runCheck({}, { POSTGRES_URL: url });
    expectBroken(checked, 'database.dns', 'DATABASE_UNREACHABLE');
    for (const id of ['database.tcp', 'database.login', 'urgency.correct.columns', 'urgency.size'])
      expect(isSkippedFor(checked, id, 'database.dns')).toBe(true);
    expect(checked.hops.get('urgency.repo')?.status).toBe('ok');
    expect(checked.text + checked.stderr).not.toContain('pa55word');
  });

  test('names the hop when the port is closed', async () => {
    const host = `127.0.0.1:${await closedPort()}`;
    const checked = await runCheck({}, { POSTGRES_URL: change(urls.reader, { host }) });
    expectBroken(checked, 'database.tcp', 'DATABASE_UNREACHABLE');
    expect(isSkippedFor(checked, 'database.tls', 'database.tcp')).toBe(true);
  });

  test('goes on by the second host when the first is closed', async () => {
    const closed = await closedPort();
    const url = new URL(urls.reader);
    const hosts = `127.0.0.1:${closed},127.0.0.1:${url.port}`;
    const checked = await runCheck({}, { POSTGRES_URL: urls.reader.replace(url.host, hosts) });
    expectBroken(checked, `database.tcp(127.0.0.1:${closed})`, 'DATABASE_UNREACHABLE');
    expect(checked.hops.get('database.login')?.status).toBe('ok');
  });

  test('reaches the server by its Unix socket, without DNS or TLS', async () => {
    const url = new URL(urls.reader);
    const directory = join(server?.dataDirectory ?? '', '..');
    const socket = `host=${directory} port=${url.port} dbname=${url.pathname.slice(1)} user=${READER.name} password=${READER.password}`;
    const checked = await runCheck({}, { POSTGRES_URL: socket });
    expect(checked.exitCode).toBe(0);
    expect(idsWith(checked, 'skipped')).toEqual(['database.dns', 'database.tls']);
    expect(checked.text).not.toContain(READER.password);
  });

  test.each([
    ['28P01', { password: 'wr0ng-password' }],
    ['3D000', { pathname: '/nowhere' }],
  ])('names a refused login by its SQLSTATE, %s', async (sqlstate, parts) => {
    const checked = await runCheck({}, { POSTGRES_URL: change(urls.reader, parts) });
    expectBroken(checked, 'database.login', 'DATABASE_LOGIN');
    expect(checked.hops.get('database.login')?.text).toContain(sqlstate);
    expect(checked.text).not.toContain('wr0ng-password');
  });

  test('names a missing column', async () => {
    const checked = await runCheck({ correct: 'SELECT id AS key, message AS body, urgency AS label FROM complaints' });
    expectBroken(checked, 'urgency.correct.columns', 'SOURCE_COLUMNS');
    expect(isSkippedFor(checked, 'urgency.correct.classes', 'urgency.correct.columns')).toBe(true);
    expect(isSkippedFor(checked, 'urgency.size', 'urgency.correct.columns')).toBe(true);
    expect(checked.hops.get('urgency.misclassified.classes')?.status).toBe('ok');
  });

  test('names a missing table, and looks at the other label all the same', async () => {
    const more = `  other: { repo: ./other, classes: [a, b], sources: { correct: "SELECT 1 AS key, '' AS text, 'a' AS label FROM nowhere" } }`;
    const checked = await runCheck({ more });
    expectBroken(checked, 'other.correct.columns', 'DATABASE_QUERY');
    expect(checked.hops.get('other.correct.columns')?.text).toContain('42P01');
    expect(checked.hops.get('urgency.size')?.status).toBe('ok');
  });

  test('lists class values that the spec does not have, with their rows and the nearest class', async () => {
    const checked = await runCheck({ classes: '[NORMAL, URGENT, HIGLY URGENT]' });
    const rows = await server?.psql(
      `SELECT to_char(count(*), 'FM9,999') FROM complaints WHERE urgency = 'HIGHLY URGENT'`,
      urls.owner,
    );
    expect(checked.exitCode).toBe(0);
    expect(idsWith(checked, 'warn')).toEqual(['urgency.misclassified.classes', 'urgency.correct.classes']);
    expect(checked.hops.get('urgency.correct.classes')?.text).toContain(
      `"HIGHLY URGENT", ${rows} rows; nearest "HIGLY URGENT"`,
    );
    expect(checked.text).not.toContain('"URGENT"');
  });

  test.each([
    ['a column of texts', 'SELECT id AS key, message AS text, message AS label FROM complaints'],
    ['three short texts', 'SELECT id AS key, message AS text, message AS label FROM complaints WHERE id <= 3'],
    ['numbers', "SELECT id AS key, message AS text, 'canary-' || id AS label FROM complaints"],
    ['one long text', `SELECT id AS key, message AS text, repeat(message, 9) AS label FROM complaints WHERE id = 1`],
  ])('lists no value of %s that stands in for the classes', async (_, correct) => {
    const checked = await runCheck({ correct });
    expect(checked.hops.get('urgency.correct.classes')?.status).toBe('warn');
    expect(checked.text).not.toContain('canary');
  });

  test('never shows a row that the server quotes in its message', async () => {
    const correct = 'SELECT id AS key, message AS text, message::int::text AS label FROM complaints WHERE id <= 3';
    const checked = await runCheck({ correct });
    expectBroken(checked, 'urgency.correct.classes', 'DATABASE_QUERY');
    expect(checked.hops.get('urgency.correct.classes')?.text).toContain('22P02');
    expect(checked.text + checked.stderr).not.toContain('canary');
  });

  test('shows no control character or change of direction that a value brings', async () => {
    const correct = "SELECT id AS key, message AS text, 'x' || chr(27) || chr(8238) || 'y' AS label FROM complaints";
    const { text } = await runCheck({ correct });
    expect(text).toContain('"x\\u001b\ufffdy"');
    for (const character of ['\x1b', '\u202e']) expect(text).not.toContain(character);
  });

  test('warns when there are fewer rows than min_samples', async () => {
    const more =
      '  few: { repo: ./few, classes: [NORMAL, URGENT, HIGHLY URGENT], min_samples: 5000, sources: { misclassified: "SELECT id AS key, message AS text, urgency AS label FROM complaints" } }';
    const checked = await runCheck({ more });
    expect(checked.exitCode).toBe(0);
    expect(checked.hops.get('urgency.size')?.status).toBe('ok');
    expect(checked.hops.get('few.size')?.status).toBe('warn');
  });

  test('does not run the queries where it only plans, and gives up on a slow one with a warning', async () => {
    const correct = `SELECT id AS key, message AS text, urgency AS label FROM complaints WHERE pg_sleep(5) IS NOT NULL`;
    const world = testWorld({ env: envOf() });
    const spec = await readSpec({ config: await writeSpec({ correct }), labels: [] }, world);
    expect(await check(spec, world, { json: true, hopMs: 1000 })).toBe(0);
    const results = JSON.parse(world.stdout.text) as HopResult[];
    const statusOf = (id: string) => results.find((result) => result.id === `urgency.correct.${id}`)?.status;
    expect([statusOf('columns'), statusOf('estimate'), statusOf('classes')]).toEqual(['ok', 'ok', 'warn']);
  });
});

describe.if(server !== undefined)('--check of the Hub', () => {
  test('says that a token may only read', async () => {
    expectBroken(await runCheck({}, { HF_TOKEN: hub.readToken }), 'hub.token', 'TARGET_FORBIDDEN');
  });

  test('says that the token is not set, and asks the Hub nothing', async () => {
    const before = hub.requests.length;
    const checked = await runCheck({}, { HF_TOKEN: undefined });
    expectBroken(checked, 'hub.token', 'TOKEN_MISSING');
    expect(checked.hops.get('environment')).toMatchObject({ status: 'warn', code: 'TOKEN_MISSING' });
    expect(isSkippedFor(checked, 'urgency.write', 'hub.token')).toBe(true);
    expect(hub.requests.length).toBe(before);
  });

  test('says that nobody knows the token', async () => {
    const checked = await runCheck({}, { HF_TOKEN: 'hf_nobodyknowsthis' });
    expectBroken(checked, 'hub.token', 'TOKEN_REFUSED');
    expect(checked.text).not.toContain('nobodyknowsthis');
  });

  test('refuses a public repo unless the spec allows it, and then asks for LEDGER_KEY', async () => {
    const env = { URGENCY_DATASET: 'tester/public' };
    expectBroken(await runCheck({}, env), 'urgency.repo', 'TARGET_PUBLIC');
    const classes = '[NORMAL, URGENT, HIGHLY URGENT], push: { private: false }';
    const open = await runCheck({ classes }, env);
    expect(open.exitCode).toBe(0);
    expect(open.hops.get('environment.ledger_key')).toMatchObject({ status: 'warn', code: 'LEDGER_KEY' });
    expect(idsWith(await runCheck({ classes }, { ...env, LEDGER_KEY: 'a-long-secret' }), 'warn')).toEqual([]);
  });

  test('does not create a repo that a run would create', async () => {
    const checked = await runCheck({}, { URGENCY_DATASET: 'tester/new', HF_TOKEN: hub.token });
    expect(checked.exitCode).toBe(0);
    expect(hub.repos.has('datasets/tester/new')).toBe(false);
  });

  test('refuses a repo of somebody else', async () => {
    expectBroken(
      await runCheck({}, { URGENCY_DATASET: 'stranger/urgency', HF_TOKEN: hub.token }),
      'urgency.write',
      'TARGET_FORBIDDEN',
    );
  });

  test('survives a Hub that is not there', async () => {
    const checked = await runCheck({}, { HF_ENDPOINT: `http://127.0.0.1:${await closedPort()}` });
    expectBroken(checked, 'hub.token', 'TARGET_ANSWER');
  });
});

describe.if(server !== undefined)('--check of a directory', () => {
  test('accepts one whose parents are still to be created, and creates nothing', async () => {
    const checked = await runCheck({}, { URGENCY_DATASET: './new/deep/urgency', HF_TOKEN: undefined });
    expect(checked.exitCode).toBe(0);
    expect(idsWith(checked, 'warn')).toEqual([]);
    expect(await readdir(folder)).not.toContain('new');
  });

  test('refuses one below a file', async () => {
    await writeFile(join(folder, 'file'), '', { mode: 0o777 });
    expectBroken(await runCheck({}, { URGENCY_DATASET: './file/urgency' }), 'urgency.directory', 'OUTPUT_UNWRITABLE');
  });

  test.skipIf(process.getuid?.() === 0)('refuses one that this user may not write', async () => {
    await mkdir(join(folder, 'locked'));
    await chmod(join(folder, 'locked'), 0o555);
    expectBroken(await runCheck({}, { URGENCY_DATASET: './locked/urgency' }), 'urgency.directory', 'OUTPUT_UNWRITABLE');
  });

  test('refuses one that holds something else', async () => {
    await mkdir(join(folder, 'taken'));
    expectBroken(await runCheck({}, { URGENCY_DATASET: './taken' }), 'urgency.directory', 'TARGET_NOT_OURS');
  });
});

describe.if(server !== undefined)('--check of TLS', () => {
  let secure: PostgresServer;
  let caFile: string;
  let otherCa: string;
  const tlsOf = async (search: string, host = 'localhost') => {
    const checked = await runCheck(
      {},
      { POSTGRES_URL: change(secure.url, { host: `${host}:${secure.port}`, search }) },
    );
    return { checked, tls: checked.hops.get('database.tls') };
  };

  beforeAll(async () => {
    const ca = await makeTestCa(join(folder, 'ca'));
    const other = await makeTestCa(join(folder, 'other-ca'));
    caFile = ca.caFile;
    otherCa = other.caFile;
    secure = await startPostgres({ tls: await ca.issue('localhost') });
  });
  afterAll(() => secure[Symbol.asyncDispose]());

  test('tells of a certificate that will expire, however it is checked', async () => {
    for (const search of [`sslmode=verify-full&sslrootcert=${caFile}`, 'sslmode=require']) {
      const { checked, tls } = await tlsOf(search);
      expect(tls).toMatchObject({ status: 'warn', code: 'DATABASE_TLS' });
      expect(tls?.text).toContain('TLSv1.3, issued by Test CA');
      expect(checked.hops.get('database.login')?.status).toBe('ok');
    }
  });

  test.each([
    ['nobody vouches for', () => 'sslmode=verify-full', 'localhost'],
    ['another CA issued', () => `sslmode=verify-full&sslrootcert=${otherCa}`, 'localhost'],
    ['has another host name', () => `sslmode=verify-full&sslrootcert=${caFile}`, '127.0.0.1'],
  ])('refuses a certificate that %s, as the driver would', async (_, search, host) => {
    const { checked } = await tlsOf(search(), host);
    expectBroken(checked, 'database.tls', 'DATABASE_TLS');
    expect(isSkippedFor(checked, 'database.login', 'database.tls')).toBe(true);
  });

  test('checks the CA and not the host name with verify-ca', async () => {
    const { tls } = await tlsOf(`sslmode=verify-ca&sslrootcert=${caFile}`, '127.0.0.1');
    expect(tls?.status).toBe('warn');
  });

  test('names a CA file that cannot be read, and a server without TLS', async () => {
    const { checked } = await tlsOf(`sslmode=verify-full&sslrootcert=${folder}/nowhere.crt`);
    expectBroken(checked, 'database.tls', 'DATABASE_CA');
    const plain = await runCheck({}, { POSTGRES_URL: change(urls.reader, { search: 'sslmode=require' }) });
    expectBroken(plain, 'database.tls', 'DATABASE_TLS');
  });
});

describe('a server that never answers', () => {
  const worldOf = (listener: Server) => {
    const { port } = listener.address() as { port: number };
    return testWorld({ env: envOf({ POSTGRES_URL: `postgres://u:pa55word@127.0.0.1:${port}/db?sslmode=require` }) });
  };

  test('is named after the time of a hop', async () => {
    const listener = await listen();
    const world = worldOf(listener);
    const spec = await readSpec({ config: await writeSpec({}), labels: [] }, world);
    expect(await check(spec, world, { json: true, hopMs: 200 })).toBe(1);
    const broken = (JSON.parse(world.stdout.text) as HopResult[]).find(({ status }) => status === 'fail');
    expect(broken).toMatchObject({ id: 'database.tls', code: 'DATABASE_TLS' });
    listener.close();
  });

  test('does not keep Ctrl-C from ending the check', async () => {
    const listener = await listen();
    const world = worldOf(listener);
    let connections = 0;
    listener.on('connection', () => {
      connections += 1;
      if (connections === 2) world.interrupt(); // the first is the TCP hop's, the second waits for TLS
    });
    expect(await main(['--check', '--config', await writeSpec({})], world)).toBe(130);
    expect(world.stdout.text).not.toContain('database.tls');
    listener.close();
  });
});

test('variablesOf() finds each variable once, and none in SQL or a comment', () => {
  const yaml = 'a: ${ONE}-${TWO:-2}\nb: [$${NOT}, "${ONE}"] # ${COMMENT}\nsources: { correct: "SELECT \'${SQL}\'" }\n';
  expect(variablesOf(yaml)).toEqual(['ONE', 'TWO']);
  const checks = 'checks: { max_length: "${ONE}", sql: { a: "SELECT \'${SQL}\'" } }\n';
  expect(variablesOf(`defaults: { ${checks.trim()} }\n`)).toEqual(['ONE']);
});

describe('tcpFault()', () => {
  const inSpace = { SPACE_ID: 'owner/space' };
  const fixOf = (port: number, code: string, env = {}) => tcpFault({ host: 'db.example', port }, code, env).fix;

  test.each(['ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED', 'EACCES'])(
    'names the ports of a Space for %s on another port inside one',
    (code) => {
      expect(fixOf(5432, code, inSpace)).toContain('443');
      expect(fixOf(443, code, inSpace)).not.toContain('443');
      expect(fixOf(5432, code)).not.toContain('443');
      expect(fixOf(5432, code, { ...inSpace, JOB_ID: '6a2aa7cec4f53f9fc5aa4cff' })).not.toContain('443');
    },
  );

  test('does not for what no policy does', () => {
    expect(fixOf(5432, 'ENOENT', inSpace)).not.toContain('443');
    expect(tcpFault({ host: '/run/postgresql', port: 5432 }, 'ECONNREFUSED', inSpace).fix).not.toContain('443');
  });
});

describe('a port that a Space may not reach', () => {
  const blocked = 'a Space reaches only the ports 80, 443, 8080';
  const SPACE = { SPACE_ID: 'tester/prepare' };

  test('is named in a Space where the connection is refused', async () => {
    const url = change('postgres://reader:x@127.0.0.1/db', { host: `127.0.0.1:${await closedPort()}` });
    const there = await runCheck({}, { POSTGRES_URL: url, ...SPACE });
    expectBroken(there, 'database.tcp', 'DATABASE_UNREACHABLE');
    expect(there.hops.get('database.tcp')?.text).toContain(blocked);
    const here = await runCheck({}, { POSTGRES_URL: url });
    expect(here.hops.get('database.tcp')?.text).not.toContain(blocked);
  });

  test('is named in a Space where nothing comes back', async () => {
    const full = await deafPort();
    try {
      const POSTGRES_URL = `postgres://reader:x@127.0.0.1:${full.port}/db?sslmode=disable`;
      const world = testWorld({ env: envOf({ POSTGRES_URL, ...SPACE }) });
      const spec = await readSpec({ config: await writeSpec({}), labels: [] }, world);
      await check(spec, world, { json: true, hopMs: 300 });
      const hops = JSON.parse(world.stdout.text) as HopResult[];
      expect(hops.find(({ id }) => id === 'database.tcp')).toMatchObject({
        status: 'fail',
        code: 'DATABASE_UNREACHABLE',
        message: expect.stringContaining(blocked),
      });
    } finally {
      full.close();
    }
  });

  test.if(server !== undefined)('is a fact, and no failure, at a desk that works for a Space', async () => {
    const more = 'space: { id: tester/prepare }';
    const { port } = new URL(urls.reader);
    const far = change(urls.reader, { host: `0.0.0.0:${port}`, search: '?sslmode=disable' }); // this machine, by no local name
    const env = { POSTGRES_URL: far };
    const desk = await runCheck({ more }, env);
    expect(desk.hops.get('database.tcp')?.status).toBe('ok');
    expect(desk.hops.get('database.tcp')?.text).toContain(blocked);
    expect((await runCheck({}, env)).hops.get('database.tcp')?.text).not.toContain(blocked);
    expect((await runCheck({ more }, {})).hops.get('database.tcp')?.text).not.toContain(blocked); // a database of this machine
  });
});

/** A port whose queue of connections is full: it answers nothing, like a firewall that drops what comes. */
async function deafPort(): Promise<{ port: number; close: () => void }> {
  const deaf = Bun.spawn(['python3', '-c', DEAF], { stdin: 'pipe', stdout: 'pipe' });
  const reader = deaf.stdout.getReader();
  const { value } = await reader.read();
  return { port: Number(new TextDecoder().decode(value)), close: () => deaf.kill() };
}

/** A socket that listens and never accepts, with as many connections as its queue takes. */
const DEAF = `
import socket, sys
deaf = socket.socket()
deaf.bind(("127.0.0.1", 0))
deaf.listen(0)
waiting = [socket.socket() for _ in range(8)]
for each in waiting:
    each.setblocking(False)
    each.connect_ex(deaf.getsockname())
print(deaf.getsockname()[1], flush=True)
sys.stdin.read()
`;

describe('describeAccess()', () => {
  type Scope = { entity: { type: string; name: string }; permissions: string[] };
  const fineGrained = (...scoped: Scope[]): Identity => ({
    name: 'ann',
    orgs: [],
    auth: { accessToken: { role: 'fineGrained', fineGrained: { global: [], scoped } } },
  });
  const member = (roleInOrg: string): Identity => ({
    name: 'ann',
    orgs: [{ name: 'Team', roleInOrg }],
    auth: { accessToken: { role: 'write' } },
  });
  const statusOf = (identity: Identity, repo: string, exists = true, type?: RepoType) => {
    try {
      return describeAccess(identity, repo, exists, type).status;
    } catch (thrown) {
      return (thrown as { code: string }).code;
    }
  };
  const scope = (type: string, name: string, ...permissions: string[]): Scope => ({
    entity: { type, name },
    permissions,
  });

  test.each<[string, Identity, string, string]>([
    ['repo.write for the repo', fineGrained(scope('dataset', 'ann/d', 'repo.write')), 'ann/d', 'ok'],
    ['repo.write for the owner', fineGrained(scope('org', 'team', 'repo.content.read', 'repo.write')), 'team/d', 'ok'],
    ['repo.write for another repo', fineGrained(scope('dataset', 'ann/e', 'repo.write')), 'ann/d', 'TARGET_FORBIDDEN'],
    [
      'a repo that is named as an owner',
      fineGrained(scope('dataset', 'ann', 'repo.write')),
      'ann/d',
      'TARGET_FORBIDDEN',
    ],
    [
      'repo.write for a Space of that name',
      fineGrained(scope('space', 'ann/d', 'repo.write')),
      'ann/d',
      'TARGET_FORBIDDEN',
    ],
    ['only reading', fineGrained(scope('user', 'ann', 'repo.content.read')), 'ann/d', 'TARGET_FORBIDDEN'],
    ['no scope at all', fineGrained(), 'ann/d', 'TARGET_FORBIDDEN'],
    ['the owner itself', member('write'), 'ann/d', 'ok'],
    ['a writing member', member('write'), 'team/d', 'ok'],
    ['a reading member', member('read'), 'team/d', 'warn'],
    ['a stranger', member('admin'), 'others/d', 'TARGET_FORBIDDEN'],
  ])('judges %s', (_, identity, repo, expected) => {
    expect(statusOf(identity, repo)).toBe(expected);
  });

  test('wants the right kind of repo for a Space', () => {
    expect(statusOf(fineGrained(scope('space', 'ann/d', 'repo.write')), 'ann/d', true, 'space')).toBe('ok');
    expect(statusOf(fineGrained(scope('dataset', 'ann/d', 'repo.write')), 'ann/d', true, 'space')).toBe(
      'TARGET_FORBIDDEN',
    );
  });

  test('lets a contributor create a repo, and only warns for an existing one', () => {
    expect(statusOf(member('contributor'), 'team/d', false)).toBe('ok');
    expect(statusOf(member('contributor'), 'team/d', true)).toBe('warn');
  });

  test('a role is read from the token itself', () => {
    expect(describeToken(fineGrained()).status).toBe('ok');
    expect(describeToken({ name: 'ann', orgs: [], auth: {} }).status).toBe('ok');
  });
});
