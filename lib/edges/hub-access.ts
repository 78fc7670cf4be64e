import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';

export interface HubAccess {
  /** Without a slash at the end. */
  hubUrl: string;
  /** Undefined where none is set. */
  token: string | undefined;
  /** Whether uploads go by Xet, which not every proxy passes. */
  useXet: boolean;
}

/** Where the Hub is, and how it is reached. */
export function hubAccess(env: World['env']): HubAccess {
  return {
    hubUrl: (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    token: env.HF_TOKEN?.trim() || undefined,
    useXet: !/^(1|true|yes|on)$/i.test(env.HF_HUB_DISABLE_XET ?? ''),
  };
}

/** @param source where the token was found. @throws PipelineError TOKEN_REFUSED for what can be none, before it is sent */
export function requireTokenForm(token: string, source = 'HF_TOKEN'): void {
  if (token.startsWith('hf_')) return;
  throw new PipelineError('TOKEN_REFUSED', `Cannot use ${source}: it does not begin with hf_`, {
    fix: 'copy it again from the Hub’s settings, Access Tokens',
  });
}

/** Where the bytes of a file are. @param repo the repo's page */
export function fileUrl(repo: string, revision: string, path: string): string {
  return `${repo}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Where people look at a Space. */
export function spacePage(id: string, env: World['env']): string {
  return `${hubAccess(env).hubUrl}/spaces/${id}`;
}
