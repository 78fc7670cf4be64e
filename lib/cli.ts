import { Command, CommanderError, InvalidArgumentError, type Option } from 'commander';
import pkg from '../package.json' with { type: 'json' };
import { checkCombination, hasNoPage, refuse } from './combinations.ts';
import { DEFAULT_CONFIG, DEFAULT_ENV_FILE, type Options, type PageAddress } from './options.ts';
import type { World } from './world.ts';

/** The command line ended the run by itself: --help, --version (0) or bad usage (2), which it has said already. */
export class Exit extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`);
  }
}

const EXIT_CODES = `
Exit codes:
  0  done, or nothing to do
  1  a label failed
  2  bad usage, or a spec or a plan that cannot be used
  3  a label was refused
  4  changes are planned (a dry run with --detailed-exitcode)
  130, 143  interrupted by Ctrl-C, SIGTERM

Flags have an environment form, for Spaces: DRY_RUN=true, LABEL=urgency,department …
Not so --submit, --schedule, --deploy, --env-file and --yes.
Documentation: README.md, docs/spec.md, docs/deploy.md, docs/jobs.md, docs/errors.md`;

const NARROWEST = 24; // cells of a description that is still wrapped

/**
 * Parse the command line; flags win over their environment forms.
 *
 * @throws Exit for --help, --version and bad usage; PipelineError USAGE for flags that exclude each other
 */
export function parseArguments(
  argv: string[],
  { env, stdout, stderr }: Pick<World, 'env' | 'stdout' | 'stderr'>,
): Options {
  const command = planCommand().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
    getOutHelpWidth: () => stdout.columns ?? 100,
    getErrHelpWidth: () => stderr.columns ?? 100,
  });
  const isDeployed = argv.some((word) => /^--deploy(=|$)/.test(word)); // then its .env holds the Space's flags, not ours
  try {
    command
      .allowExcessArguments(isDeployed)
      .parse([...(isDeployed ? [] : environmentFlags(command, env, argv)), ...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) throw new Exit(thrown.exitCode === 0 ? 0 : 2);
    throw thrown;
  }
  const { label, ...flags } = command.opts<Omit<Options, 'labels'> & { label?: string[] }>();
  const given: Options = { ...flags, labels: [...new Set(label)], ...(isDeployed && { deploy: namedSpace(command) }) };
  const isNamedHere = (name: keyof Options) =>
    command.options.some((option) => option.attributeName() === name && isNamed(option, argv));
  // A container that serves a page (SERVE=…, SPACE_ID) may also be asked for its history.
  const options: Options = !isNamedHere('serve') && hasNoPage(given) ? { ...given, serve: 'off' } : given;
  const writesOut = !options.submit && ((options.dryRun && options.publish === undefined) || options.demo);
  if (isNamedHere('out') && !writesOut)
    refuse(
      '--out',
      'it goes with --dry-run or --demo, on this machine',
      'a real run publishes where the YAML says; what a Job writes on its disk is gone with it',
    );
  checkCombination(options);
  return { ...options, dryRun: options.dryRun || options.explain !== undefined };
}

/** The Space may stand anywhere: `bun run deploy --dry-run OWNER/SPACE` puts another flag right after --deploy. */
function namedSpace(command: Command): string {
  const { deploy } = command.opts<{ deploy?: string | true }>();
  const [space, ...more] = [...(typeof deploy === 'string' ? [deploy] : []), ...command.args];
  if (space !== undefined && more.length === 0) return space;
  const why = space === undefined ? 'no Space is named' : `it is for one Space, found ${[space, ...more].join(', ')}`;
  return refuse('--deploy', why, 'bun run deploy OWNER/SPACE');
}

const OUT = './out';
const MOST_SAMPLES = 100;

function parseSamples(value: string): number {
  if (/^\d{1,3}$/.test(value) && Number(value) <= MOST_SAMPLES) return Number(value);
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${MOST_SAMPLES}.`);
}

const PORT = 7860; // of a Space: app_port

/** `8000`, `0.0.0.0:8000`, `[::1]:8000`, `off`; true stands for the flag alone. */
function parseAddress(value: string | true): PageAddress | 'off' {
  if (value === 'off') return 'off';
  if (value === true || /^(1|true|yes|on)$/i.test(value)) return { host: LOCALHOST, port: PORT };
  const [, v6, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]:|([\w.-]+):)?(\d{1,5})$/.exec(value) ?? [];
  if (port !== undefined && Number(port) <= 65_535) return { host: v6 ?? name ?? LOCALHOST, port: Number(port) };
  throw new InvalidArgumentError('It must be a port, HOST:PORT, or off.');
}

const LOCALHOST = '127.0.0.1';

/** The Hub reads it; here only what can be none at all is refused. */
function parseSchedule(value: string): string {
  const schedule = value.trim().replace(/\s+/g, ' ');
  if (schedule === 'off' || /^@(annually|yearly|monthly|weekly|daily|hourly)$/.test(schedule)) return schedule;
  if (/^([\d*/,A-Za-z-]+ ){4}[\d*/,A-Za-z-]+$/.test(schedule)) return schedule;
  throw new InvalidArgumentError('It must be five fields of cron in UTC, e.g. "0 3 * * *", or @daily …, or off.');
}

/** 12 hex digits are 48 bits: enough to tell plans apart, not to stop somebody who makes one to fit. */
function parseDigest(value: string): string {
  if (/^[0-9a-f]{12,64}$/i.test(value)) return value.toLowerCase();
  throw new InvalidArgumentError('It must be 12 to 64 hex digits, as the report of the dry run says.');
}

function planCommand(): Command {
  return new Command('bun pipeline.ts')
    .description(
      'Make a clean, versioned dataset on the Hugging Face Hub of the mistakes that people corrected,\nas pipeline.config.yaml says: fetch → balance → clean → split → push for each label.',
    )
    .optionsGroup('Run:')
    .option('-c, --config <file>', 'the spec', DEFAULT_CONFIG)
    .option('-l, --label <names...>', 'only these labels (all of the spec when left out)')
    .option('--dry-run', 'do everything but publish; datasets are built below --out', false)
    .option('--check', 'validate spec, database, columns, token, repos, Spaces, mail and W&B; reads no rows', false)
    .option('--demo', 'run on an embedded PostgreSQL with generated grievances; publish below --out', false)
    .option('-o, --out <dir>', 'where --dry-run and --demo write', OUT)
    .option(
      '--serve [address]',
      'a status page on PORT or HOST:PORT (127.0.0.1:7860) until Ctrl-C; “off”: none',
      parseAddress,
    )
    .option('--force', 'publish although nothing changed, and although the last run was just now', false)
    .option('--allow-class-change', 'publish although ids of published classes change their meaning', false)
    .option('--resplit', 'forget the published split; rows move between train and test', false)
    .optionsGroup('Look and compare:')
    .option(
      '--samples <n>',
      'texts of rows shown of each kind, on the terminal and in report.html only',
      parseSamples,
      5,
    )
    .option('--raw-samples', 'show e-mail addresses and telephone numbers in these texts', false)
    .option('--against <tag>', 'compare a dry run with this version instead of the newest')
    .option(
      '--compare-config <file>',
      'plan this YAML too (or “published”), and tell its changes from those of the data',
    )
    .option('--detailed-exitcode', 'end a dry run that plans changes with 4', false)
    .optionsGroup('Publish what was reviewed:')
    .option('--publish <dir>', 'ship the files of an earlier dry run as they are')
    .option('--plan-digest <hex>', 'with --publish: only the plan that has this digest', parseDigest)
    .optionsGroup('Look back, go back:')
    .option('--explain <key>', 'say what becomes of one record, step by step')
    .option('--history', 'list the runs that the spec’s `runs` keeps', false)
    .option('--show <run>', 'print one of them, with its log; “last” is the newest')
    .option('--rollback <tag>', 'publish the rows of this version again, and hold the label there')
    .option('--unhold', 'end the hold, so that the next run publishes', false)
    .option('--reason <text>', 'with --rollback: why; it stands in the metadata and in every notice')
    .optionsGroup('On the Hub:')
    .option('--submit', 'run as a Job on the Hub, by the image of the Space; follow its log', false)
    .option('--schedule <cron>', 'with --submit: at these times (UTC) instead of now; “off” ends it', parseSchedule)
    .option(
      '--deploy [space]',
      'make a private Space of this checkout, or bring it up to date; bun run deploy is the same',
    )
    .option('--env-file <file>', 'with --deploy: variables and secrets of the Space', DEFAULT_ENV_FILE)
    .option('--yes', 'with --deploy: do not ask', false)
    .optionsGroup('Other:')
    .option('--json', 'print the run report as JSON on stdout', false)
    .option('--verbose', 'print stack traces, without messages that may quote rows', false)
    .version(pkg.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', EXIT_CODES)
    .allowExcessArguments(false)
    .configureHelp({ optionDescription: describeOption, minWidthToWrap: NARROWEST })
    .showHelpAfterError('(--help lists the options)')
    .exitOverride();
}

/** That a switch is off by default goes without saying. */
function describeOption({ description, defaultValue }: Option): string {
  return defaultValue === undefined || defaultValue === false
    ? description
    : `${description} (default: ${defaultValue})`;
}

/** What is asked for by hand only: a variable of that name, as CI systems have it, must not begin a deployment. */
const AT_A_DESK: ReadonlySet<string> = new Set(['submit', 'schedule', 'deploy', 'envFile', 'yes']);

/** Names of the variables that stand for flags. */
export function environmentForms(): string[] {
  return planCommand().options.flatMap((option) => formOf(option) ?? []);
}

function formOf(option: Option): string | undefined {
  if (!option.long || option.long === '--version' || AT_A_DESK.has(option.attributeName())) return undefined;
  return option.long.slice(2).toUpperCase().replaceAll('-', '_');
}

/** Environment forms as flags, put before the real ones: LABEL=a,b is --label a --label b. */
function environmentFlags(command: Command, env: World['env'], argv: string[]): string[] {
  return command.options.flatMap((option: Option) => {
    const form = formOf(option);
    if (!option.long || form === undefined || isNamed(option, argv)) return [];
    const value = env[form]?.trim();
    if (!value) return [];
    if (option.isBoolean()) return /^(1|true|yes|on)$/i.test(value) ? [option.long] : [];
    return option.variadic
      ? value.split(',').flatMap((each) => [option.long ?? '', each.trim()])
      : [option.long, value];
  });
}

/** Whether the command line itself has it, whatever the environment says: `--out x`, `--out=x`, `-o x`, `-ox`. */
function isNamed({ short, long }: Option, argv: string[]): boolean {
  return argv.some((word) => word.split('=', 1)[0] === long || (short !== undefined && word.startsWith(short)));
}
