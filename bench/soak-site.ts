import { existsSync, readdirSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { CREATE_INDEXES, CREATE_TABLES } from '../lib/demo/tables.ts';
import { type LocalHub, startLocalHub } from '../test/edges/local-hub.ts';
import type { PostgresServer } from '../test/edges/postgres-server.ts';
import { Complaints } from './soak-data.ts';
import { type Found, findInFiles, Oracle, type Versions } from './soak-oracle.ts';
import type { Done, Held } from './soak-worker.ts';

const PROJECT = join(import.meta.dir, '..');
const SHIPPED = await Bun.file(join(PROJECT, 'pipeline.config.yaml')).text();
const REPO = 'tester/department';
const SPLITS = ['train', 'eval', 'test'];

/** One run, and what was found after it. */
export interface Round {
  changed: boolean;
  statuses: string[];
  seconds: number;
  /** Of the process; undefined where each run has its own. */
  held: Held | undefined;
  /** Entries below TMPDIR when the run was over. */
  temporary: number;
  /** Times the directory was loaded while it ran. */
  loads: number;
  found: Found[];
}

type Runner = (argv: string[], env: Record<string, string>) => Promise<Omit<Done, 'held'> & { held?: Held }>;

/**
 * Tables that change from run to run, a label on the Hub and one in a directory, each under an oracle. The program runs in a process of its
 * own, so that nothing of this counts as its memory: in one for all runs, or in one a run.
 */
export class SoakSite implements AsyncDisposable {
  readonly oracles = { department: new Oracle(SPLITS), urgency: new Oracle(SPLITS) };
  readonly link: string;
  #first = true;

  private constructor(
    readonly folder: string,
    readonly complaints: Complaints,
    readonly hub: LocalHub,
    readonly sql: Sql,
    readonly url: string,
    readonly run: Runner & Partial<AsyncDisposable>,
  ) {
    this.link = join(folder, 'site', 'urgency');
  }

  static async open(server: PostgresServer, seed: number, processes: 'one' | 'many' = 'one'): Promise<SoakSite> {
    const folder = await mkdtemp(join(tmpdir(), 'soak-'));
    for (const name of ['tmp', 'site']) await mkdir(join(folder, name));
    const url = await server.createDatabase();
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    await sql.unsafe(CREATE_TABLES + CREATE_INDEXES).simple();
    const run = processes === 'one' ? openWorker(folder) : runProcess(folder);
    return new SoakSite(folder, new Complaints(seed), await startLocalHub(), sql, url, run);
  }

  async round(): Promise<Round> {
    const { complaints } = this;
    const changed = this.#first || complaints.change();
    this.#first = false;
    await complaints.store(this.sql);
    const { misclassified, correct } = complaints.ratios;
    const yaml = SHIPPED.replace('misclassified: 1.0 ', `misclassified: ${misclassified} `).replace(
      'correct: 0.5 ',
      `correct: ${correct} `,
    );
    await writeFile(join(this.folder, 'site', 'pipeline.config.yaml'), yaml);
    const watched = this.#watch();
    const { exitCode, stdout, stderr, seconds, held } = await this.run(['--json'], this.#env());
    const { loads, found } = await watched.stop();
    if (exitCode !== 0) throw new Error(`A run ended with ${exitCode}\n${stderr}`);
    this.hub.requests.length = 0;
    const statuses = (JSON.parse(stdout).labels as { outcome: { status: string } }[]).map(
      ({ outcome }) => outcome.status,
    );
    const temporary = readdirSync(join(this.folder, 'tmp'), { recursive: true }).length;
    return {
      changed,
      statuses,
      seconds,
      held,
      temporary,
      loads,
      found: [...found, ...(await this.#examine(statuses))],
    };
  }

  async #examine([department, urgency]: string[]): Promise<Found[]> {
    const found: Found[] = [];
    const keys = this.complaints.keysByText();
    if (department === 'success') found.push(...(await this.oracles.department.examine(await this.#fromHub(), keys)));
    if (urgency === 'success') found.push(...(await this.oracles.urgency.examine(await realpath(this.link), keys)));
    found.push(...(await this.oracles.department.examineAll(this.#onHub())));
    found.push(...(await this.oracles.urgency.examineAll(await this.#inDirectory())));
    return found;
  }

  /** The newest version on the Hub as files. */
  async #fromHub(): Promise<string> {
    const folder = join(this.folder, 'newest');
    await rm(folder, { recursive: true, force: true });
    for (const [path, { content }] of this.hub.repos.get(`datasets/${REPO}`)?.files() ?? [])
      await Bun.write(join(folder, path), content);
    return folder;
  }

  #onHub(): Versions {
    const repo = this.hub.repos.get(`datasets/${REPO}`);
    const files = (tag: string) => new Map([...(repo?.files(tag) ?? [])].map(([path, { content }]) => [path, content]));
    return new Map([...(repo?.tags.keys() ?? [])].map((tag) => [tag, async () => files(tag)]));
  }

  async #inDirectory(): Promise<Versions> {
    const store = join(dirname(this.link), '.urgency');
    const tags = (await readdir(store)).filter((name) => name !== 'lock');
    return new Map(tags.map((tag) => [tag, () => readFolder(join(store, tag))]));
  }

  /** Load the directory as a training would, each time that something happens beside it. */
  #watch(): { stop(): Promise<Pick<Round, 'loads' | 'found'>> } {
    const found: Found[] = [];
    let loads = 0;
    let last = Promise.resolve();
    const load = async () => {
      if (!existsSync(this.link)) return;
      found.push(...(await findInFiles(await realpath(this.link))));
      loads++;
    };
    const watcher = watch(dirname(this.link), () => {
      last = last.then(load);
    });
    return {
      stop: async () => {
        watcher.close();
        await last.then(load);
        return { loads, found };
      },
    };
  }

  #env(): Record<string, string> {
    return {
      POSTGRES_URL: this.url,
      HF_ENDPOINT: this.hub.url,
      HF_TOKEN: this.hub.token,
      DEPARTMENT_DATASET: REPO,
      URGENCY_DATASET: './urgency',
      MIN_DATASET_LEN: '10',
      SERVE: 'off',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run[Symbol.asyncDispose]?.();
    await this.sql.end();
    await this.hub[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What a process is given besides what an order brings. */
const surroundings = (folder: string) => ({ PATH: process.env.PATH ?? '', TMPDIR: join(folder, 'tmp') });

function openWorker(folder: string): Runner & AsyncDisposable {
  let answer = Promise.withResolvers<Done>();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'soak-worker.ts')], {
    env: surroundings(folder),
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (done: Done) => answer.resolve(done),
    onExit: (_child, code) => answer.reject(new Error(`The process that runs the program ended with ${code}`)),
  });
  const run: Runner = (argv, env) => {
    answer = Promise.withResolvers();
    child.send({ argv, env, cwd: join(folder, 'site') });
    return answer.promise;
  };
  return Object.assign(run, {
    async [Symbol.asyncDispose]() {
      answer.promise.catch(() => {});
      child.kill();
      await child.exited;
    },
  });
}

function runProcess(folder: string): Runner {
  return async (argv, env) => {
    const start = performance.now();
    const child = Bun.spawn([process.execPath, join(PROJECT, 'pipeline.ts'), ...argv], {
      cwd: join(folder, 'site'),
      env: { ...surroundings(folder), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { exitCode: await child.exited, stdout, stderr, seconds: (performance.now() - start) / 1000 };
  };
}

async function readFolder(folder: string): Promise<Map<string, Uint8Array>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  return new Map(await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)] as const)));
}
