import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { HopResult } from '../../lib/check/hops.ts';
import type { Identity } from '../../lib/check/hub-hops.ts';
import { checkRole } from '../../lib/check/role-hop.ts';
import { describeExcess, type Written } from '../../lib/check/token-hop.ts';
import { withSnapshot } from '../../lib/edges/postgres.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, type Scope, startLocalHub } from '../edges/local-hub.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { fillPlain, onHub, SHIPPED, Site } from './site.ts';

/** What `--check` says of rights that a run does not need: a warning with what to take away, and exit code 0. */

setDefaultTimeout(30_000);

const server = await requirePostgres('postgresql');
const READER = 'rights_reader';
const OTHER = 'rights_other';
const PASSWORD = 'reader-pa55word';

let site: Site;
let hub: LocalHub;
let database: string;
const scope = (type: Scope['entity']['type'], name: string, ...permissions: string[]): Scope => ({
  entity: { type, name },
  permissions,
});
const TARGETS = ['tester/department', 'tester/urgency'].map((name) => scope('dataset', name, 'repo.write'));

beforeAll(async () => {
  hub = await startLocalHub({ namespaces: ['acme'] });
  for (const { entity } of TARGETS) hub.createRepo(entity.name);
  if (!server) return;
  site = await Site.open(undefined, server);
  database = new URL(site.url).pathname.slice(1);
  await site.sql(`${fillPlain(200, 60)} CREATE VIEW open_complaints AS SELECT * FROM complaints;
    CREATE ROLE ${READER} LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE ${OTHER};
    REVOKE CREATE ON SCHEMA public FROM PUBLIC; -- as since PostgreSQL 15
    GRANT SELECT ON complaints, misclassified_complaints TO ${READER}`);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  if (!server) return;
  for (const role of [READER, OTHER]) await site.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await site[Symbol.asyncDispose]();
});
afterEach(() => {
  expect(hub.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});

const urlOfReader = () => Object.assign(new URL(site.url), { username: READER, password: PASSWORD }).href;

/** The hops of a check. @param env over that of a role and a token that may do just what a run does */
async function hopsOf(env: Record<string, string> = {}) {
  const given = { ...onHub({ url: hub.url, token: hub.grant(...TARGETS) }), POSTGRES_URL: urlOfReader(), ...env };
  const world = site.world({ env: given });
  const config = new URL('../../pipeline.config.yaml', import.meta.url).pathname;
  const exitCode = await main(['--check', '--json', '--config', config], world);
  const hops = JSON.parse(world.stdout.text) as HopResult[];
  return { exitCode, hops, warned: hops.filter(({ status }) => status === 'warn') };
}

/** What the hop of the role finds, without the others. */
async function roleOf(url = urlOfReader()) {
  const { database } = parseSpec('pipeline.config.yaml', SHIPPED, { ...site.env, POSTGRES_URL: url });
  return await withSnapshot(database, new AbortController().signal, (snapshot) => checkRole(snapshot, database));
}

describe.if(server !== undefined)('a database role', () => {
  test('that may read two tables, also by a group, is content', async () => {
    expect((await roleOf()).status).toBe('ok');
    await site.sql(`GRANT SELECT ON complaints TO ${OTHER}; GRANT ${OTHER} TO ${READER}`);
    expect((await hopsOf()).warned).toEqual([]);
    await site.sql(`REVOKE ${OTHER} FROM ${READER}`);
  });

  const ATTRIBUTE = (name: string) => [`ALTER ROLE ${READER} ${name}`, `ALTER ROLE ${READER} NO${name}`] as const;
  const MEMBER = `GRANT ${OTHER} TO ${READER}`;
  const NO_MEMBER = `REVOKE ${OTHER} FROM ${READER}`;

  // [what is granted, what takes it away]; the warning's fix has to be that statement.
  test.each<[string, string, string]>([
    ...(['CREATEROLE', 'CREATEDB', 'REPLICATION', 'BYPASSRLS'] as const).map((name): [string, string, string] => [
      name,
      ...ATTRIBUTE(name),
    ]),
    ['rows that it may write', `GRANT UPDATE, DELETE ON complaints TO ${READER}`, tablesOf('public')],
    ['a column that it may write', `GRANT UPDATE (message) ON complaints TO ${READER}`, tablesOf('public')],
    ['a view that it may write', `GRANT INSERT ON open_complaints TO ${READER}`, tablesOf('public')],
    ['triggers that it may make', `GRANT TRIGGER ON complaints TO ${READER}`, tablesOf('public')],
    [
      'a schema to create in',
      `GRANT CREATE ON SCHEMA public TO ${READER}`,
      `REVOKE CREATE ON SCHEMA public FROM ${READER}`,
    ],
    [
      'a schema that is open to all',
      `GRANT CREATE ON SCHEMA public TO PUBLIC`,
      `REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
    ],
    ['a database to create in', '', ''],
    ['a group that writes', `GRANT DELETE ON complaints TO ${OTHER}; ${MEMBER}`, `${NO_MEMBER}`],
    [
      'a group that it only becomes',
      `ALTER ROLE ${READER} NOINHERIT; GRANT DELETE ON complaints TO ${OTHER}; ${MEMBER}`,
      NO_MEMBER,
    ],
    ['a group that makes roles', `ALTER ROLE ${OTHER} CREATEROLE; ${MEMBER}`, NO_MEMBER],
    ['a group that is superuser', `ALTER ROLE ${OTHER} SUPERUSER; ${MEMBER}`, NO_MEMBER],
    ['a group that bypasses policies', `ALTER ROLE ${OTHER} BYPASSRLS; ${MEMBER}`, NO_MEMBER],
    ['PostgreSQL’s own role', `GRANT pg_read_all_data TO ${READER}`, `REVOKE pg_read_all_data FROM ${READER}`],
  ])('with %s is warned of, and the fix takes it away', async (_, given, taken) => {
    const [grant, revoke] = given
      ? [given, taken]
      : [`GRANT CREATE ON DATABASE "${database}" TO ${READER}`, `REVOKE CREATE ON DATABASE ${database} FROM ${READER}`];
    await site.sql(grant);
    try {
      const { status, code, fix = '' } = await roleOf();
      expect([status, code]).toEqual(['warn', 'RIGHTS_EXCESSIVE']);
      expect(fix.split('; ')).toContain(revoke);
      await site.sql(fix);
      expect((await roleOf()).status).toBe('ok');
    } finally {
      await site.sql(`REVOKE ALL ON complaints, open_complaints FROM ${OTHER}; ${NO_MEMBER};
        ALTER ROLE ${OTHER} NOSUPERUSER NOCREATEROLE NOBYPASSRLS; ALTER ROLE ${READER} INHERIT`);
    }
  });

  function tablesOf(schema: string) {
    return `REVOKE INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER ON ALL TABLES IN SCHEMA ${schema} FROM ${READER}`;
  }

  test('that is superuser is warned of, and nothing fails', async () => {
    const { exitCode, warned } = await hopsOf({ POSTGRES_URL: site.url });
    expect([exitCode, warned.map(({ id, code }) => [id, code])]).toEqual([0, [['database.role', 'RIGHTS_EXCESSIVE']]]);
  });

  test('may bypass row-level security where there is some', async () => {
    await site.sql(`ALTER TABLE complaints ENABLE ROW LEVEL SECURITY; ALTER ROLE ${READER} BYPASSRLS`);
    expect((await roleOf()).status).toBe('ok');
    await site.sql(`ALTER TABLE complaints DISABLE ROW LEVEL SECURITY; ALTER ROLE ${READER} NOBYPASSRLS`);
  });
});

describe.if(server !== undefined)('a token', () => {
  const scopesOf = async (token: string, env: Record<string, string> = {}) => {
    const { exitCode, hops } = await hopsOf({ HF_TOKEN: token, ...env });
    const { status, code, fix } = hops.find(({ id }) => id === 'hub.scopes') as HopResult;
    expect(exitCode).toBe(0);
    return { status, code, fix };
  };

  test('of the role write is warned of, and the fix names what is enough', async () => {
    expect(await scopesOf(hub.token)).toEqual({
      status: 'warn',
      code: 'RIGHTS_EXCESSIVE',
      fix: expect.stringContaining('repo.write for tester/department, tester/urgency'),
    });
  });

  test('of a namespace is needed as long as a target does not exist', async () => {
    const token = hub.grant(...TARGETS, scope('user', 'tester', 'repo.write'));
    expect((await scopesOf(token, { URGENCY_DATASET: 'tester/new' })).status).toBe('warn'); // for tester/urgency
    const fitting = hub.grant(TARGETS[0] as Scope, scope('user', 'tester', 'repo.write'));
    expect((await scopesOf(fitting, { URGENCY_DATASET: 'tester/new' })).status).toBe('ok');
    expect((await scopesOf(fitting)).status).toBe('warn');
  });
});

describe('describeExcess()', () => {
  const WRITTEN: Written[] = [
    { type: 'dataset', repo: 'ann/d', absent: false },
    { type: 'dataset', repo: 'Team/new', absent: true },
    { type: 'space', repo: 'ann/prepare', absent: false },
  ];
  const NEEDED = [scope('dataset', 'ann/d', 'repo.write'), scope('space', 'ann/prepare', 'repo.write')];
  const fineGrained = (scoped: Scope[], global: string[] = []): Identity => ({
    name: 'ann',
    orgs: [],
    auth: { accessToken: { role: 'fineGrained', fineGrained: { global, scoped } } },
  });

  test.each<[string, Scope[], string[]]>([
    ['just what is needed', [], []],
    ['a namespace in which a repo is to be created', [scope('org', 'team', 'repo.write')], []],
    ['whatever reads', [scope('user', 'ann', 'repo.content.read', 'user.billing.read')], ['discussion.read']],
    ['Jobs, as --submit needs them', [scope('user', 'ann', 'job.write')], []],
  ])('is content with %s', (_, scopes, global) => {
    expect(describeExcess(fineGrained([...NEEDED, ...scopes], global), WRITTEN, 'https://hub').status).toBe('ok');
  });

  test.each<[string, Scope[], string[], string]>([
    ['a right for everything', [], ['discussion.write'], 'discussion.write for everything'],
    ['a namespace in which all exists', [scope('user', 'ann', 'repo.write')], [], 'repo.write for ann'],
    [
      'a namespace that is none of ours',
      [scope('org', 'other', 'repo.write', 'job.write')],
      [],
      'repo.write, job.write for other',
    ],
    ['more than the repos of one', [scope('org', 'team', 'repo.write', 'org.write')], [], 'org.write for team'],
    ['another repo', [scope('dataset', 'ann/e', 'repo.write')], [], 'repo.write for ann/e'],
    ['a model of the same name', [scope('model', 'ann/d', 'repo.write')], [], 'repo.write for ann/d'],
    ['more than to write a target', [scope('dataset', 'ann/d', 'discussion.write')], [], 'discussion.write for ann/d'],
    [
      'inference, which costs',
      [scope('user', 'ann', 'inference.serverless.write')],
      [],
      'inference.serverless.write for ann',
    ],
  ])('warns of %s', (_, scopes, global, named) => {
    const finding = describeExcess(fineGrained([...NEEDED, ...scopes], global), WRITTEN, 'https://hub');
    expect(finding).toMatchObject({ status: 'warn', code: 'RIGHTS_EXCESSIVE', message: `the token also has ${named}` });
    expect(finding.fix).toContain('repo.write for ann/d, Team/new, ann/prepare is enough');
  });

  test('says nothing of a token whose scopes are not told', () => {
    expect(describeExcess({ name: 'ann', orgs: [], auth: {} }, WRITTEN, 'https://hub').status).toBe('ok');
  });
});
