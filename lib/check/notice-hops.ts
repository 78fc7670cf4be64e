import * as v from 'valibot';
import { wandbUrl } from '../edges/wandb-api.ts';
import { VIEWER } from '../edges/wandb-queries.ts';
import { PipelineError } from '../errors.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, mild, ok, skipped } from './hops.ts';

const Viewer = v.object({
  data: v.object({ viewer: v.nullable(v.object({ username: v.optional(v.nullable(v.string())) })) }),
});

/** Plan the hops of those who are told of a run: the mail server, the webhook, and W&B. Nothing is sent. */
export function planNoticeHops({ email, webhook, wandb, untracked }: OperationsSpec, world: World): Hop[] {
  const late: Finding = { status: 'warn', message: 'No answer in time', fix: 'check the network' };
  return [
    ...(email ? [{ id: 'email.login', run: (signal: AbortSignal) => logIn(email.smtp, world, signal) }] : []),
    ...(webhook ? [{ id: 'webhook.url', run: async () => lookAt(webhook.url) }] : []),
    ...(wandb ? [{ id: 'wandb.key', run: (signal: AbortSignal) => askViewer(wandb, world, signal) }] : []),
    ...(untracked === undefined ? [] : [{ id: 'wandb.key', run: async () => skipped(untracked) }]),
  ].map(({ id, run }) => mild({ id, needs: [], run, late }));
}

async function logIn(smtp: string, { env }: World, signal: AbortSignal): Promise<Finding> {
  const { tryLogin } = await import('../edges/smtp.ts');
  return ok(`${await tryLogin(smtp, { env, signal })} takes the login; nothing was sent`);
}

/** To post is to write, so only the form of the URL is looked at. */
function lookAt(url: string): Finding {
  if (URL.canParse(url)) return ok(`the URL is one, of ${new URL(url).host}; nothing was posted`);
  throw new PipelineError('WEBHOOK_FAILED', 'Cannot post to the webhook: its URL is none', {
    fix: 'set the variable that notify.webhook.url names to a URL',
  });
}

async function askViewer(
  { apiKey, project }: NonNullable<OperationsSpec['wandb']>,
  { env, fetch }: World,
  signal: AbortSignal,
): Promise<Finding> {
  const answer = await fetch(`${wandbUrl(env)}/graphql`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`api:${apiKey}`)}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: VIEWER }),
    signal,
  }).catch((cause) => {
    throw new PipelineError('TRACKING_FAILED', 'Cannot reach Weights & Biases', {
      fix: 'check the network and WANDB_BASE_URL',
      cause,
    });
  });
  const parsed = v.safeParse(Viewer, await answer.json().catch(() => undefined));
  const viewer = answer.ok && parsed.success ? parsed.output.data.viewer : undefined;
  if (viewer) return ok(`the key of ${viewer.username ?? 'a service account'}, project ${project}`);
  const isRefused = viewer === null || answer.status === 401 || answer.status === 403;
  throw new PipelineError(
    'TRACKING_FAILED',
    isRefused ? 'Weights & Biases does not know the key' : `Weights & Biases answered ${answer.status}`,
    { fix: isRefused ? 'set tracking.wandb.api_key to a valid key' : 'check WANDB_BASE_URL' },
  );
}
