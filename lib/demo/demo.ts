import { join } from 'node:path';
import type { Options } from '../options.ts';
import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { startDemoDatabase } from './database.ts';

/** A world with an embedded database, in which the shipped spec runs as it is. */
export interface Demo extends AsyncDisposable {
  world: World;
  /** The same spec with every label published below --out, wherever the YAML would send it. */
  redirect(spec: Spec): Spec;
}

export async function openDemo({ out }: Options, world: World): Promise<Demo> {
  world.stderr.write('Starting an embedded PostgreSQL with generated grievances...\n');
  const database = await startDemoDatabase();
  const { complaints, reports } = database.rows;
  world.stderr.write(`It holds ${complaints} complaints and ${reports} reports of misclassified ones.\n`);
  const folder = (name: string) => (out.startsWith('/') ? join(out, name) : `./${join(out, name)}`);
  const env = {
    ...world.env,
    POSTGRES_URL: database.url,
    DEPARTMENT_DATASET: folder('department'),
    URGENCY_DATASET: folder('urgency'),
  };
  return {
    world: { ...world, env },
    redirect: (spec) => ({
      ...spec,
      labels: spec.labels.map((label) => ({ ...label, target: { kind: 'directory', path: folder(label.name) } })),
    }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
