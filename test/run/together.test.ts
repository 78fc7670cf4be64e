import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync, readlinkSync, watch } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReport } from '../../lib/report/json.ts';
import { openSpool } from '../../lib/spool.ts';
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

/** The whole program as a process of its own. @param onSaid what it has said so far, each time that there is more */
function start(
  argv: string[] = [],
  env: Record<string, string> = {},
  onSaid: (text: string) => void = () => {},
): Child {
  const child = Bun.spawn([process.execPath, join(PROJECT, 'pipeline.ts'), ...argv, '--json'], {
    cwd: site.folder,
    env: { PATH: process.env.PATH ?? '', TMPDIR: join(site.folder, 'tmp'), SERVE: 'off', ...site.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  void listen(child.stderr, onSaid);
  const outcomes = Promise.all([child.stdout.text(), child.exited]).then(([stdout]) =>
    stdout === ''
      ? ['ended']
      : parseReport(stdout).labels.map(({ outcome }) =>
          outcome && 'problem' in outcome ? outcome.problem.code : (outcome?.status ?? 'none'),
        ),
  );
  return { process: child, outcomes };
}

/** Wait for what must happen before a process ends. */
async function before({ outcomes }: Child, event: Promise<void>): Promise<void> {
  await Promise.race([event, outcomes.then((ended) => Promise.reject(new Error(`It ended before: ${ended}`)))]);
}

async function listen(stream: ReadableStream<Uint8Array>, onSaid: (text: string) => void): Promise<void> {
  let said = '';
  for await (const chunk of stream) {
    said += new TextDecoder().decode(chunk);
    onSaid(said);
  }
}

const URGENCY = ['--label', 'urgency'];
const publishing = () => onHub(hub);
/** A version by a run that is alone. */
const prepare = () => site.run(URGENCY, { env: publishing() });
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

/** Hold the next commit of a repo until it is opened; those after it pass. */
function holdFirst(name: string): { reached: Promise<void>; open(): void } {
  const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  hub.fail({
    method: 'POST',
    path: new RegExp(`/tester/${name}/commit/main`),
    before: () => {
      reached.resolve();
      return opened.promise;
    },
  });
  return { reached: reached.promise, open: opened.resolve };
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
    gate('urgency', 5);
    const ended = await Promise.all(Array.from({ length: 5 }, () => start(URGENCY, publishing()).outcomes));
    expect(countOf(ended.flat())).toEqual({ success: 1, unchanged: 4 });
    expectHistory('urgency', 1);
  });

  test('that make the same version in the same second are told apart', async () => {
    await prepare();
    const [before = ''] = repo().tags.keys();
    await site.sql(LATER);
    repo().tags.set('v20990101_000000', repo().branches.get('main') as string); // the next free second is the same for all
    gate('urgency', 2);
    const ended = await Promise.all([1, 2].map(() => start(URGENCY, publishing()).outcomes));
    expect(countOf(ended.flat())).toEqual({ success: 1, unchanged: 1 });
    expect(JSON.parse(repo().readText('dataset_metadata.json'))).toMatchObject({
      version_tag: 'v20990101_000001',
      previous_version: before,
    });
  });

  /** A process that gets as far as its commit, then what another run publishes, then how the process ends. */
  const overtaken = async (argv: string[], faster: () => Promise<unknown>): Promise<string[]> => {
    const held = holdFirst('urgency');
    const slower = start(argv, publishing());
    await before(slower, held.reached);
    await faster();
    held.open();
    return await slower.outcomes;
  };
  const without = (...ids: number[]) => site.sql(`DELETE FROM misclassified_complaints WHERE complaint_id IN (${ids})`);

  test('what the slower one read earlier does not undo what the faster one read later', async () => {
    await prepare();
    await without(1);
    let newest: string | undefined;
    const ended = await overtaken(URGENCY, async () => {
      await site.sql(LATER);
      await prepare();
      newest = repo().branches.get('main');
    });
    expect(ended).toEqual(['unchanged']);
    expect(repo().branches.get('main')).toBe(newest as string);
    expectHistory('urgency', 2);
  });

  test('what the slower one read later comes on top of what the faster one read earlier', async () => {
    await prepare();
    await without(1);
    const taken = () => JSON.parse(repo().readText('dataset_metadata.json'));
    const ended = await overtaken(URGENCY, async () => {
      const version = { ...taken(), version_tag: 'v20260101_000000', fingerprint: '' }; // of the snapshot before
      repo().tags.set(
        version.version_tag,
        hub.commit('tester/urgency', { 'dataset_metadata.json': JSON.stringify(version) }),
      );
    });
    expect(ended).toEqual(['success']);
    expect(taken().previous_version).toBe('v20260101_000000');
  });

  test('a run and a rollback: the rollback holds in the end, whoever was first', async () => {
    await prepare();
    const [first = ''] = repo().tags.keys();
    await without(1);
    await prepare();
    const rollback = ['--rollback', first, '--reason', 'wrong', ...URGENCY];
    await without(2);
    expect(await overtaken(rollback, prepare)).toEqual(['success']);
    expectHistory('urgency', 4);
    expect(JSON.parse(repo().readText('dataset_metadata.json')).hold).toMatchObject({ version: first });

    await site.run(['--unhold', ...URGENCY], { env: publishing() });
    await prepare();
    await without(3);
    const ran = await overtaken(URGENCY, () => site.run(rollback, { env: publishing() }));
    expect(ran).toEqual(['held']);
    expect(JSON.parse(repo().readText('dataset_metadata.json')).hold).toMatchObject({ version: first });
  });

  test('a run and the publishing of a plan: the run comes on top, the plan says that it came too late', async () => {
    await prepare();
    await without(1);
    await site.run(['--dry-run', ...URGENCY], { env: publishing() });
    await without(2);
    expect(await overtaken(URGENCY, () => site.run(['--publish', 'out'], { env: publishing() }))).toEqual(['success']);
    expectHistory('urgency', 3);

    await without(3);
    await site.run(['--dry-run', ...URGENCY], { env: publishing() });
    await without(4);
    expect(await overtaken(['--publish', 'out'], prepare)).toEqual(['PLAN_STALE']);
    expectHistory('urgency', 4);
  });

  test('keep a line each in one history', async () => {
    const env = { ...publishing(), RUNS_DATASET: 'tester/runs' };
    gate('runs', 3);
    const ended = await Promise.all(Array.from({ length: 3 }, () => start(URGENCY, env).outcomes));
    const lines = repo('runs').readText('runs.jsonl').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).labels[0].status).sort()).toEqual(ended.flat().sort());
  });
});

describe('runs at once on the same directory', () => {
  const versions = () => readdirSync(join(site.folder, '.urgency')).filter((name) => name.startsWith('v'));
  const left = () => readdirSync(join(site.folder, '.urgency')).filter((name) => name.startsWith('.draft'));

  test('one publishes, the others find it unchanged, each round anew', async () => {
    for (const round of [1, 2]) {
      await site.sql(`UPDATE complaints SET message = message || ' again' WHERE id <= ${round * 20}`);
      const ended = await Promise.all([1, 2].map(() => start(URGENCY).outcomes));
      expect(countOf(ended.flat())).toEqual({ success: 1, unchanged: 1 });
      expect(versions()).toHaveLength(round);
    }
  });

  test('the one that holds the lock is killed: the other one publishes, and nothing that a dead one left stays', async () => {
    await mkdir(join(site.folder, '.urgency/.draft-v20260101_000000'), { recursive: true }); // of one that died while it wrote
    const [locked, waiting] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const watcher = watch(join(site.folder, '.urgency'), (_, name) => {
      if (name !== 'lock-journal') return;
      holder.process.kill('SIGSTOP'); // it has the lock, and most of its work before it
      locked.resolve();
    });
    const holder = start(URGENCY);
    await before(holder, locked.promise);
    watcher.close();
    const next = start(URGENCY, {}, (said) => {
      if (said.includes("Retrieved 150 records for 'urgency'")) waiting.resolve();
    });
    await before(next, waiting.promise);
    holder.process.kill('SIGKILL');
    expect(await next.outcomes).toEqual(['success']);
    expect(versions()).toEqual([readlinkSync(join(site.folder, 'urgency')).replace('.urgency/', '')]);
    expect(left()).toEqual([]);
    expect(readdirSync(join(site.folder, 'tmp'))).toHaveLength(1); // the dead one's spool, which the next run removes
    await (await openSpool({ dryRun: false, out: '' }, { cwd: '/', tmpdir: join(site.folder, 'tmp'), umask: 0o022 }))[
      Symbol.asyncDispose
    ]();
    expect(readdirSync(join(site.folder, 'tmp'))).toEqual([]);
  });
});
