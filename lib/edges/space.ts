import * as v from 'valibot';
import { PipelineError } from '../errors.ts';
import { repoProblem } from '../spec/target.ts';
import type { World } from '../world.ts';
import { retryingFetch } from './http.ts';
import { hubAccess } from './hub-access.ts';
import { HubAnswer, noSuchSpace } from './hub-errors.ts';
import { readLog } from './hub-log.ts';

const CREATE = '/api/repos/create';
const LIMIT_MS = 60_000; // for all tries of a call: nothing waits longer for a Space

const Variables = v.record(v.string(), v.object({ value: v.string(), updatedAt: v.optional(v.string()) }));
const Secrets = v.record(v.string(), v.unknown());
const Hardware = v.object({
  current: v.optional(v.nullable(v.string())),
  requested: v.optional(v.nullable(v.string())),
});
const Runtime = v.object({ stage: v.string(), hardware: v.optional(v.nullable(Hardware)) });
const Info = v.object({
  sdk: v.optional(v.nullable(v.string())),
  runtime: v.optional(v.nullable(Runtime)),
});
const Repo = v.object({ ...Info.entries, sha: v.string(), private: v.boolean() });

export interface SpaceVariable {
  value: string;
  /** ISO 8601; undefined where the Hub does not say. */
  updatedAt: string | undefined;
}

/** A Space as a repo, and what it runs on. */
export interface SpaceRepo {
  /** The head of its files. */
  revision: string;
  private: boolean;
  sdk: string | undefined;
  stage: string | undefined;
  hardware: string | undefined;
}

/**
 * A Space on the Hub. Every call ends within a minute, but for the logs.
 *
 * @throws PipelineError TOKEN_MISSING, SPACE_FORBIDDEN, SPACE_NOT_FOUND, SPACE_UNREACHABLE
 */
export class Space {
  readonly #world: Pick<World, 'fetch' | 'clock' | 'signal'>;
  readonly #hubUrl: string;
  readonly #token: string | undefined;
  readonly #limitMs: number;

  constructor(
    readonly id: string,
    { env, ...world }: Pick<World, 'env' | 'fetch' | 'clock' | 'signal'>,
    limitMs: number = LIMIT_MS,
  ) {
    const { hubUrl, token } = hubAccess(env);
    this.#world = world;
    this.#hubUrl = hubUrl;
    this.#token = token;
    this.#limitMs = limitMs;
  }

  /** Stop its machine; it starts again when its owner restarts it. */
  async pause(): Promise<void> {
    await this.#call('POST', '/pause', `pause ${this.id}`);
  }

  /** Build and start it anew, also when it is paused. Sent once: a lost answer may hide that it was done. */
  async restart(): Promise<void> {
    await this.#call('POST', '/restart', `restart ${this.id}`);
  }

  /** What it runs on (`docker`, `static` …), and its stage (`RUNNING`, `PAUSED` …); undefined where the Hub does not say. */
  async info(): Promise<{ sdk: string | undefined; stage: string | undefined }> {
    const { sdk, runtime } = await this.#read(Info, '', `read ${this.id}`);
    return { sdk: sdk ?? undefined, stage: runtime?.stage };
  }

  /** The same, and the repo; undefined where the token sees no such Space. */
  async find(): Promise<SpaceRepo | undefined> {
    try {
      const { sha, sdk, runtime, ...repo } = await this.#read(Repo, '', `read ${this.id}`);
      const { requested, current } = runtime?.hardware ?? {};
      const hardware = requested ?? current ?? undefined;
      return { revision: sha, private: repo.private, sdk: sdk ?? undefined, stage: runtime?.stage, hardware };
    } catch (thrown) {
      if (thrown instanceof PipelineError && thrown.code === 'SPACE_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  /** Make it, private, for a Dockerfile. Sent once: a lost answer may hide that it was done. */
  async create(): Promise<void> {
    const [organization, name] = this.id.split('/');
    const body = { type: 'space', organization, name, sdk: 'docker', visibility: 'private' };
    await this.#call('POST', CREATE, `create ${this.id}`, body);
  }

  async stage(): Promise<string> {
    return (await this.#read(Runtime, '/runtime', `read the stage of ${this.id}`)).stage;
  }

  /** Names of its secrets; nobody can read their values. */
  async secretNames(): Promise<string[]> {
    return Object.keys(await this.#read(Secrets, '/secrets', `read the names of the secrets of ${this.id}`));
  }

  async setSecret(key: string, value: string): Promise<void> {
    await this.#call('POST', '/secrets', `set the secret ${key} of ${this.id}`, { key, value });
  }

  /** One that is not there is no error. */
  async deleteSecret(key: string): Promise<void> {
    await this.#call('DELETE', '/secrets', `remove the secret ${key} of ${this.id}`, { key });
  }

  /** The lines of a log. */
  async *log(kind: 'run' | 'build', signal: AbortSignal): AsyncGenerator<string> {
    const doing = `read the ${kind} log of ${this.id}`;
    const open = async (signal: AbortSignal) => {
      const url = `${this.#hubUrl}/api/spaces/${this.id}/logs/${kind}`;
      const headers = { Authorization: `Bearer ${this.#token}`, Accept: 'text/event-stream' };
      const answer = await this.#world.fetch(url, { headers, signal }).catch((cause) => {
        throw unreachable(doing, 'no answer', cause);
      });
      if (answer.ok) return answer;
      throw this.#fault(await HubAnswer.from(answer), doing, '/logs');
    };
    yield* readLog(open, signal);
  }

  /** Its variables by name. Secrets are not among them. */
  async variables(): Promise<Map<string, SpaceVariable>> {
    const found = await this.#read(Variables, '/variables', `read the variables of ${this.id}`);
    return new Map(Object.entries(found).map(([name, { value, updatedAt }]) => [name, { value, updatedAt }]));
  }

  /** A Space that runs is restarted by the Hub when a variable changes; a paused one stays paused. */
  async setVariable(key: string, value: string, description?: string): Promise<void> {
    const body = { key, value, ...(description === undefined ? {} : { description }) };
    await this.#call('POST', '/variables', `set ${key} of ${this.id}`, body);
  }

  /** One that is not there is no error. */
  async deleteVariable(key: string): Promise<void> {
    await this.#call('DELETE', '/variables', `remove ${key} of ${this.id}`, { key });
  }

  async #read<S extends v.GenericSchema>(schema: S, route: string, doing: string): Promise<v.InferOutput<S>> {
    const answer = await this.#call('GET', route, doing);
    const parsed = v.safeParse(schema, await answer.json().catch(() => undefined));
    if (parsed.success) return parsed.output;
    throw unreachable(doing, 'the Hub’s answer cannot be read');
  }

  /** @returns an answer that is a success */
  async #call(method: 'GET' | 'POST' | 'DELETE', route: string, doing: string, body?: object): Promise<Response> {
    if (!this.#token)
      throw new PipelineError('TOKEN_MISSING', `Cannot ${doing}: HF_TOKEN is not set`, {
        fix: 'set HF_TOKEN to a token with write access to this Space',
      });
    const problem = repoProblem(this.id);
    if (problem !== undefined)
      throw new PipelineError('SPACE_NOT_FOUND', `Cannot ${doing}: a Space’s name ${problem}`, {
        fix: 'correct space.id, or the variable that it names',
      });
    const limit = AbortSignal.timeout(this.#limitMs);
    const fetch = retryingFetch({ ...this.#world, signal: AbortSignal.any([this.#world.signal, limit]) });
    const headers = { Authorization: `Bearer ${this.#token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const sent = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    let answer: Response;
    try {
      answer = await fetch(`${this.#hubUrl}${route === CREATE ? CREATE : `/api/spaces/${this.id}${route}`}`, sent);
    } catch (thrown) {
      this.#world.signal.throwIfAborted();
      throw unreachable(doing, limit.aborted ? `no answer in ${this.#limitMs / 1000} s` : 'no answer', thrown);
    }
    if (answer.ok) return answer;
    throw this.#fault(await HubAnswer.from(answer), doing, route);
  }

  #fault(answer: HubAnswer, doing: string, route: string): PipelineError {
    const { status, errorCode } = answer;
    if (status === 404 || errorCode === 'RepoNotFound') return noSuchSpace(doing, answer);
    if (status === 401 || status === 402 || status === 403)
      return new PipelineError('SPACE_FORBIDDEN', `Cannot ${doing}: ${this.#refusal(status, route)} (${status})`, {
        fix: `set HF_TOKEN to a fine-grained token with write access to the Space ${this.id}, or to a classic write token of its owner`,
        cause: answer,
      });
    if (status === 400)
      return unreachable(doing, 'the Hub refuses it (400); a static Space has no machine to pause or restart', answer);
    const why = status === 429 ? 'the Hub’s rate limit is used up (429)' : `the Hub answered ${status}`;
    return unreachable(doing, why, answer);
  }

  /** Which right is missing. A login's token is refused a restart with 401: huggingface_hub issue 4972. */
  #refusal(status: number, route: string): string {
    if (route === CREATE && status === 402) return 'Docker Spaces need PRO, or a Team or Enterprise organisation';
    if (route === CREATE && status === 403) return 'the token may not create Spaces in this namespace';
    if (status === 403) return 'the token has no write access to this Space';
    if (status === 402) return 'its owner’s plan or credit does not allow it';
    if (route !== '/restart') return 'the Hub does not accept the token';
    return this.#token?.startsWith('hf_oauth_')
      ? 'the token of a login (OAuth) may pause a Space and not restart it'
      : 'the Hub does not accept the token for it; the token of a login (OAuth) may pause a Space and not restart it';
  }
}

function unreachable(doing: string, why: string, cause?: unknown): PipelineError {
  return new PipelineError('SPACE_UNREACHABLE', `Cannot ${doing}: ${why}`, {
    retryable: true,
    fix: 'check the network and HF_ENDPOINT; status.huggingface.co tells of outages',
    cause,
  });
}
