import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpecError } from '../../lib/spec/problems.ts';
import { parseSpec } from '../../lib/spec/read.ts';

const ENV = { POSTGRES_URL: 'postgres://user:secret@localhost/complaints' };
const folder = (name: string) => join(import.meta.dir, name);
const yamls = (name: string) => readdirSync(folder(name)).filter((file) => file.endsWith('.yaml'));

function problemsOf(text: string, env: Record<string, string> = ENV): SpecError {
  try {
    parseSpec('pipeline.config.yaml', text, env);
  } catch (thrown) {
    if (thrown instanceof SpecError) return thrown;
    throw thrown;
  }
  throw new Error('the spec was accepted');
}

describe('parseSpec() refuses, with all problems at once', () => {
  test.each(yamls('err'))('%s', (file) => {
    const { rendered } = problemsOf(readFileSync(join(folder('err'), file), 'utf8'));
    const golden = join(folder('err'), file.replace('.yaml', '.out'));
    if (Bun.env.UPDATE_GOLDEN) writeFileSync(golden, rendered);
    expect(rendered).toBe(readFileSync(golden, 'utf8'));
  });

  test.each([
    ['url: postgres://user:canary-p%40ss@db.example.org/x', 'url: postgres://user:*************@db.example.org/x'],
    ["smtp: 'smtps://user:canary/pass@mail.example.org'", "smtp: 'smtps://user:***********@mail.example.org'"],
    ['url: https://hooks.example.org/services/canary # chat', 'url: https://hooks.example.org/*************** # chat'],
    ["api_key: 'canary0123456789', project: x", "api_key: '****************', project: x"],
    ["api_key: '${WANDB_API_KEY:-}'", "api_key: '${WANDB_API_KEY:-}'"],
    ["pattern: 'https?://\\S+|www'", "pattern: 'https?://\\S+|www'"],
  ])('showing no secret of the line: %s', (line, shown) => {
    const { rendered } = problemsOf(`nonsense: { ${line}\n  }`);
    expect(rendered).toContain(`1 | nonsense: { ${shown}`);
    expect(rendered).not.toContain('canary');
  });

  test('a file of 10 MB, without parsing it', () => {
    expect(problemsOf(`version: 1\n# ${'x'.repeat(10_000_000)}`).problems.map(({ code }) => code)).toEqual([
      'SPEC_TOO_LARGE',
    ]);
  });

  test('a certificate authority that is no PEM text', () => {
    const text = readFileSync(join(folder('ok'), 'minimal.yaml'), 'utf8');
    expect(problemsOf(text, { ...ENV, DATABASE_CA: '/path/to/ca.pem' }).problems.map(({ code }) => code)).toEqual([
      'DATABASE_CA',
    ]);
  });
});

describe('parseSpec() accepts', () => {
  test('the spec that ships', () => {
    const text = readFileSync(join(import.meta.dir, '../../pipeline.config.yaml'), 'utf8');
    const { labels } = parseSpec('pipeline.config.yaml', text, {
      ...ENV,
      DEPARTMENT_DATASET: 'owner/department',
      URGENCY_DATASET: './out/urgency',
    });
    expect(labels.map(({ name, classes }) => [name, classes.length])).toEqual([
      ['department', 4],
      ['urgency', 3],
    ]);
    expect(labels[1]?.target).toEqual({ kind: 'directory', path: './out/urgency' });
  });

  test('whatever a variable says that is not about datasets: what uses it tells', () => {
    const text = readFileSync(join(import.meta.dir, '../../pipeline.config.yaml'), 'utf8');
    const wrong = { SMTP_URL: 'mail', ADMIN_EMAIL: 'nobody', WEBHOOK_URL: 'hook', RUNS_DATASET: 'runs' };
    const more = { PREPARE_DATASET_SPACE_ID: 'space', WANDB_PROJECT_NAME: 'a/b', WANDB_API_KEY: 'key' };
    const targets = { DEPARTMENT_DATASET: './a', URGENCY_DATASET: 'owner/urgency' };
    const { operations } = parseSpec('pipeline.config.yaml', text, { ...ENV, ...targets, ...wrong, ...more });
    expect(Object.values(operations).filter((each) => each === undefined)).toHaveLength(1); // untracked: all are tried
    const shared = { ...ENV, ...targets, RUNS_DATASET: 'owner/urgency' };
    expect(problemsOf(text, shared).problems.map(({ code }) => code)).toEqual(['REPO_TWICE']);
  });

  test('a minimal one, with what is built in', () => {
    const { database, labels } = parseSpec('x.yaml', readFileSync(join(folder('ok'), 'minimal.yaml'), 'utf8'), ENV);
    expect(database).toMatchObject({
      attempts: 3,
      statementTimeoutMs: 600_000,
      memoryLimitMb: 256,
      rowSecurity: 'error',
    });
    expect(labels[0]).toMatchObject({
      seed: 42,
      minSamples: 1000,
      maxTextBytes: 1_000_000,
      clean: [],
      duplicates: 'one',
      conflicts: 'reviewed',
      push: { private: true, when: 'changed' },
    });
    expect(labels[0]?.split.map(({ name }) => name)).toEqual(['train', 'eval', 'test']);
  });

  test('everything that it knows, label by label', () => {
    const { database, labels } = parseSpec('x.yaml', readFileSync(join(folder('ok'), 'everything.yaml'), 'utf8'), {
      ...ENV,
      MIN_DATASET_LEN: '5',
      ATTEMPTS: '4',
    });
    expect(database).toMatchObject({
      attempts: 4,
      statementTimeoutMs: 90_000,
      memoryLimitMb: 1000,
      rowSecurity: 'respect',
    });
    const [label] = labels;
    expect(label).toMatchObject({
      minSamples: 5,
      classes: ['NO', 'yes', '1', '1.0', 'true', 'null_class'],
      columns: { text: 'text', label: 'target', source: 'origin' },
      push: { private: false, when: 'changed' },
      card: { prettyName: 'Records of urgency', description: 'price: ${5}' },
    });
    expect(label?.ratios).toMatchObject({ misclassified: { units: 5n, scale: 1 }, correct: { units: 0n } });
    expect(label?.split.map(({ name }) => name)).toEqual(['train', 'test']);
    expect(label?.sources.misclassified).not.toMatch(/comment|not_a_placeholder|;/);
    expect(label?.sources.misclassified).toContain('correct_urgency AS label\nFROM mistakes');
    expect(label?.sources.misclassified).toContain("'{a,b}'");
  });

  test('checks, merged by name and in a fixed order', () => {
    const { labels } = parseSpec('x.yaml', readFileSync(join(folder('ok'), 'everything.yaml'), 'utf8'), {
      ...ENV,
      MIN_PER_CLASS: '3',
      NOT_FILLED: 'filled',
    });
    expect(labels[0]?.checks).toEqual([
      { kind: 'limit', name: 'min_per_class', limit: 3, severity: 'refuse' },
      { kind: 'limit', name: 'max_duplicate_share', limit: 0.5, severity: 'refuse' },
      { kind: 'limit', name: 'max_dropped_share', limit: 0.3, severity: 'warn' },
      { kind: 'limit', name: 'max_class_drift', limit: 0.25, severity: 'refuse' },
      { kind: 'limit', name: 'max_pii_share', limit: 0.5, severity: 'warn' },
      { kind: 'conflicts', name: 'no_conflicts', severity: 'refuse' },
      {
        kind: 'sql',
        name: 'sql.a_struct',
        sql: "FROM dataset SELECT {'key': key, text: text} WHERE text = '${NOT_FILLED}'",
        severity: 'warn',
      },
      {
        kind: 'sql',
        name: 'sql.no_placeholder',
        sql: "SELECT key FROM dataset WHERE text = '${NOT_FILLED}' OR text = 'urgency'",
        severity: 'refuse',
      },
      { kind: 'sql', name: 'sql.own', sql: 'TABLE dataset', severity: 'refuse' },
    ]);
    expect(labels[0]?.template).toMatchObject({
      checks: { min_per_class: '${MIN_PER_CLASS:-20}', max_length: false, sql: { zero: false, own: 'TABLE dataset' } },
    });
  });

  test('a spec without checks has none', () => {
    const { labels } = parseSpec('x.yaml', readFileSync(join(folder('ok'), 'minimal.yaml'), 'utf8'), ENV);
    expect(labels[0]?.checks).toEqual([]);
  });

  test('a label’s template with variable names, never their values', () => {
    const { labels } = parseSpec('x.yaml', readFileSync(join(folder('ok'), 'everything.yaml'), 'utf8'), {
      ...ENV,
      MIN_DATASET_LEN: '77331',
    });
    expect(JSON.stringify(labels[0]?.template)).toContain('${MIN_DATASET_LEN:-1000}');
    expect(JSON.stringify(labels[0]?.template)).not.toContain('77331');
  });
});
