import { join } from 'node:path';
import type { Options } from '../options.ts';
import { readSpecFile } from '../spec/file.ts';
import { NO_OPERATIONS } from '../spec/operations.ts';
import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { startDemoDatabase } from './database.ts';

/** A world with an embedded database, in which the shipped spec runs as it is. */
export interface Demo extends AsyncDisposable {
  world: World;
  /** The same spec with every label published below --out, wherever the YAML would send it, and nobody told. */
  redirect(spec: Spec): Spec;
}

export async function openDemo(options: Options, world: World): Promise<Demo> {
  const { out } = options;
  world.stderr.write('Starting an embedded PostgreSQL with generated grievances...\n');
  const database = await startDemoDatabase();
  const { complaints, reports } = database.rows;
  world.stderr.write(`It holds ${complaints} complaints and ${reports} reports of misclassified ones.\n`);
  const folder = (name: string) => (out.startsWith('/') ? join(out, name) : `./${join(out, name)}`);
  const env = {
    ...(await targetVariables(options, world, folder)),
    ...world.env,
    POSTGRES_URL: database.url,
    DEPARTMENT_DATASET: folder('department'),
    URGENCY_DATASET: folder('urgency'),
  };
  return {
    world: { ...world, env },
    redirect: (spec) => ({
      ...spec,
      operations: NO_OPERATIONS,
      labels: spec.labels.map((label) => ({
        ...label,
        target: { kind: 'directory', path: folder(label.name) },
        afterPush: { ...label.afterPush, restartSpaces: [] },
      })),
    }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** Variables that stand for a label's target: where it would be published does not matter here. */
async function targetVariables(
  { config }: Options,
  { cwd }: World,
  folder: (name: string) => string,
): Promise<Record<string, string>> {
  const text = await readSpecFile(config, cwd).catch(() => ''); // readSpec() says what is wrong
  const names = [...text.matchAll(/\brepo: *["']?\$\{(\w+)\}/g)].map(([, name = '']) => name);
  return Object.fromEntries(names.map((name) => [name, folder(name.toLowerCase())]));
}
