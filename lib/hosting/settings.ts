import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { Exit, environmentForms, parseArguments } from '../cli.ts';
import { PipelineError } from '../errors.ts';
import { DEFAULT_CONFIG, type Options } from '../options.ts';
import { readSpec } from '../spec/read.ts';
import type { Spec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { namesRead, planSettings, type Settings } from './variables.ts';

export type EnvFile = Readonly<Record<string, string | undefined>>;

/** What a Space is given, and the spec as it reads it there. */
export interface SpaceSettings extends Settings {
  spec: Spec;
  /** The YAML here; there it is pipeline.config.yaml. */
  config: string;
  /** All names that the program reads. */
  read: ReadonlySet<string>;
}

/** Used here, and never sent. */
const HERE = ['DEPLOY_TOKEN', 'CONFIG'];

/** @throws PipelineError ENV_FILE */
export async function readEnvFile(path: string, { cwd }: Pick<World, 'cwd'>): Promise<EnvFile> {
  const text = await readFile(resolve(cwd, path), 'utf8').catch((cause) => {
    throw new PipelineError(
      'ENV_FILE',
      `Cannot read ${path}: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.code}`,
      {
        fix: 'write the variables of the Space to it, as docs/deploy.md#secrets-and-variables lists them, or name another file with --env-file',
        cause,
      },
    );
  });
  const found = parseEnv(text);
  if (Object.values(found).some((value) => value?.trim())) return found;
  throw new PipelineError('ENV_FILE', `Cannot use ${path}: found no variable with a value`, {
    fix: "write a line NAME='value' for each variable of docs/deploy.md",
  });
}

/**
 * Read the spec with the variables of the file only, as the Space will.
 *
 * @throws SpecError with all problems at once; PipelineError ENV_FILE, SPEC_NOT_FOUND, LABEL_UNKNOWN
 */
export async function readSettings(
  space: string,
  { config: given, envFile }: Pick<Options, 'config' | 'envFile'>,
  file: EnvFile,
  world: World,
): Promise<SpaceSettings> {
  const config = given === DEFAULT_CONFIG && file.CONFIG?.trim() ? file.CONFIG.trim() : given;
  const there = { ...world, env: { ...file, CONFIG: undefined, SPACE_ID: space } };
  const { labels } = flagsThere(envFile, there);
  const spec = await readSpec(
    { config, labels },
    there,
    `in ${envFile}: a Space gets what stands there, and nothing of this shell`,
  );
  const yaml = await readFile(resolve(world.cwd, config), 'utf8');
  const forms = environmentForms().filter((name) => name !== 'CONFIG');
  const settings = planSettings(file, yaml, forms);
  const unread = settings.unread.filter((name) => !HERE.includes(name));
  return { ...settings, unread, spec, config, read: namesRead(yaml, forms) };
}

/** The file's environment forms of flags, read as the Space will while it checks. */
function flagsThere(envFile: string, { env, stdout }: World): Options {
  const lost: string[] = [];
  const quiet = { ...stdout, write: (text: string) => void lost.push(text) };
  try {
    const options = parseArguments([], { env: { ...env, CHECK: 'true' }, stdout: quiet, stderr: quiet });
    if (!options.json) return options;
    throw new PipelineError('USAGE', 'JSON stands for --json', { fix: 'a Space’s log is read by people' });
  } catch (thrown) {
    if (!(thrown instanceof Exit || thrown instanceof PipelineError)) throw thrown;
    const why = thrown instanceof PipelineError ? thrown.message : (lost.join('').split('\n')[0] ?? '');
    throw new PipelineError('ENV_FILE', `Cannot use ${envFile}: ${why.replace(/^error: /, '')}`, {
      fix: 'a variable that is named like a flag stands for it; take it out, or correct it',
    });
  }
}
