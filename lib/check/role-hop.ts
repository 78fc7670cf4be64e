import type { Snapshot } from '../edges/postgres.ts';
import type { DatabaseSpec } from '../spec/spec.ts';
import { type Finding, ok, warning } from './hops.ts';

/** What a role may do besides reading. Names are quoted where SQL wants it. */
interface RoleRow {
  name: string;
  /** It is the one that was logged in as. */
  own: boolean;
  attributes: Record<keyof typeof ATTRIBUTES, boolean>;
  bypasses: boolean;
  /** The database, where schemas may be created in it. */
  database: string | undefined;
  /** Schemas in which it may create tables because everybody may, or because it may itself. */
  openSchemas: string | undefined;
  schemas: string | undefined;
  /** Tables that it may write, in whole or in a column, and the schemas of these. */
  tables: number;
  tableSchemas: string | undefined;
}

const ATTRIBUTES = {
  SUPERUSER: { column: 'rolsuper', words: 'is superuser' },
  CREATEROLE: { column: 'rolcreaterole', words: 'may create roles' },
  CREATEDB: { column: 'rolcreatedb', words: 'may create databases' },
  REPLICATION: { column: 'rolreplication', words: 'may replicate, and so read everything' },
} as const;

/** PostgreSQL's own, e.g. pg_execute_server_program and pg_read_all_data: each is for more than two tables. */
const PREDEFINED = /^pg_/;

const WRITES = 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER';
const PEOPLES = (schema: string) => `${schema}::regnamespace::text !~ '^(pg_|information_schema$)'`; // not the system's
/** Foreign and partitioned tables are written too, and tables by their views. */
const WRITABLE = `FROM pg_class c WHERE c.relkind IN ('r', 'p', 'f', 'v') AND ${PEOPLES('c.relnamespace')}
    AND (has_table_privilege(r.oid, c.oid, '${WRITES}') OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE'))`;
const CREATABLE = (
  open: string,
) => `(SELECT string_agg(n.oid::regnamespace::text, ', ' ORDER BY n.nspname) FROM pg_namespace n
    WHERE ${PEOPLES('n.oid')} AND has_schema_privilege(r.oid, n.oid, 'CREATE') AND ${open} has_schema_privilege('public', n.oid, 'CREATE'))`;

/** The role, and all that it may become. A superuser may become any. */
const ROLES = `SELECT quote_ident(r.rolname) AS name, (r.rolname = current_user)::text AS own, r.rolbypassrls::text AS bypasses,
  ${Object.values(ATTRIBUTES)
    .map(({ column }) => `r.${column}::text AS ${column}`)
    .join(', ')},
  CASE WHEN has_database_privilege(r.oid, current_database(), 'CREATE') THEN quote_ident(current_database()) END AS database,
  ${CREATABLE('')} AS open_schemas, ${CREATABLE('NOT')} AS schemas,
  (SELECT count(*) ${WRITABLE})::text AS tables,
  (SELECT string_agg(DISTINCT c.relnamespace::regnamespace::text, ', ') ${WRITABLE}) AS table_schemas
FROM pg_roles r
WHERE CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN r.rolname = current_user ELSE pg_has_role(current_user, r.oid, 'MEMBER') END
ORDER BY r.rolname <> current_user, r.rolname`;

const GUARDED = `SELECT count(*) AS n FROM pg_class WHERE relrowsecurity`;

/** Say what the role may, and warn of all that a run does not need. */
export async function checkRole(snapshot: Snapshot, { rowSecurity }: DatabaseSpec): Promise<Finding> {
  const roles = (await snapshot.rows(ROLES)).map(readRole);
  const own = roles.find((role) => role.own) as RoleRow; // current_user is a role
  const isGuarded = (await snapshot.number(GUARDED)) > 0;
  return describeRole(own, roles, isGuarded, rowSecurity);
}

function readRole(row: Record<string, string | null>): RoleRow {
  const attributes = Object.entries(ATTRIBUTES).map(([name, { column }]) => [name, row[column] === 'true']);
  return {
    name: row.name ?? '',
    own: row.own === 'true',
    attributes: Object.fromEntries(attributes),
    bypasses: row.bypasses === 'true',
    database: row.database ?? undefined,
    openSchemas: row.open_schemas ?? undefined,
    schemas: row.schemas ?? undefined,
    tables: Number(row.tables),
    tableSchemas: row.table_schemas ?? undefined,
  };
}

function describeRole(
  own: RoleRow,
  roles: RoleRow[],
  isGuarded: boolean,
  rowSecurity: DatabaseSpec['rowSecurity'],
): Finding {
  const isBypassed = own.attributes.SUPERUSER || own.bypasses;
  const about = `${own.name}: row-level security ${isBypassed ? 'bypassed' : `applies (database.row_security: ${rowSecurity})`}`;
  const found = [
    ...excessOf(own),
    ...(own.bypasses && !own.attributes.SUPERUSER && (!isGuarded || rowSecurity === 'respect')
      ? [{ may: 'bypasses row-level security without need', fix: `ALTER ROLE ${own.name} NOBYPASSRLS` }]
      : []),
    ...roles.filter((role) => role !== own).flatMap((role) => membership(own, role)),
  ];
  if (found.length === 0) return ok(`${about}; may only read`);
  const fixes = found.map(({ fix }) => fix).join('; ');
  return warning(`${about}; ${found.map(({ may }) => may).join(', ')}`, fixes, 'RIGHTS_EXCESSIVE');
}

interface Excess {
  may: string;
  /** The statement that takes it away. */
  fix: string;
}

function membership(own: RoleRow, role: RoleRow): Excess[] {
  const excess = excessOf(role).map(({ may }) => may);
  if (excess.length === 0 && role.bypasses) excess.push('bypasses row-level security');
  if (excess.length === 0 && PREDEFINED.test(role.name)) excess.push('is one of PostgreSQL’s own');
  if (excess.length === 0) return []; // a group that is granted what a run reads
  return [
    { may: `may become ${role.name}, which ${excess.join(' and ')}`, fix: `REVOKE ${role.name} FROM ${own.name}` },
  ];
}

/** A superuser may do everything: nothing else is said of it. */
function excessOf({ name, attributes, database, openSchemas, schemas, tables, tableSchemas }: RoleRow): Excess[] {
  if (attributes.SUPERUSER)
    return [
      {
        may: ATTRIBUTES.SUPERUSER.words,
        fix: 'connect as a role that may only read: CREATE ROLE … LOGIN; GRANT SELECT ON …',
      },
    ];
  const held = (Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[]).filter((each) => attributes[each]);
  const on = (may: string, what: string, from = name) => ({ may, fix: `REVOKE ${what} FROM ${from}` });
  return [
    ...held.map((each) => ({ may: ATTRIBUTES[each].words, fix: `ALTER ROLE ${name} NO${each}` })),
    ...(database ? [on('may create schemas', `CREATE ON DATABASE ${database}`)] : []),
    ...(schemas ? [on(`may create tables in ${schemas}`, `CREATE ON SCHEMA ${schemas}`)] : []),
    ...(openSchemas
      ? [on(`may create tables in ${openSchemas}, as everybody may`, `CREATE ON SCHEMA ${openSchemas}`, 'PUBLIC')]
      : []),
    ...(tables > 0
      ? [on(`may write ${tables} table${tables === 1 ? '' : 's'}`, `${WRITES} ON ALL TABLES IN SCHEMA ${tableSchemas}`)]
      : []),
  ];
}
