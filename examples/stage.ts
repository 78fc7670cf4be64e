import { join, resolve } from 'node:path';
import { type DemoDatabase, startDemoDatabase } from '../lib/demo/database.ts';
import type { World } from '../lib/world.ts';
import { main } from '../pipeline.ts';

/** The spec that ships. */
export const SHIPPED = resolve(import.meta.dir, '../pipeline.config.yaml');

/** The demo database and a folder to publish into, for runs one after the other. */
export interface Stage extends AsyncDisposable {
  database: DemoDatabase;
  run(argv: string[]): Promise<number>;
}

/**
 * @param world its `cwd` is where relative paths start
 * @param folder each label's target is a directory of its name in this one
 */
export async function openStage(world: World, folder: string): Promise<Stage> {
  const database = await startDemoDatabase();
  const targets = Object.fromEntries(
    ['department', 'urgency'].map((label) => [`${label.toUpperCase()}_DATASET`, `./${join(folder, label)}`]),
  );
  return {
    database,
    run: (argv) => main(argv, { ...world, env: { ...world.env, ...targets, POSTGRES_URL: database.url } }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
