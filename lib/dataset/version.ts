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
