import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportMissing } from './binaries.ts';
import { answers, freePort, makeServerDirectory, readLog, serverUser, spawnServer, untilReady } from './process.ts';
import { type PostgresServer, withDatabase } from './server.ts';

const DEBIAN_PGBOUNCER = '/usr/sbin/pgbouncer';

export interface Pgbouncer extends AsyncDisposable {
  /** The server's own database, through the pooler; same user and password. */
  url: string;
  port: number;
  /** A URL of the server, led through the pooler. */
  through(url: string): string;
  log(): Promise<string>;
}

/**
 * Start PgBouncer in transaction mode before a server. It passes on no startup parameter but those it tracks, as hosted poolers do.
 *
 * @param settings further settings of its [pgbouncer] section
 * @returns undefined, with one loud line, where it is not installed; in CI that is a failure
 */
export async function startPgbouncer(
  server: PostgresServer,
  settings: Record<string, string> = {},
): Promise<Pgbouncer | undefined> {
  const binary = Bun.which('pgbouncer') ?? DEBIAN_PGBOUNCER;
  if (!existsSync(binary)) return reportMissing(`no pgbouncer on PATH or at ${DEBIAN_PGBOUNCER}: its tests cannot run`);
  const user = await serverUser();
  const directory = await makeServerDirectory('pgb-', user);
  const port = await freePort();
  await writeFile(join(directory.path, 'users.txt'), `"${server.user}" "${server.password.replaceAll('"', '""')}"\n`);
  await writeFile(join(directory.path, 'pgbouncer.ini'), configuration(server, directory.path, port, settings));
  const child = spawnServer([binary, join(directory.path, 'pgbouncer.ini')], directory.path, user);
  if (!(await untilReady(child, () => answers(port)))) {
    const log = await readLog(directory.path);
    await directory[Symbol.asyncDispose]();
    throw new Error(`Cannot start PgBouncer: exit ${child.exitCode}\n${log}`);
  }
  const through = (url: string) => {
    const other = new URL(url);
    other.port = String(port);
    return other.href;
  };
  return {
    url: through(withDatabase(server.url, server.database)),
    port,
    through,
    log: () => readLog(directory.path),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await child.exited;
      await directory[Symbol.asyncDispose]();
    },
  };
}

function configuration(server: PostgresServer, directory: string, port: number, settings: Record<string, string>) {
  const all = {
    listen_addr: server.host,
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(directory, 'users.txt'),
    pool_mode: 'transaction',
    pidfile: join(directory, 'pgbouncer.pid'),
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  return `[databases]\n* = host=${server.host} port=${server.port}\n[pgbouncer]\n${lines.join('\n')}\n`;
}
