import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type Event, EventStream } from '../../lib/events.ts';
import { endMetrics, MetricsOf, statusOf } from '../../lib/operations/metrics.ts';
import { openTracking, planSettings, type Tracking } from '../../lib/operations/tracking.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { noSamples } from '../../lib/report/samples.ts';
import type { Job } from '../../lib/run.ts';
import { planMask } from '../../lib/secrets.ts';
import { resolveOperations } from '../../lib/spec/operations.ts';
import { readSpec } from '../../lib/spec/read.ts';
import type { Spec } from '../../lib/spec/spec.ts';
import { type LocalWandb, startLocalWandb } from '../edges/local-wandb.ts';
import { department, ended, runReport, SUCCESS, UNREACHABLE, VERSION } from '../report/reports.ts';
import { PROJECT, type TestWorld, testWorld } from '../run/world.ts';

const TRACKING_PAGE = await Bun.file(join(PROJECT, 'docs/tracking.md')).text();
const RUN = '20250131-093011-000';
const BEGUN = { run: RUN, action: 'run' } as const;
const SECRETS = {
  POSTGRES_URL: 'postgresql://reader:canary-database@db.example.org/grievances?sslmode=disable',
  HF_TOKEN: 'hf_canarytoken0123',
  LEDGER_KEY: 'canary-ledger',
  SMTP_URL: 'smtp://mailer:canary-mail@mail.example.org:587',
  WEBHOOK_URL: 'https://hooks.example.org/services/canary-webhook',
};
const ROW_TEXT = 'canary: the grievance of a citizen';

let server: LocalWandb;
let world: TestWorld;
beforeEach(async () => {
  server = await startLocalWandb();
  world = testWorld({ env: environment() });
});
afterEach(() => server[Symbol.asyncDispose]());

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    ...SECRETS,
    DEPARTMENT_DATASET: 'acme/department-mistakes',
    URGENCY_DATASET: 'acme/urgency-mistakes',
    PREPARE_DATASET_SPACE_ID: 'acme/prepare-dataset',
    WANDB_API_KEY: server.key,
    WANDB_BASE_URL: server.url,
    ...more,
  };
}

const readShipped = (env = world.env): Promise<Spec> =>
  readSpec({ config: 'pipeline.config.yaml', labels: [] }, { cwd: PROJECT, env });

/** As far as a tracker looks at it. */
function jobOf(options: Partial<Job['options']> = {}): Job {
  const dropped = { reason: 'conflict' as const, key: '1', source: 'correct' as const, value: 'x', text: ROW_TEXT };
  return {
    version: '0.1.0',
    options: { dryRun: false, demo: false, ...options } as Job['options'],
    world,
    events: new EventStream(world.clock.now),
    mask: planMask(world.env),
    labels: ['department', 'urgency'].map((label) => ({
      target: undefined as never,
      report: { label, target: `acme/${label}-mistakes`, classes: [], seconds: {} },
      samples: { ...noSamples(), dropped: [dropped] },
    })),
    startedAt: world.clock.now(),
    warnings: [],
  };
}

async function follow(job = jobOf()): Promise<{ job: Job; tracking: Tracking }> {
  const tracking = await openTracking(job, await readShipped(), BEGUN);
  if (!tracking) throw new Error('tracking is off');
  return { job, tracking };
}

/** The names of the first column of the first table are the metrics, all of them. */
function expectDocumented(metrics: string[]): void {
  const [, table = ''] = TRACKING_PAGE.split('## Metrics');
  const rows = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name);
  const patterns = rows.map((name) => new RegExp(`^${name.replace(/\{\w+\}/g, '[a-z_]+')}$`));
  expect(metrics.filter((name) => !patterns.some((pattern) => pattern.test(name)))).toEqual([]);
  expect(rows.filter((_name, index) => !metrics.some((name) => patterns[index]?.test(name)))).toEqual([]);
}

const EVENTS: Event[] = [
  { type: 'database.connecting', attempt: 1, attempts: 3 },
  { type: 'database.connected', server: '18.6' },
  { type: 'step.started', label: 'department', step: 'fetch' },
  { type: 'rows.balanced', label: 'department', misclassified: 1885, asked: 942, correct: 942 },
  { type: 'step.finished', label: 'department', step: 'fetch', seconds: 0.23 },
  { type: 'rows.cleaned', label: 'department', kept: 2674, dropped: { conflict: 7, duplicate: 129 } },
  { type: 'rows.split', label: 'department', splits: { train: 2138, eval: 269, test: 267 } },
  { type: 'warning', message: `The mail server said no: ${SECRETS.SMTP_URL}` },
  { type: 'label.finished', label: 'department', outcome: SUCCESS },
];

describe('a run', () => {
  test('that succeeds has its figures, its log, its report and its end', async () => {
    const { job, tracking } = await follow();
    for (const event of EVENTS) job.events.emit(event);
    await tracking.alert({ title: 'Department Dataset Updated', severity: 'INFO', text: `with ${SECRETS.HF_TOKEN}` });
    await tracking.conclude(runReport([department()]));
    await tracking.alert({ title: 'HF Space Pause Failed', severity: 'WARN', text: 'SPACE_FORBIDDEN' });

    expect(tracking.url).toBe(`${server.url}/tester/prepare-dataset/runs/${RUN}`);
    const run = server.runs.get(RUN);
    expect(run).toMatchObject({
      displayName: RUN,
      jobType: 'prepare-dataset',
      tags: ['department', 'urgency'],
      notes: 'prepare-dataset 0.1.0, pipeline.config.yaml: department, urgency',
      program: 'pipeline.ts',
      complete: true,
      exitcode: 0,
    });
    expect(run?.config).toMatchObject({
      version: { value: '0.1.0' },
      action: { value: 'run' },
      labels: { value: ['department', 'urgency'] },
      seeds: { value: { department: 42, urgency: 42 } },
      spec: { value: { department: { repo: '${DEPARTMENT_DATASET}' } } },
    });
    const { report, _step, _timestamp, _runtime, _wandb, ...figures } = run?.summary ?? {};
    expect(figures).toEqual({
      db_connection_status: 'success',
      department_records_fetched: 2827,
      department_rows_misclassified: 1885,
      department_rows_correct: 942,
      department_seconds_fetch: 0.23,
      department_rows_cleaned: 2674,
      department_dropped_conflict: 7,
      department_dropped_duplicate: 129,
      department_split_train: 2138,
      department_split_eval: 269,
      department_split_test: 267,
      department_push_status: 'success',
      department_version: VERSION,
      hf_space_pause: 'requested',
      status: 'success',
      seconds: 4.2,
    });
    expectDocumented(Object.keys(run?.summary ?? {}).filter((name) => !name.startsWith('_')));
    expect(run?.output.map((line) => line.replace(/\d{4}-.{21}\.?\d* /, ''))).toEqual([
      'Starting dataset preparation pipeline 0.1.0: department, urgency',
      'Connecting to the database...',
      'Database connection successful (PostgreSQL 18.6).',
      "Fetching misclassified data for 'department'...",
      "Retrieved 2827 records for 'department'.",
      "Cleaned 'department': 2,674 rows kept; dropped: conflict 7, duplicate 129.",
      "Split 'department': train 2,138, eval 269, test 267.",
      'ERROR Warning: The mail server said no: smtp://mailer:***@mail.example.org:587.',
      expect.stringContaining("Successfully pushed 'department' dataset"),
    ]);
    expect(run?.alerts.map(({ title, text }) => [title, text])).toEqual([
      ['Department Dataset Updated', 'with ***'],
      ['HF Space Pause Failed', 'SPACE_FORBIDDEN'],
    ]);
    const [[path, page] = []] = [...(run?.files ?? [])];
    expect(report).toMatchObject({ _type: 'html-file', path });
    expect(new TextDecoder().decode(page)).toContain('<h2 id="label-department">');
    expect(server.requests.filter(({ known, refused }) => !known || refused)).toEqual([]);
  });

  test('says where its page is as soon as it has one, long before its end', async () => {
    const job = jobOf();
    const begun = Promise.withResolvers<string>();
    job.events.subscribe((event) => event.type === 'tracking.started' && begun.resolve(event.url));
    const { tracking } = await follow(job);
    expect(await begun.promise).toBe(`${server.url}/tester/prepare-dataset/runs/${RUN}`);
    expect(server.runs.get(RUN)?.complete).not.toBe(true);
    await tracking.conclude(runReport([department()]));
  });

  test('rings nobody by an alert, and sends no page of it', async () => {
    const { tracking } = await follow();
    const text = `Held: a\x1b[2J\u202e\r\n<!channel> <@U1> ${'x'.repeat(5000)}\n${'and\n'.repeat(100)}`;
    await tracking.alert({ title: `Held\n${'x'.repeat(100)}`, severity: 'WARN', text });
    await tracking.conclude(runReport([department()]));
    const [alert] = server.runs.get(RUN)?.alerts ?? [];
    const [first, second, ...more] = alert?.text.split('\n') ?? [];
    expect(first).toBe('Held: a\\u{1b}[2J\\u{202e}');
    expect(second).toStartWith('‹!channel> ‹@U1> xxx');
    expect([second?.length, more.length]).toEqual([1000, 29]);
    expect(alert?.title).toBe(`Held ${'x'.repeat(57)}…`);
  });

  test('shows lines of what went wrong in red', async () => {
    const { job, tracking } = await follow();
    for (const status of ['failed', 'refused'] as const)
      job.events.emit({ type: 'label.finished', label: 'urgency', outcome: { status, problem: UNREACHABLE } });
    job.events.emit({ type: 'checks.failed', label: 'urgency', severity: 'warn', checks: ['max_length'] });
    job.events.emit({ type: 'label.finished', label: 'urgency', outcome: { status: 'unchanged', version: VERSION } });
    await tracking.conclude(runReport([department()]));
    const [, ...lines] = server.runs.get(RUN)?.output ?? [];
    expect(lines.map((line) => line.startsWith('ERROR '))).toEqual([true, true, true, false]);
  });

  test('tells no secret and no row’s text in any request', async () => {
    world.env.WANDB_NOTES = `see ${SECRETS.WEBHOOK_URL}`;
    const { job, tracking } = await follow();
    for (const value of Object.values(SECRETS)) job.events.emit({ type: 'warning', message: value });
    for (const [name, value] of Object.entries(SECRETS))
      await tracking.alert({ title: `${name} ${value}`, severity: 'WARN', text: value });
    await tracking.conclude(runReport([department()], Object.values(SECRETS)));
    const all = server.requests.map(({ path, text }) => path + text).join('\n');
    expect(server.runs.get(RUN)?.alerts).toHaveLength(5);
    expect(all).not.toContain('canary');
    expect(all).not.toContain(server.key);
    expect(server.runs.get(RUN)?.notes).toBe('see ***');
  });

  test('that fails says so', async () => {
    const { tracking } = await follow();
    const outcome = { status: 'failed' as const, problem: UNREACHABLE };
    await tracking.conclude({ ...runReport([ended('department', outcome)]), exitCode: 1 });
    expect(server.runs.get(RUN)).toMatchObject({ complete: true, exitcode: 1, summary: { status: 'failed' } });
  });

  test('whose report cannot be drawn ends all the same', async () => {
    const { tracking } = await follow();
    const broken = { ...runReport([department({ seconds: null as never })]), exitCode: 3 };
    expect(await tracking.conclude(broken).catch(({ code }) => code)).toBe('INTERNAL');
    expect(server.runs.get(RUN)).toMatchObject({ complete: true, exitcode: 3, summary: { status: 'refused' } });
  });

  test('that is interrupted says so, although the signal has fired', async () => {
    const { job, tracking } = await follow();
    job.events.emit({ type: 'database.connected', server: '18.6' });
    world.interrupt('SIGTERM');
    await tracking.abort(143);
    expect(server.runs.get(RUN)).toMatchObject({
      complete: true,
      exitcode: 143,
      summary: { db_connection_status: 'success', status: 'interrupted' },
    });
  });

  test('is a problem of its own when the key is wrong', async () => {
    world.env.WANDB_API_KEY = 'canary-wrong-key';
    const { tracking } = await follow();
    const thrown = await tracking.conclude(runReport([department()])).catch((error) => error);
    expect(thrown).toMatchObject({ code: 'TRACKING_FAILED' });
    expect(`${thrown.message} ${thrown.fix}`).not.toContain('canary');
    expect(server.requests.map(({ path }) => path)).toEqual(['/graphql#Viewer']);
  });
});

describe('what the environment says', () => {
  test.each([
    ['offline', {}, 'Weights & Biases is off: WANDB_MODE is offline.'],
    ['disabled', {}, 'Weights & Biases is off: WANDB_MODE is disabled.'],
    ['dryrun', {}, 'Weights & Biases is off: WANDB_MODE is dryrun.'],
    ['', { WANDB_API_KEY: '' }, 'Weights & Biases is off: there is no API key.'],
  ])('WANDB_MODE=%s is off, and said once', async (WANDB_MODE, more, line) => {
    world = testWorld({ env: environment({ WANDB_MODE, ...more }) });
    const job = jobOf();
    const said: (string | undefined)[] = [];
    const { lineOf } = await import('../../lib/report/log.ts');
    job.events.subscribe((event) => said.push(lineOf(event)));
    expect(await openTracking(job, await readShipped(), BEGUN)).toBeUndefined();
    expect(said).toEqual([line]);
    expect(job.warnings).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  test('a YAML that names no tracking is not told that there is none', () => {
    expect(resolveOperations({} as never, {}).untracked).toBeUndefined();
    expect(resolveOperations({ tracking: { wandb: {} } } as never, {}).untracked).toBeDefined();
  });

  test.each(['online', 'shared', 'run', ''])('WANDB_MODE=%s is on', async (WANDB_MODE) => {
    world = testWorld({ env: environment({ WANDB_MODE }) });
    expect((await readShipped()).operations.wandb).toMatchObject({ apiKey: server.key });
  });

  test('a project and a team are for a YAML that names none', () => {
    const env = { WANDB_PROJECT: 'theirs', WANDB_ENTITY: 'team' };
    const resolve = (wandb: Record<string, string>) =>
      resolveOperations({ tracking: { wandb: { api_key: 'k', ...wandb } } } as never, env).wandb;
    expect(resolve({})).toMatchObject({ project: 'theirs', entity: 'team' });
    expect(resolve({ project: 'ours', entity: 'us' })).toMatchObject({ project: 'ours', entity: 'us' });
  });

  const settings = async (env: Record<string, string>) => {
    world = testWorld({ env: environment(env) });
    const spec = await readShipped();
    const { wandb } = spec.operations;
    return wandb ? planSettings(jobOf(), spec, wandb, BEGUN) : undefined;
  };

  test('is read as the official client reads it', async () => {
    const read = await settings({
      WANDB_BASE_URL: 'https://wandb.example.org/',
      WANDB_ENTITY: 'team',
      WANDB_RUN_ID: 'fixed',
      WANDB_NAME: 'a name',
      WANDB_TAGS: `one, two,,${'x'.repeat(65)}`,
      WANDB_JOB_TYPE: 'nightly',
      WANDB_NOTES: 'notes',
      GITHUB_SHA: 'c0ffee',
      GITHUB_REPOSITORY: 'acme/pipeline',
      SPACE_HOST: 'acme-prepare-dataset.hf.space',
    });
    expect(read).toMatchObject({
      baseUrl: 'https://wandb.example.org',
      appUrl: 'https://wandb.example.org',
      entity: 'team',
      project: 'prepare-dataset',
      runId: 'fixed',
      displayName: 'a name',
      tags: ['one', 'two'],
      jobType: 'nightly',
      notes: 'notes',
      commit: 'c0ffee',
      repo: 'acme/pipeline',
      host: 'acme-prepare-dataset.hf.space',
    });
  });

  test.each([
    [{ WANDB_BASE_URL: '' }, 'https://api.wandb.ai', 'https://wandb.ai'],
    [{ WANDB_BASE_URL: 'https://api.wandb.eu' }, 'https://api.wandb.eu', 'https://wandb.eu'],
    [{ WANDB_APP_URL: 'https://pages.example.org/' }, undefined, 'https://pages.example.org'],
  ])('%j', async (env: Record<string, string>, baseUrl, appUrl) => {
    const read = await settings(env);
    expect(read?.baseUrl).toBe(baseUrl ?? server.url);
    expect(read?.appUrl).toBe(appUrl);
  });
});

describe('metrics', () => {
  test('seconds of a step that is repeated add up', () => {
    const metrics = new MetricsOf();
    const finished: Event = { type: 'step.finished', label: 'urgency', step: 'split', seconds: 1.5 };
    expect(metrics.event(finished)).toEqual({ urgency_seconds_split: 1.5 });
    expect(metrics.event(finished)).toEqual({ urgency_seconds_split: 3 });
  });

  test.each<[Event, object | undefined]>([
    [
      { type: 'database.failed', attempt: 3, code: 'X', message: '', retryInSeconds: undefined },
      { db_connection_status: 'failed' },
    ],
    [{ type: 'database.failed', attempt: 1, code: 'X', message: '', retryInSeconds: 2 }, undefined],
    [
      {
        type: 'label.finished',
        label: 'urgency',
        outcome: { status: 'skipped_insufficient_data', rows: 1, minimum: 10, stage: 'fetched' },
      },
      { urgency_push_status: 'skipped_insufficient_data' },
    ],
    [{ type: 'label.started', label: 'urgency' }, undefined],
  ])('of %j', (event, expected) => {
    expect(new MetricsOf().event(event)).toEqual(expected as never);
  });

  test.each([
    [0, 'success'],
    [1, 'failed'],
    [3, 'refused'],
    [130, 'interrupted'],
    [143, 'interrupted'],
  ])('exit code %p is %p', (exitCode, status) => {
    expect(statusOf(exitCode)).toBe(status as ReturnType<typeof statusOf>);
  });

  test.each([
    ['always', 1, 'requested'],
    ['on_success', 0, 'requested'],
    ['on_success', 1, 'not_requested'],
    ['never', 0, 'not_requested'],
  ] as const)('a pause %s after exit code %p is %s', (pause, exitCode, expected) => {
    const report: RunReport = { ...runReport([]), exitCode };
    expect(endMetrics(report, { id: 'acme/space', pause, minIntervalMs: 0 })).toMatchObject({
      hf_space_pause: expected,
    });
    expect(endMetrics(report, undefined)).not.toHaveProperty('hf_space_pause');
  });
});
