import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';
export async function check(_spec: Spec, _world: World): Promise<number> {
  return 0;
}
