import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PROJECT } from '../../run/world.ts';
import type { StoredFile } from './store.ts';

export interface LogLine {
  data: string;
  /** ISO 8601. */
  timestamp: string;
}

/** A container of a Space or a Job, as far as a process can be one: these files, this environment and no other, this command. */
export class Machine {
  readonly lines: LogLine[] = [];
  /** The exit code, once every line is there. */
  readonly exited: Promise<number>;
  readonly #process: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  #changed = Promise.withResolvers<void>();
  #ended = false;

  private constructor(process: Bun.Subprocess<'ignore', 'pipe', 'pipe'>, folder: string) {
    this.#process = process;
    this.exited = Promise.all([process.exited, this.#read(process.stdout), this.#read(process.stderr)]).then(
      async ([code]) => {
        this.#ended = true;
        this.#changed.resolve();
        await rm(folder, { recursive: true, force: true });
        return code;
      },
    );
  }

  static async start(
    files: ReadonlyMap<string, StoredFile>,
    command: string[],
    env: Readonly<Record<string, string>>,
  ): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), 'machine-'));
    for (const { path, content } of files.values()) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    const own = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder };
    const child = Bun.spawn(command, {
      cwd: folder,
      env: { ...own, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    return new Machine(child, folder);
  }

  stop(): void {
    this.#process.kill('SIGTERM');
  }

  /** All lines from the first on, until the process has ended. */
  async *follow(): AsyncGenerator<LogLine> {
    for (let next = 0; ; ) {
      const changed = this.#changed.promise;
      for (; next < this.lines.length; next++) yield this.lines[next] as LogLine;
      if (this.#ended) return;
      await changed;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#add(line);
    }
    if (rest !== '') this.#add(rest);
  }

  #add(data: string): void {
    this.lines.push({ data: `${data}\n`, timestamp: new Date().toISOString() });
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
