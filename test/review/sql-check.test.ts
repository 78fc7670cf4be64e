import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { openSandbox, type Sandbox } from '../../lib/edges/duckdb-sandbox.ts';
import { findOutside } from '../../lib/review/sql-check.ts';
import { planSource } from '../../lib/spec/sql.ts';

const never = new AbortController().signal;
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox(undefined, 200, '');
});
afterAll(() => sandbox[Symbol.asyncDispose]());

describe('findOutside() lets pass, and DuckDB can prepare', () => {
  test.each([
    `SELECT key FROM dataset WHERE text ILIKE '%lorem ipsum%'`,
    'FROM dataset',
    'TABLE dataset',
    'FROM dataset SELECT key WHERE length(text) > 3',
    'SELECT d.key FROM main.dataset AS d',
    'SELECT key FROM DataSet',
    'WITH long AS (SELECT * FROM dataset WHERE length(text) > 9), again AS (FROM LONG) SELECT * FROM again',
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT * FROM n, dataset',
    'SELECT a.key FROM dataset a JOIN dataset b ON a.text = b.text AND a.split <> b.split',
    'SELECT label FROM dataset GROUP BY ALL HAVING count(*) < 20',
    `SELECT x FROM unnest(['A', 'B']) AS t(x) WHERE x NOT IN (SELECT label FROM dataset)`,
    'SELECT i FROM range(3) AS r(i) ANTI JOIN dataset ON key = i::VARCHAR',
    `SELECT {'a': key, b: text}.a, MAP {'x': 1}, [t FOR t IN string_split(text, ' ') IF t <> ''] FROM dataset`,
    'SELECT list_filter(string_split(text, chr(32)), lambda word: length(word) > 40) AS words FROM dataset',
    'SELECT key FROM dataset QUALIFY row_number() OVER (PARTITION BY text) > 1',
    `SELECT * FROM (PIVOT dataset ON split IN ('train', 'test') USING count(*) GROUP BY label) WHERE train < test`,
    `SELECT * FROM (VALUES ('A'), ('B')) AS wanted(label) WHERE label NOT IN (SELECT label FROM dataset)`,
    'SELECT key FROM dataset UNION ALL (SELECT text FROM dataset ORDER BY 1 LIMIT 3)',
    'SELECT * EXCLUDE (text) FROM dataset USING SAMPLE 10%',
    `SELECT key FROM dataset WHERE text = $$it's$$ OR text = E'\\t' -- or not`,
  ])('%s', async (query) => {
    const planned = planSource(query, 'urgency', 'duckdb');
    expect(planned).not.toHaveProperty('problems');
    const { sql } = planned as { sql: string };
    expect(findOutside(await sandbox.parse(sql, never))).toBeUndefined();
    expect(await sandbox.prepare(sql, never)).toBeUndefined();
  });
});

describe('findOutside() refuses what the locks of the engine leave open', () => {
  test.each([
    ['the query’s plan on stdout', 'SELECT * FROM enable_profiling()', 'enable_profiling()'],
    ['the same by another name', 'SELECT * FROM system.main.ENABLE_PROFILING()', 'enable_profiling()'],
    ['the same within a text', `SELECT * FROM query('SELECT * FROM enable_' || 'profiling()')`, 'query()'],
    ['logs', `SELECT * FROM enable_logging(storage = 'stdout')`, 'enable_logging()'],
    ['settings, with paths', 'SELECT * FROM duckdb_settings()', 'duckdb_settings()'],
    ['its own file', `SELECT * FROM read_parquet('/spool/dataset.parquet')`, 'read_parquet()'],
    ['the catalog', 'SELECT * FROM pg_class', '"pg_class"'],
    ['the catalog, qualified', 'SELECT * FROM information_schema.tables', '"tables"'],
    ['another catalog', 'SELECT * FROM system.main.dataset', '"dataset"'],
    ['a path', `SELECT * FROM '/etc/passwd'`, '"/etc/passwd"'],
    [
      'deep in a query',
      'WITH a AS (SELECT (SELECT max(name) FROM duckdb_settings()) AS m) SELECT * FROM a',
      'duckdb_settings()',
    ],
    ['in a join', 'SELECT * FROM dataset JOIN glob(key) ON true', 'glob()'],
    ['descriptions', 'SELECT * FROM (DESCRIBE dataset)', 'describes'],
    ['a parameter', 'SELECT key FROM dataset WHERE text = ?', 'parameter'],
    ['a named parameter', 'SELECT key FROM dataset WHERE text = $1', 'parameter'],
    ['two statements', 'SELECT 1; SELECT 2', 'one SELECT'],
    ['another statement', 'DROP TABLE dataset', 'one SELECT'],
    ['what is no SQL', 'SELECT FROM WHERE', 'Parser Error: syntax error'],
  ])('%s', async (_, sql, words) => {
    expect(findOutside(await sandbox.parse(sql, never))).toContain(words);
  });

  test('an answer of another form', () => {
    for (const answer of [{}, { error: false }, { statements: [] }, { error: true, error_type: 'INTERRUPT Error' }])
      expect(findOutside(answer)).toBeString();
  });
});

test('a query that passes cannot end the subquery that it stands in', async () => {
  const pieces = [
    "'",
    '"',
    '$$',
    '$a$',
    '--',
    '\n',
    '/*',
    '*/',
    '(',
    ')',
    ';',
    ',',
    "e'",
    '\\',
    ' ',
    'x',
    '1',
    'AS ',
    ' FROM dataset',
    'SELECT ',
  ];
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), async (parts) => {
      const planned = planSource(`SELECT 1${parts.join('')}`, 'urgency', 'duckdb');
      if ('problems' in planned || findOutside(await sandbox.parse(planned.sql, never)) !== undefined) return;
      passed += 1;
      const whole = (await sandbox.parse(`SELECT * FROM (\n${planned.sql}\n) LIMIT 2`, never)) as {
        statements: { node: { from_table: { type: string }; modifiers: { type: string }[] } }[];
      };
      expect(whole.statements).toHaveLength(1);
      expect(whole.statements[0]?.node.from_table.type).toBe('SUBQUERY');
      expect(whole.statements[0]?.node.modifiers.map(({ type }) => type)).toEqual(['LIMIT_MODIFIER']);
    }),
    { numRuns: 3000 },
  );
  expect(passed).toBeGreaterThan(50);
});
