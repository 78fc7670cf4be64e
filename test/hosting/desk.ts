import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageNames } from '../../lib/hosting/checkout.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, type Repo, type SpaceState, startLocalHub } from '../edges/local-hub.ts';
import { clockOf, PROJECT, type TestWorld, type TestWorldOptions, testWorld } from '../run/world.ts';

export interface Deployed {
  exitCode: number;
  world: TestWorld;
  /** `GET /api/…` of the desk, without those of the program in the Space. */
  requests: string[];
  /** All output. */
  text: string;
  /** Of the error. */
  code: string | undefined;
}

/** What the shipped spec cannot do without. */
const SPEC = {
  POSTGRES_URL: 'postgres://reader:canary-of-the-database@db.example.org:443/complaints',
  DEPARTMENT_DATASET: 'tester/department',
  URGENCY_DATASET: 'tester/urgency',
  MIN_DATASET_LEN: '10',
};

export const SPACE = 'tester/prepare-dataset';

/** A checkout with an env file, and a hub whose Spaces are real. */
export class Desk implements AsyncDisposable {
  private constructor(
    readonly hub: LocalHub,
    readonly folder: string,
    readonly env: Record<string, string>,
  ) {}

  /**
   * @param env of the file, besides what lets a Space of the local hub work
   * @param command what runs in the Space instead of the program
   */
  static async open(env: Record<string, string> = {}, command?: string[]): Promise<Desk> {
    const hub = await startLocalHub({ realSpaces: true, namespaces: ['tester'] });
    const folder = await mkdtemp(join(tmpdir(), 'desk-'));
    const ignore = await Bun.file(join(PROJECT, '.dockerignore')).text();
    for (const name of ['Dockerfile', '.dockerignore', 'README.md', ...imageNames(ignore)])
      await cp(join(PROJECT, name), join(folder, name), { recursive: true });
    if (command) {
      const dockerfile = await Bun.file(join(folder, 'Dockerfile')).text();
      await writeFile(
        join(folder, 'Dockerfile'),
        dockerfile.replace(/^CMD .+$/m, () => `CMD ${JSON.stringify(command)}`),
      );
    }
    const there = { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, HF_HUB_DISABLE_XET: '1', SERVE: 'off', ...SPEC };
    const desk = new Desk(hub, folder, { ...there, ...env });
    await desk.write(desk.env);
    return desk;
  }

  /** The env file. */
  write(env: Record<string, string>): Promise<void> {
    const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
    return writeFile(join(this.folder, '.env'), lines.join(''));
  }

  /** Installed, so that the program runs from it. */
  link(): Promise<void> {
    return symlink(join(PROJECT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  edit(path: string, change: (text: string) => string): Promise<void> {
    const file = join(this.folder, path);
    return readFile(file, 'utf8').then((text) => writeFile(file, change(text)));
  }

  world(options: TestWorldOptions = {}): TestWorld {
    return testWorld({
      cwd: this.folder,
      clock: clockOf(60),
      ...options,
      env: { DEPLOY_TOKEN: this.hub.token, ...options.env },
    });
  }

  get space(): SpaceState {
    return this.hub.spaces.get(SPACE) as SpaceState;
  }

  get repo(): Repo {
    return this.hub.repos.get(`spaces/${SPACE}`) as Repo;
  }

  async deploy(
    argv: string[] = ['--yes'],
    {
      space = SPACE,
      onWorld,
      ...options
    }: TestWorldOptions & { space?: string; onWorld?: (world: TestWorld) => void } = {},
  ): Promise<Deployed> {
    const requests: string[] = []; // those of the desk, not those of the program in a Space
    const recorded = Object.assign(
      (input: string | URL | Request, init?: RequestInit) => {
        const { method = 'GET' } = init ?? {};
        requests.push(`${method} ${String(input instanceof Request ? input.url : input).slice(this.hub.url.length)}`);
        return fetch(input, init);
      },
      { preconnect: fetch.preconnect },
    );
    const world = this.world({ fetch: recorded, ...options });
    const written: string[] = []; // as a terminal shows it
    for (const stream of [world.stdout, world.stderr]) {
      const { write } = stream;
      stream.write = (text) => {
        written.push(text);
        write(text);
      };
    }
    onWorld?.(world);
    const exitCode = await main(['--deploy', space, ...argv], world);
    const text = written.join('');
    return { exitCode, world, requests, text, code: /^([A-Z]+(?:_[A-Z]+)*)$/m.exec(world.stderr.text)?.[1] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
