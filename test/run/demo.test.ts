import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../pipeline.ts';
import { SHIPPED } from './site.ts';
import { testWorld } from './world.ts';

const DEMO_MS = 60_000; // PGlite takes seconds to start on a busy machine
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
  await writeFile(join(folder, 'pipeline.config.yaml'), SHIPPED);
});
afterEach(() => rm(folder, { recursive: true }));
const world = (env: Record<string, string> = {}) => testWorld({ cwd: folder, tmpdir: folder, env });

describe('--demo', () => {
  test(
    'runs the shipped spec on both labels, and says where the datasets are and how to load them, and which report to open',
    async () => {
      const first = world();
      expect(await main(['--demo'], first)).toBe(0);
      expect(await readlink(join(folder, 'out/department'))).toStartWith('.department/v');
      expect(await readlink(join(folder, 'out/urgency'))).toStartWith('.urgency/v');
      for (const label of ['department', 'urgency'])
        expect(first.stdout.text).toContain(`load_dataset("./out/${label}")`);
      expect(first.stdout.text).toEndWith('\nReport: ./out/report.html\n');
      expect(await readdir(join(folder, 'out'))).toContain('report.html');
      const second = world();
      expect(await main(['--demo', '--json'], second)).toBe(0);
      expect(JSON.parse(second.stdout.text).labels).toMatchObject([
        { outcome: { status: 'unchanged' } },
        { outcome: { status: 'unchanged' } },
      ]);
    },
    DEMO_MS,
  );

  test(
    'publishes below --out whatever the YAML names',
    async () => {
      await writeFile(join(folder, 'other.yaml'), SHIPPED.replace('${URGENCY_DATASET}', 'somebody/else'));
      expect(
        await main(
          ['--demo', '--config', 'other.yaml', '--label', 'urgency', '--out', './here'],
          world({ HF_TOKEN: 'hf_unused', HF_ENDPOINT: 'http://127.0.0.1:1' }),
        ),
      ).toBe(0);
      expect(await readdir(join(folder, 'here'))).toContain('urgency');
    },
    DEMO_MS,
  );

  test(
    'can be checked, as JSON too',
    async () => {
      const checked = world();
      await main(['--demo', '--check', '--json'], checked);
      const hops: { id: string; status: string }[] = JSON.parse(checked.stdout.text);
      expect(hops.find(({ id }) => id === 'database.login')?.status).toBe('ok');
      expect(hops.find(({ id }) => id === 'urgency.misclassified.columns')?.status).toBe('ok');
    },
    DEMO_MS,
  );
});
