import type { LocatedDocument, Path } from './document.ts';
import type { SpecProblem } from './problems.ts';
import type { RawSpec } from './schema.ts';
import { parseSmtpUrl } from './smtp-url.ts';
import type { JobSpec, OperationsSpec, TargetSpec } from './spec.ts';
import { parseTarget, repoProblem } from './target.ts';
import { parseDuration } from './units.ts';

/** What a run does besides publishing, and where: `tracking`, `notify`, `space`, `job` and `runs` of the spec. */

export const OPERATIONS_DEFAULTS = {
  tracking: { wandb: { project: 'prepare-dataset' } },
  notify: { email: { when: 'always' }, webhook: { when: 'always' } },
  space: { pause: 'always', min_interval: '1h' },
  job: { flavor: 'cpu-basic', timeout: '1h' }, // the Hub's own limit is 30 minutes
} as const;

const PROJECT = /^[^/\\#?%:]{1,128}$/; // wandb_settings.py
const ADDRESS = /^[^\s@<>,]+@[^\s@<>,]+$/;

/**
 * Problems that the schema cannot find. A value that is empty switches off what it is for. One that comes from a variable is not held
 * against its form: a secret that was mistyped must not keep datasets from being published, and is told of where it is used.
 */
export function checkOperations(document: LocatedDocument): void {
  const at = (root: unknown, path: Path): unknown =>
    path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], root);
  const isWritten = (path: Path) => !String(at(document.template, path)).includes('${');
  const check = (path: Path, problemOf: (text: string) => Omit<SpecProblem, 'start' | 'end'> | undefined) => {
    const value = at(document.value, path);
    const problem = typeof value === 'string' && value.trim() !== '' ? problemOf(value.trim()) : undefined;
    if (!problem || (problem.code !== 'REPO_TWICE' && !isWritten(path))) return;
    const [start, end] = document.valueRange(path);
    document.problems.push({ ...problem, start, end });
  };
  const invalid = (path: Path, wanted: string, fix: string) => ({
    code: 'VALUE_INVALID' as const,
    message: `Cannot use ${path.join('.')}: must be ${wanted}`, // not the value: it may hold a password
    fix,
  });
  check(['tracking', 'wandb', 'project'], (name) =>
    PROJECT.test(name)
      ? undefined
      : invalid(
          ['tracking', 'wandb', 'project'],
          'at most 128 characters without / \\ # ? % :',
          'e.g. prepare-dataset',
        ),
  );
  check(['notify', 'email', 'smtp'], (url) => {
    const address = parseSmtpUrl(url);
    return 'problem' in address
      ? { code: 'VALUE_INVALID', message: `Cannot use notify.email.smtp: ${address.problem}`, fix: address.fix }
      : undefined;
  });
  check(['notify', 'webhook', 'url'], (url) =>
    isUrl(url, ['https:', 'http:'])
      ? undefined
      : invalid(['notify', 'webhook', 'url'], 'a URL', 'e.g. https://hooks.slack.com/services/…'),
  );
  for (const key of ['to', 'from'])
    check(['notify', 'email', key], (text) =>
      addressesOf(text).every((address) =>
        ADDRESS.test(address.slice(address.endsWith('>') ? address.lastIndexOf('<') + 1 : 0).replace(/>$/, '')),
      )
        ? undefined
        : invalid(['notify', 'email', key], 'e-mail addresses', 'e.g. admin@example.org, ops@example.org'),
    );
  check(['space', 'min_interval'], (text) =>
    parseDuration(text) === undefined && text !== '0'
      ? invalid(['space', 'min_interval'], 'a duration', 'e.g. 1h or 30m; 0 switches it off')
      : undefined,
  );
  check(['job', 'timeout'], (text) =>
    (parseDuration(text) ?? 0) < 1000 ? invalid(['job', 'timeout'], 'a duration', 'e.g. 1h or 90m') : undefined,
  );
  check(['space', 'id'], (id) => nameProblem(`Space "${id}"`, repoProblem(id)));
  check(['runs'], (repo) => {
    const target = parseTarget(repo);
    return (
      nameProblem(`runs "${repo}"`, 'problem' in target ? target.problem : undefined) ?? sharedProblem(document, repo)
    );
  });
}

/** A history in a label's repo would be commits between its versions; in a directory target it would end up inside of a version. */
function sharedProblem({ value }: LocatedDocument, repo: string): Omit<SpecProblem, 'start' | 'end'> | undefined {
  const name = (text: string) => text.trim().replace(/\/+$/, '').toLowerCase();
  const labels = Object.entries((value as { labels?: Record<string, { repo?: unknown } | null> }).labels ?? {});
  const [shared] = labels.find(([, label]) => typeof label?.repo === 'string' && name(label.repo) === name(repo)) ?? [];
  if (shared === undefined) return undefined;
  const fix = 'give the history a repo of its own';
  return { code: 'REPO_TWICE', message: `Cannot use runs "${repo}": label ${shared} publishes there`, fix };
}

function nameProblem(what: string, problem: string | undefined): Omit<SpecProblem, 'start' | 'end'> | undefined {
  return problem === undefined ? undefined : { code: 'REPO_NAME', message: `Cannot use ${what}: ${problem}` };
}

function isUrl(text: string, protocols: string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol) && new URL(text).hostname !== '';
}

const addressesOf = (text: string): string[] =>
  text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '');

const OFF_MODES: ReadonlySet<string> = new Set(['offline', 'disabled', 'dryrun']);

/** Why the tracking that a spec names is off; undefined where it is on, or the spec names none. */
function whyUntracked(
  wandb: NonNullable<RawSpec['tracking']>['wandb'],
  env: Record<string, string | undefined>,
): string | undefined {
  if (!wandb) return undefined;
  const mode = env.WANDB_MODE?.trim().toLowerCase() ?? '';
  if (OFF_MODES.has(mode)) return `WANDB_MODE is ${mode}`;
  return wandb.api_key?.trim() ? undefined : 'there is no API key';
}

/**
 * The Space that the program runs in. None in a Job, which works from a Space's image: the Space itself may be at work, or be paused
 * on purpose.
 */
export function spaceOf(env: Record<string, string | undefined>): string | undefined {
  return isJob(env) ? undefined : env.SPACE_ID?.trim() || undefined;
}

/** The Hub sets it in each Job: huggingface.co/docs/hub/jobs-configuration, "Built-in environment variables". */
const isJob = (env: Record<string, string | undefined>): boolean => Boolean(env.JOB_ID?.trim());

/** @param env WANDB_MODE switches tracking off; WANDB_PROJECT and WANDB_ENTITY are defaults; in a Job there is no Space to pause */
export function resolveOperations(
  { tracking, notify, space, runs }: RawSpec,
  env: Record<string, string | undefined>,
): OperationsSpec {
  const { wandb } = tracking ?? {};
  const to = addressesOf(notify?.email?.to ?? '');
  const id = isJob(env) ? undefined : space?.id?.trim() || spaceOf(env);
  const untracked = whyUntracked(wandb, env);
  return {
    untracked,
    wandb:
      wandb?.api_key?.trim() && untracked === undefined
        ? {
            apiKey: wandb.api_key.trim(),
            project: wandb.project?.trim() || env.WANDB_PROJECT?.trim() || OPERATIONS_DEFAULTS.tracking.wandb.project,
            entity: wandb.entity?.trim() || env.WANDB_ENTITY?.trim() || undefined,
          }
        : undefined,
    email:
      notify?.email?.smtp?.trim() && to[0] !== undefined
        ? {
            smtp: notify.email.smtp.trim(),
            to,
            from: notify.email.from?.trim() || to[0],
            when: notify.email.when ?? OPERATIONS_DEFAULTS.notify.email.when,
          }
        : undefined,
    webhook: notify?.webhook?.url?.trim()
      ? { url: notify.webhook.url.trim(), when: notify.webhook.when ?? OPERATIONS_DEFAULTS.notify.webhook.when }
      : undefined,
    space: id
      ? {
          id,
          pause: space?.pause ?? OPERATIONS_DEFAULTS.space.pause,
          minIntervalMs: parseDuration(String(space?.min_interval ?? OPERATIONS_DEFAULTS.space.min_interval)) ?? 0,
        }
      : undefined,
    runs: runs?.trim() ? resolveRuns(runs.trim()) : undefined,
  };
}

export function resolveJob({ job }: RawSpec): JobSpec {
  const { flavor, timeout } = OPERATIONS_DEFAULTS.job;
  return {
    flavor: job?.flavor?.trim() || flavor,
    timeoutMs: parseDuration(job?.timeout ?? timeout) ?? (parseDuration(timeout) as number),
  };
}

/** A name that can be none comes from a variable: that is told where it is used. */
function resolveRuns(runs: string): TargetSpec {
  const target = parseTarget(runs);
  return 'problem' in target ? { kind: 'hub', repo: runs } : target;
}

/** Nothing besides publishing: a demo, tests. */
export const NO_OPERATIONS: OperationsSpec = {
  untracked: undefined,
  wandb: undefined,
  email: undefined,
  webhook: undefined,
  space: undefined,
  runs: undefined,
};
