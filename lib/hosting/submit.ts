import type { Options } from '../options.ts';
import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';

/**
 * Carry out --submit.
 *
 * @returns the exit code
 */
export async function submit(_spec: Spec, _options: Options, _world: World): Promise<number> {
  throw new Error('not built');
}
