import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHistory } from '../../lib/history/history.ts';
import type { RunRecord } from '../../lib/history/record.ts';
import { formatReport } from '../../lib/report/json.ts';
import { widthOf } from '../../lib/report/layout.ts';
import { main } from '../../pipeline.ts';
import { ended, reviewed, runReport, SUCCESS, UNREACHABLE, VERSION } from '../report/reports.ts';
import { SHIPPED } from '../run/site.ts';
import { testWorld } from '../run/world.ts';
import { recordAt } from './records.ts';

const root = mkdtempSync(join(tmpdir(), 'history-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

const ROLLBACK: Partial<RunRecord> = {
  action: 'rollback',
  rolled_back_to: 'v20261101_030012',
  reason: 'a reviewer mixed up NORMAL and URGENT in August',
  seconds: 245,
  labels: [{ label: 'urgency', target: 'acme/urgency', status: 'success', version: 'v20261124_030212' }],
};
const FAILED: Partial<RunRecord> = {
  exit_code: 1,
  labels: [
    {
      label: 'urgency',
      target: 'acme/urgency',
      status: 'failed',
      code: 'DATABASE_QUERY',
      failed_step: 'fetch',
    },
    {
      label: 'department',
      target: 'acme/department',
      status: 'success',
      version: 'v20261124_030312',
      restarts: [{ space: 'acme/train', version: 'v20261124_030312', status: 'failed' }],
    },
  ],
};
const FEW = [recordAt(1), recordAt(2, ROLLBACK), recordAt(3, FAILED)];
const LOG = '03:03:00 Starting dataset preparation pipeline 0.1.0: urgency, department\n03:03:09 Error\n';
const REPORT = {
  ...runReport([ended('urgency', { status: 'failed', problem: UNREACHABLE }), ended('department', SUCCESS)]),
  exitCode: 1,
};

/** A desk: nothing is set but where the history is. */
async function desk(records: RunRecord[], { report = formatReport(REPORT), log = LOG, yaml = SHIPPED } = {}) {
  const cwd = join(root, String(++folders));
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'pipeline.config.yaml'), yaml);
  const history = await openHistory({ kind: 'directory', path: './runs' }, testWorld({ cwd }));
  for (const record of records) await history.append(record, { report, log });
  const run = async (
    argv: string[],
    { columns, env = { RUNS_DATASET: './runs' } }: { columns?: number; env?: Record<string, string> } = {},
  ) => {
    const world = testWorld({ cwd, env: { NO_COLOR: '1', ...env }, ...(columns === undefined ? {} : { columns }) });
    const exitCode = await main(argv, world);
    return { exitCode, stdout: world.stdout.text, stderr: world.stderr.text };
  };
  return { cwd, run, file: join(cwd, 'runs/runs.jsonl') };
}

describe('--history', () => {
  test('lists runs, newest first, 60 columns wide', async () => {
    const { run } = await desk(FEW);
    expect(await run(['--history'], { columns: 60 })).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `run                  when (UTC)              took  exit
20261124-030300-000  2026-11-24 03:03      12.5 s     1
    urgency failed DATABASE_QUERY at fetch; department
    success v20261124_030312 (1 restart owed)
20261124-030200-000  2026-11-24 03:02  4 min 05 s     0
    rollback to v20261101_030012 (a reviewer mixed up NORMAL
    and URGENT in August): urgency success v20261124_030212
20261124-030100-000  2026-11-24 03:01      12.5 s     0
    urgency success v20261124_030112; department unchanged
    since v20261101_030012
`,
    });
  });

  test('tells a rollback from a plan of one that was published', async () => {
    const { run } = await desk([recordAt(1, { ...ROLLBACK, action: 'publish' })]);
    expect((await run(['--history'])).stdout).toContain('publish of a rollback to v20261101_030012 (a reviewer');
  });

  test('and 120', async () => {
    const { run } = await desk(FEW);
    expect(
      (await run(['--history'], { columns: 120 })).stdout,
    ).toBe(`run                  when (UTC)              took  exit
20261124-030300-000  2026-11-24 03:03      12.5 s     1
    urgency failed DATABASE_QUERY at fetch; department success v20261124_030312 (1 restart owed)
20261124-030200-000  2026-11-24 03:02  4 min 05 s     0
    rollback to v20261101_030012 (a reviewer mixed up NORMAL and URGENT in August): urgency success v20261124_030212
20261124-030100-000  2026-11-24 03:01      12.5 s     0
    urgency success v20261124_030112; department unchanged since v20261101_030012
`);
  });

  test('shows 20 and says how many more there are; --json has all, newest first', async () => {
    const records = Array.from({ length: 23 }, (_, index) => recordAt(index));
    const { run } = await desk(records);
    const { stdout } = await run(['--history']);
    expect([...(stdout.match(/^2026\S+/gm) ?? [])]).toEqual(
      records
        .slice(3)
        .reverse()
        .map((record) => record.run),
    );
    expect(stdout).toEndWith('\n\n3 earlier runs not shown; --json lists all.\n');
    expect(JSON.parse((await run(['--history', '--json'])).stdout)).toEqual(records.reverse());
  });

  test('--label shows runs of these labels, and no other label', async () => {
    const { run } = await desk(FEW);
    const { stdout } = await run(['--history', '--label', 'department']);
    expect(stdout).toContain('department success');
    expect(stdout).not.toContain('urgency');
    expect([...(stdout.match(/^2026\S+/gm) ?? [])]).toEqual([FEW[2]?.run as string, FEW[0]?.run as string]);
    expect((await run(['--history', '--label', 'topic'])).stdout).toBe('No run of topic is kept in ./runs yet.\n');
  });

  test('says that nothing is kept yet', async () => {
    const { run } = await desk([]);
    expect(await run(['--history'])).toEqual({ exitCode: 0, stdout: 'No run is kept in ./runs yet.\n', stderr: '' });
    expect((await run(['--history', '--json'])).stdout).toBe('[]\n');
  });

  test('obeys nothing that stands in the file, and says what it left out', async () => {
    const hostile = 'x\u001b[2J\u009b31m\u202e\r\nurgency success v9';
    const label = { label: hostile, target: hostile, status: hostile, version: hostile, code: hostile };
    const { run, file } = await desk([
      recordAt(1, { reason: hostile, action: 'unhold', version: hostile, labels: [label] }),
    ]);
    writeFileSync(file, `${readFileSync(file, 'utf8')}{"run":"\u001b[2J\n${JSON.stringify(recordAt(2)).slice(0, 50)}`);
    for (const columns of [60, 120]) {
      const { stdout } = await run(['--history'], { columns });
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
      expect(stdout.replace(/\s+/g, ' ')).toEndWith('2 lines of runs.jsonl left out: no records that can be read. ');
      for (const line of stdout.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
    const { stdout } = await run(['--history', '--json']);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
    expect(JSON.parse(stdout)[0].reason).toBe(hostile);
  });

  test('masks a secret of this machine', async () => {
    const { run } = await desk([recordAt(1, { action: 'unhold', reason: 'token opensesame' })]);
    const { stdout } = await run(['--history'], { env: { RUNS_DATASET: './runs', MY_TOKEN: 'opensesame' } });
    expect(stdout).toContain('unhold (token ***)');
  });
});

describe('--show', () => {
  test.each(['last', FEW[2]?.run as string, '20261124-0303'])('%s prints the log, then the report', async (name) => {
    const { run } = await desk(FEW);
    const { exitCode, stdout } = await run(['--show', name], { columns: 80 });
    expect(exitCode).toBe(0);
    expect(stdout).toStartWith(`20261124-030300-000 2026-11-24 03:03:00 UTC, run, 12.5 s, exit code 1\n\n${LOG}\n`);
    expect(stdout).toContain(`urgency → acme/urgency-mistakes\n  failed DATABASE_UNREACHABLE\n`);
    expect(stdout).toContain(`department → acme/department-mistakes\n  success ${VERSION}`);
  });

  test('--json prints the report', async () => {
    const { run } = await desk(FEW);
    expect((await run(['--show', 'last', '--json'])).stdout).toBe(formatReport(REPORT));
  });

  test.each([
    ['20261124-030', '3 runs begin with it'],
    ['20261125', './runs has none of this name'],
    ['../../etc/passwd', './runs has none of this name'],
    ['', '3 runs begin with it'],
  ])('%p is refused', async (name, why) => {
    const { run } = await desk(FEW);
    const { exitCode, stderr, stdout } = await run([`--show=${name}`]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      `RUN_UNKNOWN\n  Cannot show run "${name}": ${why}\n  fix: --history lists the runs; --show last is the newest\n`,
    );
  });

  test('last, where nothing is kept', async () => {
    const { run } = await desk([]);
    expect((await run(['--show', 'last'])).stderr).toContain('Cannot show run "last": ./runs has no run');
  });

  test('obeys nothing that stands in log or report', async () => {
    const hostile = '\u001b]0;x\u0007\u009b2J\u202e';
    const report = formatReport({ ...runReport([reviewed()], [hostile]), config: hostile });
    const { run } = await desk(FEW, { report, log: `03:00:00 ${hostile}\r\n` });
    for (const argv of [
      ['--show', 'last'],
      ['--show', 'last', '--json'],
    ])
      expect((await run(argv)).stdout).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
  });

  test('a report of a later version is printed by --json only', async () => {
    const { run } = await desk(FEW, { report: '{"report_version":2,"new":true}' });
    const { exitCode, stderr } = await run(['--show', 'last']);
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith(
      'HISTORY_UNREADABLE\n  Cannot show run 20261124-030300-000 of ./runs: this version of the program',
    );
    expect(JSON.parse((await run(['--show', 'last', '--json'])).stdout)).toEqual({ report_version: 2, new: true });
  });
});

describe('at a desk', () => {
  test.each([
    ['nothing is set', SHIPPED, {}, 2, 'HISTORY_MISSING\n  Cannot find the history of runs: RUNS_DATASET is not set'],
    [
      'the variable has no default',
      'runs: ${RUNS}',
      {},
      2,
      'HISTORY_MISSING\n  Cannot find the history of runs: RUNS is not set',
    ],
    [
      'the YAML keeps none',
      'version: 1',
      {},
      2,
      'HISTORY_MISSING\n  Cannot find a history of runs: pipeline.config.yaml keeps none',
    ],
    [
      'it is not set, and more is wrong',
      'labels: "${-"\nruns: ${RUNS}',
      {},
      2,
      'HISTORY_MISSING\n  Cannot find the history of runs: RUNS is not set',
    ],
    ['it is no name', 'runs: a/b/c', {}, 2, 'pipeline.config.yaml:1:7 REPO_NAME'],
    ['the YAML cannot be read', '"', {}, 2, 'pipeline.config.yaml:1:2 YAML_SYNTAX'],
    ['the rest of the YAML is wrong', 'labels: 7\nwhat: [\nruns: ./runs', {}, 0, ''],
    ['the rest of its variables are missing', SHIPPED, { RUNS_DATASET: './runs' }, 0, ''],
  ])('where %s', async (_, yaml, env, exitCode, said) => {
    const { run } = await desk(FEW, { yaml });
    const result = await run(['--history'], { env });
    expect(result.stderr.slice(0, said.length)).toBe(said);
    expect(result.exitCode).toBe(exitCode);
  });

  test('where the history cannot be read, it is said', async () => {
    const { run, file } = await desk(FEW);
    writeFileSync(file, 'PAR1\0');
    expect(await run(['--history'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^HISTORY_UNREADABLE\n/),
    });
  });
});
