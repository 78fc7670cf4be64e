import type { LocatedDocument, Path } from './document.ts';
import { quote } from './problems.ts';
import { isReserved, type RawCommon, RESERVED } from './schema.ts';
import { type CheckSpec, LIMIT_CHECKS } from './spec.ts';
import { planSource } from './sql.ts';

/** Names of queries stand in reports, alerts and messages. */
const QUERY_NAME = /^[a-z][a-z0-9_]{0,62}$/;

type RawChecks = NonNullable<RawCommon['checks']>;

/** Find query names that cannot be used, in `defaults` or in one label. */
export function checkQueryNames(document: LocatedDocument, path: Path, queries: Record<string, unknown>): void {
  for (const name of Object.keys(queries)) {
    if (QUERY_NAME.test(name) && !isReserved(name)) continue;
    const [start, end] = document.keyRange([...path, name]);
    document.problems.push({
      code: 'CHECK_NAME',
      message: `Cannot use check ${quote(name)}: ${isReserved(name) ? RESERVED : 'must match [a-z][a-z0-9_]*, with at most 63 characters'}`,
      start,
      end,
      fix: 'use lower-case letters, digits and _, e.g. no_placeholder',
    });
  }
}

/** Find problems of the queries that a label runs: its own, and those of `defaults` that it does not replace. */
export function checkQueries(
  document: LocatedDocument,
  label: string,
  defaults: Record<string, unknown>,
  own: Record<string, unknown>,
): void {
  for (const [name, entry] of Object.entries({ ...defaults, ...own })) {
    const sql = queryOf(entry);
    if (typeof sql !== 'string' || sql === '') continue; // switched off, or the schema reports it
    const scope = Object.hasOwn(own, name) ? ['labels', label] : ['defaults'];
    const path = [...scope, 'checks', 'sql', name, ...(typeof entry === 'string' ? [] : ['query'])];
    const plan = planSource(sql, label, 'duckdb');
    if (!('problems' in plan)) continue;
    for (const problem of plan.problems) {
      const start = document.inside(path, problem.offset);
      const end = start + Math.max(1, problem.length);
      document.problems.push({ code: problem.code, message: problem.message, start, end, fix: problem.fix });
    }
  }
}

function queryOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'query' in entry ? entry.query : entry;
}

/** The checks of one label, merged and checked, in a fixed order. What is false is not asked for. */
export function resolveChecks(merged: RawChecks, label: string): CheckSpec[] {
  const { no_conflicts: conflicts, sql = {} } = merged;
  return [
    ...LIMIT_CHECKS.flatMap((name): CheckSpec[] => {
      const entry = merged[name];
      if (entry === undefined || entry === false) return [];
      const { limit, severity = 'refuse' } = typeof entry === 'object' ? entry : { limit: entry };
      return [{ kind: 'limit', name, limit: Number(limit), severity }];
    }),
    ...(conflicts === undefined || conflicts === false ? [] : [resolveConflicts(conflicts)]),
    ...Object.entries(sql)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, entry]): CheckSpec[] => {
        if (entry === false) return [];
        const { query, severity = 'refuse' } = typeof entry === 'string' ? { query: entry } : entry;
        const plan = planSource(query, label, 'duckdb');
        if ('problems' in plan) throw new TypeError(`unchecked SQL of ${label}`);
        return [{ kind: 'sql', name: `sql.${name}`, sql: plan.sql, severity }];
      }),
  ];
}

function resolveConflicts(entry: NonNullable<RawChecks['no_conflicts']>): CheckSpec {
  return {
    kind: 'conflicts',
    name: 'no_conflicts',
    severity: (typeof entry === 'object' && entry.severity) || 'refuse',
  };
}
