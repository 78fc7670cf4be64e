import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalHub, type Passing, startLocalHub } from '../edges/local-hub.ts';
import { type LocalWandb, startLocalWandb } from '../edges/local-wandb.ts';
import { makeTestCa, type PostgresServer, requirePostgres } from '../edges/postgres-server.ts';
import { type MailServer, PASSWORD, startMailServer, USER } from '../edges/smtp-server.ts';
import { startTcpProxy, type TcpProxy } from '../edges/tcp-proxy.ts';
import { fillPlain, SHIPPED, TABLES } from '../run/site.ts';
import { PROJECT } from '../run/world.ts';

export const SPACE = 'tester/prepare';
export const TRAINING = 'tester/train-department';
const HOOK_PATH = '/services/T0/B0/hook-canary-8d1f';
export const LEDGER_KEY = 'ledger canary + 1c/9e=';

/** A label on the Hub, on which a Space trains, and one in a directory; everybody is told of every run. */
export const YAML = SHIPPED.replace(
  /^ {2}department:/m,
  `  department:\n    after_push: { restart_spaces: [${TRAINING}] }`,
)
  .replace('when: on_problem', 'when: always')
  .replace('min_interval: 1h', 'min_interval: 0');

/** Something of the program's that reaches a server: `Hub POST /api/…`, `PostgreSQL`, `SMTP`. */
export interface Passage {
  name: string;
  /** Before the server has it, or after it did what was asked and before it answers. */
  stage: 'before' | 'after';
}

export interface ChildEnded {
  exitCode: number;
  /** What ended it, e.g. `SIGKILL`. */
  signal: NodeJS.Signals | number | undefined;
  stdout: string;
  stderr: string;
}

/** A file system that only the child sees. */
export interface Disk {
  path: string;
  /** As mount(8) has it for tmpfs: `size=1m`, `ro`. */
  options: string;
}

export interface Start {
  argv?: string[];
  env?: Record<string, string>;
  yaml?: string;
  disk?: Disk;
}

export interface Child {
  kill(): Promise<void>;
  ended: Promise<ChildEnded>;
}

/** Everything outside of the program, for itself alone: a folder, a database, the Hub, W&B, a mail server, a webhook. */
export class Surroundings implements AsyncDisposable {
  /** Called at every passage; what it returns is awaited before the server goes on. */
  gate: (passage: Passage) => void | Promise<void> = () => {};
  readonly posts: string[] = [];

  private constructor(
    readonly folder: string,
    readonly postgres: PostgresServer,
    readonly databaseUrl: string,
    readonly hub: LocalHub,
    readonly wandb: LocalWandb,
    readonly stack: AsyncDisposableStack,
  ) {}

  database!: TcpProxy;
  mail!: MailServer;
  smtp!: TcpProxy;
  #webhook!: Bun.Server<undefined>;
  #ca = '';

  static async open(): Promise<Surroundings> {
    const postgres = (await requirePostgres()) as PostgresServer;
    const stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'faults-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const passing =
      (server: string): Passing =>
      (stage, { method, path }) =>
        around.gate({ name: `${server} ${method} ${path.replace(/\?.*/, '')}`, stage });
    const hub = stack.use(await startLocalHub({ passing: passing('Hub') }));
    const wandb = stack.use(await startLocalWandb({ passing: passing('W&B') }));
    const around = new Surroundings(folder, postgres, await postgres.createDatabase(), hub, wandb, stack);
    await around.#start();
    return around;
  }

  async #start(): Promise<void> {
    await mkdir(join(this.folder, 'tmp'));
    const authority = await makeTestCa(join(this.folder, 'ca'));
    this.#ca = await Bun.file(authority.caFile).text();
    this.mail = this.stack.use(await startMailServer(await authority.issue('localhost', '127.0.0.1')));
    const { host, port } = this.postgres;
    this.database = this.stack.use(await startTcpProxy({ host, port }, { passing: this.#passing('PostgreSQL') }));
    this.smtp = this.stack.use(
      await startTcpProxy({ host: '127.0.0.1', port: this.mail.port }, { passing: this.#passing('SMTP') }),
    );
    this.#webhook = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#take(request) });
    this.stack.defer(() => this.#webhook.stop(true));
    this.hub.createSpace(SPACE);
    this.hub.createSpace(TRAINING).stage = 'PAUSED';
    await this.sql(TABLES);
    await this.sql(fillPlain(120, 40));
  }

  #passing(name: string) {
    return async (stage: Passage['stage']) => await this.gate({ name, stage });
  }

  async #take(request: Request): Promise<Response> {
    const text = await request.text();
    await this.gate({ name: 'Webhook POST', stage: 'before' });
    if (new URL(request.url).pathname !== HOOK_PATH) return new Response(null, { status: 404 });
    this.posts.push(text);
    await this.gate({ name: 'Webhook POST', stage: 'after' });
    return new Response('ok');
  }

  sql(statements: string): Promise<string> {
    return this.postgres.psql(statements, this.databaseUrl);
  }

  get tmpdir(): string {
    return join(this.folder, 'tmp');
  }

  get env(): Record<string, string> {
    const database = new URL(this.databaseUrl);
    database.host = `127.0.0.1:${this.database.port}`;
    return {
      SERVE: 'off',
      POSTGRES_URL: database.href,
      MIN_DATASET_LEN: '10',
      LEDGER_KEY,
      APP_SESSION_TOKEN: 'session-canary-"quoted"-77', // nothing of ours; whatever is named like a secret is one
      HF_ENDPOINT: this.hub.url,
      HF_TOKEN: this.hub.token,
      DEPARTMENT_DATASET: 'tester/department',
      URGENCY_DATASET: './urgency',
      RUNS_DATASET: 'tester/runs',
      PREPARE_DATASET_SPACE_ID: SPACE,
      WANDB_API_KEY: this.wandb.key,
      WANDB_BASE_URL: this.wandb.url,
      WANDB_APP_URL: 'https://wandb.example.org',
      SMTP_URL: `smtp://${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@localhost:${this.smtp.port}`,
      SMTP_CA: this.#ca,
      ADMIN_EMAIL: 'admin@example.org',
      WEBHOOK_URL: `http://127.0.0.1:${this.#webhook.port}${HOOK_PATH}`,
    };
  }

  /** What no output may hold, by the variable that it stands in. */
  get secrets(): Record<string, string> {
    const { HF_TOKEN = '', WANDB_API_KEY = '', APP_SESSION_TOKEN = '' } = this.env;
    return {
      POSTGRES_URL: this.postgres.password,
      HF_TOKEN,
      WANDB_API_KEY,
      APP_SESSION_TOKEN,
      LEDGER_KEY,
      SMTP_URL: PASSWORD,
      WEBHOOK_URL: HOOK_PATH.slice('/services/'.length),
    };
  }

  /** Run the program as a process of its own, as users do. */
  async start({ argv = [], env = {}, yaml = YAML, disk }: Start = {}): Promise<Child> {
    await writeFile(join(this.folder, 'pipeline.config.yaml'), yaml);
    const command = [process.execPath, join(PROJECT, 'pipeline.ts'), ...argv];
    const child = Bun.spawn(disk ? planDisk(disk, command) : command, {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, TMPDIR: this.tmpdir, ...this.env, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return {
      async kill() {
        child.kill('SIGKILL');
        await child.exited;
      },
      ended: child.exited.then(async (exitCode) => {
        const [stdout, stderr] = await output;
        return { exitCode, signal: child.signalCode ?? undefined, stdout, stderr };
      }),
    };
  }

  async run(start: Start = {}): Promise<ChildEnded> {
    return await (await this.start(start)).ended;
  }

  /** What runs left in the directory for temporary files. */
  async spools(): Promise<string[]> {
    return (await readdir(this.tmpdir)).filter((name) => name.startsWith('prepare-dataset-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.disposeAsync();
  }
}

function planDisk({ path, options }: Disk, command: string[]): string[] {
  const script =
    'path=$1 options=$2; shift 2; mkdir -p "$path" && mount -t tmpfs -o "$options" tmpfs "$path" && exec "$@"';
  return ['unshare', '-rm', 'sh', '-c', script, 'sh', path, options, ...command];
}
