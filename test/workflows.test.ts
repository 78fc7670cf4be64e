import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { $ } from 'bun';
import { parse } from 'yaml';

interface Step {
  name?: string;
  uses?: string;
  run?: string;
  with?: Record<string, string | boolean>;
}
interface Job {
  if?: string;
  environment?: string;
  permissions?: Record<string, string>;
  steps: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  jobs: Record<'demo' | 'plan' | 'comment', Job>;
}

const PATH = resolve(import.meta.dir, '../.github/workflows/review.yml');
const text = await Bun.file(PATH).text();
const workflow = parse(text) as Workflow;
const jobs = Object.entries(workflow.jobs);

describe('the workflow that reviews a pull request', () => {
  test('never runs a pull request’s code with the base’s rights', () => {
    expect(Object.keys(workflow.on)).toEqual(['pull_request']);
    for (const [name, { steps }] of jobs)
      for (const step of steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout'))) {
        const { ref = '', path, 'sparse-checkout': only, 'persist-credentials': persist } = step.with ?? {};
        expect([name, persist]).toEqual([name, false]);
        if (path === 'base') expect(ref).toBe('${{ github.event.pull_request.base.sha }}');
        else expect([path, only]).toEqual(['proposed', 'pipeline.config.yaml']);
      }
    for (const [, { steps }] of jobs)
      for (const { run = '' } of steps.filter(({ run = '' }) => run.includes('bun@'))) expect(run).not.toContain('cd ');
  });

  test('no value of a pull request is pasted into a script', () => {
    for (const [, { steps }] of jobs) for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });

  test('only the job behind an approval has secrets, and a fork does not get there', () => {
    for (const [name, job] of jobs)
      expect([name, JSON.stringify(job).includes('secrets.')]).toEqual([name, name === 'plan']);
    expect(workflow.jobs.plan.environment).toBe('dataset-review');
    expect(workflow.jobs.plan.if).toBe('github.event.pull_request.head.repo.full_name == github.repository');
  });

  test('each job has the rights that it needs, and the one that writes has no secret and no checkout', () => {
    expect(workflow.permissions).toEqual({});
    expect(jobs.map(([name, { permissions }]) => [name, permissions])).toEqual([
      ['demo', { contents: 'read' }],
      ['plan', { contents: 'read' }],
      ['comment', { 'pull-requests': 'write' }],
    ]);
    expect(workflow.jobs.comment.steps.some(({ uses = '' }) => uses.startsWith('actions/checkout'))).toBe(false);
  });

  test('uploads the report of figures, and nothing else', () => {
    const uploads = jobs.flatMap(([, { steps }]) => steps.filter(({ uses = '' }) => uses.includes('upload-artifact')));
    expect(uploads.map((step) => step.with?.path)).toEqual(['base/out/report.md']);
    for (const run of jobs.flatMap(([, { steps }]) =>
      steps.flatMap(({ run = '' }) => (run.includes('--dry-run') ? [run] : [])),
    ))
      expect(run).toContain('--samples 0');
  });
});

/** A gh that keeps comments in files and knows the calls of the script, and no other. */
const GH = `#!/usr/bin/env bash
set -euo pipefail
echo "$*" >> "$COMMENTS/calls"
case "$*" in
  "api --paginate repos/acme/data/issues/7/comments --jq "*)
    jq -n '[inputs]' "$COMMENTS"/*.json | jq -r "$5" ;;
  "api --silent --method PATCH repos/acme/data/issues/comments/"*" --field body=@report.md")
    id=\${5##*/}; jq --rawfile body report.md '.body = $body' "$COMMENTS/$id.json" > "$COMMENTS/new" && mv "$COMMENTS/new" "$COMMENTS/$id.json" ;;
  "api --silent --method POST repos/acme/data/issues/7/comments --field body=@report.md")
    id=$((100 + $(ls "$COMMENTS"/*.json | wc -l))); jq -n --argjson id "$id" --rawfile body report.md '{id: $id, user: {type: "Bot"}, body: $body}' > "$COMMENTS/$id.json" ;;
  *) echo "unknown call: $*" >&2; exit 1 ;;
esac
`;

describe('the comment', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'comments-'));
    await writeFile(join(folder, 'gh'), GH, { mode: 0o755 });
    const comment = (id: number, type: string, body: string) =>
      Bun.write(join(folder, `${id}.json`), JSON.stringify({ id, user: { type }, body }));
    await comment(1, 'User', '<!-- prepare-dataset:report --> quoted by a person');
    await comment(2, 'Bot', 'another bot');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const post = async (body: string) => {
    await Bun.write(join(folder, 'report.md'), body);
    const script = workflow.jobs.comment.steps.find(({ run }) => run)?.run ?? '';
    await $`bash -e -c ${script}`
      .cwd(folder)
      .env({ PATH: `${folder}:${Bun.env.PATH}`, COMMENTS: folder, REPOSITORY: 'acme/data', NUMBER: '7' })
      .quiet();
    const ids = [...new Bun.Glob('*.json').scanSync({ cwd: folder })]
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
    return Promise.all(ids.map(async (id) => (await Bun.file(join(folder, `${id}.json`)).json()).body as string));
  };

  test('is posted once, and updated by every later run', async () => {
    const others = ['<!-- prepare-dataset:report --> quoted by a person', 'another bot'];
    const first = '<!-- prepare-dataset:report -->\nfirst `$(echo run)` "quoted"\n';
    expect(await post(first)).toEqual([...others, first]);
    const second = '<!-- prepare-dataset:report -->\nsecond\n';
    expect(await post(second)).toEqual([...others, second]);
  });
});
