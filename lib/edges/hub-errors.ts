import { HubApiError } from '@huggingface/hub';
import { PipelineError } from '../errors.ts';
import { kindOf } from './http.ts';

/** What the Hub answered where a success was expected. Its message is not shown to users: it may quote what was sent. */
export class HubAnswer extends Error {
  override readonly name = 'HubAnswer';

  constructor(
    readonly status: number,
    /** X-Error-Code: RepoNotFound, RevisionNotFound, EntryNotFound, GatedRepo; empty where there is none. */
    readonly errorCode: string,
    message: string,
  ) {
    super(message);
  }

  static async from(answer: Response): Promise<HubAnswer> {
    const body = await answer.text().catch(() => '');
    return new HubAnswer(
      answer.status,
      answer.headers.get('X-Error-Code') ?? '',
      answer.headers.get('X-Error-Message') ?? body.slice(0, 500),
    );
  }
}

/** The status of an answer that is no success; undefined where there was no answer that can be used. */
export function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HubAnswer) return thrown.status;
  return thrown instanceof HubApiError ? thrown.statusCode : undefined;
}

/** An error of a request as ours. Without a status the answer was lost: what was asked may have been done. */
export function hubFault(thrown: unknown, doing: string): PipelineError {
  if (thrown instanceof PipelineError) return thrown;
  const status = statusOf(thrown);
  const cannot = `Cannot ${doing}`;
  switch (status) {
    case 401:
      return new PipelineError('TOKEN_REFUSED', `${cannot}: the Hub does not accept the token (401)`, {
        fix: 'set HF_TOKEN to a valid token; a private repo cannot be read without one',
        cause: thrown,
      });
    case 402:
    case 403:
      return new PipelineError('TARGET_FORBIDDEN', `${cannot}: the token may not (${status})`, {
        fix: 'give the token write access to this repo; to create repos it needs write access to the owner’s namespace',
        cause: thrown,
      });
    case 409:
      return new PipelineError('TARGET_LOCKED', `${cannot}: another commit is being written (409)`, {
        retryable: true,
        fix: 'run again in a minute',
        cause: thrown,
      });
    case 412:
      return new PipelineError('TARGET_MOVED', `${cannot}: somebody committed meanwhile (412)`, {
        retryable: true,
        fix: 'run again',
        cause: thrown,
      });
    case 429:
      return new PipelineError('TARGET_UNREACHABLE', `${cannot}: the Hub’s rate limit is used up (429)`, {
        retryable: true,
        fix: 'run again in a few minutes',
        cause: thrown,
      });
    case undefined:
      return new PipelineError('TARGET_ANSWER', `${cannot}: no answer that can be used (${kindOf(thrown)})`, {
        retryable: true,
        fix: 'check the network and HF_ENDPOINT, and run again',
        cause: thrown,
      });
    default:
      return new PipelineError('TARGET_ANSWER', `${cannot}: the Hub answered ${status}`, {
        retryable: status >= 500,
        fix: status >= 500 ? 'run again later; status.huggingface.co tells of outages' : 'run with --check',
        cause: thrown,
      });
  }
}

/** A Space that the token does not see. @param cause the answer, with its status */
export function noSuchSpace(doing: string, cause: unknown): PipelineError {
  const why = `the Hub knows no such Space, or hides it (${statusOf(cause)})`;
  return new PipelineError('SPACE_NOT_FOUND', `Cannot ${doing}: ${why}`, {
    fix: 'check its name, and give the token access to it: a private Space looks like none without',
    cause,
  });
}
