import { afterAll, afterEach, beforeAll, expect } from 'bun:test';
import { type Snapshot, withSnapshot } from '../../lib/edges/postgres.ts';
import type { Parts } from '../../lib/edges/postgres-copy.ts';
import { openRun } from '../../lib/open.ts';
import type { Run } from '../../lib/run.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import type { DatabaseSpec } from '../../lib/spec/spec.ts';
import { testWorld } from '../run/world.ts';
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

/** All rows of a COPY in one file. */
export const oneFile = (path: string): Parts => ({
  bytes: Number.POSITIVE_INFINITY,
  path: () => path,
});

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

const NOTHING = 'SELECT 1 AS key, NULL::text AS text, NULL::text AS label WHERE false';

/** A spec whose labels have one source each, of reviewed mistakes. */
export function planYaml(sources: Record<string, string>): string {
  const labels = Object.entries(sources).map(
    ([name, sql]) =>
      `  ${name}: { repo: ./${name}, classes: [A, B], sources: { misclassified: ${JSON.stringify(sql)} } }`,
  );
  return `version: 1
database: { url: '\${POSTGRES_URL}', statement_timeout: 30s }
defaults: { min_samples: 0, max_text_bytes: 1200000, sources: { correct: "${NOTHING}" } }
labels:
${labels.join('\n')}
`;
}

const OPTIONS = {
  config: 'test.yaml',
  labels: [],
  dryRun: true,
  check: false,
  demo: false,
  out: 'out',
  json: false,
  force: false,
  allowClassChange: false,
  resplit: false,
  verbose: false,
  samples: 5,
  rawSamples: false,
  detailedExitcode: false,
  history: false,
  unhold: false,
  submit: false,
  envFile: '.env',
  yes: false,
};

/** A run of its own, whose clock notes the waits and calls back instead of waiting. */
export async function openFetch(
  url: string,
  folder: string,
  sources: Record<string, string>,
  onWait: () => unknown = () => {},
): Promise<{ run: Run; waits: number[] }> {
  const waits: number[] = [];
  const clock = {
    now: () => new Date(),
    sleep: async (ms: number) => {
      waits.push(ms);
      await onWait();
    },
  };
  const env = { POSTGRES_URL: url };
  const world = testWorld({ env, cwd: folder, tmpdir: folder, clock });
  return { run: await openRun(parseSpec('test.yaml', planYaml(sources), env), OPTIONS, world), waits };
}

/** A promise that nobody awaits, or an error in a callback, fails the test during which it comes up. */
export function failOnUnforeseen(): void {
  const unforeseen: unknown[] = [];
  const note = (thrown: unknown) => void unforeseen.push(thrown);
  beforeAll(() => void process.on('unhandledRejection', note).on('uncaughtException', note));
  afterEach(() => expect(unforeseen.splice(0)).toEqual([]));
  afterAll(() => void process.off('unhandledRejection', note).off('uncaughtException', note));
}
