import * as v from 'valibot';
import { isRepoName, requireWrite } from './accounts.ts';
import { type Context, jsonBody, repoKey } from './context.ts';
import { check, HubError, notSignedIn } from './errors.ts';
import { type LogLine, Machine } from './machine.ts';

/** huggingface_hub `JobStage`. */
type Stage = 'SCHEDULING' | 'RUNNING' | 'COMPLETED' | 'ERROR' | 'CANCELED';

interface Job {
  id: string;
  namespace: string;
  spec: JobSpec;
  stage: Stage;
  message: string | null;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  initiator: { type: string; id: string; name?: string };
  /** It has no machine yet while it is scheduled. */
  machine: Promise<Machine>;
  ended: Promise<void>;
}

interface ScheduledJob {
  id: string;
  namespace: string;
  spec: JobSpec;
  schedule: string;
  suspend: boolean;
  concurrency: boolean;
  createdAt: string;
  lastJob: { id: string; at: string } | null;
}

/** The Jobs of a local hub. A Job runs the committed files of its Space as a process, with its environment and its secrets. */
export class Jobs implements AsyncDisposable {
  readonly all: Job[] = [];
  readonly scheduled: ScheduledJob[] = [];
  /** Whether namespaces can pay for Jobs. */
  credit = true;
  /** The connections of the next logs are broken, each after so many events and not before `arrived`: what is on its way would be lost. */
  readonly cuts: { after: number; arrived?: () => Promise<void> }[] = [];
  /** A log stays open, and says nothing more, after its Job has ended. */
  stuck = false;
  /** A Job waits for its machine until this is resolved. */
  machines: Promise<void> = Promise.resolve();
  #ids = 0;

  nextId(): string {
    return `6a2aa7cec4f53f9f${(++this.#ids).toString(16).padStart(8, '0')}`; // 24 digits, as the Hub's are
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stage, machine } of this.all) if (stage === 'RUNNING') (await machine).stop();
    await Promise.all(this.all.filter(({ stage }) => stage === 'RUNNING').map(({ ended }) => ended));
  }
}

/** huggingface.co/docs/hub/jobs-pricing. */
const HARDWARE = [
  ['cpu-basic', 'CPU Basic', '2 vCPU', '16 GB', 167],
  ['cpu-upgrade', 'CPU Upgrade', '8 vCPU', '32 GB', 500],
  ['cpu-xl', 'CPU XL', '16 vCPU', '124 GB', 16667],
] as const;
const DEFAULT_TIMEOUT_S = 30 * 60; // huggingface.co/docs/hub/jobs-pricing

const Label = v.pipe(v.string(), v.regex(/^[\w-]{1,100}$/, 'must be letters, digits, - and _, at most 100'));
const Name = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of a variable'));
const JobSpec = v.pipe(
  v.strictObject({
    dockerImage: v.optional(v.string()),
    spaceId: v.optional(v.string()),
    command: v.optional(v.array(v.string())),
    arguments: v.optional(v.array(v.string())),
    environment: v.optional(v.record(Name, v.string()), {}),
    secrets: v.optional(v.record(Name, v.string()), {}),
    flavor: v.picklist(HARDWARE.map(([name]) => name)),
    timeoutSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7 * 24 * 3600))),
    labels: v.optional(v.record(Label, v.union([Label, v.literal('')])), {}),
  }),
  v.check(({ dockerImage, spaceId }) => (dockerImage === undefined) !== (spaceId === undefined), 'one image is needed'),
);
type JobSpec = v.InferOutput<typeof JobSpec>;

const FIELD = /^(\*|\d+(-\d+)?)(\/\d+)?(,(\*|\d+(-\d+)?)(\/\d+)?)*$/;
const isCron = (text: string) =>
  /^@(annually|yearly|monthly|weekly|daily|hourly)$/.test(text) ||
  (text.split(' ').length === 5 && text.split(' ').every((field) => FIELD.test(field)));
const Schedule = v.strictObject({
  jobSpec: JobSpec,
  schedule: v.pipe(v.string(), v.check(isCron, 'is no schedule')),
  suspend: v.optional(v.boolean(), false),
  concurrency: v.optional(v.boolean(), false),
});

export function hardware(): Response {
  return Response.json(
    HARDWARE.map(([name, prettyName, cpu, ram, micro]) => ({
      name,
      prettyName,
      cpu,
      ram,
      ephemeralStorage: '50 GB',
      accelerator: null,
      unitCostMicroUSD: micro,
      unitCostUSD: micro / 1_000_000,
      unitLabel: 'minute',
    })),
  );
}

export function run(context: Context): Response {
  const spec = check(JobSpec, jsonBody(context), 'job');
  requireCredit(context);
  const { user } = context.hub.settings;
  return Response.json(describe(start(context, spec, { type: 'user', id: `user-${user}`, name: user })));
}

export function list(context: Context): Response {
  const { hub, url, params } = context;
  const stages = url.searchParams.getAll('stage');
  const labels = url.searchParams.getAll('label');
  const found = hub.jobs.all
    .filter(({ namespace }) => namespace === params.ns)
    .filter(({ stage }) => stages.length === 0 || stages.includes(stage))
    .filter(({ spec }) => labels.every((label) => hasLabel(spec, label)))
    .toReversed();
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const end = start + hub.settings.pageSize;
  const next = new URL(`${hub.url}${url.pathname}${url.search}`);
  next.searchParams.set('cursor', String(end));
  const headers: Record<string, string> = end < found.length ? { Link: `<${next.href}>; rel="next"` } : {};
  return Response.json(found.slice(start, end).map(describe), { headers });
}

const hasLabel = ({ labels }: JobSpec, wanted: string) =>
  Object.entries(labels).some(([key, value]) => wanted === `${key}=${value}` || wanted === key);

export const inspect = (context: Context) => Response.json(describe(jobOf(context)));

export async function cancel(context: Context): Promise<Response> {
  const job = jobOf(context);
  if (job.stage === 'RUNNING' || job.stage === 'SCHEDULING') {
    end(job, 'CANCELED', null);
    if (job.startedAt) {
      (await job.machine).stop();
      await job.ended;
    }
  }
  return Response.json(describe(job));
}

const eventOf = ({ data, timestamp }: LogLine) =>
  `data: ${JSON.stringify({ data: data.replace(/\n$/, ''), timestamp })}\n\n`;

/** All lines from the first on, whenever they are asked for; comments that keep the connection alive; ended when the Job has ended. */
export function logs(context: Context): Response {
  const job = jobOf(context);
  const { hub, url } = context;
  const tail = url.searchParams.get('tail');
  const cut = hub.jobs.cuts.shift();
  async function* events() {
    yield ': keep-alive\n\n';
    const machine = job.stage === 'SCHEDULING' ? undefined : await job.machine;
    yield eventOf({ data: `===== Job started at ${job.createdAt} =====`, timestamp: job.createdAt });
    if (!machine) return;
    if (tail !== null) await machine.exited;
    const lines = tail === null ? machine.follow() : machine.lines.slice(-Number(tail));
    for await (const line of lines) {
      yield ': keep-alive\n\n';
      yield eventOf(line);
    }
    await job.ended;
    if (hub.jobs.stuck) await new Promise(() => {});
  }
  const source = events();
  let sent = 0;
  const text = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await source.next();
      if (done) return controller.close();
      const isCut = value.startsWith('data') && sent++ === cut?.after;
      if (!isCut) return controller.enqueue(text.encode(value));
      await cut.arrived?.();
      controller.error(); // Bun closes the connection
    },
  });
  return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } });
}

export function createScheduled(context: Context): Response {
  const { jobSpec: spec, ...wanted } = check(Schedule, jsonBody(context), 'scheduled job');
  requireCredit(context);
  requireSpace(context, spec);
  const { jobs } = context.hub;
  const createdAt = new Date().toISOString();
  const made = { ...wanted, spec, id: jobs.nextId(), namespace: context.params.ns ?? '', createdAt, lastJob: null };
  jobs.scheduled.push(made);
  return Response.json(describeScheduled(made));
}

export function listScheduled({ hub, params, url }: Context): Response {
  const label = url.searchParams.get('label');
  const found = hub.jobs.scheduled.filter(
    ({ namespace, spec }) => namespace === params.ns && (label === null || hasLabel(spec, label)),
  );
  return Response.json(found.map(describeScheduled));
}

export const inspectScheduled = (context: Context) => Response.json(describeScheduled(scheduledOf(context)));

export function deleteScheduled(context: Context): Response {
  const { scheduled } = context.hub.jobs;
  scheduled.splice(scheduled.indexOf(scheduledOf(context)), 1);
  return new Response(null, { status: 204 });
}

export const suspendScheduled = (suspend: boolean) => (context: Context) => {
  scheduledOf(context).suspend = suspend;
  return Response.json({});
};

/** Now, whatever its schedule says. */
export function runScheduled(context: Context): Response {
  const scheduled = scheduledOf(context);
  const last = context.hub.jobs.all.find(({ id }) => id === scheduled.lastJob?.id);
  if (!scheduled.concurrency && last && last.finishedAt === null)
    throw new HubError(409, 'Another instance of this scheduled job is running');
  const job = start(context, scheduled.spec, { type: 'scheduled-job', id: scheduled.id });
  scheduled.lastJob = { id: job.id, at: job.createdAt };
  return Response.json(describe(job));
}

/** Whoever may write in a namespace may run Jobs there. */
export const ofNamespace = (answer: (context: Context) => Response | Promise<Response>) => (context: Context) => {
  if (!context.token) throw notSignedIn();
  if (!isRepoName(context.params.ns ?? '')) throw new HubError(400, 'Invalid namespace');
  if (context.request.method !== 'GET') requireWrite(context, context.params.ns, undefined, 'job.write');
  return answer(context);
};

function requireCredit({ hub }: Context): void {
  if (!hub.jobs.credit) throw new HubError(402, 'Pre-paid credit balance is insufficient');
}

function requireSpace({ hub }: Context, { spaceId }: JobSpec) {
  const repo = spaceId === undefined ? undefined : hub.repos.get(repoKey('spaces', spaceId));
  if (!repo) throw new HubError(404, 'Space not found');
  if (hub.spaces.get(repo.id)?.sdk !== 'docker') throw new HubError(400, 'Not a Docker Space');
  return repo;
}

function start(context: Context, spec: JobSpec, initiator: Job['initiator']): Job {
  const { jobs } = context.hub;
  const repo = requireSpace(context, spec);
  const [program, ...more] = spec.command ?? [];
  if (!program) throw new HubError(400, 'A Space needs a command here');
  const id = jobs.nextId();
  const given = { JOB_ID: id, ACCELERATOR: 'none', CPU_CORES: '2', MEMORY: '16Gi' }; // docs/hub/jobs-configuration
  const files = repo.files();
  // The image has its files in /app; here they lie in the folder that the process starts in.
  const command = [program, ...more, ...(spec.arguments ?? [])].map((word) => word.replace(/^(--cwd=)?\/app$/, '$1.'));
  const machine = jobs.machines.then(() =>
    Machine.start(files, command, { ...spec.environment, ...spec.secrets, ...given }),
  );
  const job: Job = {
    id,
    namespace: context.params.ns ?? '',
    spec,
    stage: 'SCHEDULING',
    message: null,
    createdAt: new Date().toISOString(),
    startedAt: null,
    finishedAt: null,
    initiator,
    machine,
    ended: Promise.resolve(),
  };
  job.ended = machine.then((started) => live(job, started));
  jobs.all.push(job);
  return job;
}

async function live(job: Job, machine: Machine): Promise<void> {
  if (job.stage === 'SCHEDULING') {
    job.stage = 'RUNNING';
    job.startedAt = new Date().toISOString();
  } else machine.stop(); // cancelled before
  const seconds = job.spec.timeoutSeconds ?? DEFAULT_TIMEOUT_S;
  const timer = setTimeout(() => {
    end(job, 'ERROR', 'Job timeout');
    machine.stop();
  }, seconds * 1000);
  const code = await machine.exited;
  clearTimeout(timer);
  if (job.stage === 'RUNNING')
    end(
      job,
      code === 0 ? 'COMPLETED' : 'ERROR',
      code === 0 ? null : `Job failed with exit code: ${code}. Reason: Error`,
    );
}

function end(job: Job, stage: Stage, message: string | null): void {
  job.stage = stage;
  job.message = message;
  job.finishedAt = new Date().toISOString();
}

function jobOf({ hub, params }: Context): Job {
  const job = hub.jobs.all.find(({ id, namespace }) => id === params.job && namespace === params.ns);
  if (!job) throw new HubError(404, 'Job not found');
  return job;
}

function scheduledOf({ hub, params }: Context): ScheduledJob {
  const found = hub.jobs.scheduled.find(({ id, namespace }) => id === params.job && namespace === params.ns);
  if (!found) throw new HubError(404, 'Scheduled job not found');
  return found;
}

const owner = (name: string) => ({ id: `owner-${name}`, name, type: 'user' });

/** A secret's value is never told again: docs/hub/jobs-manage shows the names. */
function describeSpec({ secrets, timeoutSeconds, ...spec }: JobSpec) {
  const absent = { dockerImage: null, spaceId: null };
  return { ...absent, ...spec, secrets: Object.keys(secrets), timeout: timeoutSeconds ?? null };
}

function describe(job: Job) {
  const { id, stage, message, createdAt, startedAt, finishedAt, initiator, namespace } = job;
  const seconds = (from: string | null, to: string | null) =>
    from === null ? null : Math.floor((Date.parse(to ?? new Date().toISOString()) - Date.parse(from)) / 1000);
  return {
    type: 'job',
    id,
    createdAt,
    startedAt,
    finishedAt,
    ...describeSpec(job.spec),
    status: { stage, message, failureCount: stage === 'ERROR' ? 1 : 0 },
    durations: {
      schedulingSecs: startedAt === null ? null : seconds(createdAt, startedAt),
      runningSecs: seconds(startedAt, finishedAt),
      totalSecs: seconds(createdAt, finishedAt),
    },
    owner: owner(namespace),
    initiator,
  };
}

function describeScheduled({ id, namespace, spec, schedule, suspend, concurrency, createdAt, lastJob }: ScheduledJob) {
  return {
    type: 'scheduled-job',
    id,
    createdAt,
    schedule,
    suspend,
    concurrency,
    jobSpec: describeSpec(spec),
    status: { lastJob, nextJobRunAt: suspend ? null : new Date(Date.now() + 3_600_000).toISOString() },
    owner: owner(namespace),
  };
}
