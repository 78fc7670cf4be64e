import * as v from 'valibot';

/** The codes of `X-Error-Code` that the official clients branch on (huggingface_hub `utils/_http.py`). */
export type HubErrorCode = 'RepoNotFound' | 'RevisionNotFound' | 'EntryNotFound';

export interface HubErrorDetail {
  code?: HubErrorCode;
  /** JSON body; `{ error: message }` unless given. */
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** An answer of the Hub that is not 2xx. */
export class HubError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly detail: HubErrorDetail = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    return Response.json(this.detail.body ?? { error: this.message }, {
      status: this.status,
      headers: {
        'X-Error-Message': headerText(this.message),
        ...(this.detail.code && { 'X-Error-Code': this.detail.code }),
        ...this.detail.headers,
      },
    });
  }
}

// A header value is one line of Latin-1.
const headerText = (text: string) => text.replace(/[^\x20-\x7e]+/g, ' ');

export const repoNotFound = () => new HubError(404, 'Repository not found', { code: 'RepoNotFound' });

/** Without a token, a private repo and a missing one look the same. */
export const repoHidden = () => new HubError(401, 'Invalid username or password.', { code: 'RepoNotFound' });

export const notSignedIn = () => new HubError(401, 'Invalid username or password.');

export const badCredentials = () => new HubError(401, 'Invalid credentials in Authorization header');

export const revisionNotFound = (revision: string) =>
  new HubError(404, `Invalid rev id: ${revision}`, { code: 'RevisionNotFound' });

export const entryNotFound = (message = 'Entry not found') => new HubError(404, message, { code: 'EntryNotFound' });

/** Check a request against its schema: an unknown key or a wrong type is refused, naming the place. */
export function check<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? ''} ${issue.message}`.trim());
  throw new HubError(400, `Invalid ${where}: ${problems.join('; ')}`);
}

export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HubError(400, `Invalid ${where}: not JSON`);
  }
}
