import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChangeKind, LabelReport } from '../../lib/report/report.ts';
import { fillPlain, SHIPPED, Site } from './site.ts';

let site: Site;
beforeEach(async () => {
  site = await Site.open();
});
afterEach(() => site[Symbol.asyncDispose]());

const BASE = 'base.yaml';
const OPTIONS = ['--dry-run', '--label', 'urgency'];
const changes = ({ difference }: LabelReport) =>
  Object.fromEntries(
    (difference?.changes ?? []).map(({ kind, rows, bySpec, byData }) => [kind, [rows, bySpec, byData]]),
  ) as Record<ChangeKind, [rows: number, bySpec: number, byData: number]>;
const measure = ({ attribution }: LabelReport, group: string, name: string) =>
  attribution?.measures.find((each) => each.group === group && each.name === name);

/** Plan `yaml` against `base` on the same data. */
async function plan(yaml: string, base = SHIPPED, options: string[] = []): Promise<LabelReport> {
  await writeFile(join(site.folder, BASE), base);
  const { report } = await site.run([...OPTIONS, '--compare-config', BASE, ...options], { yaml });
  return report.labels[0] as LabelReport;
}

const MORE_ROWS = `INSERT INTO complaints (id, department, urgency, message)
  SELECT i, 'Security & Law Enforcement', 'NORMAL', 'later <b>complaint</b> in ward ' || i FROM generate_series(2001, 2040) i;
INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_urgency, reviewed, reviewed_at)
  SELECT id, 'Security & Law Enforcement', 'NORMAL', 'URGENT', true, now() FROM complaints WHERE id > 2000`;

describe('--compare-config', () => {
  test('new rows are the data’s, and the same spec changes nothing', async () => {
    await site.sql(fillPlain(1000, 200));
    await site.run(['--label', 'urgency']);
    await site.sql(MORE_ROWS);
    const label = await plan(SHIPPED);
    const { added, ...others } = changes(label);
    expect(added[0]).toBeGreaterThanOrEqual(40);
    for (const [rows, bySpec, byData] of [added, ...Object.values(others)]) expect([bySpec, byData]).toEqual([0, rows]);
    expect(measure(label, 'fetched', 'misclassified')).toMatchObject({ published: 200, base: 240, planned: 240 });
  });

  test('another ratio and another pattern on old data are the spec’s', async () => {
    await site.sql(fillPlain(1000, 200));
    await site.run(['--label', 'urgency']);
    const label = await plan(SHIPPED.replace('correct: 0.5', 'correct: 0.25').replace("'<.*?>'", "'<[^>]*>|ward'"));
    const { removed, recleaned, moved } = changes(label);
    expect(removed).toEqual([50, 50, 0]);
    expect(recleaned).toEqual([250, 250, 0]);
    expect(moved).toEqual([0, 0, 0]);
    expect(measure(label, 'kept', 'kept')).toEqual({
      group: 'kept',
      name: 'kept',
      published: 300,
      base: 300,
      planned: 250,
    });
    expect(measure(label, 'fetched', 'correct')).toMatchObject({ published: 100, base: 100, planned: 50 });
  });

  test('both at once are told apart, row by row', async () => {
    await site.sql(fillPlain(1000, 200));
    await site.run(['--label', 'urgency']);
    await site.sql(`${MORE_ROWS}; DELETE FROM misclassified_complaints WHERE complaint_id <= 10;
      UPDATE misclassified_complaints SET correct_urgency = 'HIGHLY URGENT' WHERE complaint_id BETWEEN 11 AND 30 AND complaint_id % 2 = 0`);
    const spec = SHIPPED.replace('correct: 0.5', 'correct: 0').replace("'<.*?>'", "'<[^>]*>|ward'");
    const { added, removed, relabelled } = changes(await plan(spec));
    expect(added).toEqual([40, 0, 40]);
    expect(removed[0]).toBe(10 + 100);
    expect(removed[2]).toBeLessThan(25); // the ten reviews, and what the sample exchanged for them
    expect(removed[2]).toBeGreaterThanOrEqual(0);
    expect(relabelled).toEqual([10, 0, 10]);
  });

  test('published is the spec that the published version was made with, whatever the file says now', async () => {
    await site.sql(fillPlain(1000, 200));
    await site.run(['--label', 'urgency']);
    const { report } = await site.run([...OPTIONS, '--compare-config', 'published'], {
      yaml: SHIPPED.replace('correct: 0.5', 'correct: 0.25'),
    });
    expect(report.labels[0]).toMatchObject({ outcome: { status: 'planned' }, attribution: { base: 'published' } });
    expect(changes(report.labels[0] as LabelReport).removed).toEqual([50, 50, 0]);
  });

  test('a published spec whose variable is gone says so, and the label goes on', async () => {
    await site.sql(fillPlain(300, 100));
    await site.run(['--label', 'urgency'], { yaml: SHIPPED.replace('seed: 42', 'seed: ${SEED}'), env: { SEED: '7' } });
    const { report } = await site.run([...OPTIONS, '--compare-config', 'published']);
    expect(report.labels[0]).toMatchObject({
      outcome: { status: 'planned' },
      attribution: { base: 'published', problem: { code: 'VARIABLE_MISSING' } },
    });
  });

  test('a label that the base does not have is new: there is nothing to attribute', async () => {
    await site.sql(fillPlain(300, 100));
    const label = await plan(SHIPPED, SHIPPED.replace(/\n {2}urgency:[\s\S]*/, ''));
    expect(label.outcome?.status).toBe('planned');
    expect(label.attribution).toBeUndefined();
  });

  test('a base that cannot be planned says why, and the label goes on', async () => {
    await site.sql(fillPlain(300, 100));
    const label = await plan(SHIPPED, SHIPPED.replaceAll('FROM complaints c', 'FROM complaint c'));
    expect(label.outcome?.status).toBe('planned');
    expect(label.attribution).toMatchObject({ base: BASE, problem: { code: 'DATABASE_QUERY' }, measures: [] });
  });

  test('a base that is no spec is bad usage, and nothing is fetched', async () => {
    await site.sql(fillPlain(300, 100));
    await writeFile(join(site.folder, BASE), 'version: 2\n');
    const { exitCode, world } = await site.run([...OPTIONS, '--compare-config', BASE]);
    expect(exitCode).toBe(2);
    expect(world.stderr.text).toContain(`${BASE}:1:`);
    expect(world.stderr.text).not.toContain('Fetching');
    expect((await site.run([...OPTIONS, '--compare-config', 'none.yaml'])).exitCode).toBe(2);
  });

  test('what is built is the new spec’s, not the base’s', async () => {
    await site.sql(fillPlain(1000, 200));
    const spec = SHIPPED.replace('correct: 0.5', 'correct: 0.25');
    const { report: alone } = await site.run(OPTIONS, { yaml: spec });
    const label = await plan(spec);
    expect(label.plan?.fingerprint).toBe(alone.labels[0]?.plan?.fingerprint as string);
  });
});

describe('--against', () => {
  test('a version that no label has is known before a row is read', async () => {
    await site.sql(fillPlain(300, 100));
    await site.run();
    const { report, exitCode, world } = await site.run(['--dry-run', '--against', 'v20990101_000000']);
    expect(exitCode).toBe(1);
    expect(report.labels.map(({ outcome }) => outcome)).toMatchObject(
      Array(2).fill({ status: 'failed', problem: { code: 'VERSION_UNKNOWN' } }),
    );
    expect(world.stderr.text).not.toContain('Fetching');
  });

  test('a label that lacks the version is planned without a difference, and the report says so', async () => {
    await site.sql(fillPlain(300, 100));
    const { report: first } = await site.run(['--label', 'urgency']);
    const [outcome] = first.labels.map((label) => label.outcome);
    const version = outcome?.status === 'success' ? outcome.version : '';
    const { report, exitCode } = await site.run(['--dry-run', '--force', '--against', version]);
    expect(exitCode).toBe(0);
    expect(report.labels.map(({ difference }) => difference?.version)).toEqual([undefined, version]);
    expect(report.warnings).toHaveLength(1);
  });
});

describe('what an edit takes away', () => {
  test('a label that is gone, and a target that is another one, are named', async () => {
    await site.sql(fillPlain(300, 100));
    const edited = SHIPPED.replace(/\n {2}urgency:[\s\S]*/, '\n').replace('${DEPARTMENT_DATASET}', './elsewhere');
    await writeFile(join(site.folder, BASE), SHIPPED);
    const { report } = await site.run(['--dry-run', '--compare-config', BASE], { yaml: edited });
    expect(report.warnings.filter((warning) => warning.includes('urgency'))).toHaveLength(1);
    expect(report.warnings.filter((warning) => warning.includes('./elsewhere'))).toHaveLength(1);
  });
});
