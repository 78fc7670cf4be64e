import { readCard } from './accounts.ts';
import { type LogLine, Machine } from './machine.ts';
import { enter, type SpaceState } from './spaces.ts';
import type { Repo, StoredFile } from './store.ts';

class BuildFailure extends Error {
  constructor(
    readonly stage: 'NO_APP_FILE' | 'CONFIG_ERROR' | 'BUILD_ERROR',
    why: string,
  ) {
    super(why);
  }
}

/** What a Space that is real does besides having a stage: its image is built of what is committed, and its command runs. */
export class SpaceMachine {
  #machine: Promise<Machine | undefined> = Promise.resolve(undefined);
  #build: LogLine[] = [];
  /** Counts builds: one that is overtaken has no effect. */
  #turn = 0;

  constructor(
    private readonly repo: Repo,
    private readonly space: SpaceState,
  ) {}

  /** Its files or its environment are others: build and start it. */
  rebuild(): void {
    const turn = ++this.#turn;
    enter(this.space, 'BUILDING');
    const before = this.#machine;
    this.#machine = stop(before).then(() => this.#start(turn));
  }

  async stop(): Promise<void> {
    this.#turn++;
    await stop(this.#machine);
  }

  async *log(kind: 'run' | 'build'): AsyncGenerator<LogLine> {
    if (kind === 'build') yield* this.#build;
    else yield* (await this.#machine)?.follow() ?? [];
  }

  async #start(turn: number): Promise<Machine | undefined> {
    if (turn !== this.#turn) return undefined;
    this.#build = [];
    try {
      const { files, command } = this.#image();
      const values = [...this.space.variables].map(([name, { value }]) => [name, value] as const);
      const env = { ...Object.fromEntries([...values, ...this.space.secrets]), SPACE_ID: this.repo.id };
      const machine = await Machine.start(files, command, env);
      if (turn === this.#turn) for (const stage of ['APP_STARTING', 'RUNNING'] as const) enter(this.space, stage);
      void machine.exited.then(() => {
        if (turn === this.#turn) enter(this.space, 'RUNTIME_ERROR'); // nothing answers on its port any more
      });
      return machine;
    } catch (thrown) {
      if (!(thrown instanceof BuildFailure)) throw thrown;
      this.#say(`ERROR: ${thrown.message}`);
      enter(this.space, thrown.stage);
      return undefined;
    }
  }

  /** What COPY takes out of what .dockerignore lets through, and what is run. */
  #image(): { files: Map<string, StoredFile>; command: string[] } {
    const committed = this.repo.files();
    const text = (path: string) => (committed.has(path) ? this.repo.readText(path) : undefined);
    const dockerfile = text('Dockerfile');
    if (dockerfile === undefined) throw new BuildFailure('NO_APP_FILE', 'no Dockerfile');
    const { data } = readCard(text('README.md') ?? '') as { data?: { sdk?: string } };
    if (data?.sdk !== 'docker') throw new BuildFailure('CONFIG_ERROR', 'README.md does not say sdk: docker');
    const both = [...this.space.variables.keys()].filter((name) => this.space.secrets.has(name));
    if (both.length > 0) throw new BuildFailure('CONFIG_ERROR', `Collision on variables and secrets names: ${both}`);
    const ignore = text('.dockerignore');
    const open = ignore?.startsWith('*\n') ? [...ignore.matchAll(/^!(.+)$/gm)].map(([, name = '']) => name) : undefined;
    const isOpen = (path: string) => !open || open.some((name) => isWithin(path, name));
    const files = new Map<string, StoredFile>();
    for (const [step, sources = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      this.#say(step);
      for (const source of sources.split(' ')) {
        const found = [...committed.values()].filter(({ path }) => isWithin(path, source) && isOpen(path));
        if (found.length === 0) throw new BuildFailure('BUILD_ERROR', `"/${source}": not found`);
        for (const file of found) files.set(file.path, file);
      }
    }
    const words = (instruction: string): string[] =>
      JSON.parse(new RegExp(`^${instruction} (\\[.+\\])$`, 'm').exec(dockerfile)?.[1] ?? '[]');
    const command = [...words('ENTRYPOINT'), ...words('CMD')];
    if (command.length === 0) throw new BuildFailure('BUILD_ERROR', 'no command');
    return { files, command };
  }

  #say(line: string): void {
    this.#build.push({ data: `${line}\n`, timestamp: new Date().toISOString() });
  }
}

const isWithin = (path: string, name: string) => path === name || path.startsWith(`${name}/`);

async function stop(starting: Promise<Machine | undefined>): Promise<void> {
  const machine = await starting;
  machine?.stop();
  await machine?.exited;
}
