import { describe, expect, test } from 'bun:test';
import { startLocalHub } from '../edges/local-hub.ts';
import { SPACE, startHubWithSpace, submit } from '../hosting/space-site.ts';
import { Site } from '../run/site.ts';
import { officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const PYTHON_MS = 120_000; // the interpreter's imports, on a machine that may be busy

describe.skipIf(python === '')('the official Python client and the Jobs of the local hub', () => {
  test(
    'runs, follows, cancels and schedules them',
    async () => {
      await using hub = await startLocalHub({ namespaces: ['tester'] });
      hub.createSpace(SPACE);
      const seen = await runOfficial(python, 'jobs.py', [SPACE, hub.readToken], hub);
      const command = ['bun', '-e', expect.any(String)];
      expect(seen).toEqual({
        ended: {
          space: SPACE,
          command,
          environment: { WORD: 'hello', CODE: '0' },
          secrets: ['A_TOKEN'],
          flavor: 'cpu-basic',
          labels: { kind: 'good', name: expect.stringContaining('tester-prepare') },
          stage: 'COMPLETED',
          message: null,
          owner: 'tester',
          initiator: 'user',
          started: true,
          finished: true,
        },
        log: ['hello 24', 'second'],
        tail: ['second'],
        bad: ['ERROR', 'Job failed with exit code: 3. Reason: Error', 'bad'],
        first_stage: 'SCHEDULING',
        cancelled: 'CANCELED',
        listed: [true, false, false],
        failed: [true],
        labelled: [true],
        hardware: ['cpu-basic', 'minute'],
        scheduled: {
          space: SPACE,
          command,
          secrets: [],
          flavor: 'cpu-basic',
          timeout: null,
          labels: { kind: 'nightly', name: expect.any(String) },
          schedule: '0 3 * * *',
          suspend: false,
          concurrency: false,
          next: true,
          last: false,
        },
        found: [true],
        others: 0,
        suspended: true,
        resumed: false,
        triggered: ['scheduled-job', 'COMPLETED'],
        last: true,
        left: 0,
        refused: {
          reader: 403,
          space: 404,
          flavor: 400,
          label: 400,
          cron: 400,
          foreign: 403,
          unknown: 404,
          deleted: 404,
        },
      });
      expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
    },
    PYTHON_MS,
  );

  test(
    'reads the Job and the schedule that --submit has made',
    async () => {
      await using site = await Site.open();
      await using hub = await startHubWithSpace();
      expect((await submit(site, hub, ['--label', 'urgency', '--check'])).exitCode).toBe(0);
      const { world } = await submit(site, hub, ['--schedule', '@daily']);
      const id = world.stdout.text.trim().split(' ')[1] ?? '';
      const job = hub.jobs.all[0];
      const seen = await runOfficial(python, 'jobs.py', [SPACE, hub.readToken, job?.id ?? '', id], hub);
      const ours = { space: SPACE, flavor: 'cpu-basic', secrets: ['HF_TOKEN', 'POSTGRES_URL'] };
      const program = ['bun', '--cwd=/app', 'pipeline.ts'];
      expect(seen).toMatchObject({
        job: {
          ...ours,
          command: [...program, '--label', 'urgency', '--check', '--samples', '0'],
          labels: { name: 'prepare-dataset-urgency' },
          stage: 'COMPLETED',
        },
        log: (await job?.machine)?.lines.map(({ data }) => data.replace(/\n$/, '')),
        scheduled: { ...ours, command: [...program, '--samples', '0'], schedule: '@daily', timeout: 3600 },
      });
    },
    PYTHON_MS,
  );
});
