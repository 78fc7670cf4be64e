import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalHub } from '../edges/local-hub.ts';
import { Desk, SPACE } from '../hosting/desk.ts';
import { officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const PYTHON_MS = 60_000; // importing it from a cold disk is slow

describe.skipIf(python === '')('the official Python client and a Space that is real', () => {
  test(
    'has it built and run, and reads its logs',
    async () => {
      await using hub = await startLocalHub({ realSpaces: true });
      const folder = await mkdtemp(join(tmpdir(), 'space-'));
      const command = ['sh', '-c', 'echo "$SPACE_ID $CHECK $POSTGRES_URL $HF_TOKEN"; ls'];
      await writeFile(join(folder, 'Dockerfile'), `FROM debian\nCOPY app.txt ./\nCMD ${JSON.stringify(command)}\n`);
      await writeFile(join(folder, 'README.md'), '---\ntitle: A Space\nsdk: docker\n---\n');
      await writeFile(join(folder, 'app.txt'), '');
      await writeFile(join(folder, 'other.txt'), '');
      const seen = await runOfficial(python, 'real_space.py', ['make', 'tester/made', folder], hub);
      await rm(folder, { recursive: true });
      expect(seen).toEqual({
        created: 'NO_APP_FILE',
        ended: expect.stringMatching(/^(RUNNING|RUNTIME_ERROR)$/), // what it runs ends at once
        followed: ['tester/made true s3cret \n', 'app.txt\n', 'node_modules\n'],
        paused: 'PAUSED',
        private: true,
        sdk: 'docker',
        title: 'A Space',
        stage: 'PAUSED',
        files: ['.gitattributes', 'Dockerfile', 'README.md', 'app.txt', 'other.txt'],
        variables: {},
        secrets: ['POSTGRES_URL'],
        build: ['COPY app.txt ./\n'],
        run: ['tester/made true s3cret \n', 'app.txt\n', 'node_modules\n'],
      });
      expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
    },
    PYTHON_MS,
  );

  test(
    'sees what --deploy has made',
    async () => {
      await using desk = await Desk.open({}, ['printf', '\\n1 ok\\n']);
      expect((await desk.deploy()).exitCode).toBe(0);
      const seen = (await runOfficial(python, 'real_space.py', ['look', SPACE], desk.hub)) as Record<string, unknown>;
      expect(seen).toMatchObject({
        private: true,
        sdk: 'docker',
        title: 'Prepare Dataset',
        stage: 'PAUSED',
        secrets: ['HF_TOKEN', 'POSTGRES_URL'],
      });
      expect(seen.files).toContainValues(['Dockerfile', 'README.md', 'pipeline.ts', 'lib/cli.ts']);
      expect(Object.keys(seen.variables as object).sort()).toEqual([
        'DEPARTMENT_DATASET',
        'HF_ENDPOINT',
        'HF_HUB_DISABLE_XET',
        'MIN_DATASET_LEN',
        'SERVE',
        'URGENCY_DATASET',
      ]);
    },
    PYTHON_MS,
  );
});
