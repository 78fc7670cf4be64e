import type { Options } from '../options.ts';
import type { World } from '../world.ts';

/**
 * Carry out --deploy.
 *
 * @param space owner/name
 * @returns the exit code
 */
export async function deploy(_space: string, _options: Options, _world: World): Promise<number> {
  throw new Error('not built');
}
