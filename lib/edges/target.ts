/** What a target can do; hub.ts and directory.ts implement it. Types only. */

/** The published state that a new version is built on. */
export type Head = { state: 'absent' } | Existing;

export interface Existing {
  /** `published`: has data files. `empty`: the target exists, without data. */
  state: 'empty' | 'published';
  /** Commit id on the Hub; the version's name in a directory. */
  revision: string;
  files: RemoteFile[];
  /** Text of dataset_metadata.json, README.md; undefined where there is none. */
  metadata: string | undefined;
  card: string | undefined;
}

export interface RemoteFile {
  path: string;
  /** Bytes. */
  size: number;
}

/** Files of one version: what to write, and what to delete of the head's. */
export interface Change {
  version: string;
  message: string;
  /** Path in the target → local file. */
  files: Map<string, string>;
  deletions: string[];
}

export interface Published {
  revision: string;
  /** Where a person can look at it. */
  url: string;
}

export interface Target {
  /** owner/name, or the directory as the spec writes it. */
  readonly name: string;
  /** What stands in the way before a row is read: no token, no rights, a public repo. Throws PipelineError. */
  preflight(wanted: { private: boolean; write: boolean }): Promise<void>;
  /** Run `work` while no other run of this program changes the target. The Hub needs no lock: parentCommit guards it. */
  locked<T>(work: () => Promise<T>): Promise<T>;
  readHead(): Promise<Head>;
  /** The same of a version's tag; `absent` where there is none. */
  readVersion(version: string): Promise<Head>;
  /** Download one file of a revision to a local path. */
  download(revision: string, path: string, to: string): Promise<void>;
  /** Versions that exist: tag → revision. */
  versions(): Promise<Map<string, string>>;
  /**
   * Write one version in one atomic step on top of `parent`.
   *
   * @throws PipelineError TARGET_MOVED when the head is no longer `parent`; TARGET_LOCKED when another commit is being
   *   written; TARGET_ANSWER when the answer was lost and the commit may have landed
   */
  commit(parent: Head, change: Change, options: CommitOptions): Promise<Published>;
  /**
   * Change files of the head that are no data, in place: no new version.
   *
   * @param files path in the target → new text; written in this order where that is not one step
   * @throws PipelineError as commit()
   */
  amend(parent: Pick<Existing, 'revision'>, message: string, files: ReadonlyMap<string, string>): Promise<void>;
  /** Give a revision a version's name; no error when it has it already. */
  tag(revision: string, version: string): Promise<void>;
}

export interface CommitOptions {
  private: boolean;
  onProgress: (path: string, share: number) => void;
}
