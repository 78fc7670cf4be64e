import { type JobRequest, SUBMISSION } from '../edges/jobs.ts';
import { PipelineError } from '../errors.ts';
import type { Options } from '../options.ts';
import { readDocument } from '../spec/document.ts';
import type { JobSpec } from '../spec/spec.ts';
import { planSettings, type Settings } from './variables.ts';

/** Where the image has the program (Dockerfile). The Hub does not document where a Job's command starts, so it is said. */
const PROGRAM_FOLDER = '/app';

/** Paths of this machine: elsewhere they lead nowhere. */
const OF_THIS_MACHINE = ['TMPDIR', 'PGSSLROOTCERT'];

/** All that a Job is, but for its labels. */
export type JobPlan = Omit<JobRequest, 'labels'> & {
  /** Names of variables that the Job would need and that stay here. */
  withheld: string[];
};

/** What is sent of the options: the same words here and there. */
export function planCommand(options: Options): string[] {
  const { labels, dryRun, check, force, allowClassChange, resplit, detailedExitcode, verbose } = options;
  return [
    'bun',
    `--cwd=${PROGRAM_FOLDER}`,
    'pipeline.ts',
    ...labels.flatMap((label) => ['--label', label]),
    ...(check ? ['--check'] : []),
    ...(dryRun ? ['--dry-run'] : []),
    ...(detailedExitcode ? ['--detailed-exitcode'] : []),
    ...(force ? ['--force'] : []),
    ...(allowClassChange ? ['--allow-class-change'] : []),
    ...(resplit ? ['--resplit'] : []),
    ...(verbose ? ['--verbose'] : []),
    ...['--samples', '0'], // a Job's log is read by the whole namespace, and kept
  ];
}

/**
 * What a Job gets: the variables that are set here and that it reads there.
 *
 * @param yaml the spec as the Space has it
 * @throws PipelineError JOB_REFUSED where the Space's spec needs a variable that is not set here
 */
export function planJob(
  spaceId: string,
  job: JobSpec,
  options: Options,
  yaml: string,
  env: Readonly<Record<string, string | undefined>>,
): JobPlan {
  const kept = [...OF_THIS_MACHINE, ...pausedBy(yaml)];
  const given = Object.entries(env).filter(([name]) => !kept.includes(name));
  const { variables, secrets } = planSettings(Object.fromEntries(given), yaml);
  requireAll({ variables, secrets }, yaml, spaceId);
  return {
    spaceId,
    command: planCommand(options),
    environment: sorted(variables),
    secrets: sorted(secrets),
    flavor: job.flavor,
    timeoutSeconds: Math.floor(job.timeoutMs / 1000),
    withheld: kept.filter((name) => env[name]?.trim()),
  };
}

/**
 * Variables that only say which Space is paused. A Job must not pause it, whatever version of this program the Space's image has: it may
 * be at work.
 */
function pausedBy(yaml: string): string[] {
  const { template } = readDocument(yaml, {});
  const id = (template as { space?: { id?: unknown } } | null)?.space?.id;
  return typeof id === 'string' ? [...id.matchAll(/\$\{(\w+):-/g)].map(([, name = '']) => name) : [];
}

function requireAll({ variables, secrets }: Pick<Settings, 'variables' | 'secrets'>, yaml: string, spaceId: string) {
  const { missing } = readDocument(yaml, Object.fromEntries([...variables, ...secrets]));
  const names = [...new Set(missing.map(({ name }) => name))];
  if (names.length === 0) return;
  throw new PipelineError(
    'JOB_REFUSED',
    `Cannot submit: the spec of ${spaceId} needs ${names.join(', ')}, not set here`,
    {
      fix: 'set them here, or bring the Space’s files up to date',
    },
  );
}

const sorted = (map: ReadonlyMap<string, string>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

/** What tells the schedules of one Space apart: a Space has one for each choice of labels. */
export function identityOf(spaceId: string, { labels }: Pick<Options, 'labels'>): string {
  const said = JSON.stringify([spaceId.toLowerCase(), [...labels].sort()]);
  return new Bun.CryptoHasher('sha256').update(said).digest('hex').slice(0, 32);
}

export const IDENTITY = 'prepare-dataset';
export const SETTINGS = 'settings';

/** The labels of a Job or of a schedule; the Hub shows `name`. */
export function planLabels(plan: JobPlan, options: Options, token: string, now: Date, schedule?: string) {
  const name = ['prepare-dataset', ...options.labels].join('-').slice(0, 100);
  const settings = schedule === undefined ? {} : { [SETTINGS]: digestOf(plan, schedule, token) };
  const submission = keyed(token, 'submission', [now.toISOString(), plan]);
  return { name, [IDENTITY]: identityOf(plan.spaceId, options), ...settings, [SUBMISSION]: submission };
}

/**
 * All that a schedule is, secrets too, as one value that can be compared: the Hub never gives a secret back. Labels are read by the whole
 * namespace, so the hash is keyed with the token, which nobody can guess: without it, no guess of a password can be tried.
 */
export function digestOf({ withheld: _, ...plan }: JobPlan, schedule: string, token: string): string {
  return keyed(token, 'schedule', [schedule, plan]);
}

function keyed(token: string, purpose: string, said: unknown): string {
  return new Bun.CryptoHasher('sha256', token)
    .update(`prepare-dataset ${purpose}\n${JSON.stringify(said)}`)
    .digest('hex')
    .slice(0, 32);
}
