import postgres from 'postgres';

export interface PostgresServer extends AsyncDisposable {
  /** postgres://user:password@127.0.0.1:port/database, as superuser. */
  url: string;
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** Empty for PGlite, which lives in memory. */
  dataDirectory: string;
  /** E.g. `15.18`. */
  version: string;
  kind: 'postgresql' | 'pglite';
  /**
   * Run statements as superuser.
   *
   * @param url of another database of this server
   * @returns the last statement's rows as lines, columns joined by `|`, NULL as nothing
   */
  psql(sql: string, url?: string): Promise<string>;
  /** Returns the new database's URL. */
  createDatabase(name?: string): Promise<string>;
  /** What the server has logged so far. */
  log(): Promise<string>;
  /** 'fast' disconnects everyone, 'immediate' is a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** After stop(), on the same port with the same data. */
  start(): Promise<void>;
}

export async function runSql(url: string, sql: string): Promise<string> {
  const client = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice: () => {} });
  try {
    const answer: unknown[] = await client.unsafe(sql).values().simple();
    const rows = 'command' in answer ? answer : answer.at(-1); // several statements answer with a list of results
    return ((rows ?? []) as unknown[][]).map((row) => row.map((value) => value ?? '').join('|')).join('\n');
  } finally {
    await client.end();
  }
}

/** The same server's address with another database. */
export function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

let databases = 0;

export function nextDatabaseName(): string {
  databases += 1;
  return `test_${databases}`;
}
