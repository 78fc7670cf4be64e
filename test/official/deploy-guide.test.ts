import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { officialPython, runOfficial } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';

describe.skipIf(python === '')('the Python of docs/deploy.md', () => {
  test('calls what the official client has, as it wants to be called', async () => {
    const page = resolve(import.meta.dir, '../../docs/deploy.md');
    expect(await runOfficial(python, 'deploy_guide.py', [page])).toEqual([
      'create_tag',
      'delete_tag',
      'list_repo_refs',
      'pause_space',
      'restart_space',
      'super_squash_history',
    ]);
  }, 60_000); // importing it from a cold disk is slow
});
