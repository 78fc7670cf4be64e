import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DROP_REASONS } from '../../lib/report/report.ts';
import { main } from '../../pipeline.ts';
import { Site } from './site.ts';
import type { TestWorldOptions } from './world.ts';

const YAML = `version: 1
database: { url: '\${POSTGRES_URL}' }
defaults:
  min_samples: 0
  max_text_bytes: 100
  clean: [urls, { pattern: '<.*?>', replace: '' }, whitespace]
  sources:
    misclassified: SELECT key, text, label FROM reviewed
    correct: SELECT key, text, label FROM unreviewed
  ratios: { correct: 10 }
labels:
  topic: { repo: ./topic, classes: [Apple, Banana] }
`;
const TABLES = `CREATE TABLE reviewed (key text, text text, label text); CREATE TABLE unreviewed (LIKE reviewed);
INSERT INTO reviewed SELECT 'p' || i, 'plain ' || i, (ARRAY['Apple', 'Banana'])[1 + i % 2] FROM generate_series(1, 40) i;`;

let site: Site;
beforeEach(async () => {
  site = await Site.open(TABLES);
});
afterEach(() => site[Symbol.asyncDispose]());

type Row = [key: string, text: string | null, label: string | null];
const quoted = (value: string | null) => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`);
const insert = (table: string, ...rows: Row[]) =>
  site.sql(`INSERT INTO ${table} VALUES ${rows.map((row) => `(${row.map(quoted).join(', ')})`).join(', ')};`);

interface Answer {
  exitCode: number;
  text: string;
  errors: string;
}

async function run(argv: string[], { yaml = YAML, ...options }: TestWorldOptions & { yaml?: string } = {}) {
  writeFileSync(join(site.folder, 'pipeline.config.yaml'), yaml);
  const world = site.world(options);
  const exitCode = await main(argv, world);
  return { exitCode, text: world.stdout.text, errors: world.stderr.text } satisfies Answer;
}

const explain = (key: string, options: TestWorldOptions & { yaml?: string } = {}, ...argv: string[]) =>
  run(['--explain', key, ...argv], options);

/** What the answer says under a term, on one line. */
const said = ({ text }: Answer, term: string) =>
  new RegExp(`^  ${term} +(.*(?:\\n {12}\\S.*)*)`, 'm').exec(text)?.[1]?.replace(/\s+/g, ' ').trim();

describe('a row that was dropped', () => {
  beforeEach(async () => {
    await insert(
      'reviewed',
      ['dk', 'one', 'Apple'],
      ['dk', null, 'Banana'],
      ['nt', null, 'Apple'],
      ['tl', 'म'.repeat(34), 'Apple'],
      ['nl', 'no label', null],
      ['uc', 'unknown', 'Aple'],
      ['et', ' <p> ', 'Apple'],
      ['c1', 'conflict', 'Apple'],
      ['c2', 'conflict', 'Banana'],
      ['d1', 'twice', 'Apple'],
      ['d2', ' twice <br>', 'Apple'],
      ['r', 'reviewed wins', 'Apple'],
    );
    await insert('unreviewed', ['r2', 'reviewed wins', 'Banana']);
  });

  test.each([
    ['duplicate_key', 'dk', ['misclassified', '"Apple"']],
    ['null_text', 'nt', []],
    ['too_long', 'tl', ['102 bytes', '100']],
    ['null_label', 'nl', []],
    ['unknown_class', 'uc', ['"Aple"', '"Apple"']],
    ['empty_text', 'et', []],
    ['conflict', 'c1', ['"Apple" (1 reviewed, 0 unreviewed)', '"Banana" (1 reviewed, 0 unreviewed)', 'none']],
    [
      'conflict',
      'r2',
      ['"Apple" (1 reviewed, 0 unreviewed)', '"Banana" (0 reviewed, 1 unreviewed)', '"Apple" is kept'],
    ],
    ['duplicate', 'd2', ['"d1"']],
  ])('is told its reason %s and the facts behind it', async (reason, key, facts) => {
    const answer = await explain(key);
    expect(answer.exitCode).toBe(0);
    expect(said(answer, 'dropped')).toStartWith(`${reason}:`);
    for (const fact of facts) expect(said(answer, 'dropped')).toContain(fact);
  });

  test('is there for each reason', () => {
    const tried = ['dk', 'nt', 'tl', 'nl', 'uc', 'et', 'c1', 'd2'];
    expect(tried).toHaveLength(DROP_REASONS.length);
  });

  test('is in the split of the row that stands for its text', async () => {
    const [other, own] = [await explain('d1'), await explain('d2')];
    expect(said(other, 'kept')).toContain('Apple');
    expect(said(own, 'split')?.split(':')[0]).toBe(said(other, 'split')?.split(':')[0] as string);
  });

  test('shows every step before and after', async () => {
    const { text } = await explain('d2');
    expect(text).toMatch(/urls +no change\n/);
    expect(text).toMatch(/<\.\*\?> +changed\n.*twice \[-<br>-\]\n/);
    expect(text).toMatch(/whitespace +changed\n.*\[-␣-\]twice/);
  });

  test('where conflicts fail the label, says so and ends with its exit code', async () => {
    const answer = await explain('c1', { yaml: `${YAML.replace('classes:', 'conflicts: fail, classes:')}` });
    expect(answer.exitCode).toBe(3);
    expect(said(answer, 'dropped')).toStartWith('conflict:');
    expect(said(answer, 'outcome')).toContain('CONFLICTS');
  });
});

describe('a row that is kept', () => {
  test('is new, or remembered since the version that first had its text', async () => {
    const fresh = await explain('p7');
    expect(said(fresh, 'split')).toMatch(/^(train|eval|test): new/);
    expect(said(fresh, 'outcome')).toMatch(/^planned v\d{8}_\d{6}$/);
    await run([]);
    const version = JSON.parse(readFileSync(join(site.folder, 'topic/dataset_metadata.json'), 'utf8')).version_tag;
    await insert('reviewed', ['new', 'another', 'Apple']);
    await run([]);
    const known = await explain('p7');
    expect(said(known, 'split')).toContain(`has been there since ${version}`);
    expect(said(known, 'split')?.split(':')[0]).toBe(said(fresh, 'split')?.split(':')[0] as string);
    expect(said(known, 'outcome')).toStartWith('unchanged');
  });

  test('is remembered by its key where its text is another one now, or by a key with the same text', async () => {
    await run([]);
    const before = said(await explain('p7'), 'split')?.split(':')[0] as string;
    await site.sql(`UPDATE reviewed SET text = 'edited' WHERE key = 'p7'`);
    await insert('reviewed', ['p0', 'edited', 'Banana']);
    expect(said(await explain('p7'), 'split')).toMatch(new RegExp(`^${before}: its key has been there since v`));
    expect(said(await explain('p0'), 'split')).toMatch(new RegExp(`^${before}: key "p7".* since v`));
    await run([]);
    expect(said(await explain('p7'), 'split')).toMatch(new RegExp(`^${before}: its text has been there since v`));
  });

  test('that is gone, or dropped now, is still known to the ledger', async () => {
    await run([]);
    await site.sql(`DELETE FROM reviewed WHERE key = 'p7'; UPDATE reviewed SET label = 'Cherry' WHERE key = 'p8'`);
    for (const key of ['p7', 'p8']) expect(said(await explain(key), 'published')).toMatch(/since v\d{8}_\d{6}/);
  });
});

describe('a row that is not there', () => {
  test('in any source, in any label, is no error', async () => {
    const yaml = `${YAML}  other: { repo: ./other, classes: [Apple, Banana] }\n`;
    const answer = await explain('nobody', { yaml });
    expect(answer.exitCode).toBe(0);
    expect(answer.text.match(/^ {2}found .*neither/gm)).toHaveLength(2);
    expect(said(answer, 'outcome')).toBeUndefined();
    const one = await explain('nobody', { yaml }, '--label', 'other');
    expect(one.text).toContain('other →');
    expect(one.text).not.toContain('topic →');
  });

  test('in the sample is told its rank, and how many were asked for', async () => {
    await site.sql(
      `INSERT INTO unreviewed SELECT 'u' || i, 'unreviewed ' || i, 'Apple' FROM generate_series(1, 100) i`,
    );
    const yaml = YAML.replace('correct: 10', 'misclassified: 0.5, correct: 1');
    const rank = (table: string, at: number) =>
      site.sql(`SELECT key FROM ${table} ORDER BY md5('sample:42:' || key)::uuid OFFSET ${at - 1} LIMIT 1`);
    for (const [table, of] of [
      ['reviewed', 40],
      ['unreviewed', 100],
    ] as const) {
      const [last, first] = [await rank(table, 20), await rank(table, 21)];
      expect(said(await explain(last, { yaml }), 'kept')).toBeDefined();
      expect(said(await explain(first, { yaml }), 'left out')).toMatch(new RegExp(`\\b20 of ${of} .*\\b21$`));
    }
  });

  test('in the correct source counts as misclassified where it is in both', async () => {
    await insert('unreviewed', ['p7', 'plain 7', 'Banana']);
    const answer = await explain('p7');
    expect(answer.text.match(/^ {2}found .*/gm)).toHaveLength(2);
    expect(answer.text).toContain('counts as misclassified');
    expect(said(answer, 'dropped')).toStartWith('duplicate_key:');
    expect(said(answer, 'kept')).toBeDefined();
  });
});

describe('a label that ends before', () => {
  test('because it has too few rows, still says what was found and cleaned', async () => {
    const answer = await explain('p7', { yaml: YAML.replace('min_samples: 0', 'min_samples: 1000') });
    expect(answer.exitCode).toBe(0);
    expect(said(answer, 'found')).toContain('"Banana"');
    expect(answer.text).toContain('no change');
    expect(said(answer, 'outcome')).toContain('1,000');
  });

  test('because a query fails, says so beside the other labels, and ends with 1', async () => {
    const bad = 'sources: { misclassified: SELECT nothing AS key FROM reviewed, correct: SELECT 1 AS key }';
    const answer = await explain('p7', { yaml: `${YAML}  other: { repo: ./other, classes: [A], ${bad} }\n` });
    expect(answer.exitCode).toBe(1);
    expect(answer.text).toContain('DATABASE_QUERY');
    expect(said(answer, 'kept')).toContain('Banana');
  });
});

describe('what is hostile stays harmless', () => {
  test.each([`'; DROP TABLE reviewed; --`, `x' OR '1'='1`, `"\\ $1 %s \${HOME}`, '-5', 'क्षि १२', '$salt'])(
    'the key %s is found, and is only a key',
    async (key) => {
      await insert('reviewed', [key, 'a text of its own', 'Apple']);
      await run([]);
      const answer = await run([`--explain=${key}`]);
      expect(answer.exitCode).toBe(0);
      expect(answer.text.match(/^ {2}found /gm)).toHaveLength(1);
      expect(said(answer, 'split')).toMatch(/since v/);
    },
  );

  test('a key compares in its text form', async () => {
    await site.sql(
      `CREATE TABLE numbered AS SELECT i AS key, 'n ' || i AS text, i % 2 = 0 AS label FROM generate_series(1, 40) i`,
    );
    const yaml = `${YAML.replace('[Apple, Banana]', '[true, false]').replace('FROM reviewed', 'FROM numbered')}`;
    expect(said(await explain('7', { yaml }), 'kept')).toBe('class false');
    expect(said(await explain('7.0', { yaml }), 'found')).toContain('neither');
  });

  test.each([undefined, 40, 80])(
    'escape sequences and turned directions do not get through, at %p columns',
    async (columns) => {
      const hostile = '\x1b]0;title\x07\x1b[2J<b>\u202eevil\u2066</b>\r\n\u0085 \u2028\ufeff';
      await insert('reviewed', ['\x1b[31mkey\u202e', hostile, 'Apple'], ['value', 'plain', `\x1b[31m${hostile}`]);
      for (const key of ['\x1b[31mkey\u202e', 'value']) {
        const { text } = await explain(key, { env: { NO_COLOR: '1' }, ...(columns ? { columns } : {}) });
        expect(text).toContain('\\u{1b}');
        expect(text.match(/[^\P{C}\n\u200c\u200d]|[\u2028\u2029]/gu)).toBeNull();
      }
    },
  );

  test.each([40, 80])(
    'no line is wider than a terminal of %p columns, and nothing is lost in breaking',
    async (columns) => {
      const text = `${'अत्यन्त लामो '.repeat(3)}${'x'.repeat(40)}`;
      await insert('reviewed', ['k'.repeat(50), text, 'Apple']);
      const yaml = YAML.replace('max_text_bytes: 100', 'max_text_bytes: 1000');
      const answer = await explain('k'.repeat(50), { yaml, columns, env: { NO_COLOR: '1' } });
      for (const line of answer.text.split('\n')) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
      expect(answer.text.replace(/\s+/g, '')).toContain(text.replace(/\s+/g, ''));
    },
  );

  test('colours are for terminals only', async () => {
    expect((await explain('p7', { columns: 80 })).text).toContain('\x1b[');
    expect((await explain('p7', { columns: 80, env: { NO_COLOR: '1' } })).text).not.toContain('\x1b[');
    expect((await explain('p7')).text).not.toContain('\x1b[');
  });

  test('e-mail addresses and telephone numbers are masked unless they are asked for as they are', async () => {
    await insert('reviewed', ['p', 'call ९८४१२३४५६७ or  write to me@example.org', 'Apple']);
    const { text } = await explain('p');
    expect(text).toContain('[phone]');
    expect(text).toContain('[e-mail]');
    expect(text).not.toMatch(/९८४१|example\.org/);
    expect((await explain('p', {}, '--raw-samples')).text).toContain('me@example.org');
  });

  test('secrets are masked, wherever they stand', async () => {
    const secret = 'canary-4711-long-enough';
    const text = `<b>see ${secret}</b>`;
    await insert(
      'reviewed',
      ['a', text, 'Apple'],
      ['b', 'text', secret],
      [secret, 'text 2', 'Apple'],
      ['d', 'text 2', 'Apple'],
    );
    for (const key of ['a', 'b', secret, 'd']) {
      const { text, errors } = await explain(key, { env: { API_KEY: secret } });
      expect(text + errors).not.toContain('canary');
      expect(text).toContain('***');
    }
  });

  test('--samples 0 shows no text at all, and still which step changed it', async () => {
    await insert('reviewed', ['a', '<b>private</b> words', 'Apple']);
    const { text } = await explain('a', {}, '--samples', '0');
    expect(text).not.toMatch(/private|words/);
    expect(text).toMatch(/<\.\*\?> +changed/);
  });
});

describe('nothing is written', () => {
  const tree = () =>
    readdirSync(site.folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => `${name} ${statSync(join(site.folder, name)).mtimeMs}`);

  test('not to the target, not below --out, not beside it, whatever the outcome', async () => {
    await run(['--dry-run']);
    await run([]);
    await insert('reviewed', ['new', 'another', 'Apple']);
    const before = tree();
    expect(before.some((name) => name.startsWith('out/dry-run/topic/data'))).toBe(true);
    for (const yaml of [
      YAML,
      YAML.replace('min_samples: 0', 'min_samples: 1000'),
      YAML.replace('Apple, Banana', 'B'),
    ]) {
      writeFileSync(join(site.folder, 'pipeline.config.yaml'), YAML);
      await explain('p7', { yaml });
      expect(tree().filter((name) => !name.startsWith('pipeline'))).toEqual(
        before.filter((name) => !name.startsWith('pipeline')),
      );
    }
  });

  test.each([['--json'], ['--check'], ['--publish', 'out']])('and %s does not go with it', async (...flags) => {
    const answer = await explain('p7', {}, ...(flags as string[]));
    expect(answer.exitCode).toBe(2);
    expect(answer.errors).toStartWith('USAGE');
  });
});
