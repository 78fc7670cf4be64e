import { existsSync } from 'node:fs';
import { mkdir, readFile, readlink, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `buildah inspect` says of an image, as far as we use it. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  WorkingDir: string;
  ExposedPorts: Record<string, object>;
  Labels: Record<string, string>;
  Healthcheck: { Test: string[] };
}

export interface Image {
  config: ImageConfig;
  /** Where its files are mounted. */
  root: string;
}

export interface StartOptions {
  /** What would stand after the image's name in `docker run`; the image's own command when left out. */
  args?: string[];
  /** Undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** `--read-only`, which is the default here. */
  readOnly?: boolean;
  /** A folder to be mounted as /tmp; a tmpfs when left out. */
  tmp?: string;
  /** The machine's, so that its servers can be reached, or one with nothing but a loopback. */
  network?: 'host' | 'none';
  /** `--user`, by numbers. */
  user?: string;
  /** Of memoryGroup(): what it allows is all that there is. */
  cgroup?: string;
}

export interface Ended {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The most memory that it held, in bytes. */
  peak: number;
}

/** A process on an image's files, in namespaces of its own where it is PID 1, without any capability. */
export class Container {
  readonly ended: Promise<Ended>;
  readonly #unshare: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;

  private constructor(child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>) {
    this.#unshare = child;
    this.ended = Promise.all([child.exited, child.stdout.text(), child.stderr.text()]).then(
      ([exitCode, stdout, stderr]) => ({ exitCode, stdout, stderr, peak: child.resourceUsage()?.maxRSS ?? 0 }),
    );
  }

  static start({ config, root }: Image, options: StartOptions = {}): Container {
    const { args = config.Cmd, env = {}, readOnly = true, tmp = '', network = 'host', user = config.User } = options;
    const { cgroup } = options;
    const limited = cgroup === undefined ? [] : ['sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup];
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--ipc', '--uts'];
    if (network === 'none') namespaces.push('--net');
    const access = readOnly ? 'ro' : 'rw';
    const enter = [join(import.meta.dir, 'enter'), root, access, tmp, network, config.WorkingDir, user];
    return new Container(
      Bun.spawn([...limited, 'unshare', ...namespaces, ...enter, ...config.Entrypoint, ...args], {
        env: { ...Object.fromEntries(config.Env.map(splitVariable)), HOME: '/home/bun', ...env }, // an engine sets HOME
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      }),
    );
  }

  static run(image: Image, options: StartOptions = {}): Promise<Ended> {
    return Container.start(image, options).ended;
  }

  /** What `docker stop` sends first, to PID 1. */
  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(await this.#pid(), name);
  }

  /** What `docker exec` or a health check does. @returns the exit code */
  async exec({ config }: Image, command: string[]): Promise<number> {
    const [uid, gid] = config.User.split(':');
    const rights = ['--clear-groups', '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
    const enter = ['nsenter', '--target', `${await this.#pid()}`, '--all', '--root', '--wd'];
    const child = Bun.spawn([...enter, 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, ...rights, ...command], {
      env: Object.fromEntries(config.Env.map(splitVariable)),
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    return await child.exited;
  }

  /** PID 1 as this machine numbers it, once it has the image as its root. */
  async #pid(): Promise<number> {
    const { pid } = this.#unshare;
    for (;;) {
      const [child] = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
      if (child && (await readlink(`/proc/${child}/root`)) !== '/') return Number(child);
      await sleep(10);
    }
  }
}

/** A control group that holds so much memory and no more, or undefined where there is none to be had. @param bytes `--memory` */
export async function memoryGroup(bytes: number): Promise<(AsyncDisposable & { path: string }) | undefined> {
  const [parent, limit] = existsSync('/sys/fs/cgroup/memory')
    ? ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes']
    : ['/sys/fs/cgroup', 'memory.max'];
  const path = join(parent, `prepare-dataset-${process.pid}`);
  try {
    await mkdir(path);
    await writeFile(join(path, limit), `${bytes}`, { flag: 'r+' });
  } catch {
    await rmdir(path).catch(() => {});
    return undefined;
  }
  return { path, [Symbol.asyncDispose]: () => rmdir(path) };
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=');
  return [variable.slice(0, at), variable.slice(at + 1)];
}
