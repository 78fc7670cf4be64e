import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Head } from '../../lib/edges/target.ts';
import { fileProblem, metadataProblem } from '../../lib/publish/files.ts';
import { historyOf, planDeletionProblem, planProblem, planStanding } from '../../lib/publish/plan.ts';
import { formatReport, parseReport } from '../../lib/report/json.ts';
import { planDigest } from '../../lib/report/plan-digest.ts';
import type { LabelReport, PlanReport, RunReport } from '../../lib/report/report.ts';
import { ended, runReport } from '../report/reports.ts';

const VERSION = 'v20260101_000000';
const FINGERPRINT = 'f'.repeat(64);
const HASH = 'a'.repeat(64);
const PATHS = ['data/train-00000-of-00001.parquet', 'README.md', 'dataset_metadata.json', 'splits.parquet'];
const METADATA = JSON.stringify({
  version_tag: VERSION,
  fingerprint: FINGERPRINT,
  files: { 'data/train-00000-of-00001.parquet': { size: 1, sha256: HASH } },
  ledger: { sha256: HASH },
});
const sha256 = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('hex');

const plan = (more: Partial<PlanReport> = {}): PlanReport => ({
  head: 'old',
  createsRepo: false,
  private: true,
  version: VERSION,
  message: 'Dataset update',
  fingerprint: FINGERPRINT,
  directory: 'dry-run/urgency',
  files: PATHS.map((path) => ({
    path,
    size: 1,
    sha256: path === 'dataset_metadata.json' ? sha256(METADATA) : HASH,
  })),
  deletions: [],
  restarts: [],
  setVariable: true,
  ...more,
});
const planned = (label: string, more: Partial<PlanReport> = {}): LabelReport => ({
  ...ended(label, { status: 'planned', version: VERSION, directory: '/x' }),
  plan: plan(more),
});
const dryRun = (...labels: LabelReport[]): RunReport => ({ ...runReport(labels), dryRun: true });

describe('planProblem()', () => {
  test('finds none in what a dry run writes', () => {
    const skipped = ended('channel', { status: 'skipped_insufficient_data', rows: 1, minimum: 2, stage: 'kept' });
    expect(planProblem(dryRun(planned('urgency'), planned('department', { head: null }), skipped))).toBeUndefined();
  });

  test('accepts one history, which is a place where runs can be kept', () => {
    const named = (...details: string[]): RunReport => ({
      ...dryRun(
        { ...planned('urgency'), target: 'acme/Urgency' },
        { ...planned('department'), target: './department' },
      ),
      effects: [
        { kind: 'email', detail: 'always', status: 'planned' },
        ...details.map((detail) => ({ kind: 'history' as const, detail, status: 'planned' as const })),
      ],
    });
    for (const detail of ['acme/runs', './runs', '/var/runs']) {
      expect(planProblem(named(detail))).toBeUndefined();
      expect(historyOf(named(detail).effects)).toBeDefined();
    }
    const hostile = [
      '',
      'runs',
      'acme/runs\n',
      './runs\n',
      'acme/***',
      '../***',
      'acme/../runs',
      'a/b/c',
      'acme/runs.git',
    ];
    for (const detail of hostile) {
      expect(planProblem(named(detail))).toContain('history');
      expect(historyOf(named(detail).effects)).toBeUndefined();
    }
    expect(planProblem(named('acme/runs', '../../x'))).toContain('history');
    for (const detail of ['acme/urgency', './department/', './x/../department'])
      expect(planProblem(named(detail))).toContain('is published');
  });

  test('its digest is of the history too', () => {
    const effects = (detail: string) => [{ kind: 'history' as const, detail, status: 'planned' as const }];
    const digests = [[], effects('acme/runs'), effects('acme/others')].map((each) =>
      planDigest({ ...dryRun(planned('urgency')), effects: each }),
    );
    expect(new Set(digests).size).toBe(3);
  });

  test('accepts a directory only where join() stays below', () => {
    const parts = fc.array(fc.constantFrom('..', '.', '', 'a', 'b', '...', 'c\\d', 'e\0'), { maxLength: 5 });
    fc.assert(
      fc.property(parts, (each) => {
        const directory = each.join('/');
        const isPlain = each.length > 0 && each.every((part) => /^(a|b|\.\.\.)$/.test(part));
        const accepted = planProblem(dryRun(planned('urgency', { directory }))) === undefined;
        if (accepted)
          expect(
            directory
              .replace(/\/$/, '')
              .split('/')
              .every((part) => /^(a|b|\.\.\.)$/.test(part)),
          ).toBe(true);
        if (isPlain) expect(accepted).toBe(true);
      }),
    );
  });
});

describe('planStanding()', () => {
  const head = (more: Partial<Exclude<Head, { state: 'absent' }>> = {}): Head => ({
    state: 'published',
    revision: 'old',
    files: [],
    metadata: undefined,
    card: undefined,
    ...more,
  });
  const ours = { metadata: METADATA, files: PATHS.map((path) => ({ path, size: 1 })) };
  const absent: Head = { state: 'absent' };
  const bare = head({ state: 'empty', revision: 'first', files: [{ path: '.gitattributes', size: 9 }] });

  test.each<[string, Head, [string, string][], Partial<PlanReport>, string]>([
    ['the same head', head(), [], {}, 'ready'],
    ['none, as then', absent, [], { head: null }, 'ready'],
    ['a bare repo where there was none', bare, [], { head: null }, 'ready'],
    ['a bare repo where there was a head', bare, [], {}, 'stale'],
    [
      'a repo with a card where there was none',
      head({ state: 'empty', files: [{ path: 'README.md', size: 1 }] }),
      [],
      { head: null },
      'stale',
    ],
    ['none where there was one', absent, [], {}, 'stale'],
    ['another head', head({ revision: 'new' }), [], {}, 'stale'],
    ['the same head, the tag taken', head(), [[VERSION, 'other']], {}, 'stale'],
    ['the same head that has the tag already', head(), [[VERSION, 'old']], {}, 'stale'],
    ['ours, untagged', head({ ...ours, revision: 'new' }), [], {}, 'landed'],
    ['ours, tagged', head({ ...ours, revision: 'new' }), [[VERSION, 'new']], {}, 'landed'],
    ['ours, and the tag elsewhere', head({ ...ours, revision: 'new' }), [[VERSION, 'other']], {}, 'stale'],
    ['ours with another metadata', head({ ...ours, metadata: `${METADATA} `, revision: 'new' }), [], {}, 'stale'],
    ['ours with another card', head({ ...ours, card: 'mine', revision: 'new' }), [], {}, 'stale'],
    [
      'ours with a shard of another size',
      head({ ...ours, files: ours.files.map((file) => ({ ...file, size: 2 })), revision: 'new' }),
      [],
      {},
      'stale',
    ],
    ['ours, after nothing', head({ ...ours, revision: 'new' }), [], { head: null }, 'landed'],
  ])('%s', (_, found, tags, more, state) => {
    expect(planStanding(found, new Map(tags), plan(more), undefined).state).toBe(state as never);
  });

  test('a version is named as such only where it looks like one', () => {
    const hostile = head({ revision: 'new', metadata: '{"version_tag": "\\u001b[2J"}' });
    expect(JSON.stringify(planStanding(hostile, new Map(), plan(), 'v20250101_000000'))).not.toContain('[2J');
  });

  test('deletions are exactly the shards that the head has and the plan has not', () => {
    const stale = head({
      files: ['data/train-00000-of-00002.parquet', 'notes.md', ...PATHS].map((path) => ({ path, size: 1 })),
    });
    expect(planDeletionProblem(stale, plan({ deletions: ['data/train-00000-of-00002.parquet'] }))).toBeUndefined();
    for (const deletions of [[], ['notes.md'], ['data/train-00000-of-00002.parquet', 'notes.md']])
      expect(planDeletionProblem(stale, plan({ deletions }))).toContain(
        deletions.includes('notes.md') ? 'notes.md' : 'train',
      );
  });
});

describe('files', () => {
  test('are wrong by size, by hash, or by what lies there instead', () => {
    const wanted = { path: 'README.md', size: 2, sha256: HASH };
    expect(fileProblem(wanted, { size: 2, sha256: HASH })).toBeUndefined();
    for (const found of [
      { size: 3 },
      { size: 3, sha256: HASH },
      { size: 2, sha256: 'b'.repeat(64) },
      { size: 2 },
      'is gone',
    ])
      expect(fileProblem(wanted, found)).toStartWith('README.md ');
  });

  test.each<[string, Record<string, unknown>]>([
    ['version_tag', { version_tag: 'v20260101_000001' }],
    ['fingerprint', { fingerprint: HASH }],
    ['ledger', { ledger: { sha256: FINGERPRINT } }],
    ['hash of a shard', { files: { 'data/train-00000-of-00001.parquet': { sha256: FINGERPRINT } } }],
    ['lack of a shard', { files: {} }],
    ['shard too many', { files: { ...JSON.parse(METADATA).files, 'data/x-00000-of-00001.parquet': { sha256: HASH } } }],
    ['shape', { files: 3 }],
  ])('do not fit a metadata with another %s', (_, change) => {
    expect(metadataProblem(plan(), METADATA)).toBeUndefined();
    expect(metadataProblem(plan(), JSON.stringify({ ...JSON.parse(METADATA), ...change }))).toBeString();
  });
});

describe('planDigest()', () => {
  const report = dryRun(planned('department'), planned('urgency', { deletions: ['data/old-00000-of-00001.parquet'] }));

  test('is the same after report.json was written and read, and whatever else the report says', () => {
    const digest = planDigest(report);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(planDigest(parseReport(formatReport(report)))).toBe(digest as string);
    const skipped = ended('x', { status: 'skipped_insufficient_data', rows: 1, minimum: 2, stage: 'kept' });
    expect(planDigest({ ...report, seconds: 99, labels: [...report.labels, skipped] } as RunReport)).toBe(
      digest as string,
    );
    expect(planDigest(dryRun(skipped))).toBeUndefined();
  });

  const changes: [string, (label: LabelReport, plan: PlanReport) => void][] = [
    ['label', (label) => Object.assign(label, { label: 'other' })],
    ['target', (label) => Object.assign(label, { target: 'acme/other' })],
    ['head', (_, each) => Object.assign(each, { head: null })],
    ['version', (_, each) => Object.assign(each, { version: 'v20260101_000001' })],
    ['message', (_, each) => Object.assign(each, { message: 'other' })],
    ['visibility', (_, each) => Object.assign(each, { private: false })],
    ['hash', (_, each) => Object.assign(each.files[0] ?? {}, { sha256: FINGERPRINT })],
    ['path', (_, each) => Object.assign(each.files[0] ?? {}, { path: 'data/x-00000-of-00001.parquet' })],
    ['order of files', (_, each) => each.files.reverse()],
    ['file less', (_, each) => each.files.pop()],
    ['deletion less', (_, each) => each.deletions.pop()],
    ['outcome', (label) => Object.assign(label, { outcome: { status: 'unchanged', version: VERSION } })],
  ];
  test.each(changes)('is another with another %s', (_, change) => {
    const other = structuredClone(report);
    change(other.labels[1] as LabelReport, other.labels[1]?.plan as PlanReport);
    expect(planDigest(other)).not.toBe(planDigest(report) as string);
  });
});
