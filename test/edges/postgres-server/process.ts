import { closeSync, existsSync, openSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Short, since a socket's path is limited to 107 bytes, and open to the other user that servers run as. */
const TEMPORARY_ROOT = existsSync('/tmp') ? '/tmp' : tmpdir();
const POLL_MS = 20;

/** Whom a server runs as: PostgreSQL and PgBouncer refuse root. */
export interface ServerUser {
  uid: number;
  gid: number;
}

/** `postgres` or `nobody` when root, else undefined: the current user. */
export async function serverUser(): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => users.find(([user]) => user === name)).find(Boolean);
  if (found === undefined) throw new Error("Cannot start a server as root: no user 'postgres' or 'nobody'");
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/**
 * Kill the servers whose pid files lie in the directory, then delete it. As it starts when its standard input ends, it also works
 * when the test process is killed, and when bun:test exits without an 'exit' event.
 */
const REAPER = `
trap '' INT TERM HUP
cat > /dev/null
for file in "$1"/data/postmaster.pid "$1"/pgbouncer.pid; do
  pid=$(head -n 1 "$file" 2> /dev/null) || continue
  [ -n "$pid" ] || continue
  kill -QUIT "$pid" 2> /dev/null
  while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
done
rm -rf "$1"
`;

export interface ServerDirectory extends AsyncDisposable {
  path: string;
}

/** A directory of the server's user that is gone, with its servers, when disposed or when this process ends in whatever way. */
export async function makeServerDirectory(prefix: string, user: ServerUser | undefined): Promise<ServerDirectory> {
  const path = await mkdtemp(join(TEMPORARY_ROOT, prefix));
  if (user !== undefined) await chown(path, user.uid, user.gid);
  const reaper = Bun.spawn(['/bin/sh', '-c', REAPER, 'reaper', path], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  reaper.unref();
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await reaper.stdin.end();
      await reaper.exited;
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Run a program to its end; what it printed is in the error when it fails. */
export async function run(command: string[], options: { user?: ServerUser | undefined; cwd?: string } = {}) {
  const child = Bun.spawn(command, {
    cwd: options.cwd ?? '/',
    ...options.user,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`Cannot run ${command[0]}: exit ${code}\n${out}${err}`);
  return out;
}

/** A program that keeps running; what it prints is added to the directory's log. It does not keep the test process alive. */
export function spawnServer(command: string[], directory: string, user: ServerUser | undefined): Bun.Subprocess {
  const log = openSync(join(directory, 'log'), 'a');
  const child = Bun.spawn(command, { ...user, cwd: directory, stdin: 'ignore', stdout: log, stderr: log });
  closeSync(log);
  child.unref();
  return child;
}

export function readLog(directory: string): Promise<string> {
  return readFile(join(directory, 'log'), 'utf8');
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Does anybody listen there? */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** Ask again and again. Returns false when the child ends first. */
export async function untilReady(child: Bun.Subprocess, isReady: () => Promise<boolean>): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    if (await isReady()) return true;
    await Bun.sleep(POLL_MS);
  }
  return false;
}
