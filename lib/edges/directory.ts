import { chmod, copyFile, lstat, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { isData } from '../dataset/files.ts';
import { isDiskFull, PipelineError, writeFault } from '../errors.ts';
import { makeFolder, share } from '../folders.ts';
import type { World } from '../world.ts';
import { tryLock } from './file-lock.ts';
import type { Change, CommitOptions, Existing, Head, Published, RemoteFile, Target } from './target.ts';

const VERSION = /^v\d{8}_\d{6}$/;
const LOCK_POLL_MS = 250;
const LOCK_WAIT_MS = 10 * 60_000; // another run on this target; a long one takes minutes

/** A directory `P`: a symlink, switched by rename(2), to `.P/vYYYYMMDD_HHMMSS/` beside it. */
export class DirectoryTarget implements Target {
  readonly #link: string;
  readonly #store: string;
  readonly #clock: World['clock'];
  readonly #signal: AbortSignal;
  readonly #rights: Pick<World, 'umask'>;

  constructor(
    readonly name: string,
    { cwd, umask, clock, signal }: Pick<World, 'cwd' | 'umask' | 'clock' | 'signal'>,
  ) {
    this.#link = resolve(cwd, name);
    this.#store = join(dirname(this.#link), `.${basename(this.#link)}`);
    this.#clock = clock;
    this.#signal = signal;
    this.#rights = { umask };
  }

  async preflight(): Promise<void> {
    await this.#current();
  }

  async locked<T>(work: () => Promise<T>): Promise<T> {
    await this.#writable(() => makeFolder(this.#store, this.#rights));
    using _lock = await this.#lock();
    return await work();
  }

  async #lock(): Promise<Disposable> {
    for (let waited = 0; ; waited += LOCK_POLL_MS) {
      const lock = tryLock(join(this.#store, 'lock'));
      if (lock) return lock;
      if (waited >= LOCK_WAIT_MS)
        throw new PipelineError('TARGET_LOCKED', `Cannot publish to ${this.name}: another run holds it`, {
          retryable: true,
          fix: 'wait for it to end, and run again',
        });
      await this.#clock.sleep(LOCK_POLL_MS, this.#signal);
    }
  }

  async readHead(): Promise<Head> {
    const version = await this.#current();
    return version === undefined ? { state: 'absent' } : this.#read(version);
  }

  async readVersion(version: string): Promise<Head> {
    return (await this.versions()).has(version) ? this.#read(version) : { state: 'absent' };
  }

  async #read(version: string): Promise<Head> {
    const folder = join(this.#store, version);
    const files = await listFolder(folder).catch((cause) => this.#unreadable(version, cause));
    const text = (path: string) => (files.some((file) => file.path === path) ? this.#text(version, path) : undefined);
    return {
      state: files.some(({ path }) => isData(path)) ? 'published' : 'empty',
      revision: version,
      files,
      metadata: await text('dataset_metadata.json'),
      card: await text('README.md'),
    };
  }

  async download(revision: string, path: string, to: string): Promise<void> {
    const from = join(this.#store, revision, path);
    await copyFile(from, to).catch((cause) => this.#unreadable(`${revision}/${path}`, cause));
    await chmod(to, 0o600); // a copy has the mode of what is published
  }

  #text(version: string, path: string): Promise<string> {
    return readFile(join(this.#store, version, path), 'utf8').catch((cause) =>
      this.#unreadable(`${version}/${path}`, cause),
    );
  }

  #unreadable(what: string, cause: NodeJS.ErrnoException): never {
    if (isDiskFull(cause)) throw cause; // it is the copy that has no room
    throw new PipelineError('HEAD_UNREADABLE', `Cannot read ${what} of ${this.name}: ${cause.code}`, {
      fix: 'restore it from a backup',
      cause,
    });
  }

  /** A version later than the head was written but never switched to: see #removeLeftovers(). */
  async versions(): Promise<Map<string, string>> {
    const current = await this.#current();
    const names = current === undefined ? [] : await readdir(this.#store).catch(() => []);
    return new Map(names.filter((name) => VERSION.test(name) && name <= (current ?? '')).map((name) => [name, name]));
  }

  async commit(parent: Head, change: Change, { onProgress }: CommitOptions): Promise<Published> {
    const expected = parent.state === 'absent' ? undefined : parent.revision;
    await this.#requireCurrent(expected);
    return this.#writable(async () => {
      await this.#removeLeftovers(expected);
      const draft = join(this.#store, `.draft-${change.version}`);
      for (const [path, file] of change.files) {
        await makeFolder(dirname(join(draft, path)), this.#rights);
        await copyFile(file, join(draft, path));
        await share(join(draft, path), this.#rights); // with whoever trains
        onProgress(path, 1);
      }
      await rename(draft, join(this.#store, change.version));
      await this.#switch(change.version);
      return { revision: change.version, url: this.name };
    });
  }

  async amend({ revision }: Existing, _message: string, files: ReadonlyMap<string, string>): Promise<void> {
    await this.#requireCurrent(revision);
    await this.#writable(async () => {
      for (const [path, text] of files) {
        const draft = join(this.#store, `.draft-${basename(path)}`); // not where `datasets` would read it
        await writeFile(draft, text, { mode: (await lstat(join(this.#store, revision, path))).mode });
        await rename(draft, join(this.#store, revision, path));
      }
    });
  }

  async #requireCurrent(version: string | undefined): Promise<void> {
    if ((await this.#current()) !== version)
      throw new PipelineError('TARGET_MOVED', `${this.name} was switched by somebody else meanwhile`, {
        retryable: true,
        fix: 'run again',
      });
  }

  async tag(): Promise<void> {} // a version's folder is its tag

  /** The version that the link points to; undefined where nothing was published yet. */
  async #current(): Promise<string | undefined> {
    const status = await lstat(this.#link).catch(() => undefined);
    if (!status) return undefined;
    const version = status.isSymbolicLink() ? basename(await readlink(this.#link)) : undefined;
    if (version && VERSION.test(version)) return version;
    throw new PipelineError(
      'TARGET_NOT_OURS',
      `Cannot publish to ${this.name}: it exists, and is not a link to a published version`,
      { fix: 'move it away, or name another directory' },
    );
  }

  async #switch(version: string): Promise<void> {
    const fresh = `${this.#link}.${version}.tmp`;
    await rm(fresh, { force: true });
    await symlink(relative(dirname(this.#link), join(this.#store, version)), fresh);
    await rename(fresh, this.#link);
  }

  /** Drafts, and a version that a run finished writing but did not switch to before it died: it was never published. */
  async #removeLeftovers(current: string | undefined): Promise<void> {
    for (const name of await readdir(this.#store)) {
      const unswitched = VERSION.test(name) && (current === undefined || name > current);
      if (unswitched || name.startsWith('.draft-')) await rm(join(this.#store, name), { recursive: true });
    }
  }

  async #writable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (/^E[A-Z]+$/.test(code ?? ''))
        throw writeFault(cause as NodeJS.ErrnoException, `write ${this.name}`, {
          full: 'free some space',
          unwritable: 'check the permissions of the directory',
        });
      throw cause;
    }
  }
}

async function listFolder(folder: string): Promise<RemoteFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const full = join(entry.parentPath, entry.name);
        return { path: relative(folder, full), size: (await lstat(full)).size };
      }),
  );
}
