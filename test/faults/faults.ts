import type { FaultAnswer } from '../edges/local-hub.ts';

/** What goes wrong with a request, as a server or the way to it spoils it. */
export interface WireFault {
  name: string;
  answer?: FaultAnswer | 'drop' | 'cut';
  /** Milliseconds until the server goes on. */
  silence?: number;
  /** The request is served first; only its answer is lost. */
  land?: boolean;
}

/** Parts of the answers below that must never be published. */
export const FOREIGN = ['working hard to fix this', 'network of this hotel', '{"sha":', 'hello'];

const LONG_ERROR = { error: 'Internal Error - We’re working hard to fix this as soon as possible!' };
const PAGE = '<!doctype html><title>Sign in</title><p>Sign in to the network of this hotel.';

const status = (code: number, headers: Record<string, string> = {}): WireFault => ({
  name: String(code),
  answer: { status: code, headers, body: LONG_ERROR },
});

export const WIRE_FAULTS: readonly WireFault[] = [
  { ...status(429, { 'Retry-After': '7' }), name: '429, Retry-After: 7' },
  { ...status(429, { RateLimit: '"api";r=0;t=55' }), name: '429, RateLimit: t=55' },
  status(500),
  status(502),
  status(503),
  status(504),
  { name: 'connection reset', answer: 'drop' },
  { name: 'answer cut in the middle', answer: 'cut' },
  { name: 'answer lost after it was done', answer: 'drop', land: true },
  status(401),
  status(403),
  status(404),
  status(409),
  status(412),
  { name: 'wrong JSON', answer: { status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"sha":' } },
  { name: 'another JSON', answer: { status: 200, body: [{ hello: 'world' }] } },
  { name: 'HTML', answer: { status: 200, headers: { 'Content-Type': 'text/html' }, body: PAGE } },
];

/** They take as long as they say: nothing makes a silent connection end sooner. */
export const SILENCES = {
  once: { name: '40 s of silence', silence: 40_000 },
  always: { name: 'silence for good', silence: 3_600_000 },
} as const satisfies Record<string, WireFault>;

/** A kind of request that a run sends. */
export interface RequestKind {
  /** In words, for the page. */
  name: string;
  method: string;
  path: RegExp;
  /** Requests of the kind to let through first. */
  after?: number;
  /** It is sent only where the repo is not there yet. */
  first?: true;
  /** The run goes on without it: a warning at most, whatever happens. */
  besides?: true;
}

const of = (rest: string) => new RegExp(`^/(api/)?datasets/tester/department${rest}`);
const TRAIN = '/api/spaces/tester/train-department/';

/** Requests of one label to the Hub, in the order in which a run sends them. */
export const HUB_REQUESTS: readonly RequestKind[] = [
  { name: 'look at the repo before a row is read', method: 'GET', path: of('/revision/main') },
  { name: 'read the head', method: 'GET', path: of('/revision/main'), after: 1 },
  { name: 'list its files', method: 'GET', path: of('/tree/') },
  { name: 'read its metadata', method: 'GET', path: of('/resolve/[0-9a-f]{40}/dataset_metadata.json') },
  { name: 'read its card', method: 'GET', path: of('/resolve/[0-9a-f]{40}/README.md') },
  { name: 'read its ledger', method: 'GET', path: of('/resolve/[0-9a-f]{40}/splits.parquet') },
  { name: 'list the tags', method: 'GET', path: of('/refs') },
  { name: 'create the repo', method: 'POST', path: /^\/api\/repos\/create/, first: true },
  { name: 'read the new repo', method: 'GET', path: of('/revision/main'), after: 2, first: true },
  { name: 'ask how to upload', method: 'POST', path: of('/preupload/') },
  { name: 'ask where to upload', method: 'POST', path: of('.git/info/lfs/objects/batch') },
  { name: 'upload a file', method: 'PUT', path: /^\/lfs-storage\// },
  { name: 'commit', method: 'POST', path: of('/commit/') },
  { name: 'tag', method: 'POST', path: of('/tag/') },
  { name: 'read the tag back', method: 'GET', path: of('/refs'), after: 1 },
  { name: 'read the version back', method: 'GET', path: of('/resolve/v') },
  { name: 'ask what a Space was told', method: 'GET', path: new RegExp(`^${TRAIN}variables`), besides: true },
  { name: 'tell a Space the version', method: 'POST', path: new RegExp(`^${TRAIN}variables`), besides: true },
  { name: 'restart a Space', method: 'POST', path: new RegExp(`^${TRAIN}restart`), besides: true },
  { name: 'read the history', method: 'GET', path: /^\/datasets\/tester\/runs\/resolve/, besides: true },
  {
    name: 'read the history to add to it',
    method: 'GET',
    path: /^\/datasets\/tester\/runs\/resolve/,
    after: 1,
    besides: true,
  },
  { name: 'remember the run', method: 'POST', path: /^\/api\/datasets\/tester\/runs\/commit/, besides: true },
  { name: 'pause the Space', method: 'POST', path: /^\/api\/spaces\/tester\/prepare\/pause/, besides: true },
];

/** Requests of one run to W&B. */
export const WANDB_REQUESTS: readonly RequestKind[] = [
  { name: 'ask who the key is', method: 'POST', path: /#Viewer/, besides: true },
  { name: 'begin the run', method: 'POST', path: /#UpsertBucket/, besides: true },
  { name: 'stream', method: 'POST', path: /file_stream/, besides: true },
  { name: 'alert', method: 'POST', path: /#NotifyScriptableRunAlert/, besides: true },
  { name: 'ask where to upload', method: 'POST', path: /#CreateRunFiles/, besides: true },
  { name: 'upload a file', method: 'PUT', path: /^\/storage\//, besides: true },
];
