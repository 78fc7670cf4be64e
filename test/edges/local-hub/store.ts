import { HubError, revisionNotFound } from './errors.ts';

export type Bytes = Uint8Array<ArrayBuffer>;
export type RepoType = 'datasets' | 'spaces';

export interface StoredFile {
  path: string;
  /** What a download gives: for an LFS file the object, never the pointer. */
  content: Bytes;
  /** Git sha1 of the blob; of the pointer, for an LFS file. */
  oid: string;
  lfs?: { oid: string; size: number; pointerSize: number };
  /** Oid of the commit that wrote this content. */
  changedIn: string;
}

export interface Commit {
  oid: string;
  parent: string | null;
  title: string;
  description: string;
  /** ISO 8601; a second per commit, so that runs repeat. */
  date: string;
  files: ReadonlyMap<string, StoredFile>;
}

/** Path → new file, or null to delete it. */
export type Changes = ReadonlyMap<string, Omit<StoredFile, 'changedIn'> | null>;

const hex = (algorithm: 'sha1' | 'sha256', ...parts: (string | Uint8Array)[]) => {
  const hash = new Bun.CryptoHasher(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
export const sha1 = (...parts: (string | Uint8Array)[]) => hex('sha1', ...parts);
export const sha256 = (content: Uint8Array) => hex('sha256', content);
export const toBytes = (content: Uint8Array | string): Bytes =>
  typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content);

export const lfsPointer = (oid: string, size: number) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`;

const blobOid = (content: Uint8Array) => sha1(`blob ${content.length}\0`, content);

export function regularFile(path: string, content: Bytes): Omit<StoredFile, 'changedIn'> {
  return { path, content, oid: blobOid(content) };
}

export function lfsFile(path: string, content: Bytes): Omit<StoredFile, 'changedIn'> {
  const lfs = { oid: sha256(content), size: content.length };
  const pointer = toBytes(lfsPointer(lfs.oid, lfs.size));
  return { path, content, oid: blobOid(pointer), lfs: { ...lfs, pointerSize: pointer.length } };
}

/** One sequence for all repos and variables of a hub: it makes commit oids unique and dates rising. */
export interface Sequence {
  next(): number;
}

const FIRST_COMMIT = Date.UTC(2026, 0, 1);

/** ISO 8601; a second for each number of the sequence. */
export const timeOf = (number: number) => new Date(FIRST_COMMIT + number * 1000).toISOString();

export class Repo {
  private: boolean;
  /** Every commit, in the order they landed, whatever branch they are on. */
  readonly commits: Commit[] = [];
  readonly branches = new Map<string, string>();
  readonly tags = new Map<string, string>();
  readonly pulls = new Map<number, string>();
  /** Discussions and pull requests share one numbering. */
  discussions = 0;
  /** LFS objects by sha256. */
  readonly objects = new Map<string, Bytes>();

  constructor(
    readonly type: RepoType,
    readonly id: string,
    visibility: { private: boolean },
    private readonly sequence: Sequence,
  ) {
    this.private = visibility.private;
  }

  get namespace(): string {
    return this.id.split('/')[0] ?? '';
  }

  /** @returns the commit of a branch, tag, `refs/pr/N` or oid (at least 7 digits of it) */
  find(revision: string): Commit | undefined {
    const name = revision === 'HEAD' ? 'main' : revision.replace(/^refs\/(heads|tags)\//, '');
    const pull = /^refs\/pr\/(\d+)$/.exec(revision)?.[1];
    const oid = pull ? this.pulls.get(Number(pull)) : (this.branches.get(name) ?? this.tags.get(name));
    if (oid) return this.commits.find((commit) => commit.oid === oid);
    return /^[0-9a-f]{7,40}$/.test(revision) ? this.commits.find((c) => c.oid.startsWith(revision)) : undefined;
  }

  at(revision: string): Commit {
    const commit = this.find(revision);
    if (!commit) throw revisionNotFound(revision);
    return commit;
  }

  /** The head of something that takes commits: a branch or a pull request, not a tag or an oid. */
  head(ref: string): Commit {
    if (!this.branches.has(ref) && !/^refs\/pr\/\d+$/.test(ref)) throw revisionNotFound(ref);
    return this.at(ref);
  }

  setHead(ref: string, oid: string): void {
    const pull = /^refs\/pr\/(\d+)$/.exec(ref)?.[1];
    if (pull) this.pulls.set(Number(pull), oid);
    else this.branches.set(ref, oid);
  }

  files(revision = 'main'): ReadonlyMap<string, StoredFile> {
    return this.at(revision).files;
  }

  read(path: string, revision = 'main'): Bytes {
    const file = this.files(revision).get(path);
    if (!file) throw new Error(`No ${path} in ${this.id} at ${revision}`);
    return file.content;
  }

  readText(path: string, revision = 'main'): string {
    return new TextDecoder().decode(this.read(path, revision));
  }

  /** Add a commit on `parent`; the caller moves a head to it. */
  append(parent: Commit | null, message: { title: string; description?: string }, changes: Changes): Commit {
    const files = applyChanges(parent?.files ?? new Map(), changes);
    const number = this.sequence.next();
    const tree = [...files.values()].map((file) => `${file.path}\0${file.oid}\n`);
    const oid = sha1(`${parent?.oid ?? ''}\n${number}\n`, ...tree);
    for (const file of files.values()) file.changedIn ||= oid;
    const date = timeOf(number);
    const { title, description = '' } = message;
    const commit = { oid, parent: parent?.oid ?? null, title, description, date, files };
    this.commits.push(commit);
    return commit;
  }
}

/** The new tree by path; a file whose content changed has no `changedIn` yet. */
function applyChanges(before: ReadonlyMap<string, StoredFile>, changes: Changes): Map<string, StoredFile> {
  const files = new Map(before);
  for (const [path, file] of changes) {
    if (!file) files.delete(path);
    else if (files.get(path)?.oid !== file.oid) files.set(path, { ...file, changedIn: '' });
  }
  refuseFileAsFolder(files);
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function parentFolders(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

function refuseFileAsFolder(files: Map<string, StoredFile>): void {
  for (const path of files.keys())
    for (const folder of parentFolders(path))
      if (files.has(folder)) throw new HubError(422, `"${folder}" is a file, "${path}" needs it to be a folder`);
}
