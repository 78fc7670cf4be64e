import { PipelineError } from '../errors.ts';
import { statusOf } from './hub-errors.ts';

/** Whether what was asked may have been done all the same: the answer was lost, or a proxy gave one in the Hub's place. */
export function isLost(thrown: unknown): boolean {
  const status = statusOf(thrown);
  return !(thrown instanceof PipelineError) && (status === undefined || status === 408 || status >= 500);
}

/** An error of a request about Jobs as ours. @param namespace whose Jobs they are */
export function jobFault(thrown: unknown, doing: string, namespace: string): PipelineError {
  if (thrown instanceof PipelineError) return thrown;
  const status = statusOf(thrown);
  const cannot = `Cannot ${doing}`;
  const error = (code: 'JOB_FORBIDDEN' | 'JOB_REFUSED' | 'JOB_UNREACHABLE', why: string, fix: string) =>
    new PipelineError(code, `${cannot}: ${why}`, { fix, retryable: code === 'JOB_UNREACHABLE', cause: thrown });
  switch (status) {
    case 401:
      return error('JOB_FORBIDDEN', 'the Hub does not accept the token (401)', 'set HF_TOKEN to a valid token');
    case 402:
      return error(
        'JOB_FORBIDDEN',
        `${namespace} has no credit for Jobs (402)`,
        'add credit under https://huggingface.co/settings/billing, or in the billing settings of the organisation',
      );
    case 403:
      return error(
        'JOB_FORBIDDEN',
        `the token may not run Jobs of ${namespace} (403)`,
        `give the token the right to start and manage Jobs of ${namespace}; an organisation may allow it to some members only`,
      );
    case 404:
      return error(
        'JOB_REFUSED',
        'the Hub knows no such Job or Space, or hides it (404)',
        'check space.id, and that the token may read this Space',
      );
    case 429:
      return error('JOB_UNREACHABLE', 'the Hub’s rate limit is used up (429)', 'run again in a few minutes');
    default:
      if (status !== undefined && status < 500)
        return error(
          'JOB_REFUSED',
          `the Hub refuses it as it is (${status})`,
          'check --schedule, job.flavor and job.timeout, and that the Space is a Docker Space whose image is built',
        );
      return error(
        'JOB_UNREACHABLE',
        status === undefined ? 'no answer that can be used' : `the Hub answered ${status}`,
        'check the network and HF_ENDPOINT; status.huggingface.co tells of outages',
      );
  }
}
