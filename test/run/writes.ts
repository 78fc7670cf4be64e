import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LocalHub } from '../edges/local-hub.ts';
import type { PostgresServer } from '../edges/postgres-server.ts';

/** Settings of a server whose log tells who asked what, and where nothing but its clients writes. */
export const LOGGING = { log_statement: 'all', log_line_prefix: '<%u> ', autovacuum: 'off' };

/** Statements that clients sent, from a server's log with the settings above. */
export function statementsIn(log: string): { user: string; statement: string }[] {
  return log.split(/^(?=<\w*> )/m).flatMap((entry) => {
    const [, user, statement] = /^<(\w*)> LOG: {2}(?:statement|execute [^:]*): ([\s\S]*)$/.exec(entry) ?? [];
    return user !== undefined && statement !== undefined ? [{ user, statement: statement.trim() }] : [];
  });
}

const READS = [
  /^BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY$/,
  /^(SAVEPOINT|RELEASE|ROLLBACK TO) \w+$/,
  /^(COMMIT|ROLLBACK)$/,
  /^(SELECT|WITH)\b/,
  /^SHOW\b/,
  /^COPY \([\s\S]*\) TO STDOUT \(FORMAT csv, FORCE_QUOTE \*\)$/,
  /^EXPLAIN\s+(\((?![^)]*ANALY[SZ]E)[^)]*\)\s+)?\(?\s*(SELECT|WITH)\b/i,
];
/** What changes something although it stands in a SELECT, or after one. Setting a variable for the transaction does not. */
const CHANGES =
  /\b(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|ALTER|DROP|GRANT|REVOKE|INTO|LOCK|NOTIFY|VACUUM|CALL|DO)\b|\b(nextval|setval|pg_notify|pg_advisory\w*|lo_\w+|dblink\w*)\s*\(|;/i;

export function isRead(statement: string): boolean {
  return READS.some((form) => form.test(statement)) && !CHANGES.test(statement.replace(/'(?:[^']|'')*'/g, "''"));
}

/**
 * What a database remembers of writes: rows; sequences, which no rollback takes back; and the next transaction that gets a
 * number, as only one that writes does.
 */
export function databaseMarks(server: PostgresServer, url: string): Promise<string> {
  return server.psql(
    `SELECT tup_inserted, tup_updated, tup_deleted, pg_snapshot_xmax(pg_current_snapshot()),
  (SELECT string_agg(concat(sequencename, ' ', last_value), ',' ORDER BY sequencename) FROM pg_sequences)
FROM pg_stat_database WHERE datname = current_database()`,
    url,
  );
}

/** All that a hub holds. */
export function hubMarks(hub: LocalHub): string[] {
  return [...hub.repos].map(([id, { private: isPrivate, commits, branches, tags, objects, discussions }]) =>
    JSON.stringify([id, isPrivate, commits.map(({ oid }) => oid), [...branches], [...tags], objects.size, discussions]),
  );
}

/** Every file, link and folder, with what it holds and when it was written. @param except paths that may change, with all below them */
export function folderMarks(folder: string, except: string[]): string[] {
  const marks: string[] = [];
  const walk = (directory: string) => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      if (except.includes(relative(folder, path))) continue;
      const status = lstatSync(path);
      const content = status.isFile() ? sha256(path) : status.isSymbolicLink() ? readlinkSync(path) : '';
      marks.push(`${relative(folder, path)} ${status.mode.toString(8)} ${status.mtimeMs} ${content}`);
      if (status.isDirectory()) walk(path);
    }
  };
  walk(folder);
  return marks;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** A server that no dry run may talk to: it keeps what it is asked. */
export function startForbiddenServer() {
  const requests: string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      return Response.json({});
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    /** Whoever connects without HTTP, e.g. by SMTP, is not seen: see startForbiddenPort(). */
    requests,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A port that no dry run may connect to. */
export function startForbiddenPort() {
  let connections = 0;
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: (socket) => {
        connections++;
        socket.end();
      },
      data: () => {},
    },
  });
  return {
    port: listener.port,
    get connections() {
      return connections;
    },
    [Symbol.dispose]: () => listener.stop(true),
  };
}
