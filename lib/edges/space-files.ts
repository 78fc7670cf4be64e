import { commit, listFiles } from '@huggingface/hub';
import * as v from 'valibot';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import { retryingFetch } from './http.ts';
import { fileUrl, hubAccess } from './hub-access.ts';
import { HubAnswer, hubFault, noSuchSpace, statusOf } from './hub-errors.ts';

const BRANCH = 'main';

/** Path → git blob id of a file; sha256 where the Hub keeps it in LFS. */
export type RemoteFiles = ReadonlyMap<string, { oid: string; isLfs: boolean }>;

/**
 * The files of a Space.
 *
 * @throws PipelineError SPACE_NOT_FOUND, SPACE_FORBIDDEN, SPACE_UNREACHABLE, TOKEN_REFUSED; TARGET_MOVED and TARGET_LOCKED of a commit
 */
export class SpaceFiles {
  readonly #common;
  readonly #fetch: typeof fetch;
  readonly #useXet: boolean;

  constructor(
    readonly id: string,
    { env, ...world }: Pick<World, 'env' | 'fetch' | 'clock' | 'signal'>,
  ) {
    const { hubUrl, token, useXet } = hubAccess(env);
    const repo = { type: 'space' as const, name: id };
    this.#fetch = retryingFetch(world);
    this.#common = { repo, hubUrl, fetch: this.#fetch, ...(token ? { accessToken: token } : {}) };
    this.#useXet = useXet;
  }

  async list(revision: string): Promise<RemoteFiles> {
    const files = new Map<string, { oid: string; isLfs: boolean }>();
    try {
      for await (const { type, path, oid = '', lfs } of listFiles({ ...this.#common, recursive: true, revision }))
        if (type === 'file') files.set(v.parse(v.string(), path), { oid: lfs?.oid ?? oid, isLfs: lfs !== undefined });
    } catch (thrown) {
      throw spaceFault(thrown, `list the files of ${this.id}`);
    }
    return files;
  }

  /** A text file as the newest commit has it; undefined where there is none. */
  async read(path: string): Promise<string | undefined> {
    const { hubUrl, accessToken } = this.#common;
    const url = fileUrl(`${hubUrl}/spaces/${this.id}`, BRANCH, path);
    try {
      const answer = await this.#fetch(url, accessToken ? { headers: { Authorization: `Bearer ${accessToken}` } } : {});
      if (answer.ok) return await answer.text();
      const refused = await HubAnswer.from(answer);
      if (refused.status === 404 && refused.errorCode === 'EntryNotFound') return undefined;
      throw refused;
    } catch (thrown) {
      throw spaceFault(thrown, `read ${path} of ${this.id}`);
    }
  }

  /** Write and delete files in one commit on top of `parentCommit`. Sent once: a lost answer may hide that it was done. */
  async commit(
    parentCommit: string,
    title: string,
    files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
    deletions: readonly string[],
  ): Promise<void> {
    const operations = [
      ...[...files].map(([path, content]) => ({
        operation: 'addOrUpdate' as const,
        path,
        content: new Blob([content]),
      })),
      ...deletions.map((path) => ({ operation: 'delete' as const, path })),
    ];
    try {
      await commit({ ...this.#common, branch: BRANCH, useXet: this.#useXet, title, parentCommit, operations });
    } catch (thrown) {
      throw spaceFault(thrown, `commit to ${this.id}`);
    }
  }
}

const OF_SPACES = {
  TARGET_FORBIDDEN: 'SPACE_FORBIDDEN',
  TARGET_UNREACHABLE: 'SPACE_UNREACHABLE',
  TARGET_ANSWER: 'SPACE_UNREACHABLE',
} as const;

/** The Hub's answer about a repo as one about a Space. */
function spaceFault(thrown: unknown, doing: string): PipelineError {
  if (statusOf(thrown) === 404) return noSuchSpace(doing, thrown);
  const { code, message, fix, retryable } = hubFault(thrown, doing);
  return new PipelineError(OF_SPACES[code as keyof typeof OF_SPACES] ?? code, message, {
    fix,
    retryable,
    cause: thrown,
  });
}
