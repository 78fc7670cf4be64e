import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { openEngine } from '../../lib/edges/duckdb.ts';
import { parseReport } from '../../lib/report/json.ts';
import type { PlanReport } from '../../lib/report/report.ts';
import { literal } from '../../lib/sql.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type Ended, fillPlain, SHIPPED, Site } from './site.ts';
import { folderMarks, hubMarks } from './writes.ts';

setDefaultTimeout(30_000); // a test runs the whole program up to six times

const REASON = 'labels of <b>ward</b> 7 were\n---\nswapped | @all ![x](http://x.y/z)';
const ROLLBACK = (tag: string, ...more: string[]) => [
  '--rollback',
  tag,
  '--label',
  'urgency',
  '--reason',
  REASON,
  ...more,
];
const UNHOLD = ['--unhold', '--label', 'urgency'];
const URGENCY = ['--label', 'urgency'];
/** Neither the database nor the data engine is needed. */
const NO_DATABASE = { POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none' };
const GROWN = SHIPPED.replace('[NORMAL, URGENT, HIGHLY URGENT]', '[NORMAL, URGENT, HIGHLY URGENT, LETHAL]');

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const outcome = ({ report }: Ended) => report.labels[0]?.outcome;
const code = (ended: Ended) => {
  const found = outcome(ended);
  return found && 'problem' in found ? found.problem.code : found?.status;
};

let site: Site;
beforeAll(async () => {
  site = await Site.open();
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
});
afterEach(() => {
  for (const folder of ['.', 'out'])
    if (folder === '.' || readdirSync(site.folder).includes(folder))
      expect(readdirSync(join(site.folder, folder)).filter((name) => name.startsWith('prepare-dataset-'))).toEqual([]);
  for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true, force: true });
});

const FIRST = `TRUNCATE complaints, misclassified_complaints CASCADE;${fillPlain(300, 100)}`;
/** More rows, other labels, fewer rows: the second version has nothing of the first one's files. */
const SECOND = `
INSERT INTO complaints (id, department, urgency, message) SELECT i, 'Security & Law Enforcement', 'URGENT', 'later complaint ' || i FROM generate_series(301, 340) i;
INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_department, correct_urgency, reviewed, reviewed_at)
SELECT id, 'Security & Law Enforcement', 'URGENT', 'Education, Health & Social Welfare', 'NORMAL', true, now() FROM complaints WHERE id > 300;
DELETE FROM misclassified_complaints WHERE complaint_id <= 10;`;

describe('--rollback on the Hub', () => {
  let hub: LocalHub;
  /** What the repo holds with two versions; made once, and laid out anew for each test. */
  let prepared: LocalHub['repos'];
  let v1: string;
  let v2: string;
  const clock = { now: () => new Date(), sleep: async () => {} };
  const env = (token = hub.token) => ({ HF_ENDPOINT: hub.url, HF_TOKEN: token, URGENCY_DATASET: 'tester/urgency' });
  const run = (argv: string[] = [], { token, ...options }: Parameters<Site['run']>[1] & { token?: string } = {}) =>
    site.run([...URGENCY, ...argv.filter((word) => !URGENCY.includes(word))], {
      clock,
      ...options,
      env: { ...env(token), ...options.env },
    });
  const care = (argv: string[], options: Parameters<typeof run>[1] = {}) =>
    site.run(argv, { clock, ...options, env: { ...env(options.token), ...NO_DATABASE, ...options.env } });
  const repo = () => hub.repos.get('datasets/tester/urgency') as NonNullable<ReturnType<LocalHub['repos']['get']>>;
  const main = () => repo().branches.get('main') as string;
  const text = (path: string, revision = 'main') =>
    Buffer.from(repo().files(revision).get(path)?.content ?? []).toString();
  const metadata = (revision = 'main') => JSON.parse(text('dataset_metadata.json', revision));
  const hashes = (revision: string, only = /./) =>
    Object.fromEntries(
      [...repo().files(revision)].flatMap(([path, { content }]) => (only.test(path) ? [[path, sha256(content)]] : [])),
    );
  const writes = () => hub.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('paths-info'));
  const newest = () => [...repo().tags.keys()].sort().at(-1) as string;
  const front = (revision = 'main') => {
    const [, yaml = ''] = /^---\n([\s\S]*?)\n---\n/.exec(text('README.md', revision)) ?? [];
    const document = parseDocument(yaml);
    expect(document.errors).toEqual([]);
    return document.toJS();
  };

  beforeAll(async () => {
    await site.sql(FIRST);
    hub = await startLocalHub({ lfsThreshold: 1000 });
    expect(code(await run())).toBe('success');
    v1 = newest();
    const card = text('README.md').replace('license: apache-2.0', 'license: mit\nmine: 1');
    hub.commit('tester/urgency', { 'notes.md': 'mine', 'README.md': `${card}\nWritten by a person.\n` });
    await site.sql(SECOND);
    expect(code(await run([], { yaml: GROWN }))).toBe('success');
    v2 = newest();
    expect(v2 > v1).toBe(true);
    prepared = hub.repos;
    await hub[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    hub = await startLocalHub({ lfsThreshold: 1000 });
    hub.createRepo('tester/urgency'); // a fresh one, with all that the prepared one holds
    const [from] = prepared.values();
    const to = repo();
    if (!from) throw new Error('nothing is prepared');
    to.commits.splice(0, to.commits.length, ...from.commits);
    for (const [name, revision] of from.branches) to.branches.set(name, revision);
    for (const [name, revision] of from.tags) to.tags.set(name, revision);
    for (const [name, object] of from.objects) to.objects.set(name, object);
  });
  afterEach(async () => {
    expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
    await hub[Symbol.asyncDispose]();
  });

  test('the whole story: back, held, let go, on again, and no row moved', async () => {
    const commits = repo().commits.length;
    const ended = await care(ROLLBACK(v1));
    expect(ended.exitCode).toBe(0);
    const v3 = newest();
    expect(outcome(ended)).toMatchObject({ status: 'success', version: v3, revision: main() });
    expect(ended.report).toMatchObject({ action: 'rollback', rolledBackTo: v1, reason: REASON });
    expect(ended.report.labels[0]).not.toHaveProperty('plan');
    expect([...repo().tags]).toHaveLength(3);
    expect(repo().tags.get(v3)).toBe(main());
    expect(repo().commits).toHaveLength(commits + 1);
    const shards = /^data\//;
    expect(hashes('main', shards)).toEqual(hashes(v1, shards));
    expect(hashes('main', shards)).not.toEqual(hashes(v2, shards));
    expect(hashes('main', /^splits/)).toEqual(hashes(v2, /^splits/)); // the ledger stays the newest
    expect(hashes(v1, /^splits/)).not.toEqual(hashes(v2, /^splits/));
    expect(metadata()).toMatchObject({
      version_tag: v3,
      previous_version: v2,
      rolled_back_to: v1,
      hold: { reason: REASON, version: v1 },
      ledger: metadata(v2).ledger,
      fingerprint: metadata(v1).fingerprint,
      files: metadata(v1).files,
      label2id: metadata(v1).label2id,
      num_samples: metadata(v1).num_samples,
    });
    expect(metadata().created_at).toBe(metadata().hold.since);
    expect(text('notes.md')).toBe('mine');

    const before = hubMarks(hub);
    const held = await run(['--force'], { yaml: GROWN.replace('when: changed', 'when: always') });
    expect(held.exitCode).toBe(0);
    expect(outcome(held)).toEqual({ status: 'held', version: v3, since: metadata().hold.since, reason: REASON });
    const reordered = await run([], { yaml: SHIPPED.replace('[NORMAL, URGENT,', '[URGENT, NORMAL,') });
    expect(code(reordered)).toBe('held'); // not refused for its classes: nothing would be published anyway
    expect(hubMarks(hub)).toEqual(before);

    const unheld = await care(UNHOLD);
    expect(unheld.exitCode).toBe(0);
    expect(outcome(unheld)).toEqual({ status: 'unchanged', version: v3, hold: 'ended' });
    expect(unheld.world.stderr.text).toMatch(/Starting .*, ending a hold: urgency\n/);
    expect(unheld.world.stderr.text).toContain(`Ended the hold of 'urgency' dataset at ${v3}; the next run publishes.`);
    expect(metadata()).not.toHaveProperty('hold');
    expect(metadata()).toMatchObject({ version_tag: v3, rolled_back_to: v1 });
    expect(text('README.md')).not.toContain('Rolled back');
    expect([...repo().tags]).toHaveLength(3);

    expect(code(await run([], { yaml: GROWN }))).toBe('success');
    expect(metadata()).toMatchObject({ previous_version: v3, fingerprint: metadata(v2).fingerprint });
    expect(hashes('main', shards)).toEqual(hashes(v2, shards)); // so no row stands in another split
    expect(await ledgerAt('main')).toEqual(await ledgerAt(v2));
    expect(text('README.md')).not.toContain('to which the dataset was rolled back');
  });

  /** Text and key hashes → split and ordinal. */
  const ledgerAt = async (revision: string) => {
    const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
    await using engine = await openEngine(folder, 256);
    const file = join(folder, 'splits.parquet');
    writeFileSync(file, repo().files(revision).get('splits.parquet')?.content ?? '');
    const rows = await engine.rows(
      `SELECT text_hash::VARCHAR AS t, key_hash::VARCHAR AS k, split, ordinal FROM read_parquet(${literal(file)}) ORDER BY ALL`,
    );
    rmSync(folder, { recursive: true });
    expect(rows.length).toBeGreaterThan(100);
    return rows;
  };

  test('the card is of the version that it went back to, says so, and keeps what is the repo’s', async () => {
    await care(ROLLBACK(v1));
    const card = text('README.md');
    expect(front().dataset_info).toEqual(front(v1).dataset_info);
    expect(front().dataset_info).not.toEqual(front(v2).dataset_info);
    expect(front()).toMatchObject({ license: front(v2).license, mine: 1, configs: front(v1).configs });
    expect(card).toContain(`revision="${newest()}"`);
    expect(card).toContain(
      `- Tag: \`${newest()}\`, after \`${v2}\`\n- Made at: ${metadata().created_at}\n- Rows: those of`,
    );
    expect(card).not.toContain('LETHAL');
    expect(card).toContain('Written by a person.');
    expect(card.match(/Rolled back/g)).toHaveLength(1);
    expect(card).not.toMatch(/<b>ward|!\[x\]|@all|^---\nswapped/m);
    await care(UNHOLD);
    expect(text('README.md')).toBe(card.replace(/<!-- prepare-dataset:held -->[\s\S]*held-end -->\n\n/, ''));
  });

  test('back once more, from a hold to another version, and after a hold to the same', async () => {
    await care(ROLLBACK(v1));
    const v3 = newest();
    expect(code(await care(ROLLBACK(v2)))).toBe('success');
    expect(metadata()).toMatchObject({ previous_version: v3, rolled_back_to: v2, hold: { version: v2 } });
    expect(text('README.md').match(/Rolled back/g)).toHaveLength(1);
    await care(UNHOLD);
    expect(code(await care(ROLLBACK(v3)))).toBe('success'); // whose own card and metadata are of a rollback
    expect(metadata()).toMatchObject({ rolled_back_to: v3, hold: { version: v3 } });
    expect(text('README.md').match(/Rolled back/g)).toHaveLength(1);
    expect(hashes('main', /^data\//)).toEqual(hashes(v1, /^data\//));
    expect(await ledgerAt('main')).toEqual(await ledgerAt(v2));
  });

  test('again and again is once: a Space restarts with the same variables', async () => {
    const variables = { ROLLBACK: v1, REASON, LABEL: 'urgency' };
    expect(code(await care([], { env: variables }))).toBe('success');
    const before = hubMarks(hub);
    const again = await care([], { env: variables });
    expect([again.exitCode, outcome(again)]).toEqual([0, { status: 'unchanged', version: newest() }]);
    expect(hubMarks(hub)).toEqual(before);
  });

  test('refuses where there is nothing to do, and names the versions where there is none', async () => {
    const before = hubMarks(hub);
    for (const [argv, wanted, exitCode] of [
      [ROLLBACK(v2), 'ROLLBACK_SAME', 3],
      [UNHOLD, 'NOT_HELD', 3],
      [ROLLBACK('v19990101_000000'), 'VERSION_UNKNOWN', 1],
    ] as const) {
      const ended = await care([...argv]);
      expect([code(ended), ended.exitCode]).toEqual([wanted, exitCode]);
    }
    const { world } = await care(ROLLBACK('v1'));
    expect(world.stdout.text).toContain(`no such version; it has ${v2}, ${v1}`);
    expect(world.stdout.text).toContain(`--rollback ${v1}`);
    hub.repos.clear();
    expect(code(await care(ROLLBACK(v1)))).toBe('VERSION_UNKNOWN');
    expect(code(await care(UNHOLD))).toBe('NOT_HELD');
    hub.createRepo('tester/urgency');
    expect(before.length).toBe(1);
  });

  test('an altered file, or an altered ledger, publishes nothing', async () => {
    const shard = 'data/train-00000-of-00001.parquet';
    const content = Buffer.from(repo().files(v1).get(shard)?.content ?? []);
    content[50] = (content[50] ?? 0) ^ 1;
    hub.commit('tester/urgency', { ...restore(v1), [shard]: content });
    repo().tags.set('altered', main());
    hub.commit('tester/urgency', restore(v2));
    const before = hubMarks(hub);
    const ended = await care(ROLLBACK('altered'));
    expect(code(ended)).toBe('HEAD_UNREADABLE');
    expect(ended.world.stdout.text).toMatch(/train-00000-of-00001\.parquet has sha256 [0-9a-f]{12}…, not/);
    expect(hubMarks(hub)).toEqual(before);
    hub.commit('tester/urgency', { 'splits.parquet': 'other' });
    const broken = hubMarks(hub);
    expect(code(await care(ROLLBACK(v1)))).toBe('LEDGER_UNREADABLE');
    expect(hubMarks(hub)).toEqual(broken);
  });
  /** All files of a revision, to commit them again. */
  const restore = (revision: string) =>
    Object.fromEntries(
      [...repo().files(revision)].flatMap(([path, { content }]) =>
        path === '.gitattributes' ? [] : [[path, content]],
      ),
    );

  test('a head that moves meanwhile is read again', async () => {
    hub.fail({
      method: 'POST',
      path: /commit\/main/,
      before: () =>
        void hub.commit('tester/urgency', { 'data/new-00000-of-00001.parquet': 'new', 'notes.md': 'other' }),
    });
    const ended = await care(ROLLBACK(v1));
    expect(outcome(ended)).toMatchObject({ status: 'success', revision: main() });
    expect(ended.world.stderr.text).toContain('changed meanwhile');
    expect(hashes('main', /^data\//)).toEqual(hashes(v1, /^data\//)); // the stale shard is gone, too
    expect(text('notes.md')).toBe('other');
    hub.fail({ method: 'POST', path: /commit\/main/, times: 3, answer: { status: 412 } });
    expect(code(await care(ROLLBACK(v2)))).toBe('TARGET_MOVED');
  });

  test.each(['drop', { status: 500 }] as const)(
    'a commit that landed, with %p for an answer, is found',
    async (answer) => {
      const commits = repo().commits.length;
      hub.fail({ method: 'POST', path: /commit\/main/, land: true, answer });
      expect(outcome(await care(ROLLBACK(v1)))).toMatchObject({ status: 'success', revision: main() });
      expect(repo().commits).toHaveLength(commits + 1);
      hub.fail({ method: 'POST', path: /commit\/main/, land: true, answer });
      expect(outcome(await care(UNHOLD))).toMatchObject({ hold: 'ended' });
      expect(repo().commits).toHaveLength(commits + 2);
      hub.fail({ method: 'POST', path: /commit\/main/, times: 1, answer: { status: 409 } });
      expect(code(await care(ROLLBACK(v1)))).toBe('success');
      hub.fail({ method: 'POST', path: /commit\/main/, times: 1, answer: { status: 412 } });
      expect(outcome(await care(UNHOLD))).toMatchObject({ hold: 'ended' });
    },
  );

  test('a commit that landed, although the answer says that the head moved, is found and tagged', async () => {
    hub.fail({ method: 'POST', path: /commit\/main/, land: true, answer: { status: 412 } });
    const commits = repo().commits.length;
    expect(outcome(await care(ROLLBACK(v1)))).toMatchObject({ status: 'success', revision: main() });
    expect(repo().commits).toHaveLength(commits + 1);
    expect(repo().tags.get(newest())).toBe(main());
  });

  test('what somebody else writes while a hold is ended stays', async () => {
    await care(ROLLBACK(v1));
    const edited = `${text('README.md')}\nEdited meanwhile.\n`;
    hub.fail({
      method: 'POST',
      path: /commit\/main/,
      before: () => void hub.commit('tester/urgency', { 'README.md': edited }),
    });
    expect(outcome(await care(UNHOLD))).toMatchObject({ hold: 'ended' });
    expect(text('README.md')).toContain('Edited meanwhile.');
    expect(text('README.md')).not.toContain('Rolled back');
  });

  test.each(['the next rollback', 'the next run', 'the end of the hold'])(
    'a crash between commit and tag: %s tags it',
    async (next) => {
      hub.fail({ method: 'POST', path: /\/tag\//, answer: { status: 400 } });
      expect(code(await care(ROLLBACK(v1)))).toBe('TARGET_ANSWER');
      const commit = main();
      const { version_tag } = metadata();
      expect([...repo().tags.keys()].sort()).toEqual([v1, v2]);
      expect(code(await run(['--dry-run']))).toBe('held');
      expect(repo().tags.has(version_tag)).toBe(false);
      const ended = await (next === 'the next run'
        ? run()
        : care(next === 'the next rollback' ? ROLLBACK(v1) : UNHOLD));
      expect(outcome(ended)?.status).toBe(next === 'the next run' ? 'held' : 'unchanged');
      expect(repo().tags.get(version_tag)).toBe(commit);
    },
  );

  test('a dry run reads only, shows the plan in all renderings, and --publish ships these very bytes', async () => {
    const stale = 'data/old-00000-of-00001.parquet';
    hub.commit('tester/urgency', { [stale]: 'old' });
    const before = hubMarks(hub);
    const files = folderMarks(site.folder, ['out', 'pipeline.config.yaml']);
    const dry = await care(ROLLBACK(v1, '--dry-run', '--detailed-exitcode'), { token: hub.readToken });
    expect(dry.exitCode).toBe(4);
    const plan = dry.report.labels[0]?.plan as PlanReport;
    expect(outcome(dry)).toEqual({ status: 'planned', version: plan.version, directory: './out/dry-run/urgency' });
    expect(plan).toMatchObject({ head: main(), createsRepo: false, private: true, deletions: [stale] });
    for (const name of ['report.json', 'report.md', 'report.html']) {
      const page = readFileSync(join(site.folder, 'out', name), 'utf8');
      const says = [plan.version, 'Dataset rollback (urgency)', '7 were'].filter((words) => page.includes(words));
      expect([name, says.length, name !== 'report.json' && page.includes('<b>ward')]).toEqual([name, 3, false]);
    }
    const terminal = site.world({ env: { ...env(hub.readToken), ...NO_DATABASE }, clock });
    expect(await (await import('../../pipeline.ts')).main(ROLLBACK(v1, '--dry-run'), terminal)).toBe(0);
    expect(terminal.stdout.text).toMatch(
      /commit {2,}Dataset rollback \(urgency\) to v[\s\S]*reason: labels of <b>ward/,
    );
    expect(terminal.stdout.text).toContain(
      `\nrollback: to ${v1}; runs would publish nothing of urgency until --unhold\n`,
    );
    expect(terminal.stderr.text).toContain(`(dry run), rolling back to ${v1}: urgency`);
    expect(hubMarks(hub)).toEqual(before);
    expect(folderMarks(site.folder, ['out', 'pipeline.config.yaml'])).toEqual(files);
    expect(writes()).toEqual([]);
    expect(hub.requests.filter(({ auth }) => auth === 'write')).toEqual([]);

    const planned = parseReport(readFileSync(join(site.folder, 'out/report.json'), 'utf8')).labels[0]
      ?.plan as PlanReport;
    rmSync(join(site.folder, 'pipeline.config.yaml'));
    const shipped = await care(['--publish', 'out', '--config', 'none.yaml']);
    expect(outcome(shipped)).toMatchObject({ status: 'success', version: planned.version, revision: main() });
    expect(shipped.report).toMatchObject({ action: 'publish', rolledBackTo: v1 });
    const shippedFiles = hashes(planned.version, /^(?!\.gitattributes|notes)/);
    expect(shippedFiles).toEqual(Object.fromEntries(planned.files.map(({ path, sha256: hash }) => [path, hash])));
    expect(hashes('main', /^data\//)).toEqual(hashes(v1, /^data\//));
    expect(code(await run())).toBe('held');
  });

  test('an older plan is stale after a rollback, and a held label plans nothing', async () => {
    expect(code(await run(['--dry-run', '--force'], { yaml: GROWN }))).toBe('planned');
    await care(ROLLBACK(v1));
    expect(code(await care(['--publish', 'out']))).toBe('PLAN_STALE');
    const dry = await run(['--dry-run', '--force'], { yaml: GROWN });
    expect(code(dry)).toBe('held');
    expect(dry.report.labels[0]).toMatchObject({ previousVersion: newest(), difference: { version: newest() } });
    expect(dry.report.labels[0]?.checks?.length).toBeGreaterThan(0);
    expect(dry.report.labels[0]).not.toHaveProperty('plan');
    expect(readdirSync(join(site.folder, 'out')).filter((name) => name === 'dry-run')).toEqual([]);
    expect(readFileSync(join(site.folder, 'out/report.html'), 'utf8')).toMatch(/Held at <code>v[\d_]+<\/code> since/);
    expect(readFileSync(join(site.folder, 'out/report.md'), 'utf8')).toContain('1 held');
  });

  test('the end of a hold, as a dry run, changes nothing and says what it would do', async () => {
    await care(ROLLBACK(v1));
    const before = hubMarks(hub);
    const sent = writes().length;
    const dry = await care([...UNHOLD, '--dry-run', '--detailed-exitcode'], { token: hub.readToken });
    expect([dry.exitCode, outcome(dry)]).toEqual([4, { status: 'unchanged', version: newest(), hold: 'would end' }]);
    for (const name of ['report.md', 'report.html'])
      expect(readFileSync(join(site.folder, 'out', name), 'utf8')).toContain('the hold would end');
    expect(hubMarks(hub)).toEqual(before);
    expect(writes()).toHaveLength(sent);
  });

  test('back to a version of the Python service, whose metadata says little or is not there', async () => {
    const shards = Object.fromEntries(
      [...repo().files(v1)].flatMap(([path, { content }]) => (path.startsWith('data/') ? [[path, content]] : [])),
    );
    const python = { dataset_name: 'tester/urgency', version_tag: 'v20250101_000000', num_samples: 150 };
    const generated = '# Urgency\n\n_Last updated automatically by the pipeline on 2025-01-01_\n';
    hub.commit('tester/urgency', {
      ...shards,
      'dataset_metadata.json': JSON.stringify(python),
      'README.md': generated,
      'splits.parquet': null,
    });
    repo().tags.set('v20250101_000000', main());
    hub.commit('tester/urgency', { 'dataset_metadata.json': null, 'README.md': null });
    repo().tags.set('v20250102_000000', main());
    hub.commit('tester/urgency', restore(v2));
    for (const tag of ['v20250101_000000', 'v20250102_000000']) {
      expect(code(await care(ROLLBACK(tag)))).toBe('success');
      expect(hashes('main', /^data\//)).toEqual(hashes(v1, /^data\//));
      expect(metadata().fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(metadata()).toMatchObject({ rolled_back_to: tag, ledger: metadata(v2).ledger, label_column: 'urgency' });
      expect(metadata()).not.toHaveProperty('label2id');
      expect(front().dataset_info).toBeUndefined();
      expect(
        front()
          .configs[0].data_files.map(({ split }: { split: string }) => split)
          .sort(),
      ).toEqual(['eval', 'test', 'train']);
      expect(text('README.md')).toContain('Written by a person.');
      expect(text('README.md')).toContain('**Rolled back**');
    }
    expect(metadata()).not.toHaveProperty('num_samples');
    expect(code(await run([], { yaml: GROWN }))).toBe('held');
    await care(UNHOLD);
    expect(code(await run([], { yaml: GROWN }))).toBe('success');
    expect(hashes('main', /^data\//)).toEqual(hashes(v2, /^data\//));
  });

  test('a head that has no ledger cannot be rolled back: later texts would lose their splits', async () => {
    hub.commit('tester/urgency', { 'dataset_metadata.json': '{}', 'splits.parquet': null });
    const before = hubMarks(hub);
    expect(code(await care(ROLLBACK(v1)))).toBe('LEDGER_UNREADABLE');
    expect(hubMarks(hub)).toEqual(before);
  });

  test('interrupted, it publishes nothing, and no spool is left', async () => {
    const before = hubMarks(hub);
    const world = site.world({
      env: { ...env(), ...NO_DATABASE },
      clock,
      fetch: Object.assign(
        (input: string | URL | Request, init?: RequestInit) => {
          if (String(input instanceof Request ? input.url : input).includes('/resolve/')) world.interrupt('SIGTERM');
          return fetch(input, init);
        },
        { preconnect: fetch.preconnect },
      ) as typeof fetch,
    });
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
    expect(await (await import('../../pipeline.ts')).main(ROLLBACK(v1), world)).toBe(143);
    expect(hubMarks(hub)).toEqual(before);
  });

  test('a secret in the reason reaches no output and no file', async () => {
    const argv = ['--rollback', v1, '--label', 'urgency', '--reason', `the token ${hub.token} leaked`];
    const { world, report } = await care([...argv, '--verbose']);
    expect(report.reason).toBe('the token *** leaked');
    for (const output of [world.stdout.text, world.stderr.text, text('README.md'), text('dataset_metadata.json')])
      expect(output).not.toContain(hub.token);
  });

  test('pauses no Space, though the spec says always', async () => {
    const yaml = SHIPPED;
    const ended = await care(ROLLBACK(v1), { yaml, env: { SPACE_ID: 'tester/space' } });
    expect(code(ended)).toBe('success');
    expect(ended.report.effects.filter(({ kind }) => kind === 'pause')).toEqual([]);
    expect(hub.requests.filter(({ path }) => path.includes('/spaces/'))).toEqual([]);
  });

  test('needs a reason, and one label', async () => {
    for (const argv of [
      ['--rollback', v1, '--label', 'urgency'],
      ['--rollback', v1, '--label', 'urgency', '--reason', '  '],
      ['--rollback', v1, '--reason', 'x'],
      ['--unhold'],
    ]) {
      const { exitCode, world } = await care(argv);
      expect(exitCode).toBe(2);
      expect(world.stderr.text).toStartWith('USAGE\n');
    }
  });
});

describe('--rollback in a directory', () => {
  const folder = (...path: string[]) => join(site.folder, ...path);
  const current = () => readlinkSync(folder('urgency')).split('/').at(-1) as string;
  const read = (version: string, path: string) => readFileSync(folder('.urgency', version, path));
  const data = (version: string) => {
    const names = readdirSync(folder('.urgency', version, 'data')).sort();
    return names.map((name) => `${name} ${sha256(read(version, `data/${name}`))}`);
  };
  const care = (argv: string[], options: Parameters<Site['run']>[1] = {}) =>
    site.run(argv, { ...options, env: NO_DATABASE });

  test('the whole story, with a plan that is published', async () => {
    await site.sql(FIRST);
    expect(code(await site.run(URGENCY))).toBe('success');
    const v1 = current();
    await site.sql(SECOND);
    expect(code(await site.run(URGENCY))).toBe('success');
    const v2 = current();
    const before = folderMarks(site.folder, ['out', 'pipeline.config.yaml']);
    expect(code(await care(ROLLBACK(v1, '--dry-run')))).toBe('planned');
    expect(folderMarks(site.folder, ['out', 'pipeline.config.yaml'])).toEqual(before);
    expect(code(await care(['--publish', 'out']))).toBe('success');
    const v3 = current();
    expect(data(v3)).toEqual(data(v1));
    expect(sha256(read(v3, 'splits.parquet'))).toBe(sha256(read(v2, 'splits.parquet')));
    expect(code(await site.run([...URGENCY, '--force']))).toBe('held');
    expect(outcome(await care(ROLLBACK(v1)))).toMatchObject({ status: 'unchanged', version: v3 });

    const versions = readdirSync(folder('.urgency')).sort();
    const shards = folderMarks(folder('.urgency', v3), ['README.md', 'dataset_metadata.json']);
    rmSync(folder('.urgency/lock'));
    const marks = folderMarks(site.folder, ['out', 'pipeline.config.yaml']);
    expect(outcome(await care([...UNHOLD, '--dry-run']))).toMatchObject({ hold: 'would end' });
    expect(folderMarks(site.folder, ['out', 'pipeline.config.yaml'])).toEqual(marks); // not even a lock
    expect(JSON.parse(read(v3, 'dataset_metadata.json').toString()).hold.version).toBe(v1);
    expect(outcome(await care(UNHOLD))).toEqual({ status: 'unchanged', version: v3, hold: 'ended' });
    expect(current()).toBe(v3);
    expect(readdirSync(folder('.urgency')).sort()).toEqual(versions); // no draft is left
    expect(folderMarks(folder('.urgency', v3), ['README.md', 'dataset_metadata.json'])).toEqual(shards);
    expect(JSON.parse(read(v3, 'dataset_metadata.json').toString())).not.toHaveProperty('hold');
    expect(read(v3, 'README.md').toString()).not.toContain('Rolled back');
    expect(code(await site.run(URGENCY))).toBe('success');
    expect(data(current())).toEqual(data(v2));
    expect(code(await care(ROLLBACK(v1)))).toBe('success'); // without a plan
    expect(data(current())).toEqual(data(v1));
  });
});
