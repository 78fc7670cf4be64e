import { type Snapshot, withSnapshot } from '../../lib/edges/postgres.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import type { DatabaseSpec } from '../../lib/spec/spec.ts';
import type { PostgresServer } from './postgres-server.ts';

export interface ReadOptions {
  /** Environment variables, e.g. DATABASE_CA. */
  env?: Record<string, string>;
  /** Further keys of `database`, as in the YAML's flow style. */
  yaml?: string;
  signal?: AbortSignal;
}

/** What the program makes of a URL as it is pasted. */
export function databaseOf(url: string, { env = {}, yaml = '' }: ReadOptions = {}): DatabaseSpec {
  const text = `version: 1
database: { url: '\${POSTGRES_URL}', ${yaml} }
defaults: { sources: { misclassified: SELECT 1, correct: SELECT 1 } }
labels: { topic: { repo: ./topic, classes: [A, B] } }
`;
  return parseSpec('test.yaml', text, { POSTGRES_URL: url, ...env }).database;
}

/** Read in a snapshot as the program does. */
export function read<T>(url: string, work: (snapshot: Snapshot) => Promise<T>, options: ReadOptions = {}): Promise<T> {
  return withSnapshot(databaseOf(url, options), options.signal ?? new AbortController().signal, work);
}

/** The code of our error, or what else was thrown; 'none' when nothing was. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return 'none';
  } catch (thrown) {
    return (thrown as { code?: unknown }).code ?? thrown;
  }
}

export function changeUrl(
  url: string,
  parts: Partial<Record<'username' | 'password' | 'hostname' | 'port' | 'pathname' | 'search', string>>,
): string {
  return Object.assign(new URL(url), parts).href;
}

/** Ask a server until it says so; the test's own timeout ends it. */
export async function until({ psql }: PostgresServer, condition: string, url?: string): Promise<void> {
  while ((await psql(`SELECT ${condition}`, url)) !== 'true');
}

/** Condition: how many of our sessions the server has in a database. */
export function sessions(url: string, comparison: string): string {
  const database = new URL(url).pathname.slice(1);
  return `count(*) ${comparison} FROM pg_stat_activity WHERE application_name = 'prepare-dataset' AND datname = '${database}'`;
}
