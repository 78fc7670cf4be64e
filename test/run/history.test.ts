import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLines } from '../../lib/history/lines.ts';
import type { RunRecord } from '../../lib/history/record.ts';
import { parseReport } from '../../lib/report/json.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type Ended, fillPlain, SHIPPED, Site } from './site.ts';
import { testWorld } from './world.ts';

setDefaultTimeout(30_000); // a test runs the whole program up to nine times

const CANARY = 'canary-in-a-complaint';
const LEDGER_KEY = 'canary-of-a-secret';
const NOBODY = 'postgres://user:canary-of-a-password@127.0.0.1:1/nothing';

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(`${fillPlain(300, 100)}; UPDATE complaints SET message = message || ' ${CANARY}'`);
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  hub = await startLocalHub();
});
afterEach(() => hub[Symbol.asyncDispose]());

const hubEnv = () => ({ HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, RUNS_DATASET: 'tester/runs', LEDGER_KEY });
const impatient = { now: () => new Date(), sleep: async () => {} };
const repo = () => hub.repos.get('datasets/tester/runs');
const records = (): RunRecord[] => (repo() ? parseLines(repo()?.read('runs.jsonl')).records : []);
const kept = (run: RunRecord | undefined, name: string) =>
  repo()?.readText(`runs/${run?.run.slice(0, 4)}/${run?.run.slice(4, 6)}/${run?.run}/${name}`) ?? '';

async function consult(argv: string[], env: Record<string, string> = hubEnv()) {
  const world = testWorld({ cwd: site.folder, env });
  return { exitCode: await main(argv, world), stdout: world.stdout.text, stderr: world.stderr.text };
}

describe('the history of runs', () => {
  test('has every run: one that went well, one that failed, one that was interrupted', async () => {
    const well = await site.run(['--label', 'urgency'], { env: hubEnv() });
    expect(well.report.effects).toContainEqual({ kind: 'history', detail: 'tester/runs', status: 'done' });
    const failed = await site.run([], { env: { ...hubEnv(), POSTGRES_URL: NOBODY }, clock: impatient });
    expect([well.exitCode, failed.exitCode]).toEqual([0, 1]);
    expect(await interrupted()).toBe(143);

    expect(records()).toMatchObject([
      {
        run: well.report.run,
        exit_code: 0,
        labels: [{ label: 'urgency', status: 'success', version: expect.stringMatching(/^v\d/) }],
      },
      {
        exit_code: 1,
        labels: [
          { label: 'department', status: 'failed', code: 'DATABASE_UNREACHABLE' },
          { label: 'urgency', status: 'failed', code: 'DATABASE_UNREACHABLE' },
        ],
      },
      { exit_code: 143, labels: [{ status: 'interrupted' }, { status: 'interrupted' }] },
    ]);
    const [first, second, third] = records();
    expect(parseReport(kept(first, 'report.json')).labels).toEqual(well.report.labels);
    expect(kept(first, 'log.txt')).toContain("Successfully pushed 'urgency' dataset");
    expect(kept(second, 'log.txt')).toContain('Attempt 3 failed: DATABASE_UNREACHABLE');
    expect(kept(third, 'log.txt')).toContain("Fetching misclassified data for 'department'");
    expect(repo()?.private).toBe(true);
    for (const [path, { content }] of repo()?.files() ?? [])
      expect(`${path}: ${/canary-\w+/.exec(Buffer.from(content).toString())?.[0]}`).toBe(`${path}: undefined`);

    const listed = await consult(['--history']);
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(listed.stdout.match(/interrupted|DATABASE_UNREACHABLE|success/g)).toEqual([
      'interrupted',
      'interrupted',
      'DATABASE_UNREACHABLE',
      'DATABASE_UNREACHABLE',
      'success',
    ]);
    const shown = await consult(['--show', first?.run ?? '']);
    expect(shown.stdout).toContain(kept(first, 'log.txt'));
    expect(shown.stdout).toContain('urgency → ./urgency\n  success v');
  });

  async function interrupted(): Promise<number> {
    const slow = SHIPPED.replace(
      'FROM complaints c\n      WHERE c.{label}',
      'FROM complaints c, pg_sleep(300)\n      WHERE c.{label}',
    );
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), slow);
    const world = site.world({ env: hubEnv() });
    const stderr = {
      ...world.stderr,
      write: (text: string) => void (text.includes('Fetching') && world.interrupt('SIGTERM')),
    };
    return await main([], { ...world, stderr });
  }

  test('is nothing that a dry run reads or writes', async () => {
    await site.run(['--dry-run'], { env: hubEnv() });
    expect(hub.requests).toEqual([]);
  });

  test.each([
    [
      'cannot be reached',
      () => hub.fail({ path: /tester\/runs/, times: 999, answer: { status: 503 } }),
      'HISTORY_UNREADABLE',
    ],
    ['is public', () => hub.createRepo('tester/runs', { private: false }), 'HISTORY_UNWRITABLE'],
  ])('that %s costs a run a warning, and nothing else', async (_, spoil, code) => {
    spoil();
    const { exitCode, report } = await site.run(['--label', 'urgency', '--force'], { env: hubEnv(), clock: impatient });
    expect(exitCode).toBe(0);
    expect(report.labels[0]?.outcome?.status).toBe('success');
    expect(report.warnings.some((warning) => warning.startsWith(code))).toBe(true);
    expect(report.effects).toMatchObject([
      { kind: 'history', status: 'failed', problem: { code: 'HISTORY_UNWRITABLE' } },
    ]);
  });

  test('in a directory needs no Hub', async () => {
    const { exitCode, report } = await site.run(['--label', 'urgency'], {
      env: { RUNS_DATASET: './runs', LEDGER_KEY },
    });
    expect(exitCode).toBe(0);
    const { stdout } = await consult(['--show', 'last', '--json'], { RUNS_DATASET: './runs' });
    expect(parseReport(stdout).run).toBe(report.run);
  });
});

describe('space.min_interval', () => {
  const START = Date.parse('2026-11-24T03:00:00Z');
  const versions = () => readdirSync(join(site.folder, '.visited')).filter((name) => name.startsWith('v'));
  const SPACE = { SPACE_ID: 'tester/prepare' };

  /** For who waits for a server that does not answer. */
  const hurried = (minutes: number) => ({ now: () => new Date(START + minutes * 60_000), sleep: async () => {} });

  /** A run in a Space, so many minutes after the first one. */
  function visit(minutes: number, argv: string[] = [], options: Parameters<Site['run']>[1] = {}): Promise<Ended> {
    const clock = { ...hurried(minutes), sleep: (ms: number) => Bun.sleep(ms) };
    const env = { ...hubEnv(), ...SPACE, URGENCY_DATASET: './visited', ...options.env };
    return site.run(['--label', 'urgency', ...argv], { clock, ...options, env });
  }

  test('lets a visitor wake the Space without a run', async () => {
    expect((await visit(0)).exitCode).toBe(0);
    const before = hub.requests.length;
    const { exitCode, world } = await visit(59, [], { env: { POSTGRES_URL: NOBODY } });
    expect(exitCode).toBe(0);
    expect(world.stdout.text).toBe('');
    expect(world.stderr.text).toBe(`Nothing to do: run 20261124-030000-000 ended well 59 minutes ago.
A start from 2026-11-24 04:00:00 UTC on runs again (space.min_interval); --force or FORCE=true runs now.
`);
    const asked = hub.requests.slice(before);
    expect(asked.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{40}/, 'SHA')}`)).toEqual([
      'GET /api/datasets/tester/runs/revision/main',
      'POST /api/datasets/tester/runs/paths-info/SHA',
      'GET /datasets/tester/runs/resolve/SHA/runs.jsonl',
    ]); // and no pause: the Space would be dead to visitors
    expect(versions()).toEqual(['v20261124_030000']);

    expect((await visit(61)).report.labels[0]?.outcome?.status).toBe('unchanged');
    expect((await visit(62, ['--force'])).report.labels[0]?.outcome?.status).toBe('success');
    expect((await visit(63)).report).toBeUndefined();
    const elsewhere = { SPACE_ID: '', PREPARE_DATASET_SPACE_ID: SPACE.SPACE_ID };
    expect((await visit(64, [], { env: elsewhere })).report.exitCode).toBe(0);
    expect((await visit(64.5, [], { env: { URGENCY_DATASET: './moved' } })).report.exitCode).toBe(0);
    expect((await visit(65, [], { yaml: SHIPPED.replace('seed: 42', 'seed: 43') })).report.exitCode).toBe(0);
    expect((await visit(66, ['--force'], { env: { POSTGRES_URL: NOBODY }, clock: hurried(66) })).exitCode).toBe(1);
    expect((await visit(67)).report.exitCode).toBe(0); // the last one failed
  }, 30_000);

  test('needs a history that can be read', async () => {
    await visit(200);
    hub.fail({ path: /runs.jsonl/, times: 6, answer: { status: 500 } });
    const { report } = await visit(201, [], { clock: hurried(201) });
    expect(report.exitCode).toBe(0);
    expect(report.warnings[0]).toStartWith('HISTORY_UNREADABLE');
  });
});
