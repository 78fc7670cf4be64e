import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type PostgresServer, requirePostgres, startPostgres } from '../edges/postgres-server.ts';
import { fillPlain, SHIPPED, Site, TABLES } from './site.ts';
import type { TestWorld } from './world.ts';
import {
  databaseMarks,
  folderMarks,
  hubMarks,
  isRead,
  LOGGING,
  startForbiddenPort,
  startForbiddenServer,
  statementsIn,
} from './writes.ts';

const REPOS = { DEPARTMENT_DATASET: 'tester/department', URGENCY_DATASET: 'tester/urgency' };
const FOLDERS = { DEPARTMENT_DATASET: './department', URGENCY_DATASET: './urgency' };
/** Everything that a real run would do besides publishing. */
const YAML = SHIPPED.replace('  urgency:\n', '  urgency:\n    after_push: { restart_spaces: [tester/retraining] }\n');
const BAD_SQL = YAML.replace(
  '  urgency:\n',
  '  urgency:\n    sources: { correct: "SELECT id AS key, nothing AS text, urgency AS label FROM complaints" }\n',
);
const WRITING_SQL = YAML.replace(
  '  urgency:\n',
  `  urgency:\n    sources: { correct: "SELECT nextval('complaints_id_seq') AS key, message AS text, urgency AS label FROM complaints" }\n`,
);
const OTHER_CLASSES = YAML.replace('[NORMAL, URGENT, HIGHLY URGENT]', '[URGENT, NORMAL, HIGHLY URGENT]');
setDefaultTimeout(30_000); // a test runs the whole program up to five times

const clock = { now: () => new Date(), sleep: async () => {} };

interface Dry {
  yaml?: string;
  argv?: string[];
  env?: Record<string, string>;
  /** @param world to interrupt it */
  said?: (text: string, world: TestWorld) => void;
  asked?: (url: string, world: TestWorld) => void;
}

describe.skipIf((await requirePostgres('postgresql')) === undefined)('a dry run writes nothing', () => {
  let server: PostgresServer;
  let site: Site;
  let hub: LocalHub;
  let wandb: ReturnType<typeof startForbiddenServer>;
  let smtp: ReturnType<typeof startForbiddenPort>;
  beforeAll(async () => {
    server = await startPostgres({ settings: LOGGING });
    site = await Site.open(TABLES, server);
    await site.sql(fillPlain(600, 200));
    await site.sql(`
CREATE ROLE reader LOGIN PASSWORD 'reads'; CREATE ROLE blind LOGIN PASSWORD 'reads';
GRANT SELECT ON complaints, misclassified_complaints TO reader; GRANT SELECT ON complaints TO blind;
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;`);
  });
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    hub = await startLocalHub({ lfsThreshold: 1000 });
    wandb = startForbiddenServer();
    smtp = startForbiddenPort();
  });
  afterEach(async () => {
    await hub[Symbol.asyncDispose]();
    await wandb[Symbol.asyncDispose]();
    smtp[Symbol.dispose]();
    for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true, force: true });
  });

  const urlAs = (role: string) => {
    const url = new URL(site.url);
    url.username = role;
    url.password = 'reads';
    return url.href;
  };
  const env = () => ({
    HF_ENDPOINT: hub.url,
    HF_TOKEN: hub.readToken,
    POSTGRES_URL: urlAs('reader'),
    WANDB_API_KEY: 'f'.repeat(40),
    WANDB_BASE_URL: wandb.url,
    SMTP_URL: `smtp://user:pass@127.0.0.1:${smtp.port}`,
    ADMIN_EMAIL: 'admin@example.org',
    WEBHOOK_URL: `${wandb.url}/hook`,
    RUNS_DATASET: 'tester/runs',
    SPACE_ID: 'tester/space',
    ...REPOS,
  });
  /** A real run, by those who may. */
  const publishFirst = async (targets: Record<string, string> = REPOS) => {
    const may = { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, ...targets };
    expect((await site.run([], { env: may, yaml: SHIPPED })).exitCode).toBe(0);
  };

  /** Run as `reader` with a read token; whatever comes of it, prove that nothing was written. Returns outcomes or codes, and the exit code. */
  const dryRun = async ({ yaml = YAML, argv = ['--dry-run'], env: more = {}, said, asked }: Dry = {}) => {
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), yaml);
    const hosts = new Set<string>();
    let calls = 0;
    const recorded = Object.assign(
      (input: string | URL | Request, init?: RequestInit) => {
        const url = new URL(input instanceof Request ? input.url : input);
        hosts.add(url.origin);
        calls++;
        asked?.(url.href, world);
        return fetch(input, init);
      },
      { preconnect: fetch.preconnect },
    ) as typeof fetch;
    const world = site.world({ env: { ...env(), ...more }, clock, fetch: recorded });
    const { write } = world.stderr;
    world.stderr.write = (text) => {
      write(text);
      said?.(text, world);
    };
    const marks = async () => ({
      hub: hubMarks(hub),
      files: folderMarks(site.folder, ['out']),
      database: await databaseMarks(server, site.url),
    });
    const before = await marks();
    const requests = hub.requests.length;
    const logged = (await server.log()).length;
    const all = spyOn(globalThis, 'fetch');
    const exitCode = await main([...argv, '--json'], world);
    const pastWorld = all.mock.calls.length - calls;
    all.mockRestore();
    const statements = statementsIn((await server.log()).slice(logged));

    expect(statements.filter(({ statement }) => !isRead(statement))).toEqual([]);
    expect(await marks()).toEqual(before);
    const sent = hub.requests.slice(requests);
    const reads = ({ method, path }: { method: string; path: string }) =>
      method === 'GET' || method === 'HEAD' || (method === 'POST' && path.includes('/paths-info/'));
    expect(sent.filter((request) => !reads(request)).map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    expect(sent.filter(({ auth }) => auth === 'write')).toEqual([]);
    expect([...hosts].filter((origin) => origin !== hub.url)).toEqual([]);
    expect(pastWorld).toBe(0);
    expect(wandb.requests).toEqual([]);
    expect(smtp.connections).toBe(0);
    const out = join(site.folder, 'out');
    const left = readdirSync(site.folder).includes('out') ? readdirSync(out) : [];
    expect(left.filter((name) => !/^(dry-run|report\.(json|md|html))$/.test(name))).toEqual([]);
    return { ...ended(world), exitCode, statements, sent, left };
  };

  /** The status of each label, or the code of its problem; of the program, where it has no report. */
  const ended = ({ stdout, stderr }: TestWorld) => {
    if (!stdout.text.startsWith('{'))
      return {
        codes: [
          stderr.text
            .trim()
            .split('\n')
            .findLast((line) => /^[A-Z_]+$/.test(line)),
        ],
      };
    const { labels } = JSON.parse(stdout.text) as {
      labels: { outcome: { status: string; problem?: { code: string } } }[];
    };
    return { codes: labels.map(({ outcome }) => outcome.problem?.code ?? outcome.status) };
  };

  test('the proof sees: statements, requests and files of a real run', async () => {
    expect(isRead('BEGIN')).toBe(false);
    expect(isRead('EXPLAIN (FORMAT JSON) SELECT 1')).toBe(true);
    for (const statement of [
      'EXPLAIN ANALYZE SELECT 1',
      'EXPLAIN (FORMAT JSON, ANALYZE) SELECT 1',
      'SELECT 1; DROP TABLE x',
      "SELECT nextval('s')",
      'SELECT 1 INTO x',
      'WITH gone AS (DELETE FROM x RETURNING 1) SELECT * FROM gone',
      'COPY x FROM STDIN',
      'SET x = 1',
    ])
      expect(`${statement}: ${isRead(statement)}`).toBe(`${statement}: false`);
    const before = [hubMarks(hub), folderMarks(site.folder, ['out']), await databaseMarks(server, site.url)];
    await publishFirst({ ...REPOS, URGENCY_DATASET: './urgency' });
    await site.sql('UPDATE complaints SET ward_id = 1 WHERE id = 1');
    const after = [hubMarks(hub), folderMarks(site.folder, ['out']), await databaseMarks(server, site.url)];
    for (const [index, mark] of after.entries()) expect(mark).not.toEqual(before[index] as never);
  });

  test('planned, on new repos', async () => {
    const { codes, exitCode, statements, sent, left } = await dryRun();
    expect(codes).toEqual(['planned', 'planned']);
    expect(exitCode).toBe(0);
    expect(statements.length).toBeGreaterThan(10); // the log is read at all
    expect([...new Set(statements.map(({ user }) => user))]).toEqual(['reader']);
    expect(sent.length).toBeGreaterThan(2);
    expect(left.sort()).toEqual(['dry-run', 'report.html', 'report.json', 'report.md']);
    expect([...hub.repos.keys()]).toEqual([]);
  });

  test.each([
    ['planned, on a published version', ['--force']],
    ['planned, for a terminal', ['--force', '--samples', '3', '--raw-samples']],
    ['planned, with a new split', ['--force', '--resplit']],
    ['unchanged', []],
  ])('%s', async (name, flags) => {
    await publishFirst();
    const { codes } = await dryRun({ argv: ['--dry-run', ...flags] });
    expect(codes).toEqual(Array(2).fill(name.split(',')[0]));
  });

  test('compared with an older version, and with another spec', async () => {
    await publishFirst();
    const version = [...(hub.repos.get('datasets/tester/urgency')?.tags.keys() ?? [])][0] as string;
    hub.repos
      .get('datasets/tester/department')
      ?.tags.set(version, hub.repos.get('datasets/tester/department')?.branches.get('main') as string);
    await dryRun({ argv: ['--dry-run', '--force', '--against', version] });
    await dryRun({ argv: ['--dry-run', '--force', '--compare-config', 'pipeline.config.yaml'] });
    await dryRun({ argv: ['--dry-run', '--force', '--against', 'v19990101_000000'] });
  });

  test('skipped', async () => {
    const { codes } = await dryRun({ env: { MIN_DATASET_LEN: '100000' } });
    expect(codes).toEqual(Array(2).fill('skipped_insufficient_data'));
  });

  test('an untagged version, which a real run would tag', async () => {
    await publishFirst();
    hub.repos.get('datasets/tester/urgency')?.tags.clear();
    expect((await dryRun()).codes).toEqual(['unchanged', 'unchanged']);
  });

  test('refused: a class list that changed, a public repo', async () => {
    await publishFirst();
    expect((await dryRun({ yaml: OTHER_CLASSES })).codes).toEqual(['unchanged', 'CLASSES_CHANGED']);
    const urgency = hub.repos.get('datasets/tester/urgency');
    if (urgency) urgency.private = false;
    const { codes, exitCode } = await dryRun();
    expect(codes).toEqual(['unchanged', 'TARGET_PUBLIC']);
    expect(exitCode).toBe(3);
  });

  test.each<[string, Dry, string[]]>([
    ['SQL that is wrong', { yaml: BAD_SQL }, ['planned', 'DATABASE_QUERY']],
    ['a token that the Hub does not know', { env: { HF_TOKEN: 'hf_nobody' } }, ['TOKEN_REFUSED', 'TOKEN_REFUSED']],
    ['a token that is none', { env: { HF_TOKEN: 'nobody' } }, ['TOKEN_REFUSED', 'TOKEN_REFUSED']],
    [
      'a database that is not there',
      { env: { POSTGRES_URL: 'postgres://reader@127.0.0.1:1/none' } },
      ['DATABASE_UNREACHABLE', 'DATABASE_UNREACHABLE'],
    ],
    ['a spec that cannot be used', { yaml: 'version: 2' }, []],
  ])('failed: %s', async (_, dry, wanted) => {
    const { codes } = await dryRun(dry);
    if (wanted.length > 0) expect(codes).toEqual(wanted);
  });

  test('failed: a role that may not read', async () => {
    const { codes } = await dryRun({ env: { POSTGRES_URL: urlAs('blind') } });
    expect(codes).toEqual(['DATABASE_PERMISSION', 'DATABASE_PERMISSION']);
  });

  test('failed: SQL that would write, which neither the role nor the transaction lets it', async () => {
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), WRITING_SQL);
    const before = await databaseMarks(server, site.url);
    const { report } = await site.run(['--dry-run', '--label', 'urgency'], { yaml: WRITING_SQL, env: FOLDERS });
    expect(report.labels[0]?.outcome).toMatchObject({ status: 'failed' }); // as superuser: the transaction is read-only
    expect(await databaseMarks(server, site.url)).toBe(before);
  });

  test('failed: a Hub that is down, and one that goes down on the way', async () => {
    hub.fail({ path: /revision\/main/, times: 12, answer: { status: 500 } });
    expect((await dryRun()).codes).toEqual(['TARGET_ANSWER', 'TARGET_ANSWER']);
    await publishFirst();
    hub.fail({ path: /\/resolve\//, times: 1000, answer: 'drop' });
    expect((await dryRun()).codes).toEqual(['TARGET_ANSWER', 'TARGET_ANSWER']);
  });

  test('failed: a ledger that is not the one of the metadata', async () => {
    await publishFirst();
    hub.commit('tester/urgency', { 'splits.parquet': 'broken' });
    expect((await dryRun()).codes).toEqual(['unchanged', 'LEDGER_UNREADABLE']);
  });

  test('interrupted: while the database is read, and while the Hub is', async () => {
    await publishFirst();
    const atDatabase = await dryRun({
      said: (text, world) => text.includes('Fetching misclassified') && world.interrupt(),
    });
    expect(atDatabase).toMatchObject({ exitCode: 130, codes: ['INTERRUPTED'] });
    const atHub = await dryRun({
      asked: (url, world) => url.includes('/resolve/') && world.interrupt('SIGTERM'),
    });
    expect(atHub).toMatchObject({ exitCode: 143, codes: ['INTERRUPTED'] });
  });

  test('on directories: no lock, no folder, no version', async () => {
    expect((await dryRun({ env: FOLDERS })).codes).toEqual(['planned', 'planned']);
    expect(readdirSync(site.folder).sort()).toEqual(['out', 'pipeline.config.yaml']);
  });

  test('on directories with a version: neither there nor in the hidden folder beside them', async () => {
    await publishFirst(FOLDERS);
    expect((await dryRun({ env: FOLDERS })).codes).toEqual(['unchanged', 'unchanged']);
    expect((await dryRun({ env: FOLDERS, argv: ['--dry-run', '--force'] })).codes).toEqual(['planned', 'planned']);
    expect((await dryRun({ env: FOLDERS, yaml: OTHER_CLASSES })).codes).toEqual(['unchanged', 'CLASSES_CHANGED']);
  });

  test('of a rollback, and of the end of a hold', async () => {
    await publishFirst();
    const may = { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, ...REPOS };
    const [version = ''] = hub.repos.get('datasets/tester/urgency')?.tags.keys() ?? [];
    const back = ['--rollback', version, '--label', 'urgency', '--reason', 'wrong'];
    expect((await dryRun({ argv: [...back, '--dry-run'] })).codes).toEqual(['ROLLBACK_SAME']);
    await site.run(['--force'], { env: may });
    const planned = await dryRun({ argv: [...back, '--dry-run'] });
    expect([planned.codes, planned.statements]).toEqual([['planned'], []]);
    expect((await site.run(back, { env: may })).exitCode).toBe(0);
    expect((await dryRun()).codes).toEqual(['unchanged', 'held']);
    expect((await dryRun({ argv: ['--unhold', '--label', 'urgency', '--dry-run'] })).codes).toEqual(['unchanged']);
  });

  test('of a plan that would be published', async () => {
    await dryRun();
    expect((await dryRun({ argv: ['--publish', 'out', '--dry-run'] })).codes).toEqual(['planned', 'planned']);
    expect((await dryRun({ argv: ['--publish', 'out', '--dry-run'], env: { HF_TOKEN: '' } })).codes).toHaveLength(2);
    hub.createRepo('tester/urgency', { private: false });
    expect((await dryRun({ argv: ['--publish', 'out', '--dry-run'] })).codes).toEqual(['planned', 'TARGET_PUBLIC']);
  });
});
