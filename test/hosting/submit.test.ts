import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { LocalHub } from '../edges/local-hub.ts';
import { fillPlain, SHIPPED, Site } from '../run/site.ts';
import { jobRequests, SPACE, show, startHubWithSpace, submit } from './space-site.ts';

setDefaultTimeout(60_000); // a Job is the whole program in a process of its own

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  hub = await startHubWithSpace();
});
afterEach(async () => {
  expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  await hub[Symbol.asyncDispose]();
});

const ship = (yaml: string) => hub.commit(`spaces/${SPACE}`, { 'pipeline.config.yaml': yaml });
const posts = () => hub.requests.filter(({ method, path }) => method === 'POST' && path === '/api/jobs/tester');
const tags = (name: string) => hub.repos.get(`datasets/tester/${name}`)?.tags.size ?? 0;
/** What the program in the only Job has written, line by line. */
const written = async () => (await hub.jobs.all[0]?.machine)?.lines.map(({ data }) => data) ?? [];

describe('--submit', () => {
  test('runs all labels in one Job, hands on its log, and ends as it ends', async () => {
    const { exitCode, world } = await submit(site, hub);
    expect(exitCode).toBe(0);
    expect([tags('department'), tags('urgency')]).toEqual([1, 1]);
    expect(hub.jobs.all.map(({ stage }) => stage)).toEqual(['COMPLETED']);
    expect(posts().map(({ body }) => body)).toEqual([
      {
        spaceId: SPACE,
        flavor: 'cpu-basic',
        command: ['bun', '--cwd=/app', 'pipeline.ts', '--samples', '0'],
        arguments: [],
        timeoutSeconds: 3600,
        environment: {
          DEPARTMENT_DATASET: 'tester/department',
          HF_ENDPOINT: hub.url,
          HF_HUB_DISABLE_XET: '1',
          MIN_DATASET_LEN: '10',
          URGENCY_DATASET: 'tester/urgency',
        },
        secrets: { HF_TOKEN: hub.token, POSTGRES_URL: site.url },
        labels: {
          name: 'prepare-dataset',
          'prepare-dataset': expect.stringMatching(/^[0-9a-f]{32}$/),
          submission: expect.stringMatching(/^[0-9a-f]{32}$/),
        },
      },
    ]);
    expect(world.stdout.text).toBe((await written()).join(''));
    expect(world.stderr.text).toContain('POSTGRES_URL');
    expect(world.stderr.text).not.toContain('Warning');
    show('--submit', jobRequests(hub));
  });

  test('runs some labels with --label, as a run or as a plan', async () => {
    const dry = await submit(site, hub, ['--label', 'urgency', '--dry-run']);
    expect(dry.exitCode).toBe(0);
    expect([tags('department'), tags('urgency')]).toEqual([0, 0]);
    expect(dry.world.stdout.text).not.toMatch(/complaint \d+ about/); // no row's text in a log that others read
    const real = await submit(site, hub, ['--label', 'urgency']);
    expect(real.exitCode).toBe(0);
    expect([tags('department'), tags('urgency')]).toEqual([0, 1]);
  });

  test('ends with 0 where a label is skipped, as a run here does', async () => {
    const { exitCode, world } = await submit(site, hub, [], { env: { MIN_DATASET_LEN: '100000' } });
    expect(exitCode).toBe(0);
    expect(world.stdout.text).toContain('skipped');
    expect(tags('urgency')).toBe(0);
  });

  test.each<[string, string, number]>([
    ['2 where the Space’s spec cannot be used', SHIPPED.replace('seed: 42', 'sed: 42'), 2],
    ['3 where a check refuses the labels', SHIPPED.replace('max_dropped_share: 0.5', 'min_per_class: 100000'), 3],
    ['1 where the labels fail', SHIPPED.replace('c.message AS text', 'c.nothing AS text'), 1],
  ])('ends with %s, and says beforehand that the Space has another spec', async (_, yaml, code) => {
    ship(yaml.replace('    min_per_class: { limit: 10, severity: warn }', ''));
    const { exitCode, world } = await submit(site, hub);
    expect(exitCode).toBe(code);
    expect(hub.jobs.all.map(({ stage }) => stage)).toEqual(['ERROR']);
    expect(world.stderr.text).toContain(`Warning: pipeline.config.yaml of ${SPACE}`);
  });

  test('checks from there with --check, by the spec that --config names here and a deployment has sent', async () => {
    const yaml = SHIPPED.replace(/ {2}department:[\s\S]*?(?= {2}urgency:)/, '');
    ship(yaml);
    await Bun.write(`${site.folder}/specs/one.yaml`, yaml);
    const { exitCode, world } = await submit(site, hub, ['--check'], { env: { CONFIG: 'specs/one.yaml' } });
    expect(exitCode).toBe(0);
    expect(world.stdout.text).toMatch(/^warn +database\.role/m);
    expect(world.stdout.text).not.toContain('tester/department');
  });

  test('never pauses the Space whose image it borrows, and restarts what trains', async () => {
    const trainer = hub.createSpace('tester/trainer');
    trainer.stage = 'PAUSED';
    const yaml = SHIPPED.replace('${PREPARE_DATASET_SPACE_ID:-}', SPACE).replace(
      /^ {2}urgency:/m,
      '  urgency:\n    after_push: { restart_spaces: [tester/trainer] }',
    );
    ship(yaml);
    const env = { RUNS_DATASET: 'tester/runs', SPACE_ID: '' };
    for (const force of [[], ['--force']]) {
      const { exitCode, world } = await submit(site, hub, ['--label', 'urgency', ...force], { yaml, env });
      expect(exitCode).toBe(0);
      expect(world.stdout.text).not.toContain('Pausing');
    }
    expect(tags('urgency')).toBe(2); // the second does not rest, although the first was just now
    expect(hub.requests.filter(({ path }) => path.startsWith(`/api/spaces/${SPACE}`))).toEqual([]);
    expect(trainer.stages).toContain('BUILDING');
  });

  test('shows no secret, whatever the Job writes', async () => {
    const secret = 'canary-5e1f-s3cret';
    ship(
      SHIPPED.replace('pretty_name: Sambodhan', 'pretty_name: ${MY_TOKEN} Sambodhan').replace(
        'seed: 42',
        'seed: ${MY_TOKEN}',
      ),
    );
    const env = { MY_TOKEN: secret, UNREAD_TOKEN: 'canary-unread' };
    const { exitCode, seen } = await submit(site, hub, [], { env });
    expect(exitCode).toBe(2);
    expect(JSON.stringify(posts()[0]?.body)).toContain(secret);
    expect(JSON.stringify(posts()[0]?.body)).not.toContain('canary-unread');
    expect(seen).toContain('MY_TOKEN');
    for (const value of [secret, hub.token, site.url, decodeURIComponent(new URL(site.url).password)])
      expect(seen).not.toContain(value);
  });
});

test('masks what another program in the Space writes, and takes from it what a terminal obeys', async () => {
  const secret = 'canary-5e1f-s3cret\ncanary-läßt-पासवर्ड';
  const program = `console.log('a \\x1b[2J' + process.env.LEDGER_KEY);
    console.error(process.env.POSTGRES_URL); console.error(process.env.ADMIN_EMAIL)`;
  hub.commit(`spaces/${SPACE}`, { 'pipeline.ts': program });
  const env = { LEDGER_KEY: secret, ADMIN_EMAIL: 'canary@example.org' };
  const { exitCode, world, seen } = await submit(site, hub, [], { env });
  expect(exitCode).toBe(0);
  expect(world.stdout.text).toContain('a  [2J***\n***\n');
  expect(seen).not.toContain('canary');
  for (const value of [decodeURIComponent(new URL(site.url).password), new URL(site.url).password])
    expect(seen).not.toContain(value);
});

describe('following a Job', () => {
  quickly();

  test('hands on each line once where the stream breaks, be it in the middle', async () => {
    const lines = Array.from({ length: 40 }, (_, n) => `console.log('line ${n % 7}');`); // some are the same
    hub.commit(`spaces/${SPACE}`, { 'pipeline.ts': lines.join('\n') });
    let read = () => 0;
    const arrived = (count: number) => async () => {
      while (read() < count) await Bun.sleep(1);
    };
    // The first event says that the Job has started; the last stream breaks before anything is new.
    hub.jobs.cuts.push({ after: 4, arrived: arrived(3) }, { after: 9, arrived: arrived(8) }, { after: 5 });
    const { exitCode, world } = await submit(site, hub, [], {
      during: ({ stdout }) => {
        read = () => stdout.text.split('\n').length - 1;
      },
    });
    expect(exitCode).toBe(0);
    expect(hub.requests.filter(({ path }) => path.endsWith('/logs'))).toHaveLength(4);
    expect(world.stdout.text).toBe((await written()).join(''));
    expect(await written()).toHaveLength(40);
  });

  test('ends with the Job where its log stays open', async () => {
    hub.jobs.stuck = true;
    const { exitCode, world } = await submit(site, hub, ['--check']);
    expect(exitCode).toBe(0);
    expect(world.stdout.text).toBe((await written()).join(''));
  });

  test('goes on to the end where the log cannot be had', async () => {
    const fault = hub.fail({ path: /\/logs$/, times: 1000, answer: { status: 500 } });
    const { exitCode, world } = await submit(site, hub);
    expect(exitCode).toBe(0);
    expect(world.stdout.text).toBe('');
    expect(fault.hits).toBeGreaterThan(1);
  });

  test('says that its time was up', async () => {
    hub.commit(`spaces/${SPACE}`, { 'pipeline.ts': 'setInterval(() => {}, 1000)' });
    const yaml = SHIPPED.replace(/^job:.*/m, 'job: { timeout: 1s }');
    const { exitCode, seen } = await submit(site, hub, [], { yaml });
    expect(exitCode).toBe(1);
    expect(seen).toContain('job.timeout');
  });

  test('says that somebody has cancelled it', async () => {
    const machine = Promise.withResolvers<void>();
    hub.jobs.machines = machine.promise;
    const during = hub.fail({
      path: /\/api\/jobs\/tester\/[0-9a-f]+$/,
      before: async () => {
        const url = `${hub.url}/api/jobs/tester/${hub.jobs.all[0]?.id}/cancel`;
        await fetch(url, { method: 'POST', headers: { Authorization: `Bearer ${hub.token}` } });
      },
    });
    const { exitCode, seen } = await submit(site, hub);
    machine.resolve();
    await hub.jobs.all[0]?.ended;
    expect(during.hits).toBe(1);
    expect(exitCode).toBe(1);
    expect(seen).toContain('cancelled');
  });

  test.each<['SIGINT' | 'SIGTERM', number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('stops by %s with %d, while the Job goes on', async (signal, code) => {
    const machine = Promise.withResolvers<void>();
    hub.jobs.machines = machine.promise;
    let interrupt = () => {};
    hub.fail({ path: /\/api\/jobs\/tester\/[0-9a-f]+$/, before: () => interrupt() });
    const { exitCode, seen } = await submit(site, hub, ['--label', 'urgency'], {
      during: (world) => {
        interrupt = () => world.interrupt(signal);
      },
    });
    expect(exitCode).toBe(code);
    const [job] = hub.jobs.all;
    expect(seen).toContain(`${hub.url}/jobs/tester/${job?.id}`);
    expect(seen).toContain(`hf jobs cancel tester/${job?.id}`);
    machine.resolve();
    await job?.ended;
    expect(job?.stage).toBe('COMPLETED');
  });

  test('a Job that was made while Ctrl-C came is named', async () => {
    let interrupt = () => {};
    hub.fail({ method: 'POST', path: /\/api\/jobs\/tester$/, before: () => interrupt() });
    const { exitCode, seen } = await submit(site, hub, ['--check'], {
      during: (world) => {
        interrupt = () => world.interrupt();
      },
    });
    expect(exitCode).toBe(130);
    expect(seen).toContain(`hf jobs cancel tester/${hub.jobs.all[0]?.id}`);
    await hub.jobs.all[0]?.ended;
  });
});

const QUICK = "console.log('one');\nconsole.log('  two');\n";
const quickly = () => beforeEach(() => void hub.commit(`spaces/${SPACE}`, { 'pipeline.ts': QUICK }));

describe('a Job costs money, so its POST', () => {
  quickly();

  test.each(['drop', { status: 500 }, { status: 504 }] as const)(
    'is sent once where its answer is lost (%p): the Job is found',
    async (answer) => {
      hub.fail({ method: 'POST', path: /\/api\/jobs\/tester$/, land: true, answer });
      const { exitCode } = await submit(site, hub, ['--check']);
      expect(exitCode).toBe(0);
      expect(posts()).toHaveLength(1);
      expect(hub.jobs.all).toHaveLength(1);
    },
  );

  test.each(['drop', { status: 500 }] as const)(
    'is sent once where it is lost itself (%p), and no Job of somebody else is taken for ours',
    async (answer) => {
      await submit(site, hub, ['--check']);
      hub.fail({ method: 'POST', path: /\/api\/jobs\/tester$/, answer });
      const { exitCode, seen } = await submit(site, hub, ['--check']);
      expect(exitCode).toBe(1);
      expect(seen).toContain('JOB_UNREACHABLE');
      expect(seen).toContain('hf jobs ps');
      expect(posts()).toHaveLength(2);
    },
  );

  test('is sent again after 429, which says that nothing was done', async () => {
    hub.fail({
      method: 'POST',
      path: /\/api\/jobs\/tester$/,
      answer: { status: 429, headers: { 'Retry-After': '1' } },
    });
    expect((await submit(site, hub, ['--check'])).exitCode).toBe(0);
    expect(hub.jobs.all).toHaveLength(1);
  });

  test.each<[number, string]>([
    [400, 'JOB_REFUSED'],
    [401, 'JOB_FORBIDDEN'],
    [403, 'JOB_FORBIDDEN'],
    [404, 'JOB_REFUSED'],
    [422, 'JOB_REFUSED'],
  ])('that is answered %d fails with %s', async (status, code) => {
    const body = { error: 'canary: a server’s message' };
    hub.fail({ method: 'POST', path: /\/api\/jobs\/tester$/, answer: { status, body } });
    const { exitCode, seen } = await submit(site, hub);
    expect(exitCode).toBe(1);
    expect(seen).toMatch(new RegExp(`^${code}$`, 'm'));
    expect(seen).toContain('fix: ');
    expect(seen).not.toContain('canary');
    expect(posts()).toHaveLength(1);
  });
});

describe('what cannot be submitted', () => {
  const refused = async (code: string, argv: string[] = [], options: Parameters<typeof submit>[3] = {}) => {
    const { exitCode, seen } = await submit(site, hub, argv, options);
    expect(seen).toMatch(new RegExp(`^${code}$`, 'm'));
    expect(posts().filter(({ status }) => status === 200)).toEqual([]);
    return { exitCode, seen };
  };

  test('a namespace without credit', async () => {
    hub.jobs.credit = false;
    expect((await refused('JOB_FORBIDDEN')).seen).toContain('402');
  });

  test('with a token that may only read, or with none', async () => {
    await refused('JOB_FORBIDDEN', [], { env: { HF_TOKEN: hub.readToken } });
    await refused('TOKEN_MISSING', [], { env: { HF_TOKEN: '' } });
    await refused('TOKEN_REFUSED', [], { env: { HF_TOKEN: 'a-token' } });
  });

  test('without a Space, or with one that is none', async () => {
    await refused('JOB_REFUSED', [], { env: { PREPARE_DATASET_SPACE_ID: '' } });
    await refused('JOB_REFUSED', [], { env: { PREPARE_DATASET_SPACE_ID: 'prepare' } });
    await refused('SPACE_NOT_FOUND', [], { env: { PREPARE_DATASET_SPACE_ID: 'tester/none' } });
    await refused('JOB_REFUSED', [], { env: { JOB_ID: '6a2aa7cec4f53f9fc5aa4cff' } }); // a Job starts none
  });

  test('by another spec than the Space has', async () => {
    await Bun.write(`${site.folder}/specs/other.yaml`, SHIPPED.replace('seed: 42', 'seed: 43'));
    const { seen } = await refused('JOB_REFUSED', ['--config', 'specs/other.yaml']);
    expect(seen).toContain(`bun run deploy ${SPACE} --config specs/other.yaml`);
  });

  test('to a Space without a spec', async () => {
    hub.createSpace('tester/empty');
    await refused('JOB_REFUSED', [], { env: { PREPARE_DATASET_SPACE_ID: 'tester/empty' } });
  });

  test('a spec of the Space that needs a variable which is not set here', async () => {
    ship(SHIPPED.replace('${URGENCY_DATASET}', '${ANOTHER_DATASET}'));
    expect((await refused('JOB_REFUSED')).seen).toContain('ANOTHER_DATASET');
  });

  test.each([
    ['that is down', { status: 500 }],
    ['that says something else', { status: 200, body: { error: 'canary' } }],
    ['whose rate limit is used up', { status: 429 }],
  ])('to a Hub %s', async (_, answer) => {
    hub.fail({ path: /hardware$/, times: 6, answer });
    const { seen } = await refused('JOB_UNREACHABLE');
    expect(seen).not.toContain('canary');
    expect(posts()).toEqual([]);
  });

  test('hardware that the Hub has not', async () => {
    const { seen } = await refused('JOB_REFUSED', [], {
      yaml: SHIPPED.replace(/^job:.*/m, 'job: { flavor: cpu-basics }'),
    });
    expect(seen).toContain('did you mean cpu-basic?');
  });

  test.each<string[]>([
    ['--demo'],
    ['--json'],
    ['--raw-samples'],
    ['--explain', '1'],
    ['--dry-run', '--against', 'v1'],
    ['--publish', 'out'],
    ['--rollback', 'v1', '--label', 'urgency', '--reason', 'x'],
    ['--serve'],
    ['--dry-run', '--out', 'elsewhere'],
    ['--schedule', '@daily', '--force'],
    ['--schedule', '@daily', '--resplit'],
  ])('with %s', async (...argv) => {
    const { exitCode } = await refused('USAGE', argv as string[]);
    expect(exitCode).toBe(2);
    expect(hub.requests).toEqual([]);
  });
});
