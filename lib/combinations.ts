import { PipelineError } from './errors.ts';
import { DEFAULT_ENV_FILE, type Options } from './options.ts';

/**
 * Flags that say something about a dry run, or replace the run by something else.
 *
 * @throws PipelineError USAGE for those that exclude each other
 */
export function checkCombination(options: Options): void {
  const { dryRun, against, compareConfig, publish, planDigest, explain, check, json } = options;
  if (against !== undefined && !dryRun) refuse('--against', 'it goes with --dry-run', 'add --dry-run');
  if (compareConfig !== undefined && !dryRun) refuse('--compare-config', 'it goes with --dry-run', 'add --dry-run');
  if (planDigest !== undefined && publish === undefined)
    refuse('--plan-digest', 'it goes with --publish', 'add --publish DIR');
  if (publish !== undefined && WITHOUT_PUBLISH.some((name) => isGiven(options, name)))
    refuse('--publish', 'it ships files that are there already', `leave out ${WITHOUT_PUBLISH.map(flagOf).join(', ')}`);
  checkAlternatives(options);
  checkHosting(options);
  if (explain !== undefined && (against !== undefined || compareConfig !== undefined))
    refuse('--explain', 'it compares with nothing', 'leave out --against and --compare-config');
  if (explain !== undefined && (json || check))
    refuse('--explain', 'it prints a row’s text on the terminal, and nothing else', 'leave out --json and --check');
}

const isGiven = (options: Options, name: keyof Options) => options[name] !== undefined && options[name] !== false;

/** What replaces the run by something else goes alone. */
function checkAlternatives(options: Options): void {
  const { rollback, unhold, reason, labels, history, show, dryRun } = options;
  const given = (name: keyof Options) => isGiven(options, name);
  const [first, ...more] = ALTERNATIVES.filter(given);
  const allowed: readonly (keyof Options)[] = first === 'submit' ? WITH_SUBMIT : [];
  const other =
    first && [...more, ...NOT_WITH_ALTERNATIVES.filter((name) => given(name) && !allowed.includes(name))][0];
  if (first && other) refuse(flagOf(first), `it does not go with ${flagOf(other)}`, 'run the program once for each');
  if ((history || show !== undefined) && dryRun) refuse('--history', 'it writes nothing anyway', 'leave out --dry-run');
  if ((rollback !== undefined || unhold) && labels.length !== 1)
    refuse(rollback === undefined ? '--unhold' : '--rollback', 'it is for one label', 'name it with --label NAME');
  if ((rollback === undefined) !== (reason === undefined) || reason?.trim() === '')
    refuse(
      rollback === undefined ? '--reason' : '--rollback',
      rollback === undefined ? 'it goes with --rollback' : 'it wants a reason',
      '--rollback TAG --label NAME --reason "why"',
    );
}

/** Where a run takes place. */
function checkHosting(options: Options): void {
  const { labels, serve, submit, schedule, deploy, envFile, yes, json, rawSamples } = options;
  if (schedule !== undefined && !submit) refuse('--schedule', 'it goes with --submit', 'add --submit');
  if (yes && deploy === undefined) refuse('--yes', 'it goes with --deploy', 'bun run deploy OWNER/SPACE --yes');
  if (envFile !== DEFAULT_ENV_FILE && deploy === undefined)
    refuse('--env-file', 'it goes with --deploy', `a run here: bun --env-file=${envFile} pipeline.ts`);
  if (deploy !== undefined && labels.length > 0)
    refuse('--label', 'which labels a Space runs is a variable of it', 'write LABEL=urgency into the env file');
  if (serve !== undefined && serve !== 'off' && hasNoPage(options))
    refuse('--serve', 'there is no page but of a run, a dry run, the demo and --check', 'leave out --serve');
  if ((submit || deploy !== undefined) && json)
    refuse('--json', 'a Job or a Space keeps its report: `runs` says where', 'leave out --json');
  if (submit && rawSamples)
    refuse('--raw-samples', 'a Job’s log is read by the whole namespace', 'run the dry run here');
  const once = schedule === undefined ? undefined : NOT_AT_NIGHT.find((name) => isGiven(options, name));
  if (once) refuse(flagOf(once), 'it is for one run, not for each', 'submit it once, without --schedule');
}

const WITHOUT_PAGE = ['publish', 'explain', 'submit', 'deploy', 'rollback', 'unhold', 'history', 'show'] as const;
/** A run, a dry run, the demo and --check have one. */
export const hasNoPage = (options: Options) => WITHOUT_PAGE.some((name) => isGiven(options, name));

const ALTERNATIVES = ['history', 'show', 'rollback', 'unhold', 'deploy', 'submit'] as const;
/** What was reviewed is what ships: these would change it, or do something else. */
const WITHOUT_PUBLISH = [
  'demo',
  'check',
  'explain',
  'compareConfig',
  'against',
  'force',
  'allowClassChange',
  'resplit',
] as const;
const NOT_WITH_ALTERNATIVES = ['publish', ...WITHOUT_PUBLISH] as const;
/** A Job is a run, and these are said to it. */
const WITH_SUBMIT = ['check', 'force', 'allowClassChange', 'resplit'] as const;
/** Asked for after a look at one version; every night it would be a mistake. */
const NOT_AT_NIGHT = ['force', 'allowClassChange', 'resplit'] as const;

const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function refuse(flag: string, why: string, fix: string): never {
  throw new PipelineError('USAGE', `Cannot use ${flag}: ${why}`, { fix });
}
