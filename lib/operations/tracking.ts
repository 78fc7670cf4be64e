import type { WandbRun, WandbSettings } from '../edges/wandb.ts';
import { wandbUrl } from '../edges/wandb-api.ts';
import { toPipelineError } from '../errors.ts';
import type { Event } from '../events.ts';
import { plain } from '../report/layout.ts';
import { lineOf } from '../report/log.ts';
import type { RunReport } from '../report/report.ts';
import { startOf } from '../report/watch.ts';
import type { Job } from '../run.ts';
import { maskStrings } from '../secrets.ts';
import type { LabelSpec, OperationsSpec, Spec } from '../spec/spec.ts';
import { endMetrics, MetricsOf, statusOf } from './metrics.ts';
import type { Notice } from './notice.ts';
import { line, lines } from './summary/bounded.ts';

/** What operations need of a spec. */
export type Settings = Pick<Spec, 'file' | 'labels' | 'operations'>;

/** What a report says from its beginning on. */
type Begun = Pick<RunReport, 'run' | 'action'>;

/** A run in an experiment tracker. Nothing of it stops or delays the job: what fails is told by conclude(). */
export interface Tracking {
  /** Page of the run; undefined until the server answered. */
  readonly url: string | undefined;
  /** Send a notice, also after the run is concluded. */
  alert(notice: Notice): Promise<void>;
  /**
   * Send everything, and end the run there.
   *
   * @throws PipelineError TRACKING_FAILED after at most 30 s in all
   */
  conclude(report: RunReport): Promise<void>;
  /** The same for a run that was interrupted or that threw: there is no report. At most 5 s. */
  abort(exitCode: number): Promise<void>;
}

const MOST_TITLE = 63; // characters
const MOST_LINES = 30; // of an alert
const LINE = 1000; // characters
const MENTION = /<(?=[!@#])/g; // W&B passes alerts on to Slack, where it rings somebody
const MOST_TAG = 64;

/** Follow a job's events from here on; undefined where tracking is off, which is said. Connects in the background. */
export async function openTracking(job: Job, spec: Settings, report: Begun): Promise<Tracking | undefined> {
  const { world, events } = job;
  const { wandb, untracked } = spec.operations;
  if (!wandb) {
    if (untracked !== undefined) events.emit({ type: 'tracking.off', why: untracked });
    return undefined;
  }
  const { WandbRun } = await import('../edges/wandb.ts');
  const settings = planSettings(job, spec, wandb, report);
  const begun = (url: string) => events.emit({ type: 'tracking.started', url });
  return new WandbTracking(job, spec, new WandbRun(settings, world, job.startedAt, begun));
}

class WandbTracking implements Tracking {
  readonly #job: Job;
  readonly #space: OperationsSpec['space'];
  readonly #run: WandbRun;
  readonly #metrics = new MetricsOf();

  constructor(job: Job, { operations }: Settings, run: WandbRun) {
    this.#job = job;
    this.#space = operations.space;
    this.#run = run;
    this.#follow(startOf(job), job.startedAt); // before anybody listens
    job.events.subscribe((event, at) => this.#follow(event, at));
  }

  get url(): string | undefined {
    return this.#run.url;
  }

  async alert({ title, text, severity }: Notice): Promise<void> {
    const { mask } = this.#job;
    const said = lines(mask(text), MOST_LINES, LINE).join('\n');
    await this.#run.alert({ title: line(mask(title), MOST_TITLE), text: said.replace(MENTION, '‹'), severity });
  }

  async conclude(report: RunReport): Promise<void> {
    const { exitCode } = report;
    this.#run.log(endMetrics(report, this.#space));
    const page = await this.#render(report).catch(toPipelineError);
    const hasPage = typeof page === 'string'; // the run has to end in any case
    await this.#run.finish({ exitCode, ...(hasPage ? { page } : {}) }, this.#job.world.signal);
    if (!hasPage) throw page;
  }

  async abort(exitCode: number): Promise<void> {
    this.#run.log({ status: statusOf(exitCode) });
    await this.#run.abort(exitCode);
  }

  /** Without samples: no row's text leaves. */
  async #render(report: RunReport): Promise<string> {
    const { renderHtml } = await import('../report/html.ts');
    return await renderHtml(maskStrings(report, this.#job.mask), new Map());
  }

  #follow(event: Event, at: Date): void {
    const text = lineOf(event);
    if (text !== undefined) this.#run.print(plain(this.#job.mask(text)), at, isProblem(event));
    const metrics = this.#metrics.event(event);
    if (metrics) this.#run.log(metrics);
  }
}

/** Lines that W&B shows in red. */
function isProblem(event: Event): boolean {
  if (event.type === 'label.finished') return event.outcome.status === 'failed' || event.outcome.status === 'refused';
  return event.type === 'warning' || event.type === 'database.failed' || event.type === 'checks.failed';
}

/** What the server is told of a run: the environment as W&B's own client reads it, and a config without a secret. */
export function planSettings(
  { world: { env }, mask, version, labels }: Pick<Job, 'world' | 'mask' | 'version' | 'labels'>,
  spec: Settings,
  { apiKey, project, entity }: NonNullable<OperationsSpec['wandb']>,
  { run, action }: Begun,
): WandbSettings {
  const set = (...names: string[]) => names.map((name) => env[name]?.trim()).find((value) => value);
  const baseUrl = wandbUrl(env);
  const names = labels.map(({ report }) => report.label);
  const chosen = spec.labels.filter(({ name }) => names.includes(name));
  const byLabel = <T>(value: (label: LabelSpec) => T) =>
    Object.fromEntries(chosen.map((label) => [label.name, value(label)]));
  const said = {
    displayName: set('WANDB_NAME') ?? run,
    jobType: set('WANDB_JOB_TYPE') ?? 'prepare-dataset',
    tags: (set('WANDB_TAGS')?.split(',') ?? names).map((tag) => tag.trim()),
    notes: set('WANDB_NOTES') ?? `prepare-dataset ${version}, ${spec.file}: ${names.join(', ')}`,
    config: {
      version,
      action,
      labels: names,
      seeds: byLabel(({ seed }) => seed),
      spec: byLabel(({ template }) => template), // names of variables, never their values
    },
    program: 'pipeline.ts',
    host: set('SPACE_HOST', 'HOSTNAME'),
    commit: set('GITHUB_SHA'),
    repo: set('GITHUB_REPOSITORY'),
  };
  const masked = maskStrings(said, mask);
  return {
    apiKey,
    baseUrl,
    appUrl: (set('WANDB_APP_URL') ?? baseUrl.replace(/^(https?:\/\/)api\.wandb\./, '$1wandb.')).replace(/\/+$/, ''),
    entity,
    project,
    runId: set('WANDB_RUN_ID') ?? run,
    ...masked,
    tags: masked.tags.filter((tag) => tag !== '' && tag.length <= MOST_TAG),
  };
}
