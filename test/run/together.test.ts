import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReport } from '../../lib/report/json.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { fillPlain, onHub, SHIPPED, Site } from './site.ts';
import { PROJECT } from './world.ts';

setDefaultTimeout(60_000); // several processes each, on a machine that may have one core

let site: Site;
let hub: LocalHub;
beforeEach(async () => {
  site = await Site.open();
  hub = await startLocalHub();
  await site.sql(fillPlain(300, 100));
  await mkdir(join(site.folder, 'tmp'));
  await writeFile(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await hub[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const children: Bun.Subprocess[] = [];

interface Child {
  process: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  /** `urgency success`, or the code of what went wrong, for each label. */
  outcomes: Promise<string[]>;
}

/** The whole program as a process of its own. */
function start(argv: string[] = [], env: Record<string, string> = {}): Child {
  const child = Bun.spawn([process.execPath, join(PROJECT, 'pipeline.ts'), ...argv, '--json'], {
    cwd: site.folder,
    env: { PATH: process.env.PATH ?? '', TMPDIR: join(site.folder, 'tmp'), SERVE: 'off', ...site.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const outcomes = Promise.all([child.stdout.text(), child.exited]).then(([stdout]) =>
    stdout === ''
      ? ['ended']
      : parseReport(stdout).labels.map(({ outcome }) =>
          outcome && 'problem' in outcome ? outcome.problem.code : (outcome?.status ?? 'none'),
        ),
  );
  return { process: child, outcomes };
}

const publishing = () => onHub(hub);
const repo = (name = 'urgency') =>
  hub.repos.get(`datasets/tester/${name}`) as NonNullable<ReturnType<LocalHub['repos']['get']>>;
const countOf = (values: string[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(values, (value) => value)).map(([value, all]) => [value, all?.length]),
  );

/** Hold the first commits of a repo until there are as many, then let them all through. @returns resolved when they are held */
function gate(name: string, count: number): Promise<void> {
  const [full, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let held = 0;
  hub.fail({
    method: 'POST',
    path: new RegExp(`/tester/${name}/commit/main`),
    times: count,
    before: async () => {
      if (++held === count) {
        full.resolve();
        open.resolve();
      }
      await open.promise;
    },
  });
  return full.promise;
}

/** Each commit is one version: tagged, on top of the one before, saying so itself. */
function expectHistory(name: string, versions: number): void {
  const { commits, tags } = repo(name);
  const published = commits.slice(1); // the repo's own
  expect(published).toHaveLength(versions);
  expect([...tags.values()].sort()).toEqual(published.map(({ oid }) => oid).sort());
  for (const [index, { files, parent }] of published.entries()) {
    const { version_tag, previous_version } = JSON.parse(
      new TextDecoder().decode(files.get('dataset_metadata.json')?.content),
    );
    expect(parent).toBe(commits[index]?.oid as string);
    expect(tags.get(version_tag)).toBe(published[index]?.oid as string);
    if (index > 0) expect(tags.get(previous_version)).toBe(published[index - 1]?.oid as string);
  }
}

const LATER = `INSERT INTO complaints (id, department, urgency, message) SELECT i, 'Security & Law Enforcement', 'URGENT', 'later complaint ' || i FROM generate_series(301, 340) i;
INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_department, correct_urgency, reviewed, reviewed_at)
SELECT id, 'Security & Law Enforcement', 'URGENT', 'Education, Health & Social Welfare', 'NORMAL', true, now() FROM complaints WHERE id > 300;`;

describe('runs at once on the same repos', () => {
  test('five that are let through to the commit together: one publishes, four find it unchanged', async () => {
    for (const name of ['department', 'urgency']) gate(name, 5);
    const ended = await Promise.all(Array.from({ length: 5 }, () => start([], publishing()).outcomes));
    for (const label of [0, 1])
      expect(countOf(ended.map((outcomes) => outcomes[label] ?? ''))).toEqual({ success: 1, unchanged: 4 });
    for (const name of ['department', 'urgency']) expectHistory(name, 1);
  });

  test('that make the same version in the same second are told apart', async () => {
    await start([], publishing()).outcomes;
    await site.sql(LATER);
    const sent = JSON.parse(repo().readText('dataset_metadata.json'));
    for (const name of ['department', 'urgency'])
      repo(name).tags.set('v20990101_000000', repo(name).branches.get('main') as string); // the next free second is the same for all
    for (const name of ['department', 'urgency']) gate(name, 2);
    const ended = await Promise.all([start([], publishing()).outcomes, start([], publishing()).outcomes]);
    for (const label of [0, 1])
      expect(countOf(ended.map((outcomes) => outcomes[label] ?? ''))).toEqual({ success: 1, unchanged: 1 });
    expect(JSON.parse(repo().readText('dataset_metadata.json'))).toMatchObject({
      version_tag: 'v20990101_000001',
      previous_version: sent.version_tag,
    });
  });
});
