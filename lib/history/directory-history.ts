import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDiskFull, PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import { type History, historyFault, type RunFiles, requireText } from './history.ts';
import { folderOf, formatLine, type Lines, LOG, parseLines, REPORT, RUNS } from './lines.ts';
import type { RunRecord } from './record.ts';

/** A directory. A line is appended by one write(2) with O_APPEND, so that two runs at once lose nothing. */
export class DirectoryHistory implements History {
  readonly #root: string;

  constructor(
    readonly name: string,
    { cwd }: Pick<World, 'cwd'>,
  ) {
    this.#root = resolve(cwd, name);
  }

  async lines(): Promise<Lines> {
    const bytes = await readFile(join(this.#root, RUNS)).catch((cause) => {
      if (cause.code === 'ENOENT') return undefined;
      throw this.#unreadable(RUNS, cause);
    });
    return requireText(this.name, parseLines(bytes), 'HISTORY_UNREADABLE');
  }

  async read(run: string): Promise<RunFiles> {
    const text = (name: string) => {
      const path = `${folderOf(run)}/${name}`;
      return readFile(join(this.#root, path), 'utf8').catch((cause) => {
        throw this.#unreadable(path, cause);
      });
    };
    return { report: await text(REPORT), log: await text(LOG) };
  }

  /** The line comes last: what it names is there. */
  async append(record: RunRecord, { report, log }: RunFiles): Promise<void> {
    const folder = join(this.#root, folderOf(record.run));
    try {
      const { records } = await this.lines();
      if (records.some(({ run }) => run === record.run)) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeWhole(folder, REPORT, report);
      await writeWhole(folder, LOG, log);
      await appendLine(join(this.#root, RUNS), record);
    } catch (cause) {
      if (cause instanceof PipelineError) throw historyFault('HISTORY_UNWRITABLE', cause);
      throw this.#unwritable(cause as NodeJS.ErrnoException);
    }
  }

  #unreadable(path: string, cause: NodeJS.ErrnoException): PipelineError {
    return new PipelineError('HISTORY_UNREADABLE', `Cannot read ${path} of ${this.name}: ${cause.code}`, {
      fix: cause.code === 'ENOENT' ? 'restore it from a backup' : 'check the permissions of the directory',
      cause,
    });
  }

  #unwritable(cause: NodeJS.ErrnoException): PipelineError {
    const isFull = isDiskFull(cause);
    return new PipelineError(
      'HISTORY_UNWRITABLE',
      `Cannot write ${this.name}: ${isFull ? 'the disk is full' : cause.code}`,
      { fix: isFull ? 'free some space' : 'check the permissions of the directory', cause },
    );
  }
}

/** Reports hold SQL, so only their owner reads them. */
async function writeWhole(folder: string, name: string, text: string): Promise<void> {
  const draft = join(folder, `.${name}`);
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, join(folder, name));
}

async function appendLine(file: string, record: RunRecord): Promise<void> {
  await using handle = await open(file, 'a+', 0o600);
  const { size } = await handle.stat();
  const last = Buffer.alloc(1);
  const { bytesRead } = size === 0 ? { bytesRead: 0 } : await handle.read(last, 0, 1, size - 1);
  const line = Buffer.from(formatLine(record, bytesRead === 1 ? last[0] : undefined));
  const { bytesWritten } = await handle.write(line);
  if (bytesWritten < line.length) throw Object.assign(new Error('half a line'), { code: 'ENOSPC' }); // the next run ends it
}
