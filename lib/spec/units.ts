const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const MEGABYTES: Record<string, number> = { MB: 1, GB: 1000, MiB: 1.048576, GiB: 1073.741824 };

/** `90s`, `10m`, `1.5h` in milliseconds; undefined where it is none, or no time at all. */
export function parseDuration(text: string): number | undefined {
  return parse(text, MILLISECONDS) || undefined;
}

/** `256MB`, `1GB`, `512MiB` in megabytes (10^6 bytes); undefined where it is none. */
export function parseMegabytes(text: string): number | undefined {
  return parse(text, MEGABYTES);
}

function parse(text: string, units: Record<string, number>): number | undefined {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  return factor === undefined ? undefined : Math.floor(Number(amount) * factor);
}
