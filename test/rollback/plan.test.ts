import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import fc from 'fast-check';
import { parseDocument } from 'yaml';
import { formatMetadata } from '../../lib/dataset/metadata.ts';
import { planRollbackCard, planUnheldCard } from '../../lib/rollback/card.ts';
import { planData } from '../../lib/rollback/data.ts';
import { fingerprintOf, planRollbackMetadata, planUnheldMetadata, type Rollback } from '../../lib/rollback/metadata.ts';

setDefaultTimeout(30_000); // a property has a hundred cases

const shard = (split: string, sha256 = 'a'.repeat(64)) => ({
  path: `data/${split}-00000-of-00001.parquet`,
  size: 3,
  sha256,
});
const ROLLBACK: Rollback = {
  tag: 'v20260101_000000',
  reason: 'bad labels',
  version: 'v20260301_000000',
  createdAt: new Date('2026-03-01T00:00:00.123Z'),
  message: 'back',
  previousVersion: 'v20260201_000000',
  shards: [shard('train'), shard('test')],
  fingerprint: 'f'.repeat(64),
};
const HUB = { spec: { target: { kind: 'hub', repo: 'acme/topic' } as const } };
const FOLDER = { spec: { target: { kind: 'directory', path: './topic' } as const } };

const block = (version: string, description = 'About complaints.') => `<!-- prepare-dataset:start -->

# Topic

${description}

## Load

\`\`\`python
from datasets import load_dataset

dataset = load_dataset("acme/topic", revision="${version}")
\`\`\`

## Version

- Tag: \`${version}\`, after \`v20250101_000000\`
- Made at: 2026-01-01T00:00:00.000Z
- Split: train 0.8, test 0.2

<!-- prepare-dataset:end -->`;
const card = (version: string, rows: number, more = '') =>
  `---\nlicense: mit\ndataset_info:\n  dataset_size: ${rows}\nsize_categories: [n<1K]\nconfigs: [{ config_name: default }]\n---\n\nAbove.\n\n${block(version)}\n\nBelow.\n${more}`;

describe('planRollbackMetadata()', () => {
  const facts = { targetName: 'acme/topic', label: 'topic', program: '9.9.9' };
  const head = {
    version_tag: 'v20260201_000000',
    ledger: { file: 'splits.parquet', sha256: 'l', key_id: null, more: 1 },
  };
  const plan = (to: object | undefined) =>
    planRollbackMetadata(facts, ROLLBACK, { from: JSON.stringify(head), to: to && JSON.stringify(to) });

  test('keeps what the version says, and replaces what is of the head or new', () => {
    const to = {
      dataset_name: 'old/name',
      num_samples: 7,
      mine: [1],
      ledger: { sha256: 'old' },
      version_tag: 'x',
      hold: {},
    };
    expect(plan({ ...to, previous_version: 'y', pipeline_version: '0', rolled_back_to: 'z', files: {} })).toEqual({
      dataset_name: 'old/name',
      label_column: 'topic',
      num_samples: 7,
      mine: [1],
      version_tag: 'v20260301_000000',
      created_at: '2026-03-01T00:00:00.123Z',
      commit_message: 'back',
      fingerprint: 'f'.repeat(64),
      files: Object.fromEntries(ROLLBACK.shards.map(({ path, size, sha256 }) => [path, { size, sha256 }])),
      ledger: head.ledger,
      previous_version: 'v20260201_000000',
      pipeline_version: '9.9.9',
      rolled_back_to: 'v20260101_000000',
      hold: { since: '2026-03-01T00:00:00.123Z', reason: 'bad labels', version: 'v20260101_000000' },
    });
  });

  test('leaves unsaid what a version without metadata does not say', () => {
    expect(Object.keys(plan(undefined))).toEqual([
      'dataset_name',
      'label_column',
      'version_tag',
      'created_at',
      'commit_message',
      'fingerprint',
      'files',
      'ledger',
      'previous_version',
      'pipeline_version',
      'rolled_back_to',
      'hold',
    ]);
  });

  test('without the hold is the same without the hold', () => {
    const { hold, ...rest } = plan({ num_samples: 7 });
    expect(hold).toBeDefined();
    expect(planUnheldMetadata(formatMetadata({ ...rest, hold }))).toEqual(rest);
  });
});

describe('fingerprintOf()', () => {
  test('is the version’s own, or is made of its files, whatever their order', () => {
    expect(fingerprintOf({ fingerprint: 'e'.repeat(64) }, [])).toBe('e'.repeat(64));
    const [a, b] = [shard('train', 'a'), shard('test', 'b')];
    const made = fingerprintOf(undefined, [a, b]);
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprintOf({ fingerprint: 'short' }, [b, a])).toBe(made);
    expect(fingerprintOf(undefined, [a, shard('test', 'c')])).not.toBe(made);
  });
});

describe('planData()', () => {
  const [train, test1] = [shard('train'), shard('test')];
  test.each([
    [
      'what the metadata names',
      { [train.path]: { size: 3, sha256: 'x' } },
      [{ path: train.path, size: 3, sha256: 'x' }],
    ],
    [
      'all shards where it names none',
      undefined,
      [train, test1].map(({ path, size }) => ({ path, size, sha256: undefined })),
    ],
    ['a path that leads out', { '../../x': { size: 3 } }, { problem: '../../x is not named as a data file is' }],
    ['a file that is gone', { [shard('eval').path]: { size: 3 } }, { problem: `${shard('eval').path} is gone` }],
    ['no file at all', {}, { problem: 'it names no data files' }],
  ])('%s', (_, named, wanted) => {
    expect(planData({ files: [train, test1, { path: 'README.md', size: 1 }] }, named && { files: named })).toEqual(
      wanted,
    );
  });

  test('data that is no shard cannot be published again', () => {
    expect(planData({ files: [{ path: 'train.csv', size: 1 }] }, undefined)).toHaveProperty('problem');
  });
});

describe('planRollbackCard()', () => {
  const from = card('v20260201_000000', 900, '\nBy a person.\n').replace('mit', 'apache-2.0');
  const to = card('v20260101_000000', 70);
  const yamlOf = (text: string) => {
    const [, yaml = ''] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
    const document = parseDocument(yaml);
    expect(document.errors).toEqual([]);
    return document.toJS();
  };

  test('is the version’s block with new names, between what people wrote on the head’s', () => {
    const made = planRollbackCard(HUB, ROLLBACK, { from, to });
    expect(yamlOf(made)).toMatchObject({ license: 'apache-2.0', dataset_info: { dataset_size: 70 } });
    expect(made).toContain('\nAbove.\n');
    expect(made).toContain('\nBy a person.\n');
    expect(made).toContain('revision="v20260301_000000")');
    expect(made).toContain(
      '- Tag: `v20260301_000000`, after `v20260201_000000`\n- Made at: 2026-03-01T00:00:00.123Z\n- Rows: those of <code>v20260101_000000</code>, to which the dataset was rolled back.\n- Split: ',
    );
    expect(made).toContain(
      '> **Rolled back** on 2026-03-01 00:00:00 UTC from <code>v20260201_000000</code> to the rows of <code>v20260101_000000</code>: bad labels\n',
    );
  });

  test('is not led astray by a description that looks like its own lines', () => {
    const line = '- Tag: `x`\n- Made at: y';
    const made = planRollbackCard(HUB, ROLLBACK, { from, to: to.replace('About complaints.', line) });
    expect(made).toContain(`# Topic\n\n${line}\n\n## Load`);
    expect(made).toContain('- Tag: `v20260301_000000`, after');
  });

  test('has a block of its own where the version has none, and no figures that nobody knows', () => {
    const made = planRollbackCard(FOLDER, ROLLBACK, { from, to: '# By the Python service' });
    expect(yamlOf(made)).toEqual({
      license: 'apache-2.0',
      configs: [
        {
          config_name: 'default',
          data_files: [
            { split: 'train', path: 'data/train-*' },
            { split: 'test', path: 'data/test-*' },
          ],
        },
      ],
    });
    expect(made).toContain('load_dataset("./topic")');
    expect(made).toContain('**Rolled back**');
    expect(made).not.toContain('By the Python service');
    expect(planRollbackCard(FOLDER, ROLLBACK, { from: undefined, to: undefined })).toContain('**Rolled back**');
  });

  test('planUnheldCard() takes the notice away, and nothing else', () => {
    const made = planRollbackCard(HUB, ROLLBACK, { from, to });
    const unheld = planUnheldCard(made);
    expect(unheld).not.toContain('Rolled back');
    expect(unheld).not.toContain('prepare-dataset:held');
    expect(planUnheldCard(unheld)).toBe(unheld);
    expect(made.replace(/<!-- prepare-dataset:held -->[\s\S]*held-end -->\n\n/, '')).toBe(unheld);
    const twice = planRollbackCard(HUB, ROLLBACK, { from: made, to: made });
    expect(twice.match(/Rolled back/g)).toHaveLength(1);
    const quoted = 'A person writes <!-- prepare-dataset:held --> x <!-- prepare-dataset:held-end -->\n\nhere.';
    expect(planUnheldCard(quoted)).toBe(quoted);
  });

  test('whatever the reason says, it is one line of text, and goes with the notice', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(
        '\n---\nlicense: evil\n---\n',
        '<!-- prepare-dataset:end -->',
        '<!-- prepare-dataset:held-end -->\n\n# Mine',
        '`</code><script>alert(1)</script>',
        '[x](javascript:1) ![y](http://z) @all #1',
        '| a | b |\n|---|---|',
        "$& $` $' $1",
      ),
    );
    const plain = planUnheldCard(planRollbackCard(HUB, ROLLBACK, { from, to }));
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 3 }), (parts) => {
        const made = planRollbackCard(HUB, { ...ROLLBACK, reason: parts.join(' ') }, { from, to });
        const [notice = '', ...others] = made.split('\n').filter((line) => line.startsWith('> **Rolled back**'));
        expect(others).toEqual([]);
        expect(notice.slice(1).replace(/<\/?code>|<span>\$<\/span>/g, '')).not.toMatch(/[<>|`[\]@]|\p{Cc}/u);
        expect(planUnheldCard(made)).toBe(plain);
        expect(yamlOf(made)).toEqual(yamlOf(plain));
      }),
    );
  });
});
