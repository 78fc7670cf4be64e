import * as v from 'valibot';
import type { World } from '../world.ts';
import { ALERT, CREATE_RUN_FILES, UPSERT_BUCKET, VIEWER } from './wandb-queries.ts';
import { type Sending, trackingFailed, WandbRequests } from './wandb-requests.ts';
import type { StreamRequest } from './wandb-stream.ts';

/** What UpsertBucket is told of a run. */
export interface BucketSettings {
  runId: string;
  project: string;
  displayName: string;
  jobType: string;
  tags: string[];
  notes: string | undefined;
  /** Key → value. */
  config: Record<string, unknown>;
  host: string | undefined;
  program: string | undefined;
  commit: string | undefined;
  repo: string | undefined;
}

export interface WandbAlert {
  /** At most 63 characters. */
  title: string;
  text: string;
  severity: 'INFO' | 'WARN' | 'ERROR';
}

/** Where a run is, in the server's spelling. */
export interface RunPath {
  entity: string;
  project: string;
  run: string;
}

/** Where W&B is, without a slash at the end. */
export function wandbUrl(env: World['env']): string {
  return (env.WANDB_BASE_URL?.trim() || 'https://api.wandb.ai').replace(/\/+$/, '');
}

const ALERT_WAIT_MS = 60_000; // the official client's default: the same title within it is dropped by the server

const ViewerSchema = v.object({ viewer: v.nullable(v.object({ entity: v.nullish(v.string()) })) });
const BucketSchema = v.object({
  upsertBucket: v.object({
    bucket: v.object({
      name: v.string(),
      project: v.object({ name: v.string(), entity: v.object({ name: v.string() }) }),
    }),
  }),
});
const AlertSchema = v.object({ notifyScriptableRunAlert: v.object({ success: v.boolean() }) });
const FilesSchema = v.object({
  createRunFiles: v.object({
    uploadHeaders: v.nullish(v.array(v.string()), []),
    files: v.tupleWithRest([v.object({ uploadUrl: v.string() })], v.unknown()),
  }),
});

/** The routes of W&B that a run needs. All throw PipelineError TRACKING_FAILED. */
export class WandbApi {
  readonly #base: string;
  readonly #authorization: string;
  readonly #requests: WandbRequests;

  /** @param signal ends all requests */
  constructor(base: string, apiKey: string, world: Pick<World, 'fetch' | 'clock'>, signal: AbortSignal) {
    this.#base = base;
    this.#authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`;
    this.#requests = new WandbRequests(world, signal);
  }

  /** See WandbRequests. */
  hurry(): void {
    this.#requests.hurry();
  }

  /** Check the key. @returns the account's own entity */
  async viewer(): Promise<string | undefined> {
    const doing = 'log in';
    // A wrong key is told of with a status of 200.
    const { viewer } = await this.#graphql({ doing }, 'Viewer', VIEWER, {}, ViewerSchema);
    if (!viewer) throw trackingFailed(doing, 'the key is not valid', 'set WANDB_API_KEY to a valid key of this server');
    return viewer.entity ?? undefined;
  }

  async upsertBucket(settings: BucketSettings, entity: string | undefined): Promise<RunPath> {
    const { runId: name, project, displayName, jobType, tags, notes, host, program, commit, repo } = settings;
    const config = Object.fromEntries(Object.entries(settings.config).map(([key, value]) => [key, { value }]));
    const said = { displayName, jobType, tags, notes, host, program, commit, repo, config: JSON.stringify(config) };
    const variables = { entity, project, name, ...said };
    const how = { doing: 'create the run', retried: [409] }; // somebody may be writing it
    const { upsertBucket } = await this.#graphql(how, 'UpsertBucket', UPSERT_BUCKET, variables, BucketSchema);
    const { bucket } = upsertBucket;
    return { run: bucket.name, project: bucket.project.name, entity: bucket.project.entity.name };
  }

  async stream({ entity, project, run }: RunPath, request: StreamRequest): Promise<void> {
    const path = ['files', entity, project, run, 'file_stream'].map(encodeURIComponent).join('/');
    await this.#post({ doing: 'write the run' }, `${this.#base}/${path}`, request);
  }

  async alert({ entity, project, run }: RunPath, alert: WandbAlert, signal?: AbortSignal): Promise<void> {
    const doing = 'send an alert';
    const where = { entityName: entity, projectName: project, runName: run };
    const { title, text, severity } = alert;
    const variables = { ...where, title, text, severity, waitDuration: ALERT_WAIT_MS };
    const how = { doing, ...(signal ? { signal } : {}) };
    const answer = await this.#graphql(how, 'NotifyScriptableRunAlert', ALERT, variables, AlertSchema);
    if (!answer.notifyScriptableRunAlert.success)
      throw trackingFailed(doing, 'the server did not take it', 'check that alerts are enabled in the settings of W&B');
  }

  /** Store a file of the run. @param name its path there */
  async upload(where: RunPath, name: string, content: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    const doing = 'store the report';
    const variables = { ...where, files: [name] };
    const answer = await this.#graphql({ doing, signal }, 'CreateRunFiles', CREATE_RUN_FILES, variables, FilesSchema);
    const { files, uploadHeaders } = answer.createRunFiles;
    const url = new URL(files[0].uploadUrl, this.#base).href; // self-hosted servers answer with a path
    const headers = Object.fromEntries(uploadHeaders.map((header) => splitHeader(header)));
    await this.#requests.send({ doing, method: 'PUT', url, headers, body: content, signal }); // a signed URL: without the key
  }

  async #graphql<T>(
    how: Pick<Sending, 'doing' | 'retried' | 'signal'>,
    operationName: string,
    query: string,
    variables: object,
    schema: v.GenericSchema<unknown, T>,
  ): Promise<T> {
    const answer = await this.#post(how, `${this.#base}/graphql`, { operationName, query, variables });
    // Errors of single fields come with data: what counts is whether what is asked for is there.
    const parsed = v.safeParse(v.object({ data: schema }), answer);
    if (parsed.success) return parsed.output.data;
    throw trackingFailed(
      how.doing,
      'the server refused it',
      'check tracking.wandb.entity and project, and WANDB_BASE_URL',
    );
  }

  #post(how: Pick<Sending, 'doing' | 'retried' | 'signal'>, url: string, body: object): Promise<unknown> {
    const headers = { Authorization: this.#authorization, 'Content-Type': 'application/json' };
    return this.#requests.send({ ...how, method: 'POST', url, headers, body: JSON.stringify(body) });
  }
}

function splitHeader(header: string): [string, string] {
  const colon = header.indexOf(':');
  return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
}
