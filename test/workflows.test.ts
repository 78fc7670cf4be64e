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

interface RestartWorkflow {
  on: {
    schedule: { cron: string }[];
    workflow_dispatch: { inputs: Record<string, { type: string; default: boolean }> };
    push: { branches: string[]; paths: string[] };
  };
  permissions: Record<string, string>;
  concurrency: { group: string };
  jobs: Record<string, Job & { steps: (Step & { env?: Record<string, string> })[] }>;
}

const ROOT = resolve(import.meta.dir, '..');
const restart = parse(await Bun.file(join(ROOT, '.github/workflows/restart.yml')).text()) as RestartWorkflow;

describe('the workflow that restarts the Space', () => {
  const [job] = Object.values(restart.jobs);
  const [step] = job?.steps ?? [];

  test('comes by schedule, by hand, or after a merge; never from a pull request', () => {
    expect(Object.keys(restart.on)).toEqual(['schedule', 'workflow_dispatch', 'push']);
    expect(restart.on.schedule[0]?.cron).toMatch(/^\d+ \d+ \* \* \*$/);
    expect(restart.on.workflow_dispatch.inputs).toMatchObject({ factory: { type: 'boolean', default: false } });
    expect(restart.on.push.branches).toEqual(['main']);
    expect(restart.concurrency.group).not.toContain('${{');
  });

  test('a merge restarts it where a file of the image changed', async () => {
    const dockerfile = await Bun.file(join(ROOT, 'Dockerfile')).text();
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    const wanted = copied
      .filter((name) => name !== 'pipeline.schema.json')
      .map((name) => (name === 'lib' ? 'lib/**' : name));
    expect(restart.on.push.paths.toSorted()).toEqual([...new Set(['Dockerfile', ...wanted])].sort());
  });

  test('has no right in the repository, one secret behind an environment, and nobody else’s code', () => {
    expect([restart.permissions, job?.permissions]).toEqual([{}, {}]);
    expect(Object.keys(restart.jobs)).toHaveLength(1);
    expect(job?.steps).toHaveLength(1);
    expect(step?.uses).toBeUndefined();
    expect(job?.environment).toBe('space');
    expect(JSON.stringify(restart).match(/secrets\.\w+/g)).toEqual(['secrets.HF_TOKEN']);
    expect(step?.run).not.toContain('${{');
  });

  test('a clone that deploys nowhere does nothing by itself', () => {
    expect(job?.if).toBe("vars.SPACE_ID != '' || github.event_name == 'workflow_dispatch'");
  });

  const TOKEN = 'hf_abcdefghijklmnop';

  /** Run the script against a server that knows the one call, and answers it with these statuses, one after the other. */
  async function run(statuses: number[], env: Record<string, string> = {}) {
    const calls: string[] = [];
    await using folder = {
      path: await mkdtemp(join(tmpdir(), 'restart-')),
      [Symbol.asyncDispose]: () => rm(folder.path, { recursive: true }),
    };
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async (request) => {
        const { pathname, search } = new URL(request.url);
        calls.push(
          `${request.method} ${pathname}${search} ${request.headers.get('authorization')} ${await request.text()}`.trim(),
        );
        const status = statuses[calls.length - 1] ?? 500;
        return Response.json(status === 200 ? { stage: 'BUILDING' } : { error: '::error::<from the server>' }, {
          status,
        });
      },
    });
    const wrapper = `#!/bin/sh\necho "$*" >> "$RUNNER_TEMP/arguments"\nexec ${Bun.which('curl')} "$@"\n`; // what other processes see
    await writeFile(join(folder.path, 'curl'), wrapper, { mode: 0o755 });
    const { exitCode, stdout, stderr } = await $`bash -e -c ${step?.run ?? ''}`
      .env({
        PATH: `${folder.path}:${Bun.env.PATH}`,
        HF_TOKEN: TOKEN,
        HF_ENDPOINT: server.url.origin,
        SPACE_ID: 'acme/prepare-dataset',
        FACTORY: 'false',
        RUNNER_TEMP: folder.path,
        ...env,
      })
      .nothrow()
      .quiet();
    const said = `${stdout}${stderr}`;
    const seen = Bun.file(join(folder.path, 'arguments'));
    expect(said + ((await seen.exists()) ? await seen.text() : '')).not.toContain(TOKEN);
    expect(said).not.toContain('from the server');
    return { exitCode, said, calls };
  }
  const CALL = `POST /api/spaces/acme/prepare-dataset/restart Bearer ${TOKEN}`;

  test('restarts the Space by one call', async () => {
    const { exitCode, said, calls } = await run([200]);
    expect([exitCode, calls]).toEqual([0, [CALL]]);
    expect(said).toBe('acme/prepare-dataset is restarted, its stage is BUILDING.\n');
  });

  test('builds it anew when asked to', async () => {
    expect((await run([200], { FACTORY: 'true' })).calls).toEqual([CALL.replace(' Bearer', '?factory=true Bearer')]);
    expect(step?.env?.FACTORY).toBe("${{ github.event_name == 'push' || inputs.factory == true }}");
  });

  test('tries again where that helps', async () => {
    const { exitCode, said, calls } = await run([503, 200]);
    expect([exitCode, calls]).toEqual([0, [CALL, CALL]]);
    expect(said).toContain('its stage is BUILDING');
  });

  test.each([
    [401, 'The Hub refuses HF_TOKEN (401)'],
    [403, 'HF_TOKEN may not restart acme/prepare-dataset (403): only its owner may'],
    [404, 'The Hub knows no Space acme/prepare-dataset, or HF_TOKEN may not see it (404)'],
    [400, 'The Hub answered 400'],
  ])('fails at once on %i, and says why', async (status, message) => {
    const { exitCode, said, calls } = await run([status]);
    expect([exitCode, calls]).toEqual([1, [CALL]]);
    expect(said).toContain(`::error::${message}`);
  });

  test.each([
    [{ SPACE_ID: '' }, 'SPACE_ID must be owner/name'],
    [{ SPACE_ID: 'acme/../../models' }, 'SPACE_ID must be owner/name'],
    [{ SPACE_ID: '../pause' }, 'SPACE_ID must be owner/name'],
    [{ SPACE_ID: 'acme/data?factory=true' }, 'SPACE_ID must be owner/name'],
    [{ HF_TOKEN: '' }, 'HF_TOKEN of the environment "space"'],
    [{ HF_TOKEN: 'hf_a\nX-Header: 1' }, 'HF_TOKEN of the environment "space"'],
  ])('sends nothing with %j', async (env, message) => {
    const { exitCode, said, calls } = await run([200], env);
    expect([exitCode, calls]).toEqual([1, []]);
    expect(said).toContain(message);
  });
});

describe('every workflow', () => {
  const files = [...new Bun.Glob('.github/workflows/*.yml').scanSync({ cwd: ROOT, dot: true })].sort();
  const textOf = (file: string) => Bun.file(join(ROOT, file)).text();

  test('runs other people’s actions by commit, with the version beside it, one for all', async () => {
    const versions = new Map<string, string>();
    for (const file of files)
      for (const [, used = ''] of (await textOf(file)).matchAll(/^\s*(?:- )?uses: (.+)$/gm)) {
        expect(used).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        const [action = ''] = used.split('@');
        expect(versions.get(action) ?? used).toBe(used);
        versions.set(action, used);
      }
    expect(versions.size).toBeGreaterThan(3);
  });

  test('says what it may do, and what may be written into a script', async () => {
    for (const file of files) {
      const { permissions, jobs } = parse(await textOf(file)) as { permissions: object; jobs: Record<string, Job> };
      expect(permissions).toBeDefined();
      for (const { steps } of Object.values(jobs))
        for (const { run = '' } of steps) {
          const pasted = [...run.matchAll(/\$\{\{\s*([\w.]+)/g)].map(([, name]) => name);
          expect(pasted.filter((name) => !name?.startsWith('matrix.'))).toEqual([]);
        }
    }
  });

  test('runs one version of Bun', async () => {
    const [, version] = /bun@(\d+\.\d+\.\d+)/.exec(await Bun.file(join(ROOT, 'README.md')).text()) ?? [];
    for (const file of files)
      for (const [, found] of (await textOf(file)).matchAll(/bun@(\S+)/g))
        expect([file, found]).toEqual([file, version]);
  });
});

describe('the workflow of a release', async () => {
  const release = parse(await Bun.file(join(ROOT, '.github/workflows/release.yml')).text()) as {
    on: object;
    permissions: object;
    jobs: Record<'sbom' | 'release', Job>;
  };

  test('runs code without a right, and writes without code', () => {
    expect(release.on).toEqual({ push: { tags: ['v*'] } });
    expect([release.permissions, release.jobs.sbom.permissions, release.jobs.release.permissions]).toEqual([
      {},
      { contents: 'read' },
      { contents: 'write' },
    ]);
    expect(JSON.stringify(release.jobs)).not.toContain('secrets.');
    const writing = release.jobs.release.steps;
    expect(writing.filter(({ uses = '' }) => uses.startsWith('actions/checkout'))).toEqual([]);
    expect(writing.filter(({ run = '' }) => /\b(bun|npm|npx)\b/.test(run))).toEqual([]);
  });

  test('lists what the image installs', async () => {
    const dockerfile = await Bun.file(join(ROOT, 'Dockerfile')).text();
    const [, flags = ''] = /bun install (.+)$/m.exec(dockerfile) ?? [];
    expect(release.jobs.sbom.steps.some(({ run = '' }) => run.includes(`install ${flags}`))).toBe(true);
  });

  const script = release.jobs.release.steps.find(({ run }) => run)?.run ?? '';
  const FAKE = `#!/usr/bin/env bash
echo "$*" >> "$CALLS"
case "$*" in "release view "*) [ "$EXISTS" = yes ] ;; "release create v1.2.3 --verify-tag --generate-notes" | "release upload v1.2.3 prepare-dataset.cdx.json --clobber") ;; *) exit 1 ;; esac
`;
  test.each([
    ['no', ['view', 'create', 'upload']],
    ['yes', ['view', 'upload']],
  ])('makes it or adds to it: it is there: %s', async (EXISTS, wanted) => {
    const folder = await mkdtemp(join(tmpdir(), 'release-'));
    await writeFile(join(folder, 'gh'), FAKE, { mode: 0o755 });
    const calls = join(folder, 'calls');
    const env = { PATH: `${folder}:${Bun.env.PATH}`, CALLS: calls, TAG: 'v1.2.3', EXISTS };
    await $`bash -e -c ${script}`.cwd(folder).env(env).quiet();
    const verbs = [...(await Bun.file(calls).text()).matchAll(/(?<=^release )\w+/gm)].map(([verb]) => verb);
    expect(verbs).toEqual(wanted);
    await rm(folder, { recursive: true });
  });
});

test('an audit is a workflow of its own: each week, by hand, and where the packages change', async () => {
  const audit = parse(await Bun.file(join(ROOT, '.github/workflows/audit.yml')).text());
  const paths = ['package.json', 'bun.lock'];
  expect(audit.on).toMatchObject({ schedule: [expect.anything()], push: { paths }, pull_request: { paths } });
  expect(Object.keys(audit.on)).toContain('workflow_dispatch');
  expect(await Bun.file(join(ROOT, '.ci/run')).text()).not.toContain('audit'); // that has to pass without the registry’s answer
});
