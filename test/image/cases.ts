import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pkg from '../../package.json' with { type: 'json' };
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { makeTestCa, requirePostgres } from '../edges/postgres-server.ts';
import { loadOfficial, officialPython } from '../official/venv.ts';
import { fillPlain, SHIPPED, Site } from '../run/site.ts';
import { Container, type Image, memoryGroup, type StartOptions } from './container.ts';

// `test/image/run` builds the image and starts this; `bun test` alone does not find it.

const { IMAGE_CONFIG, IMAGE_ROOT } = process.env;
if (IMAGE_CONFIG === undefined || IMAGE_ROOT === undefined) throw new Error('Run test/image/run: it builds the image');
const image: Image = { config: JSON.parse(IMAGE_CONFIG).Docker.config, root: IMAGE_ROOT };
const found = await officialPython();

const MEGABYTE = 1e6;
const LABELS = ['department', 'urgency'];

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  if ((await requirePostgres('postgresql')) === undefined) throw new Error('PostgreSQL’s binaries are not installed');
  site = await Site.open();
  await site.sql(fillPlain(600, 240));
  hub = await startLocalHub();
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

/** The image’s own command; what it is to do stands in the environment, as in a Space. @param suffix other repos */
function options(
  env: StartOptions['env'] = {},
  suffix = '',
): StartOptions & { env: Record<string, string | undefined> } {
  return {
    env: {
      POSTGRES_URL: site.url,
      HF_ENDPOINT: hub.url,
      HF_TOKEN: hub.token,
      DEPARTMENT_DATASET: `tester/department${suffix}`,
      URGENCY_DATASET: `tester/urgency${suffix}`,
      MIN_DATASET_LEN: '10',
      ...env,
    },
  };
}

const statuses = (report: string) =>
  JSON.parse(report).labels.map(({ outcome }: { outcome: { status: string } }) => outcome.status);

/** A folder to be /tmp, to look into from outside. */
async function volume(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'volume-'));
  await Bun.$`chmod 1777 ${path}`;
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Holds the next commit to the Hub until the end. @returns when it has come */
function holdCommit(): { reached: Promise<void>; release: () => void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  hub.fail({
    method: 'POST',
    path: /\/commit\//,
    before: () => {
      reached.resolve();
      return released.promise;
    },
    answer: 'drop',
  });
  return { reached: reached.promise, release: released.resolve };
}

describe('the box', () => {
  test('runs as uid 1000 and PID 1, on a root that cannot be written, without a capability', async () => {
    const look =
      'id -u; id -g; echo $$; touch /app/x; touch /home/bun/x; touch /tmp/x; grep -E "^Cap|^NoNew" /proc/self/status';
    const { stdout, stderr } = await Container.run(image, { args: ['sh', '-c', look] });
    console.log(stdout + stderr);
    expect(stdout.split('\n').slice(0, 3)).toEqual(['1000', '1000', '1']);
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
    expect(stderr).not.toContain('/tmp/x');
    expect(stdout.match(/^Cap\w+:\s0+$/gm)).toHaveLength(5);
    expect(stdout).toMatch(/^NoNewPrivs:\s1$/m);
  });

  test('says who it is by number, and which port is its own', () => {
    expect(image.config.User).toBe('1000:1000'); // runAsNonRoot of Kubernetes refuses a name
    expect(Object.keys(image.config.ExposedPorts)).toEqual(['7860/tcp']);
    expect(image.config.Labels['org.opencontainers.image.licenses']).toBe(pkg.license);
  });

  test('holds production’s packages, of this platform alone, in at most 150 MB', async () => {
    const modules = join(image.root, 'app/node_modules');
    const bytes = Number((await Bun.$`du --summarize --bytes ${modules}`.text()).split('\t')[0]);
    expect(bytes).toBeLessThanOrEqual(150 * MEGABYTE);
    for (const name of Object.keys(pkg.devDependencies)) expect(await readdir(modules)).not.toContain(name);
    const engines = (await readdir(join(modules, '@duckdb'))).filter((name) => name.startsWith('node-bindings-'));
    expect(engines).toEqual([`node-bindings-linux-${process.arch}`]);
  });

  test('holds no file that only root may read, and nothing of the build', async () => {
    expect(await Bun.$`find ${join(image.root, 'app')} ! -perm -o=r`.text()).toBe('');
    expect(await readdir(join(image.root, 'app'))).toEqual(
      expect.arrayContaining(['lib', 'node_modules', 'package.json', 'pipeline.config.yaml', 'pipeline.ts']),
    );
    expect(await readdir(join(image.root, 'root'))).not.toContain('.bun');
  });
});

describe('its command', () => {
  test('takes flags alone, a whole command, or something else', async () => {
    const version = `${pkg.version}\n`;
    for (const args of [['--version'], ['bun', 'pipeline.ts', '--version'], ['-V']])
      expect(await Container.run(image, { args })).toMatchObject({ exitCode: 0, stdout: version, stderr: '' });
    const help = await Container.run(image, { args: ['--help'] });
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toContain('--dry-run');
    expect(await Container.run(image, { args: ['sh', '-c', 'exit 7'] })).toMatchObject({ exitCode: 7 });
  });

  test('checks everything that a run needs', async () => {
    const { exitCode, stderr, stdout } = await Container.run(image, options({ CHECK: 'true' }));
    expect(`${stdout}${stderr}`).not.toMatch(/\bfailed\b/);
    expect(exitCode).toBe(0);
    expect(hub.repos.size).toBe(0);
  });

  test('publishes both labels, and leaves nothing in /tmp', async () => {
    await using tmp = await volume();
    const { exitCode, stdout, stderr, peak } = await Container.run(image, { ...options(), tmp: tmp.path });
    console.log(`${stderr}\n${stdout}\nexit ${exitCode}, ${(peak / MEGABYTE).toFixed(0)} MB`);
    expect(exitCode).toBe(0);
    for (const label of LABELS) expect(hub.repos.get(`datasets/tester/${label}`)?.tags.size).toBe(1);
    expect(await readdir(tmp.path)).toEqual([]);
    expect(peak).toBeLessThan(506 * MEGABYTE); // memory_limit of the shipped spec, and 250 MB
  });

  test.skipIf('skipped' in found)('and what it published is what the official client loads', async () => {
    for (const label of LABELS) {
      const loaded = await loadOfficial('python' in found ? found.python : '', `tester/${label}`, { hub });
      expect(Object.keys(loaded).sort()).toEqual(['eval', 'test', 'train']);
      expect(loaded.train).toMatchObject({ keys: ['grievance', 'label'] });
      expect(loaded.train?.num_rows).toBeGreaterThan(0);
    }
  });

  test.each<[string, StartOptions & { env?: Record<string, string | undefined> }]>([
    ['on a root that could be written, were one root, as in a Space', { readOnly: false }],
    ['as somebody whom no passwd knows, without a home', { user: '4711:0', env: { HOME: undefined } }],
    ['in another time zone and language', { env: { TZ: 'Asia/Kathmandu', LANG: 'ne_NP.UTF-8', LC_ALL: 'C' } }],
    ['with a TMPDIR that is not there yet', { env: { TMPDIR: '/tmp/below/rows' } }],
  ])('finds that nothing changed, %s', async (_, { env, ...rest }) => {
    const { exitCode, stdout } = await Container.run(image, { ...options({ JSON: 'true', ...env }), ...rest });
    expect(statuses(stdout)).toEqual(['unchanged', 'unchanged']);
    expect(exitCode).toBe(0);
  });

  test('plans a YAML from elsewhere, and publishes that plan, each in a container of its own', async () => {
    await using tmp = await volume();
    await Bun.write(join(tmp.path, 'mine.yaml'), SHIPPED);
    const plan = options({ DRY_RUN: 'true', CONFIG: '/tmp/mine.yaml', LABEL: 'urgency' }, '-reviewed');
    expect(await Container.run(image, { ...plan, tmp: tmp.path })).toMatchObject({ exitCode: 0 });
    const publish = { ...options({ JSON: 'true' }, '-reviewed'), args: ['--publish', '/tmp/out'] };
    const { exitCode, stdout } = await Container.run(image, { ...publish, tmp: tmp.path });
    expect([exitCode, statuses(stdout)]).toEqual([0, ['success']]);
    expect(hub.repos.get('datasets/tester/urgency-reviewed')?.tags.size).toBe(1);
  });

  test.each([true, false])('plans below /tmp/out, read-only root: %p', async (readOnly) => {
    await using tmp = await volume();
    const env = { DRY_RUN: 'true', JSON: 'true' };
    const ended = await Container.run(image, { ...options(env, '-planned'), tmp: tmp.path, readOnly });
    expect(statuses(ended.stdout)).toEqual(['planned', 'planned']);
    expect((await readdir(join(tmp.path, 'out'))).sort()).toEqual([
      'dry-run',
      'report.html',
      'report.json',
      'report.md',
    ]);
  });

  test.each([true, false])(
    'says where a dry run cannot write, and how to mend it, read-only root: %p',
    async (readOnly) => {
      const { exitCode, stderr } = await Container.run(image, {
        ...options({ DRY_RUN: 'true', OUT: './out' }),
        readOnly,
      });
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/^OUTPUT_UNWRITABLE\n {2}.*\/app\/out: E(ROFS|ACCES)\n {2}fix: .*--out/m);
    },
  );

  test('publishes 90,000 rows of each label where there are 512 MiB, and no more', async () => {
    await using big = await Site.open();
    await big.sql(fillPlain(200_000, 60_000));
    await using group = await memoryGroup(512 * 1024 ** 2);
    if (group === undefined) return console.warn('SKIPPED: there is no control group to be had');
    await using tmp = await volume();
    const env = { POSTGRES_URL: big.url, JSON: 'true' };
    const ended = await Container.run(image, { ...options(env, '-big'), tmp: tmp.path, cgroup: group.path });
    console.log(`two labels of 90,000 rows: at most ${(ended.peak / MEGABYTE).toFixed(0)} MB`);
    expect(statuses(ended.stdout)).toEqual(['success', 'success']);
  });

  test('has no demo, and says so', async () => {
    const { exitCode, stderr } = await Container.run(image, { args: ['--demo'] });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^DEMO_UNAVAILABLE\n {2}.+\n {2}fix: .+$/m);
  });

  test('says that there is no network', async () => {
    const env = { CHECK: 'true', POSTGRES_URL: 'postgres://reader:s3cret@db.invalid/app', HF_ENDPOINT: undefined };
    const { exitCode, stdout } = await Container.run(image, { ...options(env), network: 'none' });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^FAIL +database\.dns/m);
    expect(stdout).toMatch(/^FAIL +hub\.token/m);
  });

  test('trusts a CA that NODE_EXTRA_CA_CERTS names', async () => {
    await using tmp = await volume();
    const ca = await makeTestCa(join(tmp.path, 'ca'));
    const { certFile, keyFile } = await ca.issue('127.0.0.1');
    await Bun.$`chmod -R go+rX ${tmp.path}/ca && chmod go+r ${ca.caFile}`;
    using proxy = Bun.serve({
      port: 0,
      tls: { cert: Bun.file(certFile), key: Bun.file(keyFile) },
      fetch: (request) => fetch(request.url.replace(/^https:\/\/[^/]+/, hub.url), request),
    });
    const env = { HF_ENDPOINT: `https://127.0.0.1:${proxy.port}`, CHECK: 'true' };
    const named = { ...env, NODE_EXTRA_CA_CERTS: '/tmp/ca/ca.crt' };
    expect((await Container.run(image, { ...options(env), tmp: tmp.path })).exitCode).not.toBe(0);
    expect(await Container.run(image, { ...options(named), tmp: tmp.path })).toMatchObject({ exitCode: 0 });
  });
});

/** A port of this machine that nothing listens on. */
function freePort(): number {
  using probe = Bun.serve({ port: 0, fetch: () => new Response() });
  return probe.port ?? 0;
}

describe('where it runs', () => {
  test('a Space has its page while the run goes on, and is paused at its end', async () => {
    const space = hub.createSpace('tester/prepare');
    const hold = holdCommit();
    const port = freePort();
    const env = { SPACE_ID: 'tester/prepare', SERVE: `127.0.0.1:${port}` };
    const container = Container.start(image, options(env, '-space'));
    await hold.reached;
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${port}/report.json`)).json()).toMatchObject({ running: true });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('</html>');
    hold.release();
    const { exitCode, stderr } = await container.ended;
    console.log(stderr);
    expect([exitCode, space.stage]).toEqual([0, 'PAUSED']); // the commit whose connection was cut is sent again
    for (const label of LABELS) expect(hub.repos.get(`datasets/tester/${label}-space`)?.tags.size).toBe(1);
  });

  test('a dry run in a Space stays with its page until the container is stopped', async () => {
    const space = hub.createSpace('tester/planning');
    const port = freePort();
    const env = { SPACE_ID: 'tester/planning', SERVE: `127.0.0.1:${port}`, DRY_RUN: 'true', SAMPLES: '0' };
    const container = Container.start(image, options(env, '-stay'));
    const isOver = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/report.json`).catch(() => undefined);
      return answer?.ok && ((await answer.json()) as { running?: true }).running === undefined;
    };
    while (!(await isOver())) await Bun.sleep(50);
    await container.signal('SIGTERM');
    expect([(await container.ended).exitCode, space.stage]).toEqual([0, 'RUNNING']);
  });

  test('a Job starts it from any folder, and pauses no Space', async () => {
    const space = hub.createSpace('tester/at-work');
    const env = { JOB_ID: '6a2aa7cec4f53f9f00000001', PREPARE_DATASET_SPACE_ID: 'tester/at-work' };
    const command = ['bun', '--cwd=/app', 'pipeline.ts', '--samples', '0'];
    const elsewhere = { config: { ...image.config, WorkingDir: '/' }, root: image.root };
    const { exitCode } = await Container.run(elsewhere, { ...options(env, '-job'), args: command });
    expect([exitCode, space.stage]).toEqual([0, 'RUNNING']);
    for (const label of LABELS) expect(hub.repos.get(`datasets/tester/${label}-job`)?.tags.size).toBe(1);
  });
});

describe('SIGTERM to PID 1', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('ends a run that commits, and leaves nothing: %s', async (signal) => {
    await using tmp = await volume();
    const hold = holdCommit();
    const container = Container.start(image, { ...options({ TMPDIR: '/tmp/rows' }, `-${signal}`), tmp: tmp.path });
    await hold.reached;
    expect((await readdir(join(tmp.path, 'rows'))).length).toBe(1);
    await container.signal(signal);
    const { exitCode, stderr } = await container.ended;
    hold.release();
    expect(exitCode).toBe(signal === 'SIGTERM' ? 143 : 130);
    expect(stderr).toMatch(/^INTERRUPTED$/m);
    expect(await readdir(join(tmp.path, 'rows'))).toEqual([]);
    for (const label of LABELS) expect(hub.repos.get(`datasets/tester/${label}-${signal}`)?.tags.size ?? 0).toBe(0);
  });
});

describe('the health check', () => {
  const [kind, ...command] = image.config.Healthcheck.Test;
  const healthOf = async (program: string) => {
    const container = Container.start(image, { args: ['bun', '-e', program], network: 'none' });
    try {
      while ((await container.exec(image, ['test', '-e', '/tmp/ready'])) !== 0);
      return await container.exec(image, command);
    } finally {
      await container.signal('SIGKILL');
      await container.ended;
    }
  };
  const READY = 'require("fs").writeFileSync("/tmp/ready", "");';

  test('is a command without a shell', () => expect(kind).toBe('CMD'));

  test('is content while the program runs and serves nothing', async () => {
    expect(await healthOf(`setInterval(() => {}, 1000); ${READY}`)).toBe(0);
  });

  test.each([
    [200, 0],
    [503, 1],
  ])('asks whoever listens on 7860: %d is %d', async (status, code) => {
    const fetch = `({ url }) => new Response("", { status: url.endsWith("/healthz") ? ${status} : 404 })`;
    expect(await healthOf(`Bun.serve({ port: 7860, fetch: ${fetch} }); ${READY}`)).toBe(code);
  });
});
