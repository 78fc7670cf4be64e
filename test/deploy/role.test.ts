import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { main } from '../../pipeline.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { fillPlain, Site } from '../run/site.ts';

const PAGE = readFileSync(resolve(import.meta.dir, '../../docs/deploy.md'), 'utf8');
const [ROLE = '', COLUMNS = '', CLOSED = ''] = [...PAGE.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql]) => sql);
const NAME = 'dataset_reader';

const found = await requirePostgres('postgresql');

describe.skipIf(!found)('the role of docs/deploy.md', () => {
  let site: Site;
  let url: string;
  const asRole = (sql: string) => site.server.psql(sql, url);
  const codeOf = (sql: string) =>
    asRole(sql).then(
      () => 'done',
      ({ code }) => code as string,
    );

  beforeAll(async () => {
    site = await Site.open();
    await site.sql(`${fillPlain(400, 120)} CREATE TABLE citizens (id int, telephone text); ${ROLE}`);
    if (Number.parseInt(site.server.version, 10) < 15) await site.sql(CLOSED);
    const own = new URL(site.url);
    own.username = NAME;
    own.password = /PASSWORD '([^']+)'/.exec(ROLE)?.[1] ?? '';
    url = own.href;
  });
  afterAll(async () => {
    await site?.sql(`DROP OWNED BY ${NAME}; DROP ROLE ${NAME}`);
    await site?.[Symbol.asyncDispose]();
  });

  const run = async (...argv: string[]) => {
    const { exitCode, report } = await site.run(argv, { env: { POSTGRES_URL: url } });
    return [exitCode, report.labels.map(({ outcome, kept }) => [outcome?.status, kept?.misclassified])];
  };

  test('is enough for a run', async () => {
    expect(await run('--label', 'urgency')).toEqual([0, [['success', 120]]]);
  });

  test('and for --check, which finds nothing to mend in it', async () => {
    const world = site.world({ env: { POSTGRES_URL: url } });
    expect(await main(['--check', '--json'], world)).toBe(0);
    const hops = JSON.parse(world.stdout.text) as { id: string; status: string; message: string }[];
    const role = hops.find(({ id }) => id === 'database.role');
    expect(role).toMatchObject({
      status: 'ok',
      message: `${NAME}: row-level security applies (database.row_security: error); may only read`,
    });
  });

  test('would be warned of where everybody may create tables, and the fix is what the guide says', async () => {
    await site.sql('GRANT CREATE ON SCHEMA public TO PUBLIC'); // as up to PostgreSQL 14
    const world = site.world({ env: { POSTGRES_URL: url } });
    await main(['--check', '--json'], world);
    await site.sql(CLOSED);
    const hops = JSON.parse(world.stdout.text) as { id: string; code?: string; fix?: string }[];
    const { code, fix } = hops.find(({ id }) => id === 'database.role') ?? {};
    expect([code, `${fix};\n`]).toEqual(['RIGHTS_EXCESSIVE', CLOSED]);
  });

  test('reads only, and could not write if it were told to', async () => {
    const insert = `INSERT INTO complaints (id, message) VALUES (999, 'x')`;
    expect(await codeOf(insert)).toBe('25006'); // read_only_sql_transaction
    for (const write of [
      insert,
      'UPDATE complaints SET message = NULL',
      'DELETE FROM misclassified_complaints',
      'TRUNCATE complaints',
    ])
      expect(await codeOf(`BEGIN READ WRITE; ${write}`)).toBe('42501'); // insufficient_privilege
    expect(await asRole(`SELECT count(*) FROM complaints`)).toBe('400');
  });

  test('has limits of its own', async () => {
    expect(await asRole(`SHOW statement_timeout`)).toBe('10min');
    expect(
      await asRole(
        `SELECT rolconnlimit, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user`,
      ),
    ).toBe('3|false|false|false');
  });

  test('sees no other table', async () => {
    expect(await codeOf('SELECT * FROM citizens')).toBe('42501');
  });

  test('is enough column by column too, and sees no other column then', async () => {
    await site.sql(`REVOKE SELECT ON complaints, misclassified_complaints FROM ${NAME}; ${COLUMNS}`);
    expect(await run('--force')).toEqual([
      0,
      [
        ['success', 120],
        ['success', 120],
      ],
    ]);
    expect(await codeOf('SELECT citizen_id FROM complaints')).toBe('42501');
    expect(await codeOf('SELECT reported_by_admin_id FROM misclassified_complaints')).toBe('42501');
  });
});
