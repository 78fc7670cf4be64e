import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Environment = Record<string, string | undefined>;

/**
 * The directory that holds `postgres` and `initdb`: PG_BIN, or the version that PG_VERSION names, or PATH's, or the newest installed.
 *
 * @param versions where Debian keeps one directory a version
 * @throws Error when PG_BIN or PG_VERSION names what is not there
 */
export function findPostgres(env: Environment, versions = '/usr/lib/postgresql'): string | undefined {
  const wanted = env.PG_BIN || (env.PG_VERSION && join(versions, env.PG_VERSION, 'bin'));
  if (wanted) {
    if (!isComplete(wanted)) throw new Error(`Cannot find PostgreSQL: no postgres and initdb in '${wanted}'`);
    return wanted;
  }
  const onPath = Bun.which('postgres', { PATH: env.PATH ?? '' });
  const candidates = [...(onPath === null ? [] : [dirname(realpathSync(onPath))]), ...newestFirst(versions)];
  return candidates.find(isComplete);
}

/**
 * A tool that tests need is not there: one loud line at a desk, where they are skipped; in CI a failure.
 *
 * @throws Error when CI=true
 */
export function reportMissing(message: string, env: Environment = process.env): undefined {
  if (env.CI === 'true') throw new Error(message);
  process.stderr.write(`\nSKIPPED: ${message}\n`);
}

function isComplete(directory: string): boolean {
  return ['postgres', 'initdb'].every((name) => existsSync(join(directory, name)));
}

function newestFirst(versions: string): string[] {
  if (!existsSync(versions)) return [];
  return readdirSync(versions)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(versions, version, 'bin'));
}
