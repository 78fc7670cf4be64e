import { open } from 'node:fs/promises';
import { type CommitOperation, commitIter, createRepo, HubApiError } from '@huggingface/hub';
import * as v from 'valibot';
import { CARD, isData, METADATA } from '../dataset/files.ts';
import { PipelineError, writeFault } from '../errors.ts';
import type { World } from '../world.ts';
import { retrying, retryingFetch } from './http.ts';
import { hubAccess, requireTokenForm } from './hub-access.ts';
import { HubAnswer, hubFault } from './hub-errors.ts';
import { HubFiles } from './hub-files.ts';
import type { Change, CommitOptions, Existing, Head, Published, Target } from './target.ts';

const BRANCH = 'main';

const RepoInfo = v.object({ sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)), private: v.boolean() });
const Refs = v.object({ tags: v.array(v.object({ name: v.string(), targetCommit: v.string() })) });

export type RepoInfo = v.InferOutput<typeof RepoInfo>;

/** A dataset repo on the Hub. */
export class HubTarget implements Target {
  readonly #fetch: typeof fetch;
  readonly #files: HubFiles;
  readonly #hubUrl: string;
  readonly #token: string | undefined;
  readonly #useXet: boolean;

  constructor(
    readonly name: string,
    { env, ...world }: Pick<World, 'env' | 'fetch' | 'clock' | 'signal'>,
  ) {
    this.#fetch = retryingFetch(world);
    const { hubUrl, token, useXet } = hubAccess(env);
    this.#hubUrl = hubUrl;
    this.#token = token;
    this.#useXet = useXet;
    this.#files = new HubFiles({ hubUrl, name, token, fetch: this.#fetch, send: retrying(world) });
  }

  async preflight({ private: wanted, write }: { private: boolean; write: boolean }): Promise<void> {
    if (write || this.#token) this.requireToken();
    const info = await this.info();
    if (info && !info.private && wanted) {
      throw new PipelineError(
        'TARGET_PUBLIC',
        `Cannot publish to ${this.name}: the repo is public, and push.private is true`,
        {
          fix: 'make the repo private, or write push: { private: false } if the rows may be public',
        },
      );
    }
  }

  /** Whether there is a token that looks like one; nothing is asked. @throws PipelineError TOKEN_MISSING, TOKEN_REFUSED */
  requireToken(): void {
    if (!this.#token)
      throw new PipelineError('TOKEN_MISSING', `Cannot publish to ${this.name}: HF_TOKEN is not set`, {
        fix: 'set HF_TOKEN to a token that may write this repo',
      });
    requireTokenForm(this.#token);
  }

  locked<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async readHead(): Promise<Head> {
    const info = await this.info();
    return info ? this.#read(info.sha) : { state: 'absent' };
  }

  async readVersion(version: string): Promise<Head> {
    const revision = (await this.versions()).get(version);
    return revision === undefined ? { state: 'absent' } : this.#read(revision);
  }

  async #read(revision: string): Promise<Head> {
    const files = await this.#files.list(revision);
    const text = async (path: string) => {
      const bytes = await this.#files.read(
        revision,
        path,
        files.find((file) => file.path === path),
      );
      return bytes && new TextDecoder().decode(bytes);
    };
    return {
      state: files.some(({ path }) => isData(path)) ? 'published' : 'empty',
      revision,
      files: files.map(({ path, size }) => ({ path, size })),
      metadata: await text(METADATA),
      card: await text(CARD),
    };
  }

  /** The bytes of one file of a revision; undefined where it has none of that path. */
  async read(revision: string, path: string): Promise<Uint8Array | undefined> {
    return await this.#files.read(revision, path, await this.#files.find(revision, path));
  }

  async download(revision: string, path: string, to: string): Promise<void> {
    const refuse = (cause: NodeJS.ErrnoException): never => {
      throw writeFault(cause, `keep ${path} of ${this.name}`);
    };
    const found = await this.#files.get(revision, path, async (answer, alive) => {
      await using file = await open(to, 'w', 0o600).catch(refuse);
      for await (const chunk of answer.body ?? []) {
        alive();
        await file.writeFile(chunk).catch(refuse);
      }
    });
    if (found instanceof HubAnswer) throw hubFault(found, `read ${path} of ${this.name}`);
  }

  async versions(): Promise<Map<string, string>> {
    const doing = `list the tags of ${this.name}`;
    const answer = await this.#api('GET', 'refs', doing);
    if (answer.ok) {
      const { tags } = await this.#json(answer, Refs, doing);
      return new Map(tags.map(({ name, targetCommit }) => [name, targetCommit]));
    }
    const fault = await HubAnswer.from(answer);
    if (this.#isAbsent(fault)) return new Map();
    throw hubFault(fault, doing);
  }

  async commit(parent: Head, change: Change, { private: wanted, onProgress }: CommitOptions): Promise<Published> {
    const revision = parent.state === 'absent' ? await this.#create(wanted) : parent.revision;
    const operations: CommitOperation[] = [
      ...[...change.files].map(([path, file]) => ({
        operation: 'addOrUpdate' as const,
        path,
        content: Bun.file(file),
      })),
      ...change.deletions.map((path) => ({ operation: 'delete' as const, path })),
    ];
    return {
      revision: await this.#commit(revision, change.message, operations, onProgress),
      url: this.#url(change.version),
    };
  }

  /** @param parent undefined where there is no repo yet: a private one is created */
  async amend(
    parent: Pick<Existing, 'revision'> | undefined,
    message: string,
    files: ReadonlyMap<string, string | Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    const operations = [...files].map(([path, content]) => ({
      operation: 'addOrUpdate' as const,
      path,
      content: new Blob([content]),
    }));
    await this.#commit(parent?.revision ?? (await this.#create(true)), message, operations);
  }

  /** One commit on top of `parentCommit`; returns its id. */
  async #commit(
    parentCommit: string,
    title: string,
    operations: CommitOperation[],
    onProgress: CommitOptions['onProgress'] = () => {},
  ): Promise<string> {
    try {
      const common = { ...this.#common(), branch: BRANCH, useXet: this.#useXet };
      const events = commitIter({ ...common, title, parentCommit, operations });
      let event = await events.next();
      for (; !event.done; event = await events.next()) {
        if (event.value.event === 'fileProgress' && event.value.state === 'uploading')
          onProgress(event.value.path, event.value.progress);
      }
      if (!event.value?.commit.oid) throw new HubAnswer(200, '', 'no commit id in the answer');
      return event.value.commit.oid;
    } catch (thrown) {
      throw hubFault(thrown, `commit to ${this.name}`);
    }
  }

  async tag(revision: string, version: string): Promise<void> {
    const doing = `tag ${this.name}`;
    const answer = await this.#api('POST', `tag/${revision}`, doing, { tag: version });
    if (answer.ok) return;
    const mayBeThere = answer.status === 409 || answer.status >= 500; // 409 comes also when the tag points elsewhere
    if (mayBeThere && (await this.versions()).get(version) === revision) return;
    throw hubFault(await HubAnswer.from(answer), doing);
  }

  /** Create the repo; returns its first commit. */
  async #create(isPrivate: boolean): Promise<string> {
    try {
      await createRepo({ ...this.#common(), accessToken: this.#token ?? '', private: isPrivate });
    } catch (thrown) {
      if (!(thrown instanceof HubApiError && thrown.statusCode === 409)) throw hubFault(thrown, `create ${this.name}`);
      if (await this.info())
        throw new PipelineError('TARGET_MOVED', `${this.name} was created by somebody else meanwhile`, {
          retryable: true,
          cause: thrown,
        });
      throw new PipelineError('TARGET_FORBIDDEN', `Cannot read ${this.name}: it exists, and HF_TOKEN may not read it`, {
        fix: 'give the token read and write access to this repo',
        cause: thrown,
      });
    }
    const info = await this.info();
    if (info) return info.sha;
    throw new PipelineError('TARGET_FORBIDDEN', `Cannot read ${this.name} after creating it`, {
      fix: 'give the token read and write access to this repo',
    });
  }

  /** The head of the branch; undefined where the repo does not exist for this token. */
  async info(): Promise<RepoInfo | undefined> {
    const doing = `read ${this.name}`;
    const answer = await this.#api('GET', `revision/${BRANCH}`, doing);
    if (answer.ok) return await this.#json(answer, RepoInfo, doing);
    const fault = await HubAnswer.from(answer);
    if (this.#isAbsent(fault)) return undefined;
    throw hubFault(fault, doing);
  }

  /** The Hub says 401 of a repo that is none to this token, too. */
  #isAbsent({ status, errorCode }: HubAnswer): boolean {
    return errorCode === 'RepoNotFound' && (status === 404 || (status === 401 && this.#token !== undefined));
  }

  async #api(method: 'GET' | 'POST', route: string, doing: string, body?: unknown): Promise<Response> {
    const headers = { ...this.#headers(), ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const url = `${this.#hubUrl}/api/datasets/${this.name}/${route}`;
    try {
      return await this.#fetch(url, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    } catch (thrown) {
      throw hubFault(thrown, doing);
    }
  }

  async #json<S extends v.GenericSchema>(answer: Response, schema: S, doing: string): Promise<v.InferOutput<S>> {
    try {
      return v.parse(schema, await answer.json());
    } catch (thrown) {
      throw hubFault(thrown, doing);
    }
  }

  #headers(): Record<string, string> {
    return this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
  }

  #common() {
    const repo = { type: 'dataset' as const, name: this.name };
    return { repo, hubUrl: this.#hubUrl, fetch: this.#fetch, ...(this.#token ? { accessToken: this.#token } : {}) };
  }

  #url(version: string): string {
    return `${this.#hubUrl}/datasets/${this.name}/tree/${version}`;
  }
}
