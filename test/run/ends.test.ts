import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArguments } from '../../lib/cli.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { fillPlain, onHub, SHIPPED, Site } from './site.ts';
import { PROJECT } from './world.ts';

let site: Site;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(600, 200));
});
afterAll(() => site[Symbol.asyncDispose]());

const spools = () => readdirSync(site.folder).filter((name) => name.startsWith('prepare-dataset-'));
const badSql = SHIPPED.replace(
  '  urgency:\n',
  '  urgency:\n    sources: { correct: "SELECT id AS key, nothing AS text, urgency AS label FROM complaints" }\n',
);

describe('one label’s failure', () => {
  test('leaves the others running, and is the exit code', async () => {
    const { exitCode, report } = await site.run(['--dry-run', '--out', './a'], { yaml: badSql });
    expect(exitCode).toBe(1);
    expect(report.labels.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'planned' },
      { status: 'failed', problem: { code: 'DATABASE_QUERY' } },
    ]);
  });

  test('wins over a refusal in the exit code', async () => {
    const yaml = badSql.replace(
      '  department:\n',
      '  department:\n    split: { train: 0.999999, eval: 0.0000005, test: 0.0000005 }\n',
    );
    const { exitCode, report } = await site.run(['--dry-run', '--out', './b'], { yaml });
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['refused', 'failed']);
    expect(exitCode).toBe(1);
    expect((await site.run(['--dry-run', '--out', './b', '--label', 'department'], { yaml })).exitCode).toBe(3);
  });

  test('a database that is not there fails every label after three attempts, waiting 2 s and 4 s', async () => {
    const waits: number[] = [];
    const clock = { now: () => new Date(), sleep: async (ms: number) => void waits.push(ms) };
    const { exitCode, report } = await site.run([], {
      env: { POSTGRES_URL: 'postgres://user:pass@127.0.0.1:1/nothing' },
      clock,
    });
    expect(exitCode).toBe(1);
    expect(waits).toEqual([2000, 4000]);
    expect(report.labels.map(({ outcome }) => outcome)).toMatchObject(
      Array(2).fill({ status: 'failed', problem: { code: 'DATABASE_UNREACHABLE' } }),
    );
  });
});

describe('--dry-run', () => {
  test('builds below --out, touches nothing else, and prints the report', async () => {
    const { exitCode, report } = await site.run(['--dry-run', '--out', './plan']);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      dryRun: true,
      labels: [{ outcome: { status: 'planned' } }, { outcome: { status: 'planned' } }],
    });
    expect(readdirSync(join(site.folder, 'plan')).sort()).toEqual([
      'dry-run',
      'report.html',
      'report.json',
      'report.md',
    ]);
    expect(
      ['department', '.department', 'urgency', '.urgency'].filter((name) => existsSync(join(site.folder, name))),
    ).toEqual([]);
    expect(statSync(join(site.folder, 'plan/dry-run/urgency')).mode & 0o777).toBe(0o700);
  });

  test('without --json prints tables on stdout and progress on stderr', async () => {
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
    const world = site.world();
    expect(await main(['--dry-run'], world)).toBe(0);
    expect(world.stdout.text).toMatch(/urgency → \.\/urgency\n {2}planned v\d{8}_\d{6}/);
    expect(world.stdout.text).toMatch(/HIGHLY URGENT\s+\d+\s+\d+\s+\d+\s+\d+/);
    expect(world.stderr.text).toContain('Database connection successful');
  });
});

describe('usage', () => {
  test.each([
    [['--config', 'missing.yaml'], 2, 'SPEC_NOT_FOUND'],
    [['--label', 'urgancy'], 2, 'LABEL_UNKNOWN'],
    [['--out', 'x'], 2, 'USAGE'],
    [['--unknown'], 2, 'unknown option'],
    [['stray'], 2, 'too many arguments'],
    [['--env-file', '.env.prod'], 2, 'USAGE'],
    [['--deploy'], 2, 'USAGE'],
    [['--deploy', '--yes'], 2, 'USAGE'],
    [['--deploy', 'owner/a', 'owner/b'], 2, 'USAGE'],
    [['--deploy', '--help'], 0, ''],
    [['--help'], 0, ''],
    [['--version'], 0, ''],
  ])('%p exits with %d', async (argv, exitCode, said) => {
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
    const world = site.world();
    expect(await main(argv, world)).toBe(exitCode);
    expect(world.stderr.text).toContain(said);
  });

  test('flags have environment forms, and win over them', async () => {
    const { report, exitCode } = await site.run(['--label', 'urgency'], {
      env: { DRY_RUN: 'true', OUT: './env', LABEL: 'department', FORCE: 'no' },
    });
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ dryRun: true, labels: [{ label: 'urgency' }] });
    expect(existsSync(join(site.folder, 'env/dry-run/urgency'))).toBe(true);
  });

  test('the Space of --deploy may stand after other flags', () => {
    for (const argv of [
      ['owner/a', '--dry-run'],
      ['--dry-run', 'owner/a'],
      ['--dry-run', '--yes', 'owner/a'],
    ])
      expect(parseArguments(['--deploy', ...argv], site.world())).toMatchObject({ deploy: 'owner/a', dryRun: true });
  });

  test.each([60, 80, 100])('--help fits a terminal of %d columns, but for its prose', async (columns) => {
    const world = site.world({ columns });
    expect(await main(['--help'], world)).toBe(0);
    const options = world.stdout.text.split('\n').filter((line) => /^ {2}-| {27}\S/.test(line));
    expect(options.length).toBeGreaterThan(30);
    expect(options.filter((line) => line.length > columns)).toEqual([]);
  });

  test('OUT is for runs that write there, and nothing to one that publishes', () => {
    const world = site.world({ env: { OUT: './env' } });
    expect(parseArguments(['--dry-run'], world).out).toBe('./env');
    expect(parseArguments(['--dry-run', '-o./flag'], world).out).toBe('./flag');
    expect(parseArguments([], world).dryRun).toBe(false);
    for (const flag of ['--out=x', '-ox'])
      expect(() => parseArguments([flag], world)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test('a spec error is told with all its places, before the database and the engine are loaded', async () => {
    const script = `const { main } = await import(${JSON.stringify(join(PROJECT, 'pipeline.ts'))});
      const { realWorld } = await import(${JSON.stringify(join(PROJECT, 'lib/real-world.ts'))});
      process.exitCode = await main(['--config', 'wrong.yaml'], realWorld());
      console.log(JSON.stringify(Object.keys(require.cache).filter((name) => /duckdb|node_modules.postgres|huggingface/.test(name))));`;
    writeFileSync(join(site.folder, 'wrong.yaml'), SHIPPED.replace('train: 0.8', 'train: 0.9'));
    const child = Bun.spawn([process.execPath, '-e', script], {
      cwd: site.folder,
      env: { ...process.env, ...site.env },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    expect(await child.exited).toBe(2);
    expect(await new Response(child.stderr).text()).toMatch(/^wrong\.yaml:\d+:\d+ SPLIT_SUM\n/);
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual([]);
  });
});

describe('an interruption', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s removes the spool, publishes nothing, and exits with %d', async (signal, exitCode) => {
    writeFileSync(
      join(site.folder, 'slow.yaml'),
      SHIPPED.replace(
        'FROM complaints c\n      WHERE c.{label}',
        'FROM complaints c, pg_sleep(300)\n      WHERE c.{label}',
      ),
    );
    const child = Bun.spawn([process.execPath, join(PROJECT, 'pipeline.ts'), '--config', 'slow.yaml'], {
      cwd: site.folder,
      env: { ...process.env, ...site.env, TMPDIR: site.folder },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; !text.includes('Fetching misclassified data'); text += (await reader.read()).value ?? '');
    child.kill(signal);
    expect(await child.exited).toBe(exitCode);
    expect(spools()).toEqual([]);
    expect(existsSync(join(site.folder, 'department'))).toBe(false);
  });

  test('that comes twice at once, as `bun run` hands on what the terminal sends too, asks once', async () => {
    const script = `const { realWorld } = await import(${JSON.stringify(join(PROJECT, 'lib/real-world.ts'))});
      const { signal } = realWorld();
      const came = () => new Promise((resolve) => process.once('SIGINT', resolve));
      const [first] = [came(), process.kill(process.pid, 'SIGINT')];
      await first;
      const [second] = [came(), process.kill(process.pid, 'SIGINT')];
      await second;
      console.log(signal.aborted);`;
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
    expect(await new Response(child.stdout).text()).toBe('true\n');
    expect(await child.exited).toBe(0);
  });
});

describe('with targets on the Hub', () => {
  let hub: LocalHub;
  beforeEach(async () => {
    hub = await startLocalHub();
  });
  afterEach(() => hub[Symbol.asyncDispose]());
  const env = () => onHub(hub);

  test('each label is one commit and one tag in a private repo', async () => {
    const { exitCode } = await site.run([], { env: env() });
    expect(exitCode).toBe(0);
    for (const name of ['department', 'urgency']) {
      const repo = hub.repos.get(`datasets/tester/${name}`);
      expect(repo?.private).toBe(true);
      expect(repo?.commits).toHaveLength(2); // the repo's own, and ours
      expect(repo?.tags.size).toBe(1);
    }
    expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  });

  test('a public repo refuses its label before a row is read; the other goes on', async () => {
    hub.createRepo('tester/urgency', { private: false });
    const { exitCode, report, world } = await site.run([], { env: env() });
    expect(exitCode).toBe(3);
    expect(report.labels.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'success' },
      { status: 'refused', problem: { code: 'TARGET_PUBLIC' } },
    ]);
    expect(world.stderr.text).not.toContain("Fetching misclassified data for 'urgency'");
    expect(hub.repos.get('datasets/tester/urgency')?.commits).toHaveLength(1);
  });

  test('no token: nothing is fetched; a dry run with a read token sends reads only', async () => {
    const without = await site.run([], { env: { ...env(), HF_TOKEN: '' } });
    expect(without.report.labels.map(({ outcome }) => outcome)).toMatchObject(
      Array(2).fill({ status: 'failed', problem: { code: 'TOKEN_MISSING' } }),
    );
    expect(without.world.stderr.text).not.toContain('Connecting to the database');
    const { exitCode } = await site.run(['--dry-run'], { env: { ...env(), HF_TOKEN: hub.readToken } });
    expect(exitCode).toBe(0);
    expect(hub.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  });

  test('a message that ends the program hides secrets, and nothing in it steers the terminal', async () => {
    const { exitCode, world } = await site.run(['--config', 'canary\x1b[2J.yaml'], { env: { APP_TOKEN: 'canary' } });
    expect(exitCode).toBe(2);
    expect(world.stderr.text).toContain('Cannot read *** [2J.yaml');
  });

  test('no secret reaches any output', async () => {
    const url = new URL(site.url);
    const secrets = [hub.token, url.password, 'ledger-canary-4711'];
    const failing = { ...env(), LEDGER_KEY: 'ledger-canary-4711' };
    const runs = [
      await site.run(['--verbose'], { env: failing }),
      await site.run(['--verbose', '--dry-run', '--force'], { env: failing, yaml: badSql }),
      await site.run(['--verbose'], { env: { ...failing, POSTGRES_URL: site.url.replace(/\/\w+$/, '/none') } }),
    ];
    const sinks = runs.flatMap(({ world }) => [world.stdout.text, world.stderr.text]);
    for (const repo of hub.repos.values())
      for (const commit of repo.commits)
        for (const [path, file] of commit.files)
          if (!path.endsWith('.parquet')) sinks.push(commit.title, new TextDecoder().decode(file.content));
    for (const folder of ['out/dry-run/department'])
      for (const name of ['README.md', 'dataset_metadata.json'])
        sinks.push(readFileSync(join(site.folder, folder, name), 'utf8'));
    for (const secret of secrets.filter((value) => value.length > 3))
      for (const form of [secret, encodeURIComponent(secret), btoa(secret)])
        expect(sinks.filter((sink) => sink.includes(form))).toEqual([]);
  });
});
