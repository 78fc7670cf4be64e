import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { LabelReport } from '../../lib/report/report.ts';
import { fillPlain, SHIPPED, Site } from './site.ts';

let site: Site;
beforeEach(async () => {
  site = await Site.open();
});
afterEach(async () => {
  expect(readdirSync(site.folder).filter((name) => name.startsWith('prepare-dataset-'))).toEqual([]); // no spool is left
  await site[Symbol.asyncDispose]();
});

const published = (name: string) => join(site.folder, name);
const metadata = (name: string) => JSON.parse(readFileSync(join(published(name), 'dataset_metadata.json'), 'utf8'));
const dataHashes = (folder: string) =>
  readdirSync(join(folder, 'data'))
    .sort()
    .map((name) =>
      createHash('sha256')
        .update(readFileSync(join(folder, 'data', name)))
        .digest('hex'),
    );
const labelOf = (labels: LabelReport[], name: string) => labels.find(({ label }) => label === name) as LabelReport;
const totalDropped = ({ dropped = {} }: LabelReport) => Object.values(dropped).reduce((sum, rows) => sum + rows, 0);

describe('the shipped spec on the real tables', () => {
  test('publishes both labels, and says how many rows went where', async () => {
    await site.sql(fillPlain(1000, 400));
    const { exitCode, report, world } = await site.run();
    expect(exitCode).toBe(0);
    expect(report.labels.map(({ label, outcome }) => [label, outcome?.status])).toEqual([
      ['department', 'success'],
      ['urgency', 'success'],
    ]);
    for (const label of report.labels) {
      expect(label.fetched).toMatchObject({ misclassified: 400, asked: 200, correct: 200, total: 600 });
      expect(label.kept?.total).toBe(600 - totalDropped(label));
      expect(metadata(label.label).num_samples).toBe(label.kept?.total);
      expect(readlinkSync(published(label.label))).toMatch(/^\.\w+\/v\d{8}_\d{6}$/);
    }
    for (const line of [
      "Fetching misclassified data for 'urgency'...",
      "Retrieved 600 records for 'urgency'.",
      "Successfully pushed 'urgency' dataset",
    ])
      expect(world.stderr.text).toContain(line);
  });

  test('a second run on the same data writes nothing', async () => {
    await site.sql(fillPlain(300, 100));
    await site.run();
    const { report } = await site.run();
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['unchanged', 'unchanged']);
    expect(readdirSync(join(site.folder, '.urgency')).filter((name) => name.startsWith('v'))).toHaveLength(1);
  });

  test('gives the same bytes on another day, with rows physically reordered', async () => {
    await site.sql(fillPlain(2000, 800));
    await site.run();
    await site.sql(
      'CREATE TABLE shuffled AS SELECT * FROM complaints ORDER BY md5(id::text); DELETE FROM complaints WHERE id > 800; INSERT INTO complaints SELECT * FROM shuffled WHERE id > 800; UPDATE complaints SET ward_id = 1 WHERE id <= 800 AND id % 3 = 0; DROP TABLE shuffled;',
    );
    const clock = { now: () => new Date('2031-07-01T12:00:00Z'), sleep: async () => {} };
    const { report } = await site.run(['--dry-run', '--force', '--out', './later'], { clock });
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['planned', 'planned']);
    for (const label of ['department', 'urgency'])
      expect(dataHashes(join(site.folder, 'later/dry-run', label))).toEqual(dataHashes(published(label)));
  });

  test('takes the latest review of a record that was reported more than once, once', async () => {
    await site.sql(fillPlain(300, 100));
    await site.sql(`INSERT INTO misclassified_complaints (complaint_id, model_predicted_urgency, correct_urgency, reviewed, reviewed_at)
      SELECT id, 'NORMAL', 'URGENT', true, timestamptz '2027-01-01' FROM complaints WHERE id <= 50`);
    const { report } = await site.run(['--label', 'urgency']);
    expect(labelOf(report.labels, 'urgency').fetched?.misclassified).toBe(100);
    expect(
      metadata('urgency').class_counts.train.URGENT +
        metadata('urgency').class_counts.eval.URGENT +
        metadata('urgency').class_counts.test.URGENT,
    ).toBeGreaterThanOrEqual(75); // 50 corrected, half of the rest
  });

  test('leaves out what nobody reviewed, or reviewed for the other label only', async () => {
    await site.sql(fillPlain(300, 100));
    await site.sql(
      'UPDATE misclassified_complaints SET reviewed = false WHERE complaint_id <= 10; UPDATE misclassified_complaints SET correct_urgency = NULL WHERE complaint_id BETWEEN 11 AND 30;',
    );
    const { report } = await site.run();
    expect(report.labels.map(({ fetched }) => fetched?.misclassified)).toEqual([90, 70]);
  });

  test('an empty set of mistakes is an outcome, not a crash', async () => {
    await site.sql(fillPlain(300, 0));
    const { exitCode, report, world } = await site.run();
    expect(exitCode).toBe(0);
    expect(report.labels.map(({ outcome }) => outcome)).toEqual(
      Array(2).fill({ status: 'skipped_insufficient_data', rows: 0, minimum: 10, stage: 'fetched' }),
    );
    expect(world.stderr.text).toContain("Skipped pushing 'urgency' dataset — insufficient data (0 < 10).");
    expect(existsSync(published('urgency'))).toBe(false);
  });

  test('checks the size again after cleaning', async () => {
    await site.sql(fillPlain(60, 40));
    await site.sql(`UPDATE complaints SET message = 'the same'`);
    const { report } = await site.run(['--label', 'urgency'], { env: { MIN_DATASET_LEN: '30' } });
    expect(report.labels[0]?.outcome).toMatchObject({
      status: 'skipped_insufficient_data',
      minimum: 30,
      stage: 'kept',
    });
  });

  test('asks for fewer rows when the table has fewer, and says so', async () => {
    await site.sql(fillPlain(110, 100));
    const { report } = await site.run(['--label', 'urgency']);
    expect(report.labels[0]?.fetched).toMatchObject({ asked: 50, correct: 10 });
  });
});

describe('adding a label is an edit of the YAML', () => {
  test('a third label on a new pair of columns', async () => {
    await site.sql(fillPlain(300, 100));
    await site.sql(`ALTER TABLE complaints ADD channel text; ALTER TABLE misclassified_complaints ADD model_predicted_channel text, ADD correct_channel text;
      UPDATE complaints SET channel = 'web'; UPDATE misclassified_complaints SET model_predicted_channel = 'web', correct_channel = CASE WHEN complaint_id % 2 = 0 THEN 'phone' ELSE 'office' END`);
    const { exitCode, report } = await site.run([], {
      yaml: `${SHIPPED}\n  channel:\n    repo: ./channel\n    classes: [web, phone, office]\n`,
    });
    expect(exitCode).toBe(0);
    expect(report.labels.map(({ label, outcome }) => [label, outcome?.status])).toEqual([
      ['department', 'success'],
      ['urgency', 'success'],
      ['channel', 'success'],
    ]);
    expect(metadata('channel')).toMatchObject({
      label_column: 'channel',
      label2id: { web: 0, phone: 1, office: 2 },
      num_samples: 150,
    });
  });

  test('a label with its own sources, over tables with other names', async () => {
    await site.sql(fillPlain(300, 100));
    await site.sql(`CREATE SCHEMA crm; CREATE TABLE crm.tickets (uuid uuid PRIMARY KEY DEFAULT gen_random_uuid(), body text, predicted boolean);
      CREATE TABLE crm.fixes (ticket uuid, spam boolean);
      INSERT INTO crm.tickets (body, predicted) SELECT 'ticket ' || i, i % 2 = 0 FROM generate_series(1, 200) i;
      INSERT INTO crm.fixes SELECT uuid, NOT predicted FROM crm.tickets ORDER BY body LIMIT 120;`);
    const label = `
  spam:
    repo: ./spam
    classes: [false, true]
    columns: { text: body, source: origin }
    sources:
      misclassified: |
        -- every fix
        SELECT t.uuid AS key, t.body AS text, f.spam AS label FROM crm.fixes f JOIN crm.tickets t ON t.uuid = f.ticket;
      correct: SELECT uuid AS key, body AS text, predicted AS label FROM crm.tickets WHERE uuid NOT IN (SELECT ticket FROM crm.fixes)
`;
    const { report } = await site.run(['--label', 'spam'], { yaml: SHIPPED + label });
    expect(report.labels[0]).toMatchObject({
      outcome: { status: 'success' },
      fetched: { misclassified: 120, correct: 60 },
      dropped: {},
      kept: { total: 180 },
    });
    expect(metadata('spam')).toMatchObject({
      label2id: { false: 0, true: 1 },
      columns: { text: 'body', label: 'label', source: 'origin' },
    });
  });
});

describe('every dropped row has one reason', () => {
  const YAML = `version: 1
database: { url: '\${POSTGRES_URL}' }
labels:
  topic:
    repo: ./topic
    classes: [A, B]
    min_samples: 0
    max_text_bytes: 100
    clean: [whitespace]
    sources:
      misclassified: SELECT key, text, label FROM reviewed
      correct: SELECT key, text, label FROM unreviewed
    ratios: { correct: 10 }
`;
  const rows = (table: string, values: string[]) => `INSERT INTO ${table} VALUES ${values.join(', ')};`;
  const plain = Array.from(
    { length: 40 },
    (_, index) => `('p${index}', 'plain ${index}', '${'AB'.charAt(index % 2)}')`,
  );

  test('the first that holds, and fetched = kept + Σ dropped', async () => {
    await site.sql('CREATE TABLE reviewed (key text, text text, label text); CREATE TABLE unreviewed (LIKE reviewed);');
    await site.sql(
      rows('reviewed', [
        ...plain,
        `('dk', 'one', 'A')`,
        `('dk', NULL, 'B')`,
        `('nt', NULL, 'A')`,
        `('tl', repeat('म', 34), 'A')`,
        `('fits', repeat('a', 100), 'A')`,
        `('nl', 'no label', NULL)`,
        `('uc', 'unknown', 'C')`,
        `('uc2', 'unknown too', 'a')`,
        `('et', E'\\u00a0\\n\\u3000', 'A')`,
        `('c1', 'conflict', 'A')`,
        `('c2', 'conflict', 'B')`,
        `('d1', 'twice', 'A')`,
        `('d2', ' twice ', 'A')`,
        `('r', 'reviewed wins', 'A')`,
      ]),
    );
    await site.sql(
      rows('unreviewed', [
        `('p0', 'plain 0', 'A')`,
        `('r2', 'reviewed wins', 'B')`,
        `('r3', 'reviewed wins', 'A')`,
        `('ok', 'only here', 'B')`,
      ]),
    );
    const { report } = await site.run([], { yaml: YAML });
    const [label] = report.labels as [LabelReport];
    expect(label.dropped).toEqual({
      duplicate_key: 2,
      null_text: 1,
      too_long: 1,
      null_label: 1,
      unknown_class: 2,
      empty_text: 1,
      conflict: 3,
      duplicate: 2,
    });
    expect(label.fetched?.total).toBe((label.kept?.total ?? 0) + totalDropped(label));
    expect(label.unknownClasses).toEqual([
      { value: 'C', rows: 1, nearest: 'A' },
      { value: 'a', rows: 1, nearest: 'A' },
    ]);
    expect(metadata('topic').dropped).toEqual(label.dropped);
  });

  test('values that may be texts of rows are not listed as unknown classes', async () => {
    await site.sql('CREATE TABLE reviewed (key text, text text, label text); CREATE TABLE unreviewed (LIKE reviewed);');
    await site.sql(rows('reviewed', plain));
    await site.sql(`INSERT INTO unreviewed SELECT 'u' || i, 'text ' || i, 'text ' || i FROM generate_series(1, 60) i`);
    const { report } = await site.run([], { yaml: YAML });
    expect(report.labels[0]).toMatchObject({ dropped: { unknown_class: 60 }, unknownClasses: [] });
  });

  test.each([
    ['reviewed', 'success', 1],
    ['drop', 'success', 2],
    ['fail', 'refused', 2],
  ])('conflicts: %s ends in %s', async (policy, status, conflicts) => {
    await site.sql('CREATE TABLE reviewed (key text, text text, label text); CREATE TABLE unreviewed (LIKE reviewed);');
    await site.sql(rows('reviewed', [...plain, `('a', 'same', 'A')`]) + rows('unreviewed', [`('b', 'same', 'B')`]));
    const { report, exitCode } = await site.run([], { yaml: `${YAML}    conflicts: ${policy}\n` });
    expect(report.labels[0]?.outcome?.status).toBe(status as 'success');
    expect(report.labels[0]?.dropped?.conflict).toBe(conflicts as number);
    expect(report.labels[0]?.conflicts?.texts).toBe(1);
    expect(exitCode).toBe(status === 'success' ? 0 : 3);
  });

  test('a source that is sampled takes the same rows again, and other seeds take others', async () => {
    await site.sql(fillPlain(1000, 100));
    const keysOf = async (seed: number, ratio: number) => {
      const yaml = SHIPPED.replace('seed: 42', `seed: ${seed}`)
        .replace('misclassified: 1.0 ', `misclassified: ${ratio} `)
        .replaceAll('department:', 'department:\n    columns: { source: origin }');
      const { report } = await site.run(['--dry-run', '--out', `./plan-${seed}-${ratio}`, '--label', 'department'], {
        yaml,
      });
      return {
        fetched: report.labels[0]?.fetched,
        hashes: dataHashes(join(site.folder, `plan-${seed}-${ratio}/dry-run/department`)),
      };
    };
    const first = await keysOf(42, 0.5);
    expect(first.fetched).toMatchObject({ misclassified: 50, asked: 25, correct: 25 });
    expect(await keysOf(42, 0.5)).toEqual(first);
    expect((await keysOf(43, 0.5)).hashes).not.toEqual(first.hashes);
  });
});
