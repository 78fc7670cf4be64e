import {
  createScheduledJob,
  deleteScheduledJob,
  getJob,
  listJobHardware,
  listJobs,
  listScheduledJobs,
  runJob,
} from '@huggingface/hub';
import * as v from 'valibot';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import { retryingFetch } from './http.ts';
import { hubAccess, requireTokenForm } from './hub-access.ts';
import { HubAnswer, statusOf } from './hub-errors.ts';
import { readLog } from './hub-log.ts';
import { isLost, jobFault } from './jobs-errors.ts';

/** What the Hub is asked to run. */
export interface JobRequest {
  spaceId: string;
  command: string[];
  environment: Record<string, string>;
  secrets: Record<string, string>;
  flavor: string;
  timeoutSeconds: number;
  /** Keys and values: at most 100 of letters, digits, `-` and `_` (huggingface_hub, update_job_labels). */
  labels: Record<string, string>;
}

const Labels = v.nullish(v.record(v.string(), v.string()));
const Job = v.object({
  id: v.string(),
  /** `SCHEDULING`, `RUNNING`, `COMPLETED`, `ERROR`, `CANCELED`, `DELETED`; huggingface_hub `JobStage`. */
  status: v.object({ stage: v.string(), message: v.nullish(v.string()) }),
  labels: Labels,
});
const Schedule = v.object({
  id: v.string(),
  schedule: v.nullish(v.string()),
  suspend: v.nullish(v.boolean()),
  status: v.nullish(v.object({ nextJobRunAt: v.nullish(v.string()) })),
  jobSpec: v.object({ spaceId: v.nullish(v.string()), labels: Labels }),
});
const Hardware = v.object({
  name: v.string(),
  unitCostUSD: v.nullish(v.number()),
  unitLabel: v.nullish(v.string()),
});

export type Job = v.InferOutput<typeof Job>;
export type Schedule = v.InferOutput<typeof Schedule>;
export type Hardware = v.InferOutput<typeof Hardware>;

/** A label with the same value in no other request: by it a Job is found whose POST was not answered. */
export const SUBMISSION = 'submission';
const LOOKS = 4; // for a Job whose answer was lost
const FIRST_LOOK_MS = 1000; // doubled for each further one
const WRITE_MS = 60_000; // for the answer to one write

/**
 * Jobs of one user or organisation on the Hub.
 *
 * @throws PipelineError TOKEN_MISSING, TOKEN_REFUSED, JOB_FORBIDDEN, JOB_REFUSED, JOB_UNREACHABLE
 */
export class Jobs {
  readonly #world: Pick<World, 'fetch' | 'clock' | 'signal'>;
  readonly #fetch: typeof fetch;
  readonly #hubUrl: string;
  readonly #token: string;

  constructor(
    readonly namespace: string,
    { env, ...world }: Pick<World, 'env' | 'fetch' | 'clock' | 'signal'>,
  ) {
    const { hubUrl, token } = hubAccess(env);
    this.#world = world;
    this.#fetch = retryingFetch(world);
    this.#hubUrl = hubUrl;
    this.#token = requireToken(token);
  }

  /** Where a person looks at a Job. */
  pageOf(id: string): string {
    return `${this.#hubUrl}/jobs/${this.namespace}/${id}`;
  }

  async hardware(): Promise<Hardware[]> {
    const found = await this.#ask('read the list of hardware', () => listJobHardware(this.#access()));
    return readAnswer(v.array(Hardware), found, 'read the list of hardware');
  }

  /** Start a Job. Sent once: where the answer is lost, the Job is looked for. */
  async run(request: JobRequest): Promise<Job> {
    const doing = 'start a Job';
    const sent = await this.#write(doing, request.labels[SUBMISSION], () => this.#list(), {
      post: (access) => runJob({ ...access, ...onHardware(request), arguments: [] }),
      labelsOf: ({ labels }) => labels,
    });
    return readAnswer(Job, sent, doing);
  }

  async get(id: string): Promise<Job> {
    const doing = `look at Job ${id}`;
    return readAnswer(Job, await this.#ask(doing, () => getJob({ ...this.#access(), jobId: id })), doing);
  }

  /**
   * The lines of a Job's log.
   *
   * @throws what the connection throws where it breaks; PipelineError where the Hub refuses
   */
  async *log(id: string, signal: AbortSignal): AsyncGenerator<string> {
    const open = async (signal: AbortSignal) => {
      const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${this.#token}` };
      const url = `${this.#hubUrl}/api/jobs/${this.namespace}/${id}/logs`;
      const answer = await this.#world.fetch(url, { headers, signal });
      if (answer.ok) return answer;
      const refused = await HubAnswer.from(answer);
      const mayPass = isLost(refused) || refused.status === 429;
      throw mayPass ? refused : jobFault(refused, `read the log of Job ${id}`, this.namespace);
    };
    yield* readLog(open, signal);
  }

  async schedules(): Promise<Schedule[]> {
    const doing = 'list scheduled Jobs';
    const found = await this.#ask(doing, () => listScheduledJobs(this.#access()));
    return readAnswer(v.array(Schedule), found, doing);
  }

  /** Run at these times. Sent once: where the answer is lost, it is looked for. @param suspend made, and not run for now */
  async schedule(request: JobRequest, schedule: string, suspend: boolean): Promise<Schedule> {
    const doing = `schedule a Job at "${schedule}"`;
    const sent = await this.#write(doing, request.labels[SUBMISSION], () => listScheduledJobs(this.#access()), {
      post: (access) =>
        createScheduledJob({
          ...access,
          jobSpec: onHardware(request),
          schedule,
          suspend,
          concurrency: false, // a run that is late is not joined by the next one
        }),
      labelsOf: ({ jobSpec }) => jobSpec.labels,
    });
    return readAnswer(Schedule, sent, doing);
  }

  /** One that is not there any more is no error. */
  async unschedule(id: string): Promise<void> {
    await this.#ask(`delete the scheduled Job ${id}`, () =>
      deleteScheduledJob({ ...this.#access(), jobId: id }).catch((thrown) => {
        if (statusOf(thrown) !== 404) throw thrown;
      }),
    );
  }

  #list() {
    return listJobs(this.#access()); // newest first
  }

  #access(fetch = this.#fetch): Access {
    return { namespace: this.namespace, hubUrl: this.#hubUrl, accessToken: this.#token, fetch };
  }

  async #ask<T>(doing: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (thrown) {
      this.#world.signal.throwIfAborted();
      throw jobFault(thrown, doing, this.namespace);
    }
  }

  /** @param list where what was made is found, if the answer to its POST was lost */
  async #write<T>(
    doing: string,
    submission: string | undefined,
    list: () => Promise<T[]>,
    how: { post(access: Access): Promise<T>; labelsOf(made: T): v.InferOutput<typeof Labels> },
  ): Promise<T> {
    try {
      return await how.post(this.#access(retryingFetch({ ...this.#world, fetch: uncut(this.#world.fetch) })));
    } catch (thrown) {
      if (!isLost(thrown)) throw jobFault(thrown, doing, this.namespace);
      for (let look = 0; look < LOOKS; look++) {
        await this.#world.clock.sleep(FIRST_LOOK_MS * 2 ** look, this.#world.signal);
        const made = await this.#ask(`${doing}: no answer, and its list`, list);
        const ours = made.find((each) => how.labelsOf(each)?.[SUBMISSION] === submission);
        if (ours) return ours;
      }
      throw jobFault(thrown, doing, this.namespace);
    }
  }
}

/** What is sent is answered, whatever signal comes meanwhile: a Job of which nobody learns the id would go on unseen. */
function uncut(send: typeof fetch): typeof fetch {
  const whole = (input: string | URL | Request, init?: RequestInit) =>
    send(input, { ...init, signal: AbortSignal.timeout(WRITE_MS) });
  return Object.assign(whole, { preconnect: send.preconnect }) as typeof fetch;
}

/** The Hub has more flavors than its client knows. */
function onHardware({ flavor, ...request }: JobRequest) {
  return { ...request, flavor: flavor as Parameters<typeof runJob>[0]['flavor'] };
}

interface Access {
  namespace: string;
  hubUrl: string;
  accessToken: string;
  fetch: typeof fetch;
}

function requireToken(token: string | undefined): string {
  if (!token)
    throw new PipelineError('TOKEN_MISSING', 'Cannot use Jobs: HF_TOKEN is not set', {
      fix: 'set HF_TOKEN to a token that may start and manage Jobs, and do what the run does',
    });
  requireTokenForm(token);
  return token;
}

function readAnswer<S extends v.GenericSchema>(schema: S, answer: unknown, doing: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  throw new PipelineError('JOB_UNREACHABLE', `Cannot ${doing}: the Hub’s answer cannot be read`, {
    fix: 'check HF_ENDPOINT',
  });
}
