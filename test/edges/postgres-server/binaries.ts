import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DEBIAN_DIRECTORY = '/usr/lib/postgresql';

/** The directory that holds `postgres` and `initdb`. */
export type PostgresBinaries = string;

/**
 * PG_BIN, or the version that PG_VERSION names, or PATH, or the newest of Debian's.
 *
 * @throws Error when PG_BIN or PG_VERSION names what is not there
 */
export function findPostgres(env: Record<string, string | undefined>): PostgresBinaries | undefined {
  const wanted = env.PG_BIN || (env.PG_VERSION && join(DEBIAN_DIRECTORY, env.PG_VERSION, 'bin'));
  if (wanted) {
    if (!isComplete(wanted)) throw new Error(`Cannot find PostgreSQL: no postgres and initdb in '${wanted}'`);
    return wanted;
  }
  const onPath = Bun.which('postgres', { PATH: env.PATH ?? '' });
  const candidates = onPath === null ? debianDirectories() : [dirname(realpathSync(onPath)), ...debianDirectories()];
  return candidates.find(isComplete);
}

function isComplete(directory: string): boolean {
  return ['postgres', 'initdb'].every((name) => existsSync(join(directory, name)));
}

function debianDirectories(): string[] {
  if (!existsSync(DEBIAN_DIRECTORY)) return [];
  return readdirSync(DEBIAN_DIRECTORY)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN_DIRECTORY, version, 'bin'));
}
