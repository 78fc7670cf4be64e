import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { requirePostgres } from '../edges/postgres-server.ts';
import { Site } from '../run/site.ts';
import { specOf } from './records.ts';

/** What PostgreSQL itself refuses to hold, and what a database without an encoding holds all the same. */

setDefaultTimeout(60_000);

const CANARY = 'row-canary';
const ASCII = 'hostile_ascii';
let site: Site;
beforeAll(async () => {
  site = await Site.open(
    "CREATE TABLE records (key text, text bytea, label text); INSERT INTO records VALUES ('1', '\\x00', 'a')",
  );
});
afterAll(() => site[Symbol.asyncDispose]());

const run = (text: string, table = 'records', env = {}) =>
  site.run(['--verbose'], {
    env,
    yaml: specOf({
      repo: './refused',
      classes: ['a'],
      sources: {
        misclassified: `SELECT key, ${text} AS text, label FROM ${table}`,
        correct: 'SELECT NULL AS key, NULL AS text, NULL AS label WHERE false',
      },
      split: { train: 1 },
    }),
  });

describe('a text that is none fails its label, without a word of it', () => {
  test.each([
    ['a zero', `'${CANARY}' || chr(0)`],
    ['a zero byte', `'${CANARY}' || convert_from(text, 'UTF8')`],
    ['half of a surrogate pair', `'${CANARY}' || convert_from('\\xeda080'::bytea, 'UTF8')`],
    ['half of a surrogate pair as an escape', `'${CANARY}' || (('"\\ud' || '800"')::json #>> '{}')`],
    ['a byte that begins nothing', `convert_from(convert_to('${CANARY}', 'UTF8') || '\\xff'::bytea, 'UTF8')`],
    ['a code point beyond Unicode', `'${CANARY}' || chr(1114112)`],
    ['a number that is none', `('${CANARY}' || key)::int::text`],
    ['a surrogate as a code point', `'${CANARY}' || chr(55296)`],
  ])('%s', async (_, text) => {
    const { exitCode, report, world } = await run(text);
    expect(exitCode).toBe(1);
    expect(report.labels[0]?.outcome).toMatchObject({ status: 'failed', problem: { code: 'DATABASE_QUERY' } });
    const said = `${world.stdout.text}${world.stderr.text}`.replaceAll(`'${CANARY}'`, ''); // the SQL is the spec's
    expect(said).not.toContain(CANARY);
    expect(said).not.toContain('INTERNAL');
  });
});

test('bytes that a database of no encoding holds do not arrive', async () => {
  const server = await requirePostgres('postgresql');
  if (!server) return;
  await server.psql(`CREATE DATABASE ${ASCII} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
  const url = Object.assign(new URL(site.url), { pathname: ASCII }).href;
  await server.psql(
    `CREATE TABLE records (key text, text text, label text); INSERT INTO records VALUES ('1', E'${CANARY} \\xed\\xa0\\x80', 'a')`,
    url,
  );
  const { exitCode, report, world } = await run('text', 'records', { POSTGRES_URL: url });
  expect([exitCode, report.labels[0]?.outcome]).toMatchObject([1, { problem: { code: 'DATABASE_QUERY' } }]);
  expect(`${world.stdout.text}${world.stderr.text}`).not.toContain(CANARY);
});
