import { describe, expect, test } from 'bun:test';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseArguments } from '../../lib/cli.ts';
import type { Job } from '../../lib/edges/jobs.ts';
import { endOf } from '../../lib/hosting/follow.ts';
import { digestOf, identityOf, planCommand, planJob, planLabels } from '../../lib/hosting/job-plan.ts';
import { planSchedule } from '../../lib/hosting/schedule.ts';
import { resolveOperations } from '../../lib/spec/operations.ts';
import type { RawSpec } from '../../lib/spec/schema.ts';
import { SHIPPED } from '../run/site.ts';
import { testWorld } from '../run/world.ts';

const optionsOf = (...argv: string[]) => parseArguments(['--submit', ...argv], testWorld());
const ENV = {
  POSTGRES_URL: 'postgres://u:pass@db.example/x',
  HF_TOKEN: 'hf_aaaaaaaaaa',
  DEPARTMENT_DATASET: 'o/d',
  URGENCY_DATASET: 'o/u',
};
const JOB = { flavor: 'cpu-basic', timeoutMs: 3_600_000 };
const planOf = (env: Record<string, string> = {}, yaml = SHIPPED) =>
  planJob('o/space', JOB, optionsOf(), yaml, { ...ENV, ...env });

describe('the command of a Job', () => {
  test('has what was said here, and nothing of where it runs', () => {
    const argv = ['--label', 'urgency', '--dry-run', '--check', '--detailed-exitcode', '--verbose', '--force'];
    const more = ['--allow-class-change', '--resplit', '--config', './specs/a.yaml']; // pipeline.config.yaml there
    const [bun, cwd, program, ...words] = planCommand(optionsOf(...argv, ...more));
    expect([bun, cwd, program]).toEqual(['bun', '--cwd=/app', 'pipeline.ts']);
    expect(parseArguments(words, testWorld())).toMatchObject({
      submit: false,
      config: 'pipeline.config.yaml',
      labels: ['urgency'],
      dryRun: true,
      check: true,
      detailedExitcode: true,
      verbose: true,
      force: true,
      allowClassChange: true,
      resplit: true,
      samples: 0,
    });
  });

  test('starts the program in its folder, wherever the machine starts the command', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'image-')));
    await writeFile(join(folder, 'pipeline.ts'), 'console.log(JSON.stringify([process.cwd(), Bun.argv.slice(2)]))');
    const command = planCommand(optionsOf('--check')).map((word) => word.replace('/app', folder));
    const child = Bun.spawn(command, { cwd: '/', stdout: 'pipe' });
    expect(JSON.parse(await child.stdout.text())).toEqual([folder, ['--check', '--samples', '0']]);
    await rm(folder, { recursive: true });
  });
});

describe('what a Job is given', () => {
  test('is what the spec and the program read; secrets apart; no path of this machine, no Space to pause', () => {
    const { environment, secrets, withheld } = planOf({
      PREPARE_DATASET_SPACE_ID: 'o/space',
      TMPDIR: '/var/folders/x',
      PGSSLROOTCERT: '/home/me/ca.pem',
      ADMIN_EMAIL: 'a@example.org',
      WANDB_TAGS: 'nightly',
      HOME: '/home/me',
      AWS_SECRET_ACCESS_KEY: 'other',
    });
    expect(environment).toEqual({ DEPARTMENT_DATASET: 'o/d', URGENCY_DATASET: 'o/u', WANDB_TAGS: 'nightly' });
    expect(Object.keys(secrets)).toEqual(['ADMIN_EMAIL', 'HF_TOKEN', 'POSTGRES_URL']);
    expect(withheld).toEqual(['TMPDIR', 'PGSSLROOTCERT', 'PREPARE_DATASET_SPACE_ID']);
  });

  test('has the Space’s variable where the spec cannot be read without it', () => {
    const yaml = SHIPPED.replace('${PREPARE_DATASET_SPACE_ID:-}', '${MY_SPACE}');
    expect(planOf({ MY_SPACE: 'o/space' }, yaml).environment.MY_SPACE).toBe('o/space');
  });
});

test('labels are such as the Hub takes', () => {
  const options = optionsOf('--label', ...Array.from({ length: 30 }, (_, n) => `label_${n}`));
  const labels = planLabels(planOf(), options, ENV.HF_TOKEN, new Date(0), '@daily');
  for (const [key, value] of Object.entries(labels)) {
    expect(key).toMatch(/^[\w-]{1,100}$/);
    expect(value).toMatch(/^[\w-]{1,100}$/);
  }
});

test('a schedule’s digest is another one by another token, and whatever else is sent', () => {
  const plans = [planOf(), planOf({ LEDGER_KEY: 'k' }), planOf({ MIN_DATASET_LEN: '1' })];
  const digests = [
    ...plans.map((plan) => digestOf(plan, '@daily', ENV.HF_TOKEN)),
    digestOf(planOf(), '@hourly', ENV.HF_TOKEN),
    digestOf(planOf(), '@daily', 'hf_bbbbbbbbbb'),
  ];
  expect(new Set(digests).size).toBe(digests.length);
  expect(digestOf(planOf({ TMPDIR: '/tmp/x' }), '@daily', ENV.HF_TOKEN)).toBe(digests[0] as string); // stays here
});

test('the same choice is the same schedule', () => {
  const identity = (space: string, ...argv: string[]) => identityOf(space, optionsOf(...argv));
  expect(identity('O/Space', '--label', 'a', 'b')).toBe(identity('o/space', '--label', 'b', 'a'));
  expect(new Set([identity('o/a'), identity('o/b'), identity('o/a', '--label', 'a')]).size).toBe(3);
});

test('planSchedule() leaves one as it is wanted at the most, and others’ alone', () => {
  const labels = fc.record({
    'prepare-dataset': fc.constantFrom('ours', 'theirs'),
    settings: fc.constantFrom('a', 'b'),
  });
  const schedule = fc.record({
    id: fc.uuid(),
    suspend: fc.boolean(),
    jobSpec: fc.record({ labels: fc.option(labels, { nil: null }) }),
  });
  fc.assert(
    fc.property(fc.array(schedule), fc.constantFrom('a', undefined), (found, wanted) => {
      const ours = found.filter(({ jobSpec }) => jobSpec.labels?.['prepare-dataset'] === 'ours');
      const { keep, remove, suspend } = planSchedule(found, 'ours', wanted);
      expect(new Set([...remove, ...(keep ? [keep] : [])])).toEqual(new Set(ours)); // each of ours is one or the other
      expect(keep !== undefined).toBe(ours.some(({ jobSpec }) => jobSpec.labels?.settings === wanted));
      if (keep) expect(keep.jobSpec.labels?.settings).toBe(wanted as string);
      expect(suspend).toBe(ours.length > 0 && !ours.some((each) => !each.suspend));
    }),
  );
});

test.each<[Job['status'], number]>([
  [{ stage: 'COMPLETED' }, 0],
  [{ stage: 'ERROR', message: 'Job failed with exit code: 3. Reason: Error' }, 3],
  [{ stage: 'ERROR', message: 'Job failed with exit code: 137. Reason: OOMKilled' }, 137],
  [{ stage: 'ERROR', message: 'Job timeout' }, 1],
  [{ stage: 'ERROR', message: 'Job failed with exit code: 0' }, 1],
  [{ stage: 'ERROR', message: 'Job failed with exit code: 256' }, 1],
  [{ stage: 'ERROR', message: null }, 1],
  [{ stage: 'CANCELED' }, 1],
  [{ stage: 'DELETED' }, 1],
])('%o ends with %d', (status, exitCode) => {
  const end = endOf({ id: 'a', labels: null, status });
  expect(end.exitCode).toBe(exitCode);
  expect(end.text).not.toContain('Reason');
});

describe('in a Job', () => {
  const spec = (space: RawSpec['space']) => ({ space }) as RawSpec;
  const job = { JOB_ID: '6a2aa7cec4f53f9fc5aa4cff' };

  test('there is no Space to pause, whatever names one', () => {
    expect(resolveOperations(spec({ id: 'o/space' }), {}).space?.id).toBe('o/space');
    expect(resolveOperations(spec({}), { SPACE_ID: 'o/space' }).space?.id).toBe('o/space');
    expect(resolveOperations(spec({ id: 'o/space' }), job).space).toBeUndefined();
    expect(resolveOperations(spec({}), { ...job, SPACE_ID: 'o/space' }).space).toBeUndefined();
    expect(resolveOperations(spec({ id: 'o/space' }), { JOB_ID: ' ' }).space?.id).toBe('o/space');
  });
});
