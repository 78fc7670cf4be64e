import { gunzipSync } from 'node:zlib';
import { type Fault, type FaultRule, Faults, faultResponse, type Passing } from './local-hub/faults.ts';
import { takeFileStream } from './local-wandb/file-stream.ts';
import { answer, findRun, operationName, UPLOAD_HEADER } from './local-wandb/graphql.ts';
import { type LocalRun, Refusal, type WandbState } from './local-wandb/runs.ts';

export type { LocalAlert, LocalRun } from './local-wandb/runs.ts';

export interface WandbRequest {
  method: string;
  /** With its query; for GraphQL `/graphql#OPERATION`. */
  path: string;
  /** 0 while it is being served, and where the connection was closed. */
  status: number;
  /** Whether the key came, and was the right one. */
  auth: 'none' | 'valid' | 'unknown';
  headers: Record<string, string>;
  /** As it was sent. */
  text: string;
  /** Parsed JSON; undefined for files. */
  body: unknown;
  /** False when the server has no such route or operation. */
  known: boolean;
  /** A fault rule was applied. */
  spoilt: boolean;
  /** Why it was refused. */
  refused?: string;
}

/** A stand-in for the servers of W&B that holds runs in memory and is as strict as the real ones, or stricter. */
export interface LocalWandb extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, for WANDB_BASE_URL */
  readonly url: string;
  readonly key: string;
  /** The account's own entity. */
  readonly entity: string;
  /** Every request, in the order they came. */
  readonly requests: WandbRequest[];
  readonly runs: Map<string, LocalRun>;
  /** Spoil requests to come; paths of GraphQL are `/graphql#OPERATION`. */
  fail(rule: FaultRule): Fault;
}

/** For a rule's `before`: the connection stays open, and no answer ever comes. */
export const silence = (): Promise<never> => new Promise(() => {});

/** @param options.rewritesConsole whether lines of output.log may be replaced, as the official client does when a line grows */
export async function startLocalWandb(
  options: { rewritesConsole?: boolean; passing?: Passing } = {},
): Promise<LocalWandb> {
  const { passing = () => {} } = options;
  const state: WandbState = {
    url: '',
    key: `wandb_v1_${'k'.repeat(77)}`,
    entity: 'tester',
    entities: new Set(['tester', 'team']),
    runs: new Map(),
    uploads: new Map(),
    rewritesConsole: options.rewritesConsole ?? false,
  };
  const requests: WandbRequest[] = [];
  const faults = new Faults();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: (request) => serve(state, faults, passing, requests, request),
  });
  state.url = `http://127.0.0.1:${server.port}`;
  return {
    url: state.url,
    key: state.key,
    entity: state.entity,
    requests,
    runs: state.runs,
    fail: (rule) => faults.add(rule),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

async function serve(
  state: WandbState,
  faults: Faults,
  passing: Passing,
  requests: WandbRequest[],
  request: Request,
): Promise<Response> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const entry = record(state, request, bytes);
  requests.push(entry);
  await passing('before', entry);
  const fault = faults.take(request.method, entry.path);
  entry.spoilt = fault !== undefined;
  await fault?.before?.();
  if (!fault?.answer || fault.land) {
    const response = dispatch(state, request, entry, bytes);
    entry.status = response.status;
    await passing('after', entry);
    if (!fault?.answer) return response;
  }
  entry.status = typeof fault.answer === 'string' ? 0 : fault.answer.status;
  return faultResponse(fault.answer);
}

function record(state: WandbState, request: Request, bytes: Uint8Array): WandbRequest {
  const { pathname, search } = new URL(request.url);
  const authorization = request.headers.get('authorization');
  const expected = `Basic ${Buffer.from(`api:${state.key}`).toString('base64')}`;
  const text = new TextDecoder().decode(request.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes) : bytes);
  const body = request.headers.get('content-type')?.startsWith('application/json') ? parse(text) : undefined;
  return {
    method: request.method,
    path: pathname === '/graphql' ? `/graphql#${operationName((body ?? {}) as object)}` : pathname + search,
    status: 0,
    auth: authorization === null ? 'none' : authorization === expected ? 'valid' : 'unknown',
    headers: Object.fromEntries([...request.headers].filter(([name]) => name !== 'authorization')),
    text,
    body,
    known: true,
    spoilt: false,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function dispatch(state: WandbState, request: Request, entry: WandbRequest, bytes: Uint8Array): Response {
  try {
    return route(state, request, entry, bytes);
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    entry.refused = thrown.message;
    return Response.json({ errors: [{ message: thrown.message }], data: null }, { status: thrown.status });
  }
}

function route(state: WandbState, request: Request, entry: WandbRequest, bytes: Uint8Array): Response {
  const { pathname } = new URL(request.url);
  if (request.method === 'PUT') return store(state, request, entry, decodeURIComponent(pathname), bytes);
  if (request.method === 'POST' && pathname === '/graphql') return graphql(state, entry);
  const [, entity, project, id] = /^\/files\/([^/]+)\/([^/]+)\/([^/]+)\/file_stream$/.exec(pathname) ?? [];
  if (request.method === 'POST' && entity && project && id) {
    if (entry.auth !== 'valid') throw new Refusal(401, 'unauthorized');
    const run = findRun(state, decodeURIComponent(entity), decodeURIComponent(project), decodeURIComponent(id));
    takeFileStream(run, entry.body, Buffer.byteLength(entry.text), state.rewritesConsole);
    return Response.json({ exitcode: null, limits: { hb_interval: 30 } });
  }
  entry.known = false;
  return Response.json({ error: `Cannot ${request.method} ${pathname}` }, { status: 404 });
}

function graphql(state: WandbState, entry: WandbRequest): Response {
  // The real server says so of a wrong key with a status of 200.
  if (entry.auth !== 'valid' && entry.path === '/graphql#Viewer') return Response.json({ data: { viewer: null } });
  if (entry.auth !== 'valid') throw new Refusal(401, 'unauthorized');
  const data = answer(state, (entry.body ?? {}) as object);
  if (data !== undefined) return Response.json({ data });
  entry.known = false;
  throw new Refusal(400, `unknown operation ${entry.path}`);
}

/** Storage behind signed URLs: another host, which takes no key. */
function store(state: WandbState, request: Request, entry: WandbRequest, path: string, bytes: Uint8Array): Response {
  const upload = state.uploads.get(path);
  if (!upload || new URL(request.url).searchParams.get('signature') !== 'local')
    throw new Refusal(403, 'no such upload');
  if (entry.auth !== 'none') throw new Refusal(400, 'a signed URL takes no key');
  const [name = '', value] = UPLOAD_HEADER.split(':');
  if (request.headers.get(name) !== value) throw new Refusal(403, 'the signature includes a header that is missing');
  upload.run.files.set(upload.name, bytes);
  return new Response(null);
}
