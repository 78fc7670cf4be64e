import type { Bytes } from './store.ts';

export interface RecordedRequest {
  method: string;
  /** With its query, still percent-encoded. */
  path: string;
  /** 0 while it is being served, and for a dropped connection. */
  status: number;
  /** Which credentials came; their value is never kept. */
  auth: 'none' | 'write' | 'read' | 'fineGrained' | 'unknown';
  headers: Record<string, string>;
  /** Parsed JSON, NDJSON as an array, other text as it is; undefined for bytes and for more than 256 kB. */
  body: unknown;
  /** Length of the body. */
  bytes: number;
  /** False when the hub has no such route. */
  known: boolean;
  /** A fault rule was applied. */
  spoilt: boolean;
}

const KEPT_HEADERS = ['accept', 'content-type', 'range', 'user-agent', 'x-request-id'];
const KEPT_BYTES = 256_000;

export function record(request: Request, body: Bytes, auth: RecordedRequest['auth']): RecordedRequest {
  const { pathname, search } = new URL(request.url);
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return {
    method: request.method,
    path: pathname + search,
    status: 0,
    auth,
    headers: Object.fromEntries(headers),
    body: readBody(request.headers.get('content-type') ?? '', body),
    bytes: body.length,
    known: true,
    spoilt: false,
  };
}

function readBody(type: string, body: Bytes): unknown {
  if (body.length === 0 || body.length > KEPT_BYTES || !/json|text|urlencoded/.test(type)) return undefined;
  const text = new TextDecoder().decode(body);
  try {
    if (type.includes('ndjson'))
      return text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => JSON.parse(line));
    return type.includes('json') ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}
