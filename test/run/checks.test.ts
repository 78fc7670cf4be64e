import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from '../../pipeline.ts';
import { fillPlain, SHIPPED, Site } from './site.ts';

const CANARY = 'canary-91b2';
let site: Site;
beforeEach(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
});
afterEach(async () => {
  expect(readdirSync(site.folder).filter((name) => name.startsWith('prepare-dataset-'))).toEqual([]); // no spool is left
  await site[Symbol.asyncDispose]();
});

/** The shipped spec with these checks for its label urgency, and no others. */
function withChecks(checks: string): string {
  const [head = '', urgency = ''] = SHIPPED.split('\n  urgency:\n');
  const bare = head.replace(/^ {2}checks:\n(?: {4}.*\n)*/m, '');
  return `${bare}\n  urgency:\n    checks:\n${checks.replaceAll(/^(?=.)/gm, '      ')}\n${urgency}`;
}

const run = (checks: string, argv: string[] = []) =>
  site.run(['--label', 'urgency', ...argv], { yaml: withChecks(checks) });

describe('checks that pass', () => {
  const PASSING = `
min_per_class: 5
max_duplicate_share: 0
max_dropped_share: 0.1
max_class_drift: 0.2
max_length: 100
max_pii_share: 0
no_conflicts: true
sql:
  placeholder: SELECT key FROM dataset WHERE text ILIKE '%lorem ipsum%'
  known: "SELECT * FROM dataset WHERE label NOT IN ('NORMAL', 'URGENT', 'HIGHLY URGENT') OR split NOT IN ('train', 'eval', 'test') OR source NOT IN ('misclassified', 'correct')"
  leaks: SELECT a.key FROM dataset a JOIN dataset b USING (text) WHERE a.split <> b.split
  complete: SELECT count(*) FROM dataset HAVING count(*) <> 150 OR count(DISTINCT key) <> 150 OR count(DISTINCT source) <> 2`;

  test('let the version out, and stand in the report in a fixed order', async () => {
    const { exitCode, report } = await run(PASSING);
    expect(exitCode).toBe(0);
    expect(report.labels[0]?.outcome?.status).toBe('success');
    expect(report.labels[0]?.checks?.map(({ name, status }) => [name, status])).toEqual([
      ['min_per_class', 'passed'],
      ['max_duplicate_share', 'passed'],
      ['max_dropped_share', 'passed'],
      ['max_class_drift', 'skipped'],
      ['max_length', 'passed'],
      ['max_pii_share', 'passed'],
      ['no_conflicts', 'passed'],
      ['sql.complete', 'passed'],
      ['sql.known', 'passed'],
      ['sql.leaks', 'passed'],
      ['sql.placeholder', 'passed'],
    ]);
    expect(report.warnings).toEqual([]);
  });

  test('are evaluated in a dry run too', async () => {
    const { report } = await run(PASSING, ['--dry-run']);
    expect(report.labels[0]?.outcome?.status).toBe('planned');
    expect(report.labels[0]?.checks).toHaveLength(11);
  });
});

describe('a check that fails', () => {
  test('refuses the label, publishes nothing of it, and leaves the other one alone', async () => {
    const { exitCode, report, world } = await site.run([], {
      yaml: withChecks(
        `min_per_class: 1000\nsql:\n  normal: "SELECT key, text FROM dataset WHERE '{label}' = 'urgency'"`,
      ),
    });
    expect(exitCode).toBe(3);
    expect(report.labels.map(({ outcome }) => outcome?.status)).toEqual(['success', 'refused']);
    expect(report.labels[1]?.outcome).toMatchObject({ problem: { code: 'CHECK_FAILED' } });
    expect(existsSync(join(site.folder, 'urgency'))).toBe(false);
    expect(report.labels[1]?.checks).toMatchObject([
      { name: 'min_per_class', severity: 'refuse', status: 'failed', limit: 1000, detail: 'NORMAL' },
      { name: 'sql.normal', severity: 'refuse', status: 'failed', found: 150, limit: 0 },
    ]);
    expect(world.stderr.text).toContain("Checks of 'urgency': refused by min_per_class, sql.normal.");
  });

  test('with severity warn is a warning, and the version is published', async () => {
    const { exitCode, report, world } = await run(
      'max_length: { limit: 3, severity: warn }\nsql:\n  any: { query: SELECT 1, severity: warn }',
    );
    expect(exitCode).toBe(0);
    expect(report.labels[0]?.outcome?.status).toBe('success');
    expect(report.warnings).toHaveLength(1);
    expect(world.stderr.text).toContain("Checks of 'urgency': a warning from max_length, sql.any.");
  });

  test('is said for both severities', async () => {
    const { exitCode, world } = await run('max_length: { limit: 3, severity: warn }\nmin_per_class: 1000');
    expect(exitCode).toBe(3);
    expect(world.stderr.text).toContain('a warning from max_length');
    expect(world.stderr.text).toContain('refused by min_per_class');
  });

  test('counts texts that stand under two classes, and rows with the text of another', async () => {
    await site.sql(`UPDATE complaints SET message = 'the same' WHERE id <= 4`);
    const { report } = await run('no_conflicts: true\nmax_duplicate_share: 0.001');
    expect(report.labels[0]?.checks).toMatchObject([
      { name: 'max_duplicate_share', status: 'passed', found: 0 }, // two reviewed classes: all four are dropped
      { name: 'no_conflicts', status: 'failed', found: 1 },
    ]);
  });

  test('counts repeated texts where duplicates are kept', async () => {
    await site.sql(`UPDATE complaints SET message = 'the same' WHERE id IN (2, 4, 6)`);
    const yaml = withChecks('max_duplicate_share: 0.01').replace('duplicates: one ', 'duplicates: keep ');
    const { report } = await site.run(['--label', 'urgency'], { yaml });
    expect(report.labels[0]?.checks).toMatchObject([{ status: 'failed', found: 2 / 150 }]);
  });
});

describe('what a query says stays inside', () => {
  const leaky = (query: string, severity = 'refuse') => `sql: { leak: { query: "${query}", severity: ${severity} } }`;

  test.each([
    ['a failed cast, whose message quotes the value', 'SELECT text::INT FROM dataset', 'Conversion Error'],
    ['a message of its own', 'SELECT error(text) FROM dataset', 'Invalid Input Error'],
    [
      'more memory than there is',
      'SELECT list(a.text || b.text || c.text) FROM dataset a, dataset b, dataset c',
      'Out of Memory Error',
    ],
  ])('%s: only the kind of the error leaves', async (_, query, kind) => {
    await site.sql(`UPDATE complaints SET message = '${CANARY} ' || id`);
    const { exitCode, report, world } = await run(leaky(query), ['--verbose']);
    expect(exitCode).toBe(3);
    expect(report.labels[0]?.checks).toEqual([
      { name: 'sql.leak', severity: 'refuse', status: 'failed', limit: 0, detail: kind },
    ]);
    expect(world.stderr.text + world.stdout.text).not.toContain(CANARY);
  });

  test('the rows of a failed check are in no log and no JSON', async () => {
    await site.sql(`UPDATE complaints SET message = '${CANARY} ' || id`);
    const { report, world } = await run(leaky('SELECT key, text FROM dataset', 'warn'), ['--verbose', '--dry-run']);
    expect(report.labels[0]?.checks?.[0]).toMatchObject({
      status: 'failed',
      found: report.labels[0]?.kept?.total,
    });
    expect(world.stderr.text + world.stdout.text).not.toContain(CANARY);
  });

  test('a query that would run for ever is stopped by database.statement_timeout', async () => {
    const yaml = withChecks(leaky('SELECT count(*) FROM range(1000000000000) a, range(1000000000000) b')).replace(
      'statement_timeout: 10m',
      'statement_timeout: 2s',
    );
    const { exitCode, report } = await site.run(['--label', 'urgency'], { yaml });
    expect(exitCode).toBe(3);
    expect(report.labels[0]?.checks?.[0]?.detail).toContain('statement_timeout');
  });

  test('an interruption of the program stops a query, and nothing is published', async () => {
    const yaml = withChecks(leaky('SELECT count(*) FROM range(1000000000000) a, range(1000000000000) b'));
    await writeFile(join(site.folder, 'pipeline.config.yaml'), yaml);
    const world = site.world();
    const { write } = world.stderr;
    world.stderr.write = (text) => {
      write(text);
      if (text.includes('Split ')) world.interrupt();
    };
    expect(await main(['--label', 'urgency'], world)).toBe(130);
    expect(existsSync(join(site.folder, 'urgency'))).toBe(false);
  });
});

describe('a query that cannot run', () => {
  test.each([
    ['a column that is not there', 'SELECT body FROM dataset', 'Referenced column "body" not found'],
    ['a function of PostgreSQL', 'SELECT key FROM dataset WHERE to_tsvector(text) IS NULL', 'to_tsvector'],
    ['what is no SQL', 'SELECT key FROM dataset WHERE WHERE', 'Parser Error: syntax error at or near'],
    ['a table of the program', 'SELECT * FROM cleaned_urgency', '"cleaned_urgency"'],
  ])('fails the label before a row is read: %s', async (_, query, words) => {
    const { exitCode, report, world } = await run(`sql: { broken: "${query}" }`);
    expect(exitCode).toBe(1);
    expect(report.labels[0]?.outcome).toMatchObject({ status: 'failed', problem: { code: 'CHECK_SQL' } });
    expect(JSON.stringify(report.labels[0]?.outcome)).toContain(JSON.stringify(words).slice(1, -1));
    expect(world.stderr.text).not.toContain('Fetching');
    expect(report.labels[0]?.fetched).toBeUndefined();
  });

  test('is found by --check', async () => {
    const { exitCode, world } = await run('sql: { fine: FROM dataset, broken: SELECT body FROM dataset }', ['--check']);
    expect(exitCode).toBe(1);
    const hops: { id: string; status: string; code?: string }[] = JSON.parse(world.stdout.text);
    expect(hops.find(({ id }) => id === 'urgency.checks')).toMatchObject({ status: 'fail', code: 'CHECK_SQL' });
    const mended = await run('sql: { fine: FROM dataset }', ['--check']);
    expect(JSON.parse(mended.world.stdout.text)).toContainEqual(
      expect.objectContaining({ id: 'urgency.checks', status: 'ok', message: 'sql.fine (refuse)' }),
    );
  });
});
