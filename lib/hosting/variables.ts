import { variablesOf } from '../check/spec-hops.ts';
import { isSecretName, type Mask, planMask } from '../secrets.ts';

/** Variables that the program reads by itself, whatever the YAML names. Not those that a machine sets (SPACE_ID, JOB_ID), nor those of a terminal. */
const PROGRAM_VARIABLES = [
  'HF_TOKEN',
  'LEDGER_KEY',
  'DATABASE_CA',
  'SMTP_CA',
  'WANDB_ENTITY',
  'WANDB_MODE',
  'WANDB_BASE_URL',
  'WANDB_APP_URL',
  'WANDB_PROJECT',
  'WANDB_RUN_ID',
  'WANDB_NAME',
  'WANDB_TAGS',
  'WANDB_JOB_TYPE',
  'WANDB_NOTES',
  'PGHOST',
  'PGPORT',
  'PGUSER',
  'PGPASSWORD',
  'PGDATABASE',
  'PGSSLMODE',
  'PGSSLROOTCERT',
  'HF_ENDPOINT',
  'HF_HUB_DISABLE_XET',
  'TMPDIR',
] as const;

/** What a machine elsewhere is given, by name. */
export interface Settings {
  variables: Map<string, string>;
  /** They can be written and never read again. */
  secrets: Map<string, string>;
  /** Names that nothing reads: they stay here. */
  unread: string[];
}

/**
 * Tell what a machine elsewhere needs of the variables that are set here, and which of it is a secret.
 *
 * @param given name → value; an empty one counts as missing
 * @param yaml the spec's text
 * @param more names that are read besides
 */
export function planSettings(
  given: Readonly<Record<string, string | undefined>>,
  yaml: string,
  more: readonly string[] = [],
): Settings {
  const read = namesRead(yaml, more);
  const settings: Settings = { variables: new Map(), secrets: new Map(), unread: [] };
  for (const [name, value = ''] of Object.entries(given)) {
    if (value.trim() === '') continue;
    if (!read.has(name)) settings.unread.push(name);
    else (isSecret(name, value) ? settings.secrets : settings.variables).set(name, value);
  }
  return settings;
}

/** Every name that the program would read, whether it is set or not. */
export function namesRead(yaml: string, more: readonly string[] = []): Set<string> {
  return new Set<string>([...variablesOf(yaml), ...PROGRAM_VARIABLES, ...more]);
}

const PLAIN_URLS: ReadonlySet<string> = new Set(['WANDB_BASE_URL', 'WANDB_APP_URL']);

/** By its name, as output is masked; and whatever is a URL with a login, or names a person. */
export function isSecret(name: string, value: string): boolean {
  const isUrl = /(_URL|_DSN)$/.test(name) && !PLAIN_URLS.has(name);
  return isSecretName(name) || isUrl || /EMAIL/.test(name) || /^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(value.trim());
}

/** A mask for what a machine writes that has these secrets: whatever their names are, and each line of them, since a log comes by lines. */
export function planLogMask(
  env: Readonly<Record<string, string | undefined>>,
  secrets: Iterable<[string, string]>,
): Mask {
  const texts = [...secrets].flatMap(([, value]) => [value, ...value.split('\n')]);
  return planMask({ ...env, ...Object.fromEntries(texts.map((text, index) => [`SECRET_${index}`, text])) });
}
