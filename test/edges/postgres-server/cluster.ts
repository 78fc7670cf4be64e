import { chmod, chown, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  freePort,
  makeServerDirectory,
  readLog,
  run,
  type ServerDirectory,
  type ServerUser,
  serverUser,
  spawnServer,
  untilReady,
} from './process.ts';
import { nextDatabaseName, type PostgresServer, runSql, withDatabase } from './server.ts';

export interface ClusterOptions {
  tls?: { certFile: string; keyFile: string; caFile?: string };
  /** E.g. `{ log_statement: 'all' }`. */
  settings?: Record<string, string>;
  /** Lines of pg_hba.conf that come before ours, which lets everyone in by password. */
  hba?: string[];
}

const HOST = '127.0.0.1';
const USER = 'postgres';
const PASSWORD = 's3cret/with@odd:chars'; // a URL pasted together without encoding fails
const START_ATTEMPTS = 3; // a free port may be taken before the server binds it

/** Safe where nobody needs the data after a power cut; commits still outlive stop('immediate'). */
const FAST_SETTINGS = { fsync: 'off', full_page_writes: 'off', max_wal_size: '4GB' };

/** initdb a new cluster, start it on a free port; disposing it leaves nothing behind. */
export async function startCluster(binaries: string, options: ClusterOptions): Promise<PostgresServer> {
  const user = await serverUser();
  const directory = await makeServerDirectory('pg-', user);
  try {
    await initialise(binaries, directory.path, user, options.hba ?? []);
    const settings = {
      ...FAST_SETTINGS,
      listen_addresses: HOST,
      unix_socket_directories: directory.path,
      ...(await tlsSettings(directory.path, user, options.tls)),
      ...options.settings,
    };
    const launch = (port: number) => launchPostgres(binaries, directory.path, user, { ...settings, port: `${port}` });
    const version = (await run([join(binaries, 'postgres'), '--version'], { user })).match(/\d+[.\w]*/)?.[0] ?? '';
    return await serve(directory, launch, version);
  } catch (thrown) {
    await directory[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function initialise(binaries: string, directory: string, user: ServerUser | undefined, hba: string[]) {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, PASSWORD);
  const data = join(directory, 'data');
  const flags = ['--no-sync', '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
  await run([join(binaries, 'initdb'), '-D', data, '-U', USER, `--pwfile=${passwordFile}`, ...flags], { user });
  const rules = join(data, 'pg_hba.conf');
  if (hba.length > 0) await writeFile(rules, `${hba.join('\n')}\n${await readFile(rules, 'utf8')}`);
}

/** The server refuses a key that others could read, so it gets its own copies. */
async function tlsSettings(directory: string, user: ServerUser | undefined, tls: ClusterOptions['tls']) {
  if (tls === undefined) return {};
  const copy = async (file: string, name: string) => {
    const target = join(directory, name);
    await copyFile(file, target);
    if (user !== undefined) await chown(target, user.uid, user.gid);
    return target;
  };
  const keyFile = await copy(tls.keyFile, 'server.key');
  await chmod(keyFile, 0o600);
  return {
    ssl: 'on',
    ssl_cert_file: await copy(tls.certFile, 'server.crt'),
    ssl_key_file: keyFile,
    ...(tls.caFile === undefined ? {} : { ssl_ca_file: await copy(tls.caFile, 'ca.crt') }),
  };
}

type Child = Bun.Subprocess;

/** Resolves when the server lets clients in: it then writes `ready` into the eighth line of its pid file, as pg_ctl waits for. */
async function launchPostgres(
  binaries: string,
  directory: string,
  user: ServerUser | undefined,
  settings: Record<string, string>,
): Promise<Child> {
  const data = join(directory, 'data');
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawnServer([join(binaries, 'postgres'), '-D', data, ...flags], directory, user);
  const isReady = async () => {
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    return Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready';
  };
  if (await untilReady(child, isReady)) return child;
  throw new Error(`Cannot start PostgreSQL: exit ${child.exitCode}\n${await readLog(directory)}`);
}

/** @param launch starts the server on a port; called again by start() with the port of the first time */
async function serve(
  directory: ServerDirectory,
  launch: (port: number) => Promise<Child>,
  version: string,
): Promise<PostgresServer> {
  let { child, port } = await launchOnFreePort(launch);
  const url = new URL(`postgres://${USER}@${HOST}:${port}/postgres`);
  url.password = encodeURIComponent(PASSWORD);
  const stop = async (mode: 'fast' | 'immediate' = 'fast') => {
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await child.exited;
  };
  return {
    url: url.href,
    host: HOST,
    port,
    database: 'postgres',
    user: USER,
    password: PASSWORD,
    dataDirectory: join(directory.path, 'data'),
    version,
    kind: 'postgresql',
    psql: (sql, database = url.href) => runSql(database, sql),
    createDatabase: async (name = nextDatabaseName()) => {
      await runSql(url.href, `CREATE DATABASE "${name}"`);
      return withDatabase(url.href, name);
    },
    log: () => readLog(directory.path),
    stop,
    start: async () => {
      child = await launch(port);
    },
    [Symbol.asyncDispose]: async () => {
      await stop('immediate');
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function launchOnFreePort(launch: (port: number) => Promise<Child>): Promise<{ child: Child; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return { child: await launch(port), port };
    } catch (thrown) {
      if (attempt === START_ATTEMPTS || !String(thrown).includes('Address already in use')) throw thrown;
    }
  }
}
