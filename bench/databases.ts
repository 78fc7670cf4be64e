import postgres, { type Sql } from 'postgres';
import { createTables, fillComplaints } from '../test/edges/complaints.ts';
import { type PostgresServer, startPostgres } from '../test/edges/postgres-server.ts';
import { say } from './measure.ts';

const SETTINGS = { shared_buffers: '512MB' };
const LONG_TEXT_BYTES = 100_000;
const COMPLAINTS_PER_LONG_TEXT = 100_000;

/** A throw-away PostgreSQL with one database a size, which is made when it is first asked for. */
export class Databases implements AsyncDisposable {
  readonly #made = new Map<number, string>(); // complaints → URL

  private constructor(readonly server: PostgresServer) {}

  static async open(): Promise<Databases> {
    const server = await startPostgres({ settings: SETTINGS });
    return new Databases(server);
  }

  /** URL of the database with this many complaints. */
  async of(complaints: number): Promise<string> {
    const url = this.#made.get(complaints) ?? (await this.#make(complaints));
    this.#made.set(complaints, url);
    return url;
  }

  async drop(complaints: number): Promise<void> {
    const url = this.#made.get(complaints);
    this.#made.delete(complaints);
    if (url !== undefined) await this.server.psql(`DROP DATABASE "${nameOf(url)}" WITH (FORCE)`);
  }

  /** A copy that may be changed, with that change applied; gone with the server, or by dropCopy(). */
  async copy(url: string, change: string): Promise<string> {
    const name = `${nameOf(url)}_copy_${crypto.randomUUID().slice(0, 8)}`;
    await this.server.psql(`CREATE DATABASE "${name}" TEMPLATE "${nameOf(url)}"`);
    const copy = new URL(url);
    copy.pathname = `/${name}`;
    await this.server.psql(change, copy.href);
    return copy.href;
  }

  async dropCopy(url: string): Promise<void> {
    await this.server.psql(`DROP DATABASE "${nameOf(url)}" WITH (FORCE)`);
  }

  /** End what a killed client left running: the server notices a closed connection only when it sends something. */
  async endQueries(url: string): Promise<void> {
    await this.server.psql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${nameOf(url)}' AND pid <> pg_backend_pid()`,
    );
  }

  async #make(complaints: number): Promise<string> {
    const url = await this.server.createDatabase(`bench_${complaints}`);
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const start = performance.now();
    try {
      await createTables(sql);
      await fillComplaints(sql, { complaints, reviewed: 1 });
      await lengthen(sql, Math.max(3, Math.floor(complaints / COMPLAINTS_PER_LONG_TEXT)));
      await sql.unsafe('VACUUM ANALYZE');
      await sql.unsafe('CHECKPOINT'); // or it would be written while something is measured
    } finally {
      await sql.end();
    }
    say(`Made a database of ${complaints} complaints in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

const nameOf = (url: string) => new URL(url).pathname.slice(1);

/** A few mistakes become texts of about 100 kB, the same ones each time. */
async function lengthen(sql: Sql, texts: number): Promise<void> {
  await sql.unsafe(`
    UPDATE complaints SET message = repeat(message || ' ', ${LONG_TEXT_BYTES} / (octet_length(message) + 1))
    WHERE id IN (SELECT complaint_id FROM misclassified_complaints GROUP BY complaint_id ORDER BY md5(complaint_id::text) LIMIT ${texts})`);
}
