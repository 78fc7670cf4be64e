import * as v from 'valibot';
import { PipelineError } from '../errors.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, mild, ok, skipped } from './hops.ts';
import { connectTcp, placeName } from './tcp.ts';

const WANDB = 'https://api.wandb.ai';
const SMTP_PORTS: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 };

const Viewer = v.object({
  data: v.object({ viewer: v.nullable(v.object({ username: v.optional(v.nullable(v.string())) })) }),
});

/** Plan the hops of those who are told of a run: the mail server, and W&B. Nothing is sent. */
export function planNoticeHops({ email, wandb }: OperationsSpec, world: World): Hop[] {
  const late: Finding = { status: 'warn', message: 'No answer in time', fix: 'check the network' };
  return [
    ...(email ? [{ id: 'email.tcp', run: (signal: AbortSignal) => reach(email.smtp, signal) }] : []),
    ...(wandb ? [{ id: 'wandb.key', run: (signal: AbortSignal) => askViewer(wandb, world, signal) }] : []),
  ].map(({ id, run }) => mild({ id, needs: [], run, late }));
}

async function reach(smtp: string, signal: AbortSignal): Promise<Finding> {
  const { hostname, port, protocol } = new URL(smtp);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || SMTP_PORTS[protocol]) };
  try {
    (await connectTcp(place, signal)).destroy();
  } catch (cause) {
    const { code = 'unknown' } = cause as { code?: string };
    throw new PipelineError('EMAIL_FAILED', `Cannot connect to ${placeName(place)} (${code})`, {
      fix: 'check host and port of notify.email.smtp; a Space reaches only the ports 80, 443 and 8080',
      cause,
    });
  }
  return ok(`connected to ${placeName(place)}; the login is tried by a run`);
}

async function askViewer(
  { apiKey, project }: NonNullable<OperationsSpec['wandb']>,
  { env, fetch }: World,
  signal: AbortSignal,
): Promise<Finding> {
  if (/^(offline|disabled|dryrun)$/i.test(env.WANDB_MODE ?? '')) return skipped(`WANDB_MODE is ${env.WANDB_MODE}`);
  const base = (env.WANDB_BASE_URL || WANDB).replace(/\/+$/, '');
  const answer = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`api:${apiKey}`)}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: 'query Viewer { viewer { username } }' }),
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
