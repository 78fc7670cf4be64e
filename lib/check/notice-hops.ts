import * as v from 'valibot';
import { wandbUrl } from '../edges/wandb-api.ts';
import { VIEWER } from '../edges/wandb-queries.ts';
import { PipelineError } from '../errors.ts';
import { parseSmtpUrl, type SmtpAddress } from '../spec/smtp-url.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { type Finding, failed, type Hop, mild, ok, skipped } from './hops.ts';
import { isBlocked, SPACE_REACHES } from './space-ports.ts';
import { connectTcp } from './tcp.ts';

const Viewer = v.object({
  data: v.object({ viewer: v.nullable(v.object({ username: v.optional(v.nullable(v.string())) })) }),
});

/** Plan the hops of those who are told of a run: the mail server, the webhook, and W&B. Nothing is sent. */
export function planNoticeHops({ email, webhook, wandb, untracked }: OperationsSpec, world: World): Hop[] {
  const late: Finding = { status: 'warn', message: 'No answer in time', fix: 'check the network' };
  return [
    ...(email ? [planMailHop(email, world, late)] : []),
    ...(webhook ? [{ id: 'webhook.url', run: async () => lookAt(webhook.url) }] : []),
    ...(wandb ? [{ id: 'wandb.key', run: (signal: AbortSignal) => askViewer(wandb, world, signal) }] : []),
    ...(untracked === undefined ? [] : [{ id: 'wandb.key', run: async () => skipped(untracked) }]),
  ].map((hop) => mild({ needs: [], late, ...hop }));
}

type NoticeHop = Pick<Hop, 'id' | 'run'> & { late?: Finding };

function planMailHop({ smtp }: NonNullable<OperationsSpec['email']>, { env }: World, late: Finding): NoticeHop {
  const address = parseSmtpUrl(smtp);
  const isFar = !('problem' in address) && isBlocked(address, 'ETIMEDOUT', env);
  const run = async (signal: AbortSignal) => {
    if (isFar) await knock(address, env, signal);
    const { tryLogin } = await import('../edges/smtp.ts');
    return ok(`${await tryLogin(smtp, { env, signal })} takes the login; nothing was sent`);
  };
  return { id: 'email.login', run, late: isFar ? failed(blockedMail(address)) : late };
}

/** Whether the port can be reached at all, where a Space's limits may be why not. */
async function knock(address: SmtpAddress, env: World['env'], signal: AbortSignal): Promise<void> {
  const socket = await connectTcp(address, signal).catch((thrown) => {
    if (isBlocked(address, thrown.code ?? '', env)) throw blockedMail(address);
  });
  socket?.destroy();
}

function blockedMail(address: SmtpAddress): PipelineError {
  return new PipelineError('EMAIL_FAILED', `Cannot reach ${address.host}:${address.port}; ${SPACE_REACHES}`, {
    fix: 'use notify.webhook, or a relay that listens on 443; or run it as a Job on the Hub: bun pipeline.ts --submit',
  });
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
