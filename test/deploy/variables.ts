import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { variablesOf } from '../../lib/check/spec-hops.ts';

const ROOT = resolve(import.meta.dir, '../..');
const SPEC = readFileSync(join(ROOT, 'pipeline.config.yaml'), 'utf8');

type Kind = 'secret' | 'variable' | 'set by the Space' | 'set by the Job' | 'at the desk';

/** What a person must know of a variable; whether the YAML needs it, and its default there, come from the YAML. */
interface Meaning {
  kind: Kind;
  /** What it is for. */
  meaning: string;
  /** Where the code has one. */
  standard?: string;
  required?: string;
}

/** In the order of the table. */
export const MEANINGS: Record<string, Meaning> = {
  POSTGRES_URL: {
    kind: 'secret',
    meaning: 'The database, as Supabase, Neon, RDS or SQLAlchemy write it; a role that may only read.',
  },
  HF_TOKEN: {
    kind: 'secret',
    required: 'for the Hub',
    meaning: 'A fine-grained token, see [rights](#rights). A Space does not get one by itself.',
  },
  DEPARTMENT_DATASET: {
    kind: 'variable',
    meaning: 'Target of the label: `owner/name` on the Hub, or a directory (`./x`, `/x`).',
  },
  URGENCY_DATASET: { kind: 'variable', meaning: 'The same for the other label.' },
  LEDGER_KEY: {
    kind: 'secret',
    meaning:
      'Keys the hashes of the [ledger](spec.md#the-ledger). Set it before the first version, and keep it: it cannot be changed later.',
  },
  MIN_DATASET_LEN: { kind: 'variable', meaning: 'Fewer rows than this, fetched or kept, and a label is skipped.' },
  RUNS_DATASET: {
    kind: 'variable',
    meaning:
      'History of runs: `owner/name` of a private dataset repo, or a directory. Empty: none is kept, and `min_interval` has no effect.',
  },
  PREPARE_DATASET_SPACE_ID: {
    kind: 'variable',
    meaning: 'The Space to pause, `owner/name`. Empty: the one that the program runs in.',
  },
  SMTP_URL: {
    kind: 'secret',
    meaning: '`smtp://user:password@host:587` or `smtps://…:465`. Empty: no e-mail.',
  },
  SMTP_CA: {
    kind: 'variable',
    meaning: 'PEM text of the CA that signed the mail server’s certificate, where it is a private one.',
  },
  ADMIN_EMAIL: { kind: 'secret', meaning: 'Who gets the e-mail; several with commas. Empty: no e-mail.' },
  WEBHOOK_URL: { kind: 'secret', meaning: 'Gets the summary as Slack-compatible JSON. Empty: none.' },
  WANDB_API_KEY: { kind: 'secret', meaning: 'Weights & Biases. Empty: no tracking.' },
  WANDB_PROJECT_NAME: { kind: 'variable', meaning: 'The project there.' },
  WANDB_ENTITY: { kind: 'variable', meaning: 'The team or user that owns the project. Empty: the key’s own.' },
  WANDB_MODE: { kind: 'variable', meaning: '`offline` or `disabled`: no tracking.', standard: 'online' },
  WANDB_BASE_URL: { kind: 'variable', meaning: 'A server of your own.', standard: 'https://api.wandb.ai' },
  WANDB_APP_URL: {
    kind: 'variable',
    meaning: 'Where its pages are, where that is not the same host; `https://wandb.ai` for W&B’s own.',
  },
  WANDB_PROJECT: {
    kind: 'variable',
    meaning: 'The project, where the YAML names none; W&B’s own name of `WANDB_PROJECT_NAME`.',
  },
  WANDB_RUN_ID: { kind: 'variable', meaning: 'Id of the run there.' },
  WANDB_NAME: { kind: 'variable', meaning: 'Its name.' },
  WANDB_TAGS: { kind: 'variable', meaning: 'Its tags, with commas.' },
  WANDB_JOB_TYPE: { kind: 'variable', meaning: 'Its job type.' },
  WANDB_NOTES: { kind: 'variable', meaning: 'Its notes.' },
  DATABASE_CA: {
    kind: 'variable',
    meaning: 'PEM text of the CA that signed the database’s certificate; see [TLS](spec.md#database-urls).',
  },
  PGHOST: { kind: 'variable', meaning: 'The host, where the URL names none. So the others: libpq’s variables.' },
  PGPORT: { kind: 'variable', meaning: 'The port.', standard: '5432' },
  PGUSER: { kind: 'variable', meaning: 'The user.' },
  PGPASSWORD: { kind: 'secret', meaning: 'The password.' },
  PGDATABASE: { kind: 'variable', meaning: 'The database.', standard: 'the user’s name' },
  PGSSLMODE: { kind: 'variable', meaning: 'How to encrypt.' },
  PGSSLROOTCERT: { kind: 'variable', meaning: 'File with the CA.' },
  HF_ENDPOINT: { kind: 'variable', meaning: 'Another Hub.', standard: 'https://huggingface.co' },
  HF_HUB_DISABLE_XET: {
    kind: 'variable',
    meaning: '`1`: plain LFS uploads, e.g. behind a proxy that Xet does not pass.',
  },
  TMPDIR: {
    kind: 'variable',
    meaning: 'Where rows lie while the program runs, in a folder of its own; for a larger disk.',
    standard: '/tmp',
  },
  SPACE_ID: { kind: 'set by the Space', meaning: 'The Space that the program runs in.' },
  DEPLOY_TOKEN: {
    kind: 'at the desk',
    meaning: 'Your own token, which may create Spaces. Empty: that of `hf auth login`, then `HF_TOKEN`.',
  },
  HF_TOKEN_PATH: {
    kind: 'at the desk',
    meaning: 'Where that login is. So the next three, as for the official client.',
    standard: '$HF_HOME/token',
  },
  HF_HOME: { kind: 'at the desk', meaning: 'Its folder.', standard: '$XDG_CACHE_HOME/huggingface' },
  XDG_CACHE_HOME: { kind: 'at the desk', meaning: 'The folder of caches.', standard: '$HOME/.cache' },
  HOME: { kind: 'at the desk', meaning: 'The home folder; the system sets it.' },
  JOB_ID: {
    kind: 'set by the Job',
    meaning: 'The [Job](jobs.md) that the program runs in. Where it is set, no Space is paused, and no run rests.',
  },
  NO_COLOR: { kind: 'variable', meaning: 'Any value: no colours on a terminal.' },
  TERM: { kind: 'variable', meaning: '`dumb`: neither colours nor live progress.' },
  CI: { kind: 'variable', meaning: 'Any value but `false`: no live progress.' },
};

/** Variables of the shipped YAML: name → its default, undefined where it has none. */
export function specVariables(): Map<string, string | undefined> {
  return new Map(
    variablesOf(SPEC).map((name) => [name, new RegExp(`\\$\\{${name}(?::-([^}]*))?\\}`).exec(SPEC)?.[1]] as const),
  );
}

/** Ways to read a variable of an environment that is called `env`. */
const READS = [
  /\benv\??\.([A-Z][A-Z0-9_]*)\b/g,
  /\benv(?:\?\.)?\[\s*['"`]([A-Z][A-Z0-9_]*)['"`]/g,
  /\benv,\s*['"`]([A-Z][A-Z0-9_]*)['"`]/g, // handed to a function
  /['"`]((?:WANDB_|HF_|PG)[A-Z_]+)['"`]/g, // in a list of names
];
const UNPACKED = /\{([^{}]*)\}\s*(?::[^=;]+)?=\s*(?:\w+\.)*env\b/g;

/** Names of the variables that a source reads by itself. */
export function readsOf(source: string): string[] {
  const direct = READS.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name = '']) => name));
  const unpacked = [...source.matchAll(UNPACKED)].flatMap(
    ([, names = '']) => names.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? [],
  );
  return [...new Set([...direct, ...unpacked, ...(/\btmpdir\(\)/.test(source) ? ['TMPDIR'] : [])])].sort();
}

/** All that lib/ and pipeline.ts read. */
export function codeVariables(): Set<string> {
  const files = ['pipeline.ts', ...new Bun.Glob('lib/**/*.ts').scanSync({ cwd: ROOT })];
  return new Set(files.flatMap((file) => readsOf(readFileSync(join(ROOT, file), 'utf8'))));
}

/** The rows of the table in docs/deploy.md. */
export function planVariableRows(): string[] {
  const inSpec = specVariables();
  return Object.entries(MEANINGS).map(([name, { kind, meaning, standard, required }]) => {
    const fallback = inSpec.get(name);
    const needed = required ?? (inSpec.has(name) && fallback === undefined ? 'required' : '');
    const value = fallback || standard;
    return `| \`${name}\` | ${kind} | ${needed} | ${value === undefined ? '' : /^[\w:/.-]+$/.test(value) ? `\`${value}\`` : value} | ${meaning} |`;
  });
}
