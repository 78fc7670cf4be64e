import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageNames } from '../../lib/hosting/files.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { PROJECT, type TestWorld, type TestWorldOptions, testWorld } from '../run/world.ts';

const FASTER = 60; // waits are that much shorter

/** A checkout with an env file, and a hub whose Spaces are real. */
export class Desk implements AsyncDisposable {
  private constructor(
    readonly hub: LocalHub,
    readonly folder: string,
    readonly env: Record<string, string>,
  ) {}

  /** @param env of the file, besides what lets a Space of the local hub work */
  static async open(env: Record<string, string>, namespaces?: string[]): Promise<Desk> {
    const hub = await startLocalHub({ realSpaces: true, ...(namespaces ? { namespaces } : {}) });
    const folder = await mkdtemp(join(tmpdir(), 'desk-'));
    const ignore = await Bun.file(join(PROJECT, '.dockerignore')).text();
    for (const name of ['Dockerfile', '.dockerignore', 'README.md', ...imageNames(ignore)])
      await cp(join(PROJECT, name), join(folder, name), { recursive: true });
    const there = { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token, HF_HUB_DISABLE_XET: '1', SERVE: 'off' };
    const desk = new Desk(hub, folder, { ...there, ...env });
    await desk.write(desk.env);
    return desk;
  }

  write(env: Record<string, string>): Promise<void> {
    const lines = Object.entries(env).map(([name, value]) => `${name}='${value}'\n`);
    return writeFile(join(this.folder, '.env'), lines.join(''));
  }

  world(options: TestWorldOptions = {}): TestWorld {
    return testWorld({
      cwd: this.folder,
      clock: {
        now: () => new Date(),
        sleep: (ms, signal) => sleep(ms / FASTER, undefined, signal ? { signal } : {}),
      },
      ...options,
      env: { DEPLOY_TOKEN: this.hub.token, ...options.env },
    });
  }

  async deploy(
    space: string,
    argv: string[] = ['--yes'],
    options: TestWorldOptions = {},
  ): Promise<{ exitCode: number; world: TestWorld; requests: string[] }> {
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
    const exitCode = await main(['--deploy', space, ...argv], world);
    return { exitCode, world, requests };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
