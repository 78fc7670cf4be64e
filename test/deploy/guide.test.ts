import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { $ } from 'bun';
import { type RunRecord, recordOf } from '../../lib/history/record.ts';
import { planAlerts } from '../../lib/operations/alerts.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { ended, runReport, SUCCESS, UNREACHABLE } from '../report/reports.ts';

const ROOT = resolve(import.meta.dir, '../..');
const read = (path: string) => Bun.file(join(ROOT, path)).text();
const PAGE = await read('docs/deploy.md');
const python = [...PAGE.matchAll(/^```python\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
const script = (words: string) => python.find((code) => code.includes(words)) ?? '';

/** Outcomes and parts of a label’s report that somebody is told of. */
const problem = { ...UNREACHABLE, code: 'ENGINE_FAILED' } as const;
const OUTCOMES: Outcome[] = [
  SUCCESS,
  { status: 'skipped_insufficient_data', rows: 1, minimum: 2, stage: 'kept' },
  { status: 'held', version: 'v1', since: '2026-01-01T00:00:00Z', reason: 'why' },
  { status: 'refused', problem },
  { status: 'failed', problem },
  { status: 'failed', problem: UNREACHABLE },
];

describe('the table of alerts in docs/deploy.md', () => {
  test('has every alert with its severity, and no other', async () => {
    const label = {
      ...ended('urgency', SUCCESS),
      checks: [{ name: 'max_length', severity: 'warn' as const, status: 'failed' as const }],
      restarts: [{ space: 'a/b', version: 'v1', status: 'failed' as const, problem }],
    };
    const report = runReport([label, ...OUTCOMES.map((outcome) => ended('urgency', outcome))]);
    const planned = planAlerts(report).map(
      ({ title, severity }) => `${title.replace('Urgency', '{Label}')} | ${severity}`,
    );
    // Those that come after the summary.
    const late = [...(await read('lib/operations/operations.ts')).matchAll(/title: '([^']+)', severity: '(\w+)'/g)].map(
      ([, title, severity]) => `${title} | ${severity}`,
    );
    const rows = [...PAGE.matchAll(/^\| ([^|]+ \| (?:INFO|WARN|ERROR)) \| /gm)].map(([, row = '']) => row);
    expect(rows.toSorted()).toEqual([...new Set([...planned, ...late])].sort());
  });
});

const HOUR_MS = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString();
const record = (hours: number, changed: Partial<RunRecord> = {}): RunRecord => ({
  ...recordOf(runReport([ended('urgency', SUCCESS)]), 'digest'),
  started_at: ago(hours),
  ...changed,
});

describe.skipIf(!Bun.which('python3'))('the script that hears silence', () => {
  /** With a `huggingface_hub` that has this one file. */
  async function ask(records: RunRecord[]) {
    const folder = await mkdtemp(join(tmpdir(), 'silence-'));
    try {
      await writeFile(join(folder, 'runs.jsonl'), records.map((each) => `${JSON.stringify(each)}\n`).join(''));
      await writeFile(
        join(folder, 'huggingface_hub.py'),
        `def hf_hub_download(repo, name, repo_type):\n    assert (name, repo_type) == ("runs.jsonl", "dataset")\n    return "${folder}/runs.jsonl"\n`,
      );
      const { exitCode, stdout, stderr } = await $`python3 -c ${script('runs.jsonl')}`
        .env({ PATH: Bun.env.PATH, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' })
        .nothrow()
        .quiet();
      return [exitCode, `${stdout}${stderr}`.split(' within ')[0]?.split(' was ')[0]?.trim()];
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('is content with a good run of last night, whatever came after it', async () => {
    expect(await ask([record(49), record(25), record(1, { exit_code: 1 })])).toEqual([0, 'The last good run']);
  });

  test.each<[string, RunRecord[]]>([
    ['there is none', []],
    ['it is too old', [record(27)]],
    ['the runs since failed', [record(49), record(25, { exit_code: 1 }), record(1, { exit_code: 3 })]],
    ['somebody only rolled back', [record(1, { action: 'rollback' })]],
  ])('fails when %s', async (_, records) => {
    expect(await ask(records)).toEqual([1, 'No good run']);
  });
});

test('a shell can read every shell block', async () => {
  const blocks = [...PAGE.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
  expect(blocks.length).toBeGreaterThan(5);
  for (const code of blocks) expect((await $`bash -n -c ${code}`.nothrow().quiet()).stderr.toString()).toBe('');
});

test('every flag of its commands exists', async () => {
  const flags: string[] = (await read('lib/cli.ts')).match(/--[a-z][a-z-]+/g) ?? [];
  const used = [...PAGE.matchAll(/bun (?:pipeline\.ts|run deploy) ([^`\n#]+)/g)].flatMap(
    ([, words = '']) => words.match(/--[a-z-]+/g) ?? [],
  );
  expect(used.length).toBeGreaterThan(8);
  expect(used.filter((flag) => !flags.includes(flag))).toEqual([]);
});
