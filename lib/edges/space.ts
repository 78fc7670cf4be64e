import type { World } from '../world.ts';

/** A Space on the Hub. */
export class Space {
  constructor(
    readonly id: string,
    _world: Pick<World, 'env' | 'fetch' | 'clock' | 'signal'>,
  ) {}

  /** Stop its machine; it starts again when its owner restarts it. */
  async pause(): Promise<void> {}
}
