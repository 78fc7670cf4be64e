import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireTokenForm } from '../edges/hub-access.ts';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import type { EnvFile } from './settings.ts';

export interface FoundToken {
  token: string;
  /** Where it was found, for a person. */
  source: string;
}

/**
 * Find the token that deploys: one's own, which may create Spaces. The HF_TOKEN of the file is the Space's, and may less.
 *
 * @throws PipelineError TOKEN_MISSING, TOKEN_REFUSED
 */
export async function findToken({ env }: Pick<World, 'env'>, file: EnvFile): Promise<FoundToken> {
  const own = env.DEPLOY_TOKEN?.trim() || file.DEPLOY_TOKEN?.trim();
  const found = own ? { token: own, source: 'DEPLOY_TOKEN' } : ((await readLogin(env)) ?? hfToken(env, file));
  if (!found)
    throw new PipelineError('TOKEN_MISSING', 'Cannot deploy: found no token', {
      fix: 'set DEPLOY_TOKEN to a token of yours that may create Spaces, or log in with `hf auth login`',
    });
  requireTokenForm(found.token, found.source);
  return found;
}

function hfToken(env: World['env'], file: EnvFile): FoundToken | undefined {
  const token = env.HF_TOKEN?.trim() || file.HF_TOKEN?.trim();
  return token ? { token, source: 'HF_TOKEN' } : undefined;
}

/** What `hf auth login` stored, where the official client looks for it: huggingface_hub `constants.py`. */
async function readLogin(env: World['env']): Promise<FoundToken | undefined> {
  const cache = env.XDG_CACHE_HOME || (env.HOME ? join(env.HOME, '.cache') : undefined);
  const home = env.HF_HOME || (cache ? join(cache, 'huggingface') : undefined);
  const path = env.HF_TOKEN_PATH || (home ? join(home, 'token') : undefined);
  const token = path ? (await readFile(path, 'utf8').catch(() => '')).trim() : '';
  return token ? { token, source: `the login of \`hf auth login\` (${path})` } : undefined;
}
