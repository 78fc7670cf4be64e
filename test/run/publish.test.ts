import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { formatReport, parseReport } from '../../lib/report/json.ts';
import { planDigest } from '../../lib/report/plan-digest.ts';
import type { PlanReport, RunReport } from '../../lib/report/report.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { type Ended, fillPlain, SHIPPED, Site } from './site.ts';

setDefaultTimeout(30_000); // a test runs the whole program up to five times

const LABELS = ['department', 'urgency'];

let site: Site;
/** A dry run on targets that do not exist, made once. */
let prepared: string;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(600, 200));
  prepared = await mkdtemp(join(tmpdir(), 'prepared-'));
  const { exitCode } = await site.run(['--dry-run', '--out', prepared]);
  expect(exitCode).toBe(0);
});
afterAll(async () => {
  rmSync(prepared, { recursive: true });
  await site[Symbol.asyncDispose]();
});
afterEach(() => {
  expect(readdirSync(site.folder).filter((name) => name.startsWith('prepare-dataset-'))).toEqual([]); // no spool is left
  for (const name of readdirSync(site.folder)) rmSync(join(site.folder, name), { recursive: true, force: true });
});

const dryRun = () => cpSync(prepared, inFolder('out'), { recursive: true });

/** Neither a database nor a YAML: only the directory, and where the Hub is. */
const publish = (argv: string[] = [], env: Record<string, string> = {}, options = {}): Promise<Ended> => {
  rmSync(join(site.folder, 'pipeline.config.yaml'), { force: true });
  const none = { POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none', DEPARTMENT_DATASET: '', URGENCY_DATASET: '' };
  return site.run(['--publish', 'out', '--config', 'none.yaml', ...argv], { env: { ...none, ...env }, ...options });
};
const outcomes = ({ report }: Ended) => report.labels.map(({ outcome }) => outcome);
const codes = (ended: Ended) =>
  outcomes(ended).map((outcome) => (outcome && 'problem' in outcome ? outcome.problem.code : outcome?.status));
const inFolder = (...path: string[]) => join(site.folder, ...path);
const planned = (): RunReport => parseReport(readFileSync(inFolder('out/report.json'), 'utf8'));
const planOf = (label: string, report = planned()) =>
  report.labels.find((each) => each.label === label)?.plan as PlanReport;
/** Change report.json as somebody with an editor would. */
const edit = (change: (report: RunReport) => void, { resign = true } = {}) => {
  const report = planned();
  change(report);
  const digest = planDigest(report);
  if (resign && digest) report.planDigest = digest;
  writeFileSync(inFolder('out/report.json'), formatReport(report));
};
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const hashesOf = (plan: PlanReport) => Object.fromEntries(plan.files.map(({ path, sha256: hash }) => [path, hash]));
const snapshot = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? sha256(readFileSync(path)) : ''}`;
    })
    .sort();

describe('--publish into directories', () => {
  const shard = (label: string, split = 'train') =>
    inFolder('out/dry-run', label, `data/${split}-00000-of-00001.parquet`);
  const hashesIn = (label: string) =>
    Object.fromEntries(
      (readdirSync(inFolder(label), { recursive: true, withFileTypes: true }) as import('node:fs').Dirent[])
        .filter((entry) => entry.isFile())
        .map((entry) => [
          join(entry.parentPath, entry.name).slice(inFolder(label).length + 1),
          sha256(readFileSync(join(entry.parentPath, entry.name))),
        ]),
    );
  beforeEach(dryRun);

  test('ships the very bytes of the report, with no spec, no database and no engine', async () => {
    const before = planned();
    const ended = await publish();
    expect(ended.exitCode).toBe(0);
    expect(outcomes(ended)).toMatchObject(LABELS.map((label) => ({ status: 'success', url: `./${label}` })));
    for (const label of LABELS) expect(hashesIn(label)).toEqual(hashesOf(planOf(label, before)));
    expect(ended.report).toMatchObject({ dryRun: false, planDigest: before.planDigest as string });
    expect(ended.report.database).toEqual(before.database as never);
    expect(ended.report.labels[0]).not.toHaveProperty('plan');
    expect(planned()).toEqual(before); // the plan is as it was, and can be published elsewhere
    expect((await site.run()).report.labels.map(({ outcome }) => outcome?.status)).toEqual(['unchanged', 'unchanged']);
  });

  test('a second time finds its versions there', async () => {
    await publish();
    const store = snapshot(site.folder);
    const again = await publish();
    expect(outcomes(again)).toMatchObject([{ status: 'success' }, { status: 'success' }]);
    expect(outcomes(await publish(['--dry-run']))).toMatchObject([{ status: 'unchanged' }, { status: 'unchanged' }]);
    expect(snapshot(site.folder)).toEqual(store);
  });

  test('with --dry-run verifies everything and writes nothing, not even a lock', async () => {
    const before = snapshot(site.folder).filter((line) => !line.includes('config.yaml'));
    const ended = await publish(['--dry-run', '--detailed-exitcode']);
    expect(ended.exitCode).toBe(4);
    expect(outcomes(ended)).toMatchObject(
      LABELS.map((label) => ({ status: 'planned', directory: `./out/dry-run/${label}` })),
    );
    expect(snapshot(site.folder).filter((line) => !line.includes('config.yaml'))).toEqual(before);
    appendFileSync(shard('urgency'), 'x');
    expect(codes(await publish(['--dry-run']))).toEqual(['planned', 'PLAN_CHANGED']);
  });

  const damages: [string, (file: string) => void, RegExp][] = [
    [
      'changed by one bit',
      (file) => {
        const bytes = readFileSync(file);
        bytes[50] = (bytes[50] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      /train-00000-of-00001\.parquet has sha256 [0-9a-f]{12}…, not [0-9a-f]{12}…/,
    ],
    ['truncated', (file) => truncateSync(file, 100), /parquet has 100 bytes, not \d+/],
    ['gone', (file) => rmSync(file), /parquet is gone/],
    [
      'a symbolic link to the very same bytes',
      (file) => {
        renameSync(file, `${file}.real`);
        symlinkSync(`${file}.real`, file);
      },
      /symbolic link/,
    ],
    [
      'behind a folder that is a symbolic link',
      (file) => {
        renameSync(resolve(file, '..'), resolve(file, '../../real'));
        symlinkSync('real', resolve(file, '..'));
      },
      /symbolic link/,
    ],
    [
      'a folder',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
      /is no file/,
    ],
  ];
  test.each(damages)('a file that is %s refuses its label; the other ships', async (_, damage, message) => {
    damage(shard('department'));
    const ended = await publish();
    expect(ended.exitCode).toBe(3);
    expect(codes(ended)).toEqual(['PLAN_CHANGED', 'success']);
    expect(JSON.stringify(outcomes(ended)[0])).toMatch(message);
    expect(existsSync(inFolder('department'))).toBe(false);
    expect(existsSync(inFolder('.department'))).toBe(false);
  });

  test('what lies beside the files does not ship', async () => {
    writeFileSync(inFolder('out/dry-run/urgency/data/notes.txt'), 'rows');
    writeFileSync(inFolder('out/dry-run/urgency/data/train-00001-of-00002.parquet'), 'rows');
    expect((await publish()).exitCode).toBe(0);
    expect(hashesIn('urgency')).toEqual(hashesOf(planOf('urgency')));
  });

  test('files of another dry run are not those of this report, though report.json names them', async () => {
    cpSync(inFolder('out'), inFolder('other'), { recursive: true });
    const clock = { now: () => new Date('2031-07-01T12:00:00Z'), sleep: async () => {} };
    await site.run(['--dry-run', '--label', 'urgency'], { clock });
    const other = planOf('urgency');
    cpSync(inFolder('other/report.json'), inFolder('out/report.json'));
    edit(() => {});
    expect(codes(await publish(['--label', 'urgency']))).toEqual(['PLAN_CHANGED']); // as it is
    const metadata = other.files.find(({ path }) => path === 'dataset_metadata.json');
    edit((report) => {
      const files = planOf('urgency', report).files;
      for (const file of files)
        Object.assign(
          file,
          other.files.find(({ path }) => path === file.path),
        );
    });
    expect(metadata?.sha256).toBeDefined();
    const ended = await publish(['--label', 'urgency']); // hashes fit, the version does not
    expect(codes(ended)).toEqual(['PLAN_CHANGED']);
    expect(JSON.stringify(outcomes(ended))).toContain('dataset_metadata.json is of version v20310701_120000');
  });

  test('data files that the metadata does not know are refused, though report.json names them', async () => {
    const wrong = Buffer.from('not what was reviewed');
    writeFileSync(shard('urgency', 'eval'), wrong);
    edit((report) => {
      const file = planOf('urgency', report).files.find(({ path }) => path.startsWith('data/eval'));
      Object.assign(file ?? {}, { size: wrong.length, sha256: sha256(wrong) });
    });
    expect(codes(await publish())).toEqual(['success', 'PLAN_CHANGED']);
  });

  test('a head that moved meanwhile refuses its label, and says which version is there now', async () => {
    const old = planOf('urgency').version;
    const { report } = await site.run(['--label', 'urgency'], {
      clock: { now: () => new Date('2030-01-01T00:00:00Z'), sleep: async () => {} },
    });
    expect(report.labels[0]?.outcome?.status).toBe('success');
    const ended = await publish();
    expect(ended.exitCode).toBe(3);
    expect(codes(ended)).toEqual(['success', 'PLAN_STALE']);
    expect(JSON.stringify(outcomes(ended))).toContain('v20300101_000000');
    expect(readdirSync(inFolder('.urgency'))).not.toContain(old);
  });

  test('a version that a killed attempt wrote, and did not switch to, is written again', async () => {
    const { version } = planOf('urgency');
    mkdirSync(inFolder('.urgency', version), { recursive: true });
    writeFileSync(inFolder('.urgency', version, 'half'), '');
    expect(codes(await publish())).toEqual(['success', 'success']);
    expect(hashesIn('urgency')).toEqual(hashesOf(planOf('urgency')));
    await site.run(['--dry-run', '--force']); // the same on top of a version
    mkdirSync(inFolder('.urgency', planOf('urgency').version));
    expect(codes(await publish())).toEqual(['success', 'success']);
    expect(hashesIn('urgency')).toEqual(hashesOf(planOf('urgency')));
  });

  test('--label ships some; one that the plan does not have is bad usage', async () => {
    const ended = await publish(['--label', 'urgency']);
    expect(ended.report.labels.map(({ label }) => label)).toEqual(['urgency']);
    expect(existsSync(inFolder('department'))).toBe(false);
    const unknown = await publish(['--label', 'urgancy']);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.world.stderr.text).toStartWith('LABEL_UNKNOWN\n');
  });

  test('events tell of each step', async () => {
    const { world } = await publish();
    expect(world.stderr.text).toContain("Successfully pushed 'urgency' dataset");
    expect(world.stderr.text).not.toContain('Connecting to the database');
  });
});

describe('the labels that a dry run did not plan', () => {
  const bad = SHIPPED.replace('  department:\n', '  department:\n    min_samples: 100000\n').replace(
    '  urgency:\n',
    '  urgency:\n    split: { train: 0.999999, eval: 0.0000005, test: 0.0000005 }\n',
  );
  const third = (sources = '') =>
    `${bad}\n  channel:\n    repo: ./channel\n    classes: [NORMAL, URGENT, HIGHLY URGENT]\n    sources:\n      misclassified: "SELECT id AS key, message AS text, urgency AS label FROM complaints WHERE id < 200"\n      correct: "SELECT id AS key, message AS text, ${sources || 'urgency'} AS label FROM complaints WHERE id > 300"\n`;

  test('keep their outcome, and the exit code is that of all', async () => {
    await site.run(['--dry-run'], { yaml: third() });
    const ended = await publish();
    expect(codes(ended)).toEqual(['skipped_insufficient_data', 'SPLIT_EMPTY', 'success']);
    expect(ended.exitCode).toBe(3);
    expect(codes(await publish(['--label', 'department', 'channel']))).toEqual([
      'skipped_insufficient_data',
      'success',
    ]);
    expect((await publish(['--label', 'department'])).exitCode).toBe(0);
  });

  test('a failed one is exit code 1, and nothing to ship has no digest to approve', async () => {
    await site.run(['--dry-run'], { yaml: third('nothing') });
    expect(planned().planDigest).toBeUndefined();
    const ended = await publish();
    expect(codes(ended)).toEqual(['skipped_insufficient_data', 'SPLIT_EMPTY', 'DATABASE_QUERY']);
    expect(ended.exitCode).toBe(1);
    expect(codes(await publish(['--plan-digest', '0123456789ab']))).toEqual(Array(3).fill('PLAN_CHANGED'));
  });
});

describe('--plan-digest', () => {
  beforeEach(dryRun);

  test('ships the plan that was approved, by its whole digest or the first 12 digits', async () => {
    const digest = planned().planDigest as string;
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(codes(await publish(['--plan-digest', digest.slice(0, 12).toUpperCase()]))).toEqual(['success', 'success']);
    expect(codes(await publish(['--plan-digest', digest]))).toEqual(['success', 'success']);
  });

  test('refuses any other, before anything is sent', async () => {
    const digest = planned().planDigest as string;
    const other = digest.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const ended = await publish(['--plan-digest', other]);
    expect(ended.exitCode).toBe(3);
    expect(codes(ended)).toEqual(['PLAN_CHANGED', 'PLAN_CHANGED']);
    expect(existsSync(inFolder('urgency'))).toBe(false);
  });

  test('a report that was edited is another plan, whatever it says of itself', async () => {
    const approved = planned().planDigest as string;
    const change = (report: RunReport) => Object.assign(planOf('urgency', report), { private: false });
    edit(change, { resign: false });
    expect(codes(await publish())).toEqual(['PLAN_CHANGED', 'PLAN_CHANGED']);
    edit(() => {});
    expect(codes(await publish(['--plan-digest', approved]))).toEqual(['PLAN_CHANGED', 'PLAN_CHANGED']);
  });

  test.each(['0123456789a', 'not hexadecimal', ''])('"%s" is bad usage', async (digest) => {
    expect((await publish(['--plan-digest', digest])).exitCode).toBe(2);
  });
});

describe('a plan that cannot be read', () => {
  const unreadable = async (): Promise<void> => {
    const before = snapshot(site.folder).filter((line) => !line.includes('config.yaml'));
    const { exitCode, world } = await publish();
    expect(world.stderr.text).toStartWith('PLAN_UNREADABLE\n');
    expect(exitCode).toBe(2);
    expect(snapshot(site.folder).filter((line) => !line.includes('config.yaml'))).toEqual(before);
  };

  test('because there is none', unreadable);

  test.each<[string, (report: RunReport) => unknown]>([
    ['of a run that was none', (report) => Object.assign(report, { dryRun: false })],
    ['of another version of the report', (report) => Object.assign(report, { reportVersion: 2 })],
    ['with a label twice', (report) => report.labels.push(structuredClone(report.labels[0] as never))],
    ['with a label that leaves the spool', (report) => Object.assign(report.labels[0] ?? {}, { label: '../../x' })],
    ['with a target that is none', (report) => Object.assign(report.labels[0] ?? {}, { target: 'no target' })],
    ['with a masked secret in a target', (report) => Object.assign(report.labels[0] ?? {}, { target: './***/x' })],
    ['with an outcome that no dry run has', (report) => delete report.labels[0]?.outcome],
    ['without its plan', (report) => delete report.labels[0]?.plan],
  ])('%s', async (_, change) => {
    dryRun();
    edit(change, { resign: false });
    await unreadable();
  });

  test.each<[string, Partial<PlanReport>]>([
    ['a directory above it', { directory: '../out/dry-run/department' }],
    ['an absolute directory', { directory: '/etc' }],
    ['a directory in another form', { directory: 'dry-run/../dry-run/department' }],
    ['the directory itself', { directory: '.' }],
    ['a version that is a path', { version: '../../../v20260101_000000' }],
    ['no fingerprint', { fingerprint: '' }],
    ['an empty head', { head: '' }],
    ['no metadata', { files: [] }],
  ])('because it names %s', async (_, change) => {
    dryRun();
    edit((report) => Object.assign(planOf('department', report), change));
    await unreadable();
  });

  test.each(['../report.json', '/etc/passwd', 'data/../../report.html', 'report.html', './README.md', 'README.md'])(
    'because it would ship %s',
    async (path) => {
      dryRun();
      edit((report) => planOf('department', report).files.push({ path, size: 1, sha256: 'a'.repeat(64) }));
      await unreadable();
    },
  );

  test('and quotes nothing of it that a terminal would obey', async () => {
    dryRun();
    edit((report) =>
      Object.assign(planOf('department', report), { directory: '../\u001b[2J\u009b2J\u202e\nINTERNAL' }),
    );
    const { world } = await publish();
    expect(world.stderr.text).toMatch(/^PLAN_UNREADABLE\n {2}[^\p{Cc}\p{Bidi_Control}]+\n {2}fix: [^\p{Cc}]+\n$/u);
  });

  test('because it is no JSON', async () => {
    mkdirSync(inFolder('out'));
    writeFileSync(inFolder('out/report.json'), '{');
    await unreadable();
  });

  test.each(['--force', '--resplit', '--allow-class-change', '--demo', '--check', '--out=x'])(
    '%s does not go with it',
    async (flag) => {
      const { exitCode, world } = await publish([flag]);
      expect(exitCode).toBe(2);
      expect(world.stderr.text).toStartWith('USAGE\n');
    },
  );

  test('--plan-digest goes with it only', async () => {
    expect((await site.run(['--plan-digest', '0123456789ab'])).exitCode).toBe(2);
  });
});

describe('--publish onto the Hub', () => {
  let hub: LocalHub;
  beforeEach(async () => {
    hub = await startLocalHub({ lfsThreshold: 1000 });
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  const clock = { now: () => new Date(), sleep: async () => {} };
  const env = (token = hub.token) => ({ HF_ENDPOINT: hub.url, HF_TOKEN: token });
  const targets = { DEPARTMENT_DATASET: 'tester/department', URGENCY_DATASET: 'tester/urgency' };
  const repo = (label = 'urgency') =>
    hub.repos.get(`datasets/tester/${label}`) as NonNullable<ReturnType<LocalHub['repos']['get']>>;
  const plan = async (argv: string[] = []) => {
    const ended = await site.run(['--dry-run', ...argv], { env: { ...env(hub.readToken), ...targets } });
    expect(ended.exitCode).toBe(0);
  };
  const ship = (argv: string[] = [], token = hub.token) => publish(argv, env(token), { clock });
  const writes = () => hub.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('paths-info'));
  const hashesAt = (label: string, revision: string) =>
    Object.fromEntries(
      [...repo(label).files(revision)]
        .filter(([path]) => path !== '.gitattributes')
        .map(([path, { content }]) => [path, sha256(content)]),
    );

  test('ships the very bytes of the report in one commit, and tags it', async () => {
    await plan();
    const ended = await ship();
    expect(ended.exitCode).toBe(0);
    for (const label of LABELS) {
      const { version, message } = planOf(label);
      expect(hashesAt(label, version)).toEqual(hashesOf(planOf(label)));
      expect(repo(label)).toMatchObject({ private: true, commits: [{}, { title: message }] });
      expect(repo(label).tags.get(version)).toBe(repo(label).branches.get('main') as string);
    }
    expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  });

  test('ships what was hashed, though the directory changes while it is sent', async () => {
    await plan();
    const wanted = hashesOf(planOf('urgency'));
    hub.fail({
      method: 'POST',
      path: /urgency\/preupload/,
      before: () => {
        for (const { path, size } of planOf('urgency').files)
          writeFileSync(inFolder('out/dry-run/urgency', path), Buffer.alloc(size, 'x'));
      },
    });
    expect(codes(await ship())).toEqual(['success', 'success']);
    expect(hashesAt('urgency', 'main')).toEqual(wanted);
  });

  test('deletes what the reviewed plan deletes, and no more', async () => {
    await plan();
    await ship();
    hub.commit('tester/urgency', { 'data/old-00000-of-00001.parquet': 'old', 'notes.md': 'mine' });
    await plan(['--force']);
    expect(planOf('urgency').deletions).toEqual(['data/old-00000-of-00001.parquet']);
    const honest = planned();
    for (const deletions of [[], ['data/old-00000-of-00001.parquet', 'notes.md']]) {
      edit((report) => Object.assign(planOf('urgency', report), { deletions }));
      expect(codes(await ship(['--label', 'urgency']))).toEqual(['PLAN_CHANGED']);
    }
    writeFileSync(inFolder('out/report.json'), formatReport(honest));
    expect(codes(await ship(['--label', 'urgency']))).toEqual(['success']);
    expect([...repo().files().keys()]).not.toContain('data/old-00000-of-00001.parquet');
    expect(repo().readText('notes.md')).toBe('mine');
  });

  test('a head that moved refuses, and names both', async () => {
    await plan();
    await ship();
    await plan(['--force']);
    const before = repo().branches.get('main') as string;
    const after = hub.commit('tester/urgency', { 'notes.md': 'mine' });
    const ended = await ship();
    expect(codes(ended)).toEqual(['success', 'PLAN_STALE']);
    const message = JSON.stringify(outcomes(ended)[1]);
    for (const said of [before.slice(0, 12), after.slice(0, 12), planOf('urgency').version.slice(0, 9)])
      expect(message).toContain(said);
    expect(repo().branches.get('main')).toBe(after);
  });

  test('a head that moves while the commit is sent refuses, too', async () => {
    await plan();
    await ship();
    await plan(['--force']);
    hub.fail({
      method: 'POST',
      path: /urgency\/commit\/main/,
      before: () => void hub.commit('tester/urgency', { 'notes.md': 'mine' }),
    });
    expect(codes(await ship())).toEqual(['success', 'PLAN_STALE']);
    expect(repo().tags.size).toBe(1);
  });

  test('a repo that is gone, or was made meanwhile with something in it, refuses', async () => {
    await plan();
    hub.createRepo('tester/urgency');
    hub.commit('tester/urgency', { 'README.md': '# Mine' });
    expect(codes(await ship())).toEqual(['success', 'PLAN_STALE']);
    await plan(['--force', '--label', 'department']);
    hub.repos.delete('datasets/tester/department');
    expect(codes(await ship())).toEqual(['PLAN_STALE']);
    expect(hub.repos.has('datasets/tester/department')).toBe(false);
  });

  test('a repo that was made meanwhile and is bare holds nothing that was not reviewed', async () => {
    await plan();
    hub.createRepo('tester/urgency');
    expect(codes(await ship())).toEqual(['success', 'success']);
    expect(hashesAt('urgency', 'main')).toEqual(hashesOf(planOf('urgency')));
  });

  test('a public repo refuses a plan that is private', async () => {
    await plan();
    hub.createRepo('tester/urgency', { private: false });
    expect(codes(await ship())).toEqual(['success', 'TARGET_PUBLIC']);
    expect(repo().commits).toHaveLength(1);
  });

  test('a tag that is taken refuses before anything is sent', async () => {
    await plan();
    await ship();
    await plan(['--force']);
    repo().tags.set(planOf('urgency').version, repo().commits[0]?.oid as string);
    const sent = writes().length;
    expect(codes(await ship(['--label', 'urgency']))).toEqual(['PLAN_STALE']);
    expect(writes()).toHaveLength(sent);
  });

  test('after a crash between commit and tag the next attempt only tags', async () => {
    await plan();
    hub.fail({ method: 'POST', path: /urgency\/tag\//, times: 100, answer: { status: 400 } });
    expect(codes(await ship())).toEqual(['success', 'TARGET_ANSWER']);
    expect(repo()).toMatchObject({ tags: new Map(), commits: [{}, {}] });
    await hub[Symbol.asyncDispose]();
    const { repos } = hub;
    hub = await startLocalHub({ lfsThreshold: 1000 });
    for (const [id, each] of repos) hub.repos.set(id, each);
    expect(outcomes(await ship(['--dry-run']))).toMatchObject([{ status: 'unchanged' }, { status: 'planned' }]);
    expect(writes()).toEqual([]);
    expect(codes(await ship())).toEqual(['success', 'success']);
    expect(repo().commits).toHaveLength(2);
    expect(repo().tags.get(planOf('urgency').version)).toBe(repo().branches.get('main') as string);
  });

  test('what landed and was edited before it was tagged is not tagged', async () => {
    await plan();
    hub.fail({ method: 'POST', path: /urgency\/tag\//, answer: { status: 400 } });
    expect(codes(await ship())).toEqual(['success', 'TARGET_ANSWER']);
    hub.commit('tester/urgency', { 'README.md': '# Mine' });
    expect(codes(await ship())).toEqual(['success', 'PLAN_STALE']);
    expect(repo().tags.size).toBe(0);
  });

  test.each(['drop', { status: 500 }] as const)(
    'a commit that landed and whose answer is %p is found',
    async (answer) => {
      await plan();
      hub.fail({ method: 'POST', path: /urgency\/commit\/main/, land: true, answer });
      expect(codes(await ship())).toEqual(['success', 'success']);
      expect(repo().commits).toHaveLength(2);
    },
  );

  test('a first commit that did not land, on a repo that was created for it, is sent again', async () => {
    await plan();
    hub.fail({ method: 'POST', path: /urgency\/commit\/main/, answer: { status: 500 } });
    expect(codes(await ship())).toEqual(['success', 'success']);
    expect(repo().commits).toHaveLength(2);
  });

  test('a read-only token can verify, and publishes nothing', async () => {
    await plan();
    expect(codes(await ship(['--dry-run'], hub.readToken))).toEqual(['planned', 'planned']);
    expect(writes()).toEqual([]);
    const ended = await ship([], hub.readToken);
    expect(codes(ended)).toEqual(['TARGET_FORBIDDEN', 'TARGET_FORBIDDEN']);
    expect(ended.exitCode).toBe(1);
    expect(codes(await ship([], ''))).toEqual(['TOKEN_MISSING', 'TOKEN_MISSING']);
    expect([...hub.repos.keys()]).toEqual([]);
  });

  test('no secret reaches any output', async () => {
    await plan();
    rmSync(inFolder('out/dry-run/urgency/README.md'));
    const { world } = await ship(['--verbose']);
    expect(world.stdout.text + world.stderr.text).not.toContain(hub.token);
  });
});
