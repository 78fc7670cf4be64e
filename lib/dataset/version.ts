import { PipelineError } from '../errors.ts';
import type { JobLabel } from '../run.ts';

const VERSION = /^v(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})$/;

/** `vYYYYMMDD_HHMMSS`, UTC. */
export function formatVersion(date: Date): string {
  return `v${date.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '').replace('T', '_')}`;
}

/** A version's time; undefined where the tag is none of ours. */
export function parseVersion(version: string): Date | undefined {
  const [, year, month, day, hour, minute, second] = VERSION.exec(version) ?? [];
  return year ? new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) : undefined;
}

/** The version for a push at `now`: later than every existing one, so that versions sort in the order of their making. */
export function nextVersion(now: Date, existing: Iterable<string>): string {
  const latest = Math.max(0, ...[...existing].map((version) => parseVersion(version)?.getTime() ?? 0));
  return formatVersion(new Date(Math.max(now.getTime(), latest + 1000)));
}

const SHOWN = 5; // versions in a message

/**
 * Find out whether a label has a version.
 *
 * @param flag what names it, for the message
 * @throws PipelineError VERSION_UNKNOWN with those that there are
 */
export async function requireVersion(
  { target, report }: JobLabel,
  version: string,
  flag: '--against' | '--rollback',
): Promise<undefined> {
  const known = [...(await target.versions()).keys()].sort().reverse();
  if (known.includes(version)) return;
  const doing = flag === '--against' ? 'compare with' : 'roll back to';
  const more = known.length > SHOWN ? ' …' : '';
  const shown = known.length === 0 ? 'it has none' : `it has ${known.slice(0, SHOWN).join(', ')}${more}`;
  const meant = flag === '--against' ? known[0] : known[1]; // nobody rolls back to the newest
  throw new PipelineError(
    'VERSION_UNKNOWN',
    `Cannot ${doing} ${version} of ${target.name}: no such version; ${shown}`,
    {
      fix:
        meant === undefined
          ? `leave out ${flag}`
          : `--label ${report.label} ${flag} ${meant}: each label has versions of its own`,
    },
  );
}
