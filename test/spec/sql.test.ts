import { describe, expect, test } from 'bun:test';
import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { planSource } from '../../lib/spec/sql.ts';

const BLANKS = ' '.repeat(200_000);

const plan = (sql: string, label = 'department'): string => {
  const planned = planSource(sql, label);
  if ('problems' in planned) throw new Error(planned.problems.map(({ message }) => message).join('\n'));
  return planned.sql;
};

/** Each problem as its code and the part of the SQL it points at. */
const problemsOf = (sql: string, label = 'department') => {
  const planned = planSource(sql, label);
  if (!('problems' in planned)) return [];
  return planned.problems.map(({ code, offset, length }) => [code, sql.slice(offset, offset + length)]);
};

describe('`planSource()` passes', () => {
  test.each([
    ['a plain query', 'SELECT a, b FROM t', 'SELECT a, b FROM t'],
    ['white space at both ends', '\n  SELECT 1 \t\r\n', 'SELECT 1'],
    ['semicolons at the end', 'SELECT 1 ; -- done\n ;', 'SELECT 1'],
    ['any case', 'select 1', 'select 1'],
    ['WITH', 'WITH x AS (SELECT 1) SELECT * FROM x', 'WITH x AS (SELECT 1) SELECT * FROM x'],
    ['VALUES', 'VALUES (1), (2)', 'VALUES (1), (2)'],
    ['TABLE', 'TABLE t', 'TABLE t'],
    ['parentheses', '((SELECT 1) UNION (SELECT 2))', '((SELECT 1) UNION (SELECT 2))'],
    ['a start after comments', '-- why\n/* how */ SELECT 1', 'SELECT 1'],
    ['much white space in no time', `SELECT 1,${BLANKS}2`, `SELECT 1,${BLANKS}2`],
    ['a parameter', 'SELECT $1, $2 FROM t', 'SELECT $1, $2 FROM t'],
  ])('%s', (_, sql, expected) => {
    expect(plan(sql)).toBe(expected);
  });
});

describe('`planSource()` removes', () => {
  test.each([
    ['a line comment up to its line break', 'SELECT 1 -- one\n, 2', 'SELECT 1 \n, 2'],
    ['a line comment that ends in \\r\\n', 'SELECT 1 -- one\r\n, 2', 'SELECT 1 \r\n, 2'],
    ['a line comment at the end', 'SELECT 1 -- one', 'SELECT 1'],
    ['a line comment between operators', 'SELECT 1 - -- x\n- 2', 'SELECT 1 - \n- 2'],
    ['a block comment, as one space', 'SELECT/**/1/* a\nb */+2', 'SELECT 1 +2'],
    ['nested block comments', "SELECT /* /* */ ; ' */ 1 /*/*/**/*/*/ + 2", 'SELECT   1   + 2'],
    ['a comment after an operator', 'SELECT 2*/* x */3', 'SELECT 2* 3'],
    ['comments with quotes and parentheses', `SELECT 1 -- it's (\n/* " ) $$ */ + 2`, 'SELECT 1 \n  + 2'],
    ['a placeholder in a comment', 'SELECT 1 /* {table} */', 'SELECT 1'],
  ])('%s', (_, sql, expected) => {
    expect(plan(sql)).toBe(expected);
  });
});

describe('`planSource()` leaves what is quoted', () => {
  test.each([
    `SELECT '-- no', '/* no */', ';', ')', '{a,b}', '{"a": 1}'`,
    `SELECT 'it''s -- fine', ''''`,
    `SELECT 'C:\\' , 1`,
    `SELECT E'it\\'s -- fine', e'\\\\', E'a''b'`,
    `SELECT E'one'\n  'two\\' -- still (two'`,
    `SELECT U&'d\\0061t\\+000061', U&"d\\0061t" UESCAPE '!'`,
    `SELECT B'01', x'1F', N'a\\'`,
    `SELECT "a;b", "say ""--""", "("`,
    `SELECT $$it's -- (fine$$, $tag$ $$ ; $tag2$ $tag$, $é$)$é$`,
    `SELECT a$b$, c$$`,
    `SELECT j #>> '{a,0,b}' FROM t WHERE j @> '{"x": {"y": 1}}'`,
  ])('%s', (sql) => {
    expect(plan(sql)).toBe(sql);
  });

  test('and drops a comment between the parts of one string', () => {
    expect(plan(`SELECT E'a' -- it's\n 'b\\'--'`)).toBe(`SELECT E'a' \n 'b\\'--'`);
  });
});

describe('`planSource()` fills in {label}', () => {
  test.each([
    ['in names', 'SELECT mc.correct_{label} FROM t', 'SELECT mc.correct_department FROM t'],
    ['in quoted names', 'SELECT "correct_{label}" FROM t', 'SELECT "correct_department" FROM t'],
    ['in strings', "SELECT '{label}' WHERE k = $${label}$$", "SELECT 'department' WHERE k = $$department$$"],
    ['everywhere', '(SELECT {label} FROM {label})', '(SELECT department FROM department)'],
  ])('%s', (_, sql, expected) => {
    expect(plan(sql)).toBe(expected);
  });

  test('before it reads quotes, so that a label cannot turn one string into another', () => {
    expect(plan(`SELECT {label}'\\'--'`, 'e')).toBe(`SELECT e'\\'--'`);
    expect(problemsOf(`SELECT {label}'\\'`, 'e')).toEqual([['SQL_SYNTAX', "{label}'"]]);
  });
});

describe('`planSource()` refuses', () => {
  test.each([
    ['nothing', '', [['SQL_EMPTY', '']]],
    ['only a comment', ' -- SELECT 1', [['SQL_EMPTY', ' -- SELECT 1']]],
    ['only a semicolon', ';', [['SQL_EMPTY', ';']]],
    ['a statement that writes', 'DELETE FROM t', [['SQL_NOT_SELECT', 'DELETE']]],
    ['a word that only begins like SELECT', 'selection', [['SQL_NOT_SELECT', 'selection']]],
    ['a table name', '"complaints"', [['SQL_NOT_SELECT', '"complaints"']]],
    ['a parenthesized DELETE', '(DELETE FROM t)', [['SQL_NOT_SELECT', 'DELETE']]],
    [
      'a semicolon before the query',
      ';SELECT 1',
      [
        ['SQL_NOT_SELECT', ';'],
        ['SQL_STATEMENTS', 'SELECT'],
      ],
    ],
    ['two statements', 'SELECT 1; SELECT 2; SELECT 3', [['SQL_STATEMENTS', 'SELECT']]],
    ['a statement after a comment', 'SELECT 1; /* x */ DROP TABLE t;', [['SQL_STATEMENTS', 'DROP']]],
    [
      'an escape from the subquery',
      'SELECT 1) s; DROP TABLE t --',
      [
        ['SQL_SYNTAX', ')'],
        ['SQL_STATEMENTS', 'DROP'],
      ],
    ],
    ['a second subquery', 'SELECT 1) UNION (SELECT 2', [['SQL_SYNTAX', ')']]],
    [
      'parentheses left open',
      'SELECT (((1)',
      [
        ['SQL_SYNTAX', '('],
        ['SQL_SYNTAX', '('],
      ],
    ],
    ['a parenthesis closed in a comment', 'SELECT (1 -- )', [['SQL_SYNTAX', '(']]],
    ['a string left open', "SELECT 'it''s", [['SQL_SYNTAX', "'"]]],
    ['a string that ends in an escaped quote', "SELECT E'\\'", [['SQL_SYNTAX', "E'"]]],
    ['a continued string that ends in an escaped quote', "SELECT E'a'\n'\\'", [['SQL_SYNTAX', "'"]]],
    ['a name left open', 'SELECT "a', [['SQL_SYNTAX', '"']]],
    ['a dollar quote left open', 'SELECT $a$ $$ $b$', [['SQL_SYNTAX', '$a$']]],
    ['a comment left open', 'SELECT 1 /* /* */', [['SQL_SYNTAX', '/*']]],
    ['a comment between two strings', "SELECT E'a' /**/\n'b\\''", [['SQL_SYNTAX', "'"]]],
    ['a comment between two closed strings', "SELECT 'a' /*x*/\n'b'", [['SQL_SYNTAX', '/*x*/']]],
    ['a zero character', 'SELECT 1 \0', [['SQL_SYNTAX', '\0']]],
    ['another placeholder', 'SELECT {table} FROM t', [['SQL_PLACEHOLDER', '{table}']]],
    [
      'a misspelled placeholder',
      'SELECT {lable}, {label}, {Label}',
      [
        ['SQL_PLACEHOLDER', '{lable}'],
        ['SQL_PLACEHOLDER', '{Label}'],
      ],
    ],
    ['a placeholder in a quoted name', 'SELECT "c_{labl}"', [['SQL_PLACEHOLDER', '{labl}']]],
    [
      'a placeholder of another language',
      'SELECT {{label}}, ${label}, { label }',
      [
        ['SQL_PLACEHOLDER', '{{label}}'],
        ['SQL_PLACEHOLDER', '${label}'],
        ['SQL_PLACEHOLDER', '{ label }'],
      ],
    ],
    ['a variable', 'SELECT ${TABLE}', [['SQL_PLACEHOLDER', '${TABLE}']]],
    ['half a placeholder', 'SELECT {label, label}', [['SQL_PLACEHOLDER', '{label, label}']]],
    ['a brace alone', 'SELECT label}', [['SQL_PLACEHOLDER', '}']]],
    [
      'several at once',
      'UPDATE {table} SET (a',
      [
        ['SQL_NOT_SELECT', 'UPDATE'],
        ['SQL_PLACEHOLDER', '{table}'],
        ['SQL_SYNTAX', '('],
      ],
    ],
  ])('%s', (_, sql, expected) => {
    expect(problemsOf(sql)).toEqual(expected);
  });

  test.each([
    ['DELETE FROM t', 'Cannot use the query: found "DELETE" at its start, must be SELECT, WITH, VALUES, TABLE or "("'],
    ["'a' 1", 'Cannot use the query: found a string at its start, must be SELECT, WITH, VALUES, TABLE or "("'],
    ['SELECT {lable}', 'Cannot use the query: found "{lable}", must be {label}, the only placeholder'],
    ['SELECT 1; 2', 'Cannot use the query: found a second statement after ";", must be one'],
  ])('%s, and says so', (sql, message) => {
    const planned = planSource(sql, 'department');
    expect('problems' in planned && planned.problems[0]?.message).toBe(message);
  });

  test.each([
    ['SELECT {lable}', 'write {label}'],
    ['SELECT {{label}}', 'write {label}'],
    ['SELECT {table}', "remove it, or write {label} for the label's name"],
    ['SELECT $a$b', 'close it with $a$'],
    ["SELECT U&'b", "close it with '"],
    ['SELECT 1 /*', 'close it with */'],
  ])('%s, and offers a fix', (sql, fix) => {
    const planned = planSource(sql, 'department');
    expect('problems' in planned && planned.problems[0]?.fix).toBe(fix);
  });
});

// biome-ignore format: one a line would fill a page
const FRAGMENTS = [
  ' ', '\n', '\r', '1', 'a', 'e', 'x_1', '$1', '$', 'a$b', '+', '-', '*', '/', ',', '::text', '\\', '(', ')', '[', ']',
  "'", '"', '$$', '$q$', "''", "'\\'", "'a'", "E'\\''", "e'", '"i"', '$$x$$', '--', '/*', '*/', '-- c\n', '/* c */',
  ';', '{label}', '{a}', "'{a}'", 'é', 'SELECT', 'FROM t',
];
const anySql = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 14 }).map((parts) => `SELECT ${parts.join('')}`);
const anyPlan = anySql.map((sql) => planSource(sql, 'department')).filter((planned) => 'sql' in planned);

describe('every query that `planSource()` passes', () => {
  test('is passed unchanged the second time', () => {
    fc.assert(
      fc.property(anyPlan, ({ sql }) => expect(plan(sql)).toBe(sql)),
      { numRuns: 2_000 },
    );
  });

  test('has no comment, no semicolon and no unbalanced parenthesis outside of quotes', () => {
    const quotedOrName =
      /e'(?:[^'\\]|''|\\[\s\S])*'(?!')|'(?:[^']|'')*'(?!')|"(?:[^"]|"")*"|(\$(?:[a-z_é][\wé]*)?\$)[\s\S]*?\1|[a-z_é][\w$é]*/gi;
    fc.assert(
      fc.property(anyPlan, ({ sql }) => {
        fc.pre(!/'[ ]*[\n\r]\s*'/.test(sql)); // continued strings, which the pattern above does not know
        const bare = sql.replaceAll(quotedOrName, '?');
        expect(bare).not.toMatch(/--|\/\*|[;{}'"]/);
        let depth = 0;
        for (const sign of bare.replaceAll(/[^()]/g, '')) {
          depth += sign === '(' ? 1 : -1;
          expect(depth).toBeGreaterThanOrEqual(0);
        }
        expect(depth).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('points into the SQL as given where it does not', () => {
    fc.assert(
      fc.property(anySql, (sql) => {
        const planned = planSource(sql, 'department');
        if (!('problems' in planned)) return;
        expect(planned.problems.length).toBeGreaterThan(0);
        for (const { offset, length } of planned.problems) {
          expect(offset).toBeGreaterThanOrEqual(0);
          expect(length).toBeGreaterThan(0);
          expect(offset + length).toBeLessThanOrEqual(sql.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives in PostgreSQL, as a subquery, what the query gave alone', async () => {
    await using database = await PGlite.create();
    const queries = [
      "SELECT 1 AS a -- ' ( \n, 'x--y' AS b /* /* ' */ ) */;",
      "SELECT E'a' -- c'\n 'b\\'c' AS a;;",
      "SELECT E'a'\n\n-- x\n'\\'' AS a",
      "SELECT b'1'\n'0' AS a, N'a\\' AS b, U&'d\\0061t' AS c, U&\"d!0061\" UESCAPE '!' FROM (SELECT 1 AS da) s",
      'SELECT a$b$ FROM (SELECT 1 AS a$b$) s -- $b$',
      'SELECT $é$x\'$é$ AS "a""(", $$;$$ AS b',
      'SELECT 2*/*c*/3 AS a, 1 - -- c\n - 2 AS b, 5/**/-/**/-3 AS c',
      "VALUES (1, '{\"a\": [1]}'::json), (2, '{}') /*/*/**/*/*/ ;",
      "WITH x AS (TABLE pg_namespace) (SELECT nspname FROM x) UNION (SELECT '{a,b}') ORDER BY 1;",
      "SELECT 'a'\r'b' AS a, 'c' \f\n -- d\n  --e\n'f' AS b",
    ];
    for (const sql of queries) {
      const alone = await database.query(sql);
      const within = await database.query(`SELECT * FROM (\n${plan(sql)}\n) AS source`);
      expect(within.rows).toEqual(alone.rows);
    }
  }, 30_000);
});
