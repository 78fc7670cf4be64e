import { join } from 'node:path';
import { parseReport } from '../../lib/report/json.ts';
import { startPostgres } from '../edges/postgres-server.ts';
import { startTcpProxy } from '../edges/tcp-proxy.ts';
import type { Lane } from './lane.ts';
import { describe, judge, type Outcome } from './outcome.ts';
import { type ChildEnded, type Start, type Surroundings, YAML } from './surroundings.ts';

/** Something that goes wrong outside of the Hub, and how a run meets it. */
export interface Scenario {
  server: 'PostgreSQL' | 'disk' | 'SMTP' | 'webhook';
  name: string;
  /** What must come of the labels: statuses and codes, sorted. */
  wanted: readonly string[];
  /** Codes of what goes wrong besides. */
  besides?: readonly string[];
  /** Seconds that it may take, on a slow machine. */
  seconds: number;
  /** The spec of the run, and of the one after it, where it is not the usual one. */
  yaml?: string;
  run(around: Surroundings): Promise<ChildEnded>;
}

const PACKETS_MS = 10_000;
const BIG = 'fault_rows';

/** A table that is large enough for a COPY to be under way when something happens. */
const BIG_SOURCE = YAML.replace(
  /^ {4}correct: \|\n(?: {6}.*\n)+/m,
  `    correct: SELECT c.id AS key, c.message AS text, c.{label} AS label FROM ${BIG} c\n`,
).replace('correct: 0.5 ', 'correct: 1000 ');

async function fillBig(around: Surroundings): Promise<void> {
  await around.sql(`CREATE TABLE IF NOT EXISTS ${BIG} AS SELECT -i AS id, 'row ' || i || repeat(' of many', 100) AS message,
    'Security & Law Enforcement' AS department, 'NORMAL' AS urgency FROM generate_series(1, 20000) i`);
}

/** The database behind another address; the rest as ever. */
const at = (around: Surroundings, address: { host?: string; port?: number; search?: string }) => {
  const url = new URL(around.env.POSTGRES_URL ?? '');
  if (address.host) url.hostname = address.host;
  if (address.port) url.port = String(address.port);
  if (address.search) url.search = address.search;
  return { POSTGRES_URL: url.href };
};

/** A run on the big table, during which something happens when so many bytes have come. */
async function during(around: Surroundings, happen: (proxy: Proxy) => void, yaml = BIG_SOURCE) {
  await fillBig(around);
  const { host, port } = around.postgres;
  await using proxy = await startTcpProxy({ host, port }, { onBytes: { bytes: 2_000_000, call: happen } });
  return await runJson(around, { env: at(around, { port: proxy.port }), yaml });
}
const runJson = (around: Surroundings, start: Start = {}) => around.run({ argv: ['--json', '--verbose'], ...start });
type Proxy = Awaited<ReturnType<typeof startTcpProxy>>;

/** Kill the server processes of the run. */
const terminate = (around: Surroundings) =>
  around.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prepare-dataset'
    AND datname = current_database()`);

const failing = (sql: string) => YAML.replace('FROM complaints c\n      WHERE', `FROM ${sql}\n      WHERE`);

export const SCENARIOS: readonly Scenario[] = [
  {
    server: 'PostgreSQL',
    name: 'is not up yet, and comes after 3 s',
    wanted: ['success'],
    seconds: 30,
    async run(around) {
      await using gone = await startTcpProxy(around.postgres);
      const { port } = gone;
      await gone[Symbol.asyncDispose]();
      const child = await around.start({ argv: ['--json', '--verbose'], env: at(around, { port }) });
      await Bun.sleep(3000);
      await using _late = await startTcpProxy(around.postgres, { port });
      return await child.ended;
    },
  },
  {
    server: 'PostgreSQL',
    name: 'is not there',
    wanted: ['failed DATABASE_UNREACHABLE'],
    seconds: 30,
    run: (around) => runJson(around, { env: at(around, { port: 1 }) }),
  },
  {
    server: 'PostgreSQL',
    name: 'restarts in the middle of a COPY',
    yaml: BIG_SOURCE,
    wanted: ['success'],
    seconds: 60,
    async run(around) {
      await fillBig(around);
      const dump = await Bun.$`pg_dump --no-owner --inserts ${around.databaseUrl}`.quiet().text();
      await using own = await startPostgres();
      await own.psql(dump.replace(/^\\(un)?restrict.*$/gm, ''));
      const { host, port } = own;
      const call = () => void own.stop('fast').then(() => own.start());
      await using proxy = await startTcpProxy({ host, port }, { onBytes: { bytes: 2_000_000, call } });
      const url = new URL(own.url);
      url.port = String(proxy.port);
      return await runJson(around, { env: { POSTGRES_URL: url.href }, yaml: BIG_SOURCE });
    },
  },
  {
    server: 'PostgreSQL',
    name: 'ends the session in the middle of a COPY (pg_terminate_backend)',
    yaml: BIG_SOURCE,
    wanted: ['success'],
    seconds: 60,
    run: (around) => during(around, () => void terminate(around)),
  },
  {
    server: 'PostgreSQL',
    name: 'the connection is reset in the middle of a COPY',
    yaml: BIG_SOURCE,
    wanted: ['success'],
    seconds: 60,
    run: (around) => during(around, (proxy) => proxy.cut()),
  },
  {
    server: 'PostgreSQL',
    name: 'packets are lost for 10 s in the middle of a COPY',
    yaml: BIG_SOURCE,
    wanted: ['success'],
    seconds: 60,
    run: (around) =>
      during(around, (proxy) => {
        proxy.hold();
        setTimeout(() => proxy.release(), PACKETS_MS);
      }),
  },
  {
    server: 'PostgreSQL',
    name: 'packets are lost for good in the middle of a COPY',
    yaml: BIG_SOURCE,
    wanted: ['failed DATABASE_UNREACHABLE'],
    seconds: 180,
    run: (around) =>
      during(around, (proxy) => proxy.hold(), BIG_SOURCE.replace('statement_timeout: 10m', 'statement_timeout: 5s')),
  },
  {
    server: 'PostgreSQL',
    name: 'takes the connection and says nothing',
    wanted: ['failed DATABASE_UNREACHABLE'],
    seconds: 180,
    async run(around) {
      await using proxy = await startTcpProxy(around.postgres);
      proxy.hold();
      return await runJson(around, { env: at(around, { port: proxy.port, search: '?connect_timeout=3' }) });
    },
  },
  {
    server: 'PostgreSQL',
    name: 'has no connection left',
    wanted: ['failed DATABASE_UNREACHABLE'],
    seconds: 30,
    async run(around) {
      const role = `limited_${process.pid}`;
      await around.sql(`DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role} LOGIN PASSWORD 'pa55' CONNECTION LIMIT 0`);
      const url = new URL(around.env.POSTGRES_URL ?? '');
      Object.assign(url, { username: role, password: 'pa55' });
      return await runJson(around, { env: { POSTGRES_URL: url.href } });
    },
  },
  {
    server: 'PostgreSQL',
    name: 'a query takes longer than statement_timeout',
    wanted: ['failed DATABASE_TIMEOUT'],
    seconds: 30,
    run: (around) =>
      runJson(around, {
        yaml: failing('complaints c, pg_sleep(60)').replace('statement_timeout: 10m', 'statement_timeout: 1s'),
      }),
  },
  {
    server: 'PostgreSQL',
    name: 'a serialisation failure (40001), every time',
    wanted: ['failed DATABASE_LOST'],
    seconds: 30,
    async run(around) {
      await around.sql(`CREATE OR REPLACE FUNCTION fail_to_serialise() RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'canceling statement due to conflict with recovery' USING ERRCODE = '40001'; END $$`);
      return await runJson(around, { yaml: failing('complaints c, fail_to_serialise()') });
    },
  },
  {
    server: 'PostgreSQL',
    name: 'the role has no SELECT on one of the tables',
    wanted: ['failed DATABASE_PERMISSION'],
    seconds: 30,
    async run(around) {
      const role = `half_${process.pid}`;
      await around.sql(
        `DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role} LOGIN PASSWORD 'pa55'; GRANT SELECT ON complaints TO ${role}`,
      );
      const url = new URL(around.env.POSTGRES_URL ?? '');
      Object.assign(url, { username: role, password: 'pa55' });
      const ended = await runJson(around, { env: { POSTGRES_URL: url.href } });
      await around.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
      return ended;
    },
  },
  {
    server: 'PostgreSQL',
    name: 'the password is wrong',
    wanted: ['failed DATABASE_LOGIN'],
    seconds: 30,
    run: (around) => {
      const url = new URL(around.env.POSTGRES_URL ?? '');
      url.username = 'nobody-here';
      return runJson(around, { env: { POSTGRES_URL: url.href } });
    },
  },
  {
    server: 'PostgreSQL',
    name: 'a column is missing',
    wanted: ['failed DATABASE_QUERY'],
    seconds: 30,
    run: (around) => runJson(around, { yaml: YAML.replaceAll('c.message AS text', 'c.mesage AS text') }),
  },
  {
    server: 'PostgreSQL',
    name: 'offers no TLS where the URL asks for it',
    wanted: ['failed DATABASE_TLS'],
    seconds: 30,
    run: (around) => runJson(around, { env: at(around, { search: '?sslmode=require' }) }),
  },
  ...(['64k', '1m', '3m', '8m', '24m'] as const).map(
    (size): Scenario => ({
      server: 'disk',
      name: `of the spool is full (${size})`,
      yaml: BIG_SOURCE,
      wanted: ['failed DISK_FULL'],
      seconds: 60,
      run: async (around) => {
        await fillBig(around);
        return await runJson(around, { yaml: BIG_SOURCE, disk: { path: around.tmpdir, options: `size=${size}` } });
      },
    }),
  ),
  {
    server: 'disk',
    name: 'of the spool is read only',
    wanted: ['OUTPUT_UNWRITABLE'],
    seconds: 30,
    run: (around) => runJson(around, { disk: { path: around.tmpdir, options: 'ro' } }),
  },
  ...(
    [
      ['full', 'size=16k', 'failed DISK_FULL'],
      ['read only', 'ro', 'failed OUTPUT_UNWRITABLE'],
    ] as const
  ).map(
    ([state, options, outcome]): Scenario => ({
      server: 'disk',
      name: `of a directory target is ${state}`,
      wanted: [outcome, 'success'],
      seconds: 30,
      run: (around) =>
        runJson(around, {
          env: { URGENCY_DATASET: './small/urgency' },
          disk: { path: join(around.folder, 'small'), options },
        }),
    }),
  ),
  {
    server: 'SMTP',
    name: 'is not there',
    wanted: ['success'],
    besides: ['EMAIL_FAILED'],
    seconds: 30,
    run: (around) => runJson(around, { env: { SMTP_URL: 'smtp://u:p@127.0.0.1:1' } }),
  },
  {
    server: 'SMTP',
    name: 'takes the connection and says nothing',
    wanted: ['success'],
    besides: ['EMAIL_FAILED'],
    seconds: 60,
    async run(around) {
      around.smtp.hold();
      const ended = await runJson(around);
      around.smtp.release();
      return ended;
    },
  },
  {
    server: 'SMTP',
    name: 'resets the connection',
    wanted: ['success'],
    besides: ['EMAIL_FAILED'],
    seconds: 30,
    async run(around) {
      around.gate = ({ name }) => (name === 'SMTP' ? around.smtp.cut() : undefined);
      const ended = await runJson(around);
      around.gate = () => {};
      return ended;
    },
  },
  {
    server: 'webhook',
    name: 'is not there',
    wanted: ['success'],
    besides: ['WEBHOOK_FAILED'],
    seconds: 60,
    run: (around) => runJson(around, { env: { WEBHOOK_URL: 'http://127.0.0.1:1/services/hook' } }),
  },
  {
    server: 'webhook',
    name: 'knows no such path',
    wanted: ['success'],
    besides: ['WEBHOOK_FAILED'],
    seconds: 30,
    run: (around) =>
      runJson(around, { env: { WEBHOOK_URL: around.env.WEBHOOK_URL?.replace('services', 'gone') ?? '' } }),
  },
  {
    server: 'webhook',
    name: 'takes the message and says nothing',
    wanted: ['success'],
    besides: ['WEBHOOK_FAILED'],
    seconds: 60,
    async run(around) {
      const { promise, resolve } = Promise.withResolvers<void>();
      around.gate = ({ name, stage }) => (name.startsWith('Webhook') && stage === 'after' ? promise : undefined);
      const ended = await runJson(around);
      around.gate = () => {};
      resolve();
      return ended;
    },
  },
];

export interface Met {
  scenario: string;
  outcome: Pick<Outcome, 'labels' | 'besides' | 'exitCode'>;
  seconds: number;
  problems: string[];
}

/** Let a run meet it, then let one go through. */
export async function meet(
  lane: Lane,
  { server, name, wanted, besides = [], seconds, yaml, run }: Scenario,
): Promise<Met> {
  await lane.prepare();
  const start = performance.now();
  const { exitCode, stdout, stderr } = await run(lane.around);
  const took = (performance.now() - start) / 1000;
  const report = stdout.startsWith('{') ? parseReport(stdout) : undefined;
  const outcome = { ...describe(report, stderr), exitCode };
  const problems = judge(report, stdout + stderr);
  if (outcome.labels.join() !== wanted.join() || outcome.besides.join() !== besides.join())
    problems.push(`${outcome.labels} ${outcome.besides} instead of ${wanted} ${besides}: ${stderr}`);
  if (took > seconds) problems.push(`took ${took} s`);
  problems.push(...(await lane.recover(stdout + stderr, (around) => around.run(yaml === undefined ? {} : { yaml }))));
  return { scenario: `${server}: ${name}`, outcome, seconds: took, problems };
}
