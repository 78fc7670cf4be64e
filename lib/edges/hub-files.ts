import { listFiles, pathsInfo } from '@huggingface/hub';
import * as v from 'valibot';
import type { Send, Take } from './http.ts';
import { fileUrl } from './hub-access.ts';
import { HubAnswer, hubFault } from './hub-errors.ts';
import type { RemoteFile } from './target.ts';

const Entry = v.object({
  type: v.string(),
  path: v.string(),
  size: v.number(),
  oid: v.string(),
  lfs: v.optional(v.object({ oid: v.string() })),
});

/** A file as the Hub lists it. */
export interface ListedFile extends RemoteFile {
  /** Of its content: a git blob's SHA-1, or SHA-256 where it is in LFS. */
  oid: string;
  isLfs: boolean;
}

/** How a dataset repo is reached. */
export interface RepoAccess {
  readonly hubUrl: string;
  /** owner/name. */
  readonly name: string;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
  readonly send: Send;
}

/**
 * The files of a dataset repo. What is read is held against what the Hub lists: an answer may be a success and come from somewhere else,
 * e.g. a proxy's page, and whatever was made of it would be published.
 *
 * @throws PipelineError TARGET_ANSWER, TOKEN_REFUSED, TARGET_FORBIDDEN …
 */
export class HubFiles {
  constructor(readonly access: RepoAccess) {}

  async list(revision: string): Promise<ListedFile[]> {
    const files: ListedFile[] = [];
    try {
      for await (const entry of listFiles({ ...this.#common(), recursive: true, revision }))
        files.push(...listed(entry));
    } catch (thrown) {
      throw hubFault(thrown, `list the files of ${this.access.name}`);
    }
    return files;
  }

  /** One file of a revision as it is listed; undefined where there is none of that path. */
  async find(revision: string, path: string): Promise<ListedFile | undefined> {
    try {
      const [entry] = await pathsInfo({ ...this.#common(), paths: [path], revision });
      return entry && listed(entry)[0];
    } catch (thrown) {
      throw hubFault(thrown, `look for ${path} of ${this.access.name}`);
    }
  }

  /**
   * The bytes of one file of a revision; undefined where it has none of that path.
   *
   * @param file what is listed under the path; undefined where nothing is. The Hub must agree with itself
   */
  async read(revision: string, path: string, file: ListedFile | undefined): Promise<Uint8Array | undefined> {
    const found = await this.get(revision, path, (answer) => answer.bytes());
    const isNone = found instanceof HubAnswer && found.status === 404 && found.errorCode === 'EntryNotFound';
    if (isNone && !file) return undefined;
    const doing = `read ${path} of ${this.access.name}`;
    if (found instanceof HubAnswer && !isNone) throw hubFault(found, doing);
    if (found instanceof HubAnswer || !file || !isContent(found, file))
      throw hubFault(new Error('not what the list of files says'), doing);
    return found;
  }

  /** @param take reads an answer that is a success. @returns any other answer as it is */
  async get<T>(revision: string, path: string, take: Take<T>): Promise<T | HubAnswer> {
    const { hubUrl, name, token, send } = this.access;
    const url = fileUrl(`${hubUrl}/datasets/${name}`, revision, path);
    try {
      return await send<T | HubAnswer>(
        url,
        token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } },
        (answer, alive) => (answer.ok ? take(answer, alive) : HubAnswer.from(answer)),
      );
    } catch (thrown) {
      throw hubFault(thrown, `read ${path} of ${name}`);
    }
  }

  #common() {
    const { hubUrl, name, token, fetch } = this.access;
    const repo = { type: 'dataset' as const, name };
    return { repo, hubUrl, fetch, ...(token === undefined ? {} : { accessToken: token }) };
  }
}

/** @throws ValiError where it is no entry of a list; it must not pass for one that is not there */
function listed(entry: unknown): ListedFile[] {
  const { type, path, size, oid, lfs } = v.parse(Entry, entry);
  return type === 'file' ? [{ path, size, oid: lfs?.oid ?? oid, isLfs: lfs !== undefined }] : [];
}

function isContent(bytes: Uint8Array, { oid, isLfs }: ListedFile): boolean {
  const hasher = new Bun.CryptoHasher(isLfs ? 'sha256' : 'sha1');
  if (!isLfs) hasher.update(`blob ${bytes.length}\0`);
  return hasher.update(bytes).digest('hex') === oid;
}
