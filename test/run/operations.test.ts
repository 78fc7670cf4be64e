import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { parseReport } from '../../lib/report/json.ts';
import type { World } from '../../lib/world.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type LocalRun, type LocalWandb, startLocalWandb } from '../edges/local-wandb.ts';
import { makeTestCa } from '../edges/postgres-server.ts';
import { type MailServer, PASSWORD, startMailServer, USER } from '../edges/smtp-server.ts';
import { fillPlain, onHub, SHIPPED, Site } from './site.ts';
import type { TestWorldOptions } from './world.ts';

/** The whole program with everything around it: PostgreSQL, the Hub, W&B, a mail server, a webhook. */

setDefaultTimeout(30_000); // a test runs the whole program up to three times

const SPACE = 'tester/prepare';
const TRAINING = 'tester/train-urgency';
const PAGES = 'https://wandb.example.org';
const ROW = 'row-canary';
const HOOK_PATH = '/services/hook-canary';
/** One label that is published, one that has too few rows. */
const YAML = SHIPPED.replace(/^ {2}department:/m, '  department:\n    min_samples: 100000')
  .replace(/^ {2}urgency:/m, `  urgency:\n    after_push: { restart_spaces: [${TRAINING}] }`)
  .replace('when: on_problem', 'when: always')
  .replace('min_interval: 1h', 'min_interval: 0');

let site: Site;
let hub: LocalHub;
let wandb: LocalWandb;
let mail: MailServer;
let webhook: ReturnType<typeof startWebhook>;
let ca: string;
let certificate: { certFile: string; keyFile: string };
/** Requests to all servers, in the order in which they began. */
let journal: string[];

beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
  await site.sql(`UPDATE complaints SET message = message || ' ${ROW}'`);
  const authority = await makeTestCa(join(site.folder, 'ca'));
  ca = readFileSync(authority.caFile, 'utf8');
  certificate = await authority.issue('localhost', '127.0.0.1');
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  journal = [];
  hub = await startLocalHub();
  hub.createSpace(SPACE);
  hub.createSpace(TRAINING).stage = 'PAUSED'; // its last training is over
  wandb = await startLocalWandb();
  webhook = startWebhook();
  mail = await startMailServer(certificate, {
    onConnect: (_, done) => {
      journal.push('SMTP');
      done();
    },
  });
});
afterEach(async () => {
  await Promise.all([hub, wandb, mail, webhook].map((server) => server[Symbol.asyncDispose]()));
  for (const name of readdirSync(site.folder))
    if (name !== 'ca') rmSync(join(site.folder, name), { recursive: true, force: true });
});

function startWebhook() {
  const posts: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      posts.push(await request.text());
      return new Response('ok', { status: new URL(request.url).pathname === HOOK_PATH ? 200 : 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}${HOOK_PATH}`,
    posts,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

const env = () => ({
  ...onHub(hub),
  WANDB_API_KEY: wandb.key,
  WANDB_BASE_URL: wandb.url,
  WANDB_APP_URL: PAGES,
  SMTP_URL: `smtp://${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@localhost:${mail.port}`,
  SMTP_CA: ca,
  ADMIN_EMAIL: 'admin@example.org',
  WEBHOOK_URL: webhook.url,
  RUNS_DATASET: 'tester/runs',
  SPACE_ID: SPACE,
});

interface Running {
  yaml?: string;
  argv?: string[];
  env?: Record<string, string>;
  tmpdir?: string;
  clock?: World['clock'];
  /** @param url that is about to be asked */
  asked?: (url: string) => void;
}

const run = ({ yaml = YAML, argv = [], env: more = {}, asked, ...options }: Running = {}) => {
  const recorded = Object.assign(
    (input: string | URL | Request, init?: RequestInit) => {
      const url = String(input instanceof Request ? input.url : input);
      const name = { [hub.url]: 'Hub', [wandb.url]: 'W&B', [new URL(webhook.url).origin]: 'webhook' };
      const { origin, pathname } = new URL(url);
      const operation = pathname === '/graphql' ? `#${/(?:query|mutation) (\w+)/.exec(String(init?.body))?.[1]}` : '';
      journal.push(`${name[origin]} ${init?.method ?? 'GET'} ${pathname}${operation}`);
      asked?.(url);
      return fetch(input, init);
    },
    { preconnect: fetch.preconnect },
  ) as typeof fetch;
  const given: TestWorldOptions = { env: { ...env(), ...more }, fetch: recorded, ...options };
  return site.run(argv, { yaml, ...given });
};

const trackedRun = (): LocalRun => [...wandb.runs.values()].at(-1) as LocalRun;
const alerts = () => trackedRun().alerts.map(({ title, severity }) => `${severity} ${title}`);
const stageOf = (id: string) => hub.spaces.get(id)?.stage;
/** Lines of the history, and the files of its last run. */
function remembered() {
  const repo = hub.repos.get('datasets/tester/runs');
  const files = repo?.head('main').files ?? new Map();
  const text = (path: string) => Buffer.from(files.get(path)?.content ?? '').toString();
  const lines = text('runs.jsonl').split('\n').filter(Boolean);
  const paths = [...files.keys()].filter((path) => path.startsWith('runs/')).sort();
  return { records: lines.map((line) => JSON.parse(line)), last: paths.slice(-2).map(text) };
}
const spools = () => readdirSync(site.folder).filter((name) => name.startsWith('prepare-dataset-'));
const effects = ({ report }: Awaited<ReturnType<typeof run>>) =>
  Object.fromEntries(report.effects.map(({ kind, status, problem }) => [kind, problem?.code ?? status]));

describe('a run with one label published and one skipped', () => {
  test('tells everybody, remembers itself, and pauses its Space when nothing else is left to do', async () => {
    let before: unknown;
    hub.fail({
      path: /\/pause$/,
      before: () => {
        const { complete, exitcode } = trackedRun();
        before = {
          tracking: { complete, exitcode },
          mails: mail.deliveries.length,
          posts: webhook.posts.length,
          runs: remembered().records.length,
          training: stageOf(TRAINING),
          spools: spools().length,
        };
      },
    });
    const ended = await run();
    expect(ended.exitCode).toBe(0);
    expect(ended.report.run).toBe(ended.report.startedAt.replace(/[-:Z]/g, '').replace(/[T.]/g, '-'));
    expect(ended.report.labels.map(({ outcome }) => outcome?.status)).toEqual(['skipped_insufficient_data', 'success']);
    expect(before).toEqual({
      tracking: { complete: true, exitcode: 0 },
      mails: 1,
      posts: 1,
      runs: 1,
      training: 'BUILDING',
      spools: 0,
    });
    expect(ended.world.stderr.text.match(/completed successfully/g)).toHaveLength(1);
    expect(journal.at(-1)).toBe(`Hub POST /api/spaces/${SPACE}/pause`);
    expect(journal.filter((each) => each.endsWith('/pause'))).toHaveLength(1);
    expect(stageOf(SPACE)).toBe('PAUSED');
    expect(effects(ended)).toEqual({
      tracking: 'done',
      email: 'done',
      webhook: 'done',
      history: 'done',
      pause: 'planned',
    });
    expect(ended.report.effects[0]?.detail).toStartWith(`${PAGES}/tester/`);
    const { effects: kept } = parseReport(remembered().last[1] ?? '');
    expect(kept.map(({ status }) => status)).toEqual(['done', 'done', 'done', 'planned', 'planned']);
    expect((await mails())[0]?.text).toContain(`--show ${ended.report.run}`);
    for (const text of [(await mails())[0]?.text, webhook.posts[0]]) expect(text).toContain(`${PAGES}/tester/`);
    expect(ended.report.warnings).toEqual([]);
    expect(alerts().sort()).toEqual(['INFO Urgency Dataset Updated', 'WARN Department Dataset Skipped']);
    if (process.env.SHOW_OPERATIONS) await show();
  });

  test('restarts the training Space on the new version, after telling it, before the summary', async () => {
    const { report } = await run();
    const outcome = report.labels[1]?.outcome;
    const version = outcome?.status === 'success' ? outcome.version : '';
    expect(hub.spaces.get(TRAINING)?.variables.get('DATASET_VERSION')?.value).toBe(version);
    const at = (entry: string) => journal.indexOf(entry);
    const tagged = journal.findIndex((entry) => /^Hub POST .*\/tag\//.test(entry));
    expect(tagged).toBeGreaterThan(-1);
    expect(at(`Hub POST /api/spaces/${TRAINING}/variables`)).toBeGreaterThan(tagged);
    expect(at(`Hub POST /api/spaces/${TRAINING}/restart`)).toBe(at(`Hub POST /api/spaces/${TRAINING}/variables`) + 1);
    expect(at('SMTP')).toBeGreaterThan(at(`Hub POST /api/spaces/${TRAINING}/restart`));
    const [message] = await mails();
    expect(message?.text).toContain(version);
    expect(message?.text).toContain(TRAINING);
  });

  test('lets neither a row’s text nor a secret out of the dataset', async () => {
    const { world } = await run({ argv: ['--verbose'] });
    const sinks = {
      stdout: world.stdout.text,
      stderr: world.stderr.text,
      wandb: wandb.requests.map(({ text }) => text).join('\n'),
      mail: (await mails()).map(({ subject, text, html }) => [subject, text, html].join('\n')).join('\n'),
      webhook: webhook.posts.join('\n'),
      history: [JSON.stringify(remembered().records), ...remembered().last].join('\n'),
    };
    for (const [sink, text] of Object.entries(sinks)) {
      expect(`${sink} ${text.length > 100}`).toBe(`${sink} true`);
      for (const secret of [ROW, hub.token, wandb.key, PASSWORD, encodeURIComponent(PASSWORD), 'hook-canary'])
        expect(`${sink}: ${text.includes(secret)}`).toBe(`${sink}: false`);
    }
  });
});

describe('what is hidden', () => {
  test('is hidden in every line of the log, wherever it is kept or shown', async () => {
    hub.fail({ path: /prepare\/pause$/, answer: { status: 403 } });
    const secrets = { APP_TOKEN: 'Retrieved', APP_SECRET: 'goes on running', APP_PASSWORD: TRAINING };
    const { world } = await run({ env: secrets }); // as if they were
    const [log = '', report = ''] = remembered().last;
    expect(log.split('\n')[0]).toMatch(
      /^\d\d:\d\d:\d\d Starting dataset preparation pipeline .*: department, urgency$/,
    );
    const console = wandb.requests.map(({ text }) => text).join('\n');
    for (const text of [log, console, world.stderr.text]) {
      expect(text).toMatch(/\*\*\* \d+ records for 'urgency'/);
      expect(text).not.toContain('Retrieved');
    }
    const [message] = await mails();
    const reports = [world.stdout.text, report, JSON.stringify(remembered().records), webhook.posts[0], message?.text];
    for (const text of [...reports, message?.html]) {
      expect(text).toContain('***');
      expect(text).not.toContain(TRAINING);
    }
    const told = [world.stderr.text, (await mails())[1]?.text, webhook.posts[1], JSON.stringify(trackedRun().alerts)];
    for (const text of told) {
      expect(text?.replace(/\s+/g, ' ')).toContain('***, and may be billed');
      expect(text?.replace(/\s+/g, ' ')).not.toContain('goes on running');
    }
  });
});

const NOBODY_TOLD = {
  tracking: 'TRACKING_FAILED',
  email: 'EMAIL_FAILED',
  webhook: 'WEBHOOK_FAILED',
  history: 'HISTORY_UNWRITABLE',
  pause: 'planned',
} as const;

describe('nothing besides publishing fails a run', () => {
  test('neither W&B nor mail, webhook, history, restart or pause', async () => {
    hub.createRepo('datasets/tester/runs', { private: false });
    hub.fail({ path: /train-urgency\/restart$/, answer: { status: 403 } });
    hub.fail({ path: /prepare\/pause$/, answer: { status: 403 } });
    const ended = await run({
      env: {
        WANDB_API_KEY: 'w'.repeat(40),
        SMTP_URL: `smtp://someone:wrong@localhost:${mail.port}`,
        WEBHOOK_URL: webhook.url.replace(HOOK_PATH, '/gone'),
      },
    });
    expect(ended.exitCode).toBe(0);
    expect(ended.report.labels[1]?.outcome?.status).toBe('success');
    expect(effects(ended)).toEqual(NOBODY_TOLD);
    expect(ended.report.labels[1]?.restarts?.map(({ problem }) => problem?.code)).toEqual(['SPACE_FORBIDDEN']);
    for (const code of ['TRACKING_FAILED', 'EMAIL_FAILED', 'WEBHOOK_FAILED', 'HISTORY_UNWRITABLE', 'SPACE_FORBIDDEN'])
      expect(ended.report.warnings.filter((warning) => warning.includes(code))).toHaveLength(1);
    expect(ended.world.stderr.text).toContain(
      `Pausing ${SPACE}: the last thing to do.\nWarning: SPACE_FORBIDDEN: Cannot pause ${SPACE}`,
    );
  });

  test('who is told later is told of who was not, also where only problems are told', async () => {
    const yaml = YAML.replace('min_samples: 100000', 'min_samples: 10').replace(/(webhook:.*)always/, '$1on_problem');
    expect(effects(await run({ yaml }))).toMatchObject({ tracking: 'done', webhook: 'skipped' });
    const { report } = await run({ yaml, env: { WANDB_API_KEY: 'w'.repeat(40) } });
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['unchanged', 'unchanged']);
    expect(webhook.posts).toEqual([expect.stringContaining('TRACKING_FAILED')]);
    expect(((await mails())[1]?.text ?? '').match(/TRACKING_FAILED/g)).toHaveLength(1);
    expect(JSON.parse(remembered().last[1] as string).warnings).toEqual([expect.stringContaining('TRACKING_FAILED')]);
  });

  test('nor variables that are mistyped', async () => {
    const ended = await run({
      env: {
        SMTP_URL: 'mail.example.org',
        WEBHOOK_URL: 'hooks.example.org',
        RUNS_DATASET: 'runs',
        PREPARE_DATASET_SPACE_ID: 'prepare',
        WANDB_BASE_URL: 'wandb.example.org',
      },
    });
    expect(ended.exitCode).toBe(0);
    expect(effects(ended)).toEqual(NOBODY_TOLD);
    expect(ended.world.stderr.text).toContain('Cannot pause prepare');
  });

  test('a run that cannot be remembered is told of, after the summary', async () => {
    hub.createRepo('datasets/tester/runs', { private: false });
    expect((await run()).exitCode).toBe(0);
    expect(alerts()).toContain('WARN Run Not Remembered');
    expect((await mails()).map(({ subject }) => subject)[1]).toContain('Run Not Remembered');
    expect(webhook.posts[1]).toContain('HISTORY_UNWRITABLE');
  });

  test('a Space that is not paused is told of to all, after the summary', async () => {
    hub.fail({ path: /prepare\/pause$/, answer: { status: 403 } });
    expect((await run()).exitCode).toBe(0);
    expect(alerts()).toContain('WARN HF Space Pause Failed');
    expect(trackedRun().exitcode).toBe(0);
    const subjects = (await mails()).map(({ subject }) => subject);
    expect(subjects).toHaveLength(2);
    expect(subjects[1]).toContain('HF Space Pause Failed');
    expect(webhook.posts[1]).toContain('HF Space Pause Failed');
  });
});

test('who wants to hear of problems only hears nothing of a run without one, but that its Space goes on', async () => {
  hub.fail({ path: /prepare\/pause$/, answer: { status: 403 } });
  const yaml = YAML.replaceAll('when: always', 'when: on_problem');
  const ended = await run({ yaml, argv: ['--label', 'urgency'] });
  expect(effects(ended)).toMatchObject({ tracking: 'done', email: 'skipped', webhook: 'skipped', history: 'done' });
  expect((await mails()).map(({ subject }) => subject)).toEqual([expect.stringContaining('HF Space Pause Failed')]);
  expect(webhook.posts).toHaveLength(1);
});

describe('a run that fails', () => {
  const unreachable = { POSTGRES_URL: 'postgres://user:secret@127.0.0.1:1/complaints?connect_timeout=1' };
  const once = YAML.replace('attempts: 3', 'attempts: 1');

  test('is told of, remembered with the last success, and its Space is paused', async () => {
    await run();
    const published = remembered().records[0].labels[1].version;
    const { exitCode } = await run({ yaml: once, env: unreachable });
    expect(exitCode).toBe(1);
    expect(alerts()).toContain('ERROR Database Connection Failed');
    const urgency = trackedRun().alerts.find(({ title }) => title === 'Urgency Dataset Preparation Failed');
    expect(urgency?.text).toContain(published);
    expect([trackedRun().complete, trackedRun().exitcode]).toEqual([true, 1]);
    expect(remembered().records[1]).toMatchObject({
      exit_code: 1,
      labels: [{ code: 'DATABASE_UNREACHABLE' }, { label: 'urgency', status: 'failed', code: 'DATABASE_UNREACHABLE' }],
    });
    expect((await mails())[1]?.subject).toContain('FAILED');
    expect(journal.at(-1)).toBe(`Hub POST /api/spaces/${SPACE}/pause`);
  });

  test('leaves its Space running with pause: on_success', async () => {
    const yaml = once.replace(/pause: always/, 'pause: on_success');
    expect((await run({ yaml, env: unreachable })).exitCode).toBe(1);
    expect(stageOf(SPACE)).toBe('RUNNING');
    expect((await run({ yaml })).exitCode).toBe(0);
    expect(stageOf(SPACE)).toBe('PAUSED');
  });

  test('leaves its Space running with pause: never', async () => {
    const ended = await run({ yaml: once.replace(/pause: always/, 'pause: never'), env: unreachable });
    expect(effects(ended)).not.toHaveProperty('pause');
    expect(stageOf(SPACE)).toBe('RUNNING');
  });

  test('before it began, for want of a place to write, is told of and lets the Space go too', async () => {
    expect((await run({ tmpdir: '/dev/null/nowhere' })).exitCode).toBe(1);
    const [message] = await mails();
    expect([message?.subject, webhook.posts[0]]).toEqual([
      expect.stringContaining('Run Failed'),
      expect.stringContaining('OUTPUT_UNWRITABLE'),
    ]);
    expect(stageOf(SPACE)).toBe('PAUSED');
  });

  test('in a step names that step', async () => {
    const yaml = YAML.replace(
      /^ {2}urgency:/m,
      '  urgency:\n    sources: { correct: "SELECT id AS key, nothing AS text, urgency AS label FROM complaints" }',
    );
    const { report } = await run({ yaml });
    expect(report.labels.map(({ failedStep }) => failedStep)).toEqual([undefined, 'fetch']);
    expect(remembered().records[0].labels[1]).toMatchObject({ code: 'DATABASE_QUERY', failed_step: 'fetch' });
    const alert = trackedRun().alerts.find(({ title }) => title === 'Urgency Dataset Preparation Failed');
    expect(alert?.text).toContain('fetch');
  });
});

test('a run that breaks off by a fault of its own is remembered as one that failed, and its Space is paused', async () => {
  const { main } = await import('../../pipeline.ts');
  await Bun.write(join(site.folder, 'pipeline.config.yaml'), YAML);
  const world = site.world({ env: env() });
  const write = (text: string) => {
    if (text.includes('Restarted')) throw new TypeError('a fault');
  };
  expect(await main(['--json'], { ...world, stderr: { ...world.stderr, write } })).toBe(1);
  expect(remembered().records).toMatchObject([{ exit_code: 1, labels: [{}, { status: 'success' }] }]);
  expect([trackedRun().complete, trackedRun().exitcode]).toEqual([true, 1]);
  expect(stageOf(SPACE)).toBe('PAUSED');
});

test('a history that is slow to read is said, since nothing else is on the screen yet', async () => {
  const now = () => new Date();
  const never = new Promise<void>(() => {});
  const patient = { now, sleep: (ms: number) => (ms === 2000 ? never : Bun.sleep(ms)) };
  const hurried = { now, sleep: (ms: number) => (ms === 2000 ? Promise.resolve() : Bun.sleep(ms)) };
  const said = async (clock: typeof patient) =>
    (await run({ env: { WANDB_API_KEY: '' }, clock })).world.stderr.text.includes('Reading the history of runs');
  expect([await said(patient), await said(hurried)]).toEqual([false, true]);
});

describe('a run that is interrupted', () => {
  test('ends its tracking, is remembered, and neither mails nor pauses', async () => {
    const { world, exitCode } = await interruptAt(/\/tag\//);
    expect(exitCode).toBe(143);
    expect([trackedRun().complete, trackedRun().exitcode]).toEqual([true, 143]);
    expect(remembered().records).toMatchObject([{ exit_code: 143, labels: [{}, { status: 'interrupted' }] }]);
    expect(mail.deliveries).toHaveLength(0);
    expect(stageOf(SPACE)).toBe('RUNNING');
    expect(spools()).toEqual([]);
    expect(world.stdout.text).toBe('');
    expect(world.stderr.text).not.toContain('Warning');
    expect(alerts()).toEqual([]);
  });

  test('before it has read its history does nothing more', async () => {
    const { exitCode } = await interruptAt(/tester\/runs/);
    expect(exitCode).toBe(143);
    expect(journal).toEqual([]);
    expect([wandb.requests.length, hub.requests.length]).toEqual([0, 0]);
  });

  test('while it tells of itself is remembered as what it is', async () => {
    const { world, exitCode } = await interruptAt(/services\/hook/);
    expect(exitCode).toBe(143);
    expect(remembered().records).toMatchObject([{ exit_code: 143, labels: [{}, { status: 'success' }] }]);
    expect(stageOf(SPACE)).toBe('RUNNING');
    expect(world.stdout.text).toBe('');
  });

  test('after the tag still owes the restart, which the next run makes up for', async () => {
    await interruptAt(/train-urgency\/restart$/);
    expect(stageOf(TRAINING)).toBe('PAUSED');
    const { report } = await run();
    expect(report.labels[1]?.outcome?.status).toBe('unchanged');
    expect(report.labels[1]?.restarts?.map(({ status }) => status)).toEqual(['done']);
    expect(stageOf(TRAINING)).toBe('BUILDING');
  });

  test('while it is being remembered is remembered once, and told of once', async () => {
    const { exitCode } = await interruptAt(/runs\/commit\//);
    expect(exitCode).toBe(143);
    expect(remembered().records).toMatchObject([{ exit_code: 143, labels: [{}, { status: 'success' }] }]);
    expect([trackedRun().exitcode, mail.deliveries.length, webhook.posts.length]).toEqual([0, 1, 1]);
    expect(stageOf(SPACE)).toBe('RUNNING');
  });

  test('says on the machine who could not be told of it', async () => {
    hub.createRepo('datasets/tester/runs', { private: false });
    const { world, exitCode } = await interruptAt(/\/tag\//, { WANDB_API_KEY: 'w'.repeat(40) });
    expect(exitCode).toBe(143);
    for (const code of ['TRACKING_FAILED', 'HISTORY_UNWRITABLE'])
      expect(world.stderr.text).toContain(`Warning: ${code}`);
  });

  test('by its own pause, which stops the machine that asked for it, ended well', async () => {
    const { world, exitCode } = await interruptAt(/prepare\/pause$/);
    expect(exitCode).toBe(0);
    expect(world.stderr.text).not.toContain('Warning');
    expect(alerts()).not.toContain('WARN HF Space Pause Failed');
    expect([mail.deliveries.length, webhook.posts.length, remembered().records.length]).toEqual([1, 1, 1]);
  });

  /** Run until `path` is asked for, and do then what a container's stop does. */
  async function interruptAt(path: RegExp, more: Record<string, string> = {}) {
    const { main } = await import('../../pipeline.ts');
    await Bun.write(join(site.folder, 'pipeline.config.yaml'), YAML);
    const stopped = Object.assign(
      (input: string | URL | Request, init?: RequestInit) => {
        if (path.test(String(input instanceof Request ? input.url : input))) world.interrupt('SIGTERM');
        return fetch(input, init);
      },
      { preconnect: fetch.preconnect },
    ) as typeof fetch;
    const world = site.world({ env: { ...env(), ...more }, fetch: stopped });
    return { world, exitCode: await main(['--json'], world) };
  }
});

describe('a plan that is shipped', () => {
  test('is remembered where its spec keeps a history, so that the next run restarts nothing again', async () => {
    expect((await run({ argv: ['--dry-run'] })).exitCode).toBe(0);
    expect(journal.filter((each) => !/^Hub (GET|HEAD) /.test(each))).toEqual([]);
    const published = await run({ argv: ['--publish', 'out'] });
    expect(published.report.labels[1]?.restarts?.map(({ status }) => status)).toEqual(['done']);
    expect(remembered().records.map(({ action }) => action)).toEqual(['publish']);
    expect(effects(published)).toEqual({ history: 'done' });
    expect(stageOf(SPACE)).toBe('RUNNING');
    expect(published.world.stderr.text).not.toContain('Weights & Biases');
    const next = await run();
    expect(next.report.labels[1]?.outcome?.status).toBe('unchanged');
    expect(next.report.labels[1]?.restarts).toBeUndefined();
  });
});

async function mails() {
  return Promise.all(mail.deliveries.map(({ raw }) => PostalMime.parse(raw)));
}

/** SHOW_OPERATIONS=1 prints what a run does, for a person to read. */
async function show(): Promise<void> {
  const [message] = await mails();
  console.log([...journal, '', message?.subject, '', message?.text].join('\n'));
  for (const { severity, title, text } of trackedRun().alerts) console.log(`${severity} ${title}\n${text}\n`);
}
