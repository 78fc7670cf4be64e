import * as v from 'valibot';
import { type Context, type HubState, jsonBody, type RepoContext, type Upload, webUrl } from './context.ts';
import { check, HubError } from './errors.ts';
import { type Repo, sha1, sha256 } from './store.ts';

const LFS_JSON = 'application/vnd.git-lfs+json';
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a sha256 in lower-case hex'));
const LfsObject = v.strictObject({ oid: Sha256, size: v.pipe(v.number(), v.integer(), v.minValue(1)) });
const Batch = v.strictObject({
  operation: v.literal('upload'),
  transfers: v.array(v.picklist(['basic', 'multipart', 'xet'])),
  // huggingface.js writes sha_256, huggingface_hub sha256; the Hub takes both.
  hash_algo: v.optional(v.picklist(['sha256', 'sha_256'])),
  ref: v.optional(v.strictObject({ name: v.string() })),
  objects: v.pipe(v.array(LfsObject), v.minLength(1)),
});

/** The batch API never answers with `xet`: clients that offer it fall back. */
export function batch(context: RepoContext): Response {
  const { hub, repo } = context;
  const { transfers, objects } = check(Batch, jsonBody(context, LFS_JSON), 'LFS batch');
  if (!transfers.includes('basic')) throw new HubError(422, 'This server needs the basic transfer');
  const answers = objects.map((object) => {
    const stored = repo.objects.get(object.oid);
    if (stored && stored.length !== object.size)
      return { ...object, error: { code: 422, message: `Object ${object.oid} has ${stored.length} bytes` } };
    if (stored) return object;
    return { ...object, actions: allowUpload(hub, repo, object, transfers.includes('multipart')) };
  });
  const inParts = answers.some((answer) => 'actions' in answer && answer.actions.upload.header !== undefined);
  return Response.json({ transfer: inParts ? 'multipart' : 'basic', objects: answers }, lfsHeaders);
}

const lfsHeaders = { headers: { 'Content-Type': LFS_JSON } };

function allowUpload(hub: HubState, repo: Repo, object: { oid: string; size: number }, partsOffered: boolean) {
  const { multipartThreshold, partSize } = hub.settings;
  const id = String(hub.uploads.size + 1);
  const storage = `${hub.url}/lfs-storage/${id}`;
  const upload: Upload = { repo, ...object };
  hub.uploads.set(id, upload);
  const verify = { href: `${webUrl(hub, repo)}.git/info/lfs/objects/verify` };
  if (!partsOffered || object.size <= multipartThreshold) return { upload: { href: storage }, verify };
  const count = Math.ceil(object.size / partSize);
  upload.parts = { count, size: partSize, received: new Map() };
  const header: Record<string, string> = { chunk_size: String(partSize) };
  for (let n = 1; n <= count; n++) header[String(n).padStart(5, '0')] = `${storage}/${n}`;
  return { upload: { href: `${hub.url}/api/complete_multipart/${id}`, header }, verify };
}

function findUpload({ hub, params, request }: Context): Upload {
  // Signed storage URLs refuse a second way to authenticate, as S3 does.
  if (request.method === 'PUT' && request.headers.has('authorization'))
    throw new HubError(400, 'Only one auth mechanism allowed');
  const upload = hub.uploads.get(params.upload ?? '');
  if (!upload) throw new HubError(403, 'Request has expired');
  return upload;
}

export function putObject(context: Context): Response {
  const upload = findUpload(context);
  if (upload.parts) throw new HubError(400, 'This object is to be uploaded in parts');
  store(upload, context.body);
  return new Response(null, { headers: { ETag: etag(context.body) } });
}

export function putPart(context: Context): Response {
  const { parts, size } = findUpload(context);
  const number = Number(context.params.part);
  if (!parts || !Number.isInteger(number) || number < 1 || number > parts.count)
    throw new HubError(400, `No part ${context.params.part} in this upload`);
  const expected = number < parts.count ? parts.size : size - parts.size * (parts.count - 1);
  if (context.body.length !== expected)
    throw new HubError(400, `Part ${number} has ${context.body.length} bytes, must be ${expected}`);
  parts.received.set(number, context.body);
  return new Response(null, { headers: { ETag: etag(context.body) } });
}

const etag = (body: Uint8Array) => `"${sha1(body)}"`;

const Completion = v.strictObject({
  oid: Sha256,
  parts: v.array(v.strictObject({ partNumber: v.number(), etag: v.string() })),
});

export function completeParts(context: Context): Response {
  const upload = findUpload(context);
  const { oid, parts } = check(Completion, jsonBody(context, LFS_JSON), 'completion');
  const received = upload.parts?.received;
  if (!received || oid !== upload.oid) throw new HubError(400, `This upload is not one of ${oid} in parts`);
  const bodies = parts.map(({ partNumber, etag: claimed }, i) => {
    const body = received.get(partNumber);
    if (partNumber !== i + 1 || !body || etag(body) !== claimed)
      throw new HubError(400, `InvalidPart: part ${partNumber} with ETag ${claimed} was not uploaded`);
    return body;
  });
  store(upload, new Uint8Array(Buffer.concat(bodies)));
  return Response.json({ success: true }, lfsHeaders);
}

function store({ repo, oid, size }: Upload, body: Uint8Array<ArrayBuffer>): void {
  if (body.length !== size) throw new HubError(400, `Object has ${body.length} bytes, must be ${size}`);
  const actual = sha256(body);
  if (actual !== oid) throw new HubError(400, `Object has sha256 ${actual}, must be ${oid}`);
  repo.objects.set(oid, body);
}

export function verify(context: RepoContext): Response {
  const { oid, size } = check(LfsObject, jsonBody(context), 'verification');
  const stored = context.repo.objects.get(oid);
  if (!stored) throw new HubError(404, `Object ${oid} was not uploaded`);
  if (stored.length !== size) throw new HubError(400, `Object has ${stored.length} bytes, not ${size}`);
  return Response.json({}, lfsHeaders);
}
