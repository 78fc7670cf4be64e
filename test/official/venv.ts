import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The official clients, installed once below `.cache/`. */
const PACKAGES = ['datasets==5.0.1', 'huggingface-hub==1.33.0'];
/** With all that they need but OpenTelemetry, which not every mirror of PyPI has; wandb only sends traces with it. */
const PACKAGES_WITHOUT_DEPENDENCIES = [
  'wandb==0.30.0',
  'annotated-types==0.8.0',
  'platformdirs==4.12.2',
  'protobuf==7.36.2',
  'pydantic==2.13.5',
  'pydantic-core==2.46.5',
  'typing-inspection==0.4.4',
];
const CACHE = resolve(import.meta.dir, '../../.cache');
const INSTALL_MS = 300_000; // about 700 MB

/** A virtual environment below `.cache/`. */
export interface Venv {
  directory: string;
  packages: readonly string[];
  /** Installed without what they depend on. */
  withoutDependencies: readonly string[];
}

export function venvOf(name: string, packages: readonly string[], withoutDependencies: readonly string[] = []): Venv {
  return { directory: join(CACHE, name), packages, withoutDependencies };
}

const OFFICIAL = venvOf('official-venv', PACKAGES, PACKAGES_WITHOUT_DEPENDENCIES);

export type OfficialPython = { python: string } | { skipped: string };

let found: Promise<OfficialPython> | undefined;

/**
 * Find the official clients, or install them.
 *
 * @returns the interpreter, or why there is none; stderr is told once
 * @throws when `CI` is `true`, unless `ALLOW_NO_OFFICIAL_CLIENTS` is set
 */
export function officialPython(): Promise<OfficialPython> {
  found ??= findOrInstall();
  return found;
}

async function findOrInstall(): Promise<OfficialPython> {
  const made = await makeVenv(OFFICIAL);
  if ('python' in made) return made;
  const skipped = `SKIPPED tests against ${PACKAGES.join(', ')} and ${PACKAGES_WITHOUT_DEPENDENCIES[0]}: ${made.problem}`;
  if (process.env.CI === 'true' && !process.env.ALLOW_NO_OFFICIAL_CLIENTS)
    throw new Error(`${skipped} (ALLOW_NO_OFFICIAL_CLIENTS=1 would let CI pass)`);
  console.error(skipped);
  return { skipped };
}

/**
 * Make a virtual environment unless it is there with just these packages.
 *
 * @param onInstall called before anything is installed
 * @returns its interpreter, or why it cannot be made
 */
export async function makeVenv(
  venv: Venv,
  onInstall: () => void = () => {},
): Promise<{ python: string } | { problem: string }> {
  const made = { python: interpreter(venv.directory) };
  if (await isCurrent(venv)) return made;
  onInstall();
  const problem = await install(venv);
  return problem === undefined ? made : { problem };
}

const interpreter = (directory: string) => join(directory, 'bin', 'python');

/** Change a version and all is installed again. */
const stampOf = ({ packages, withoutDependencies }: Venv) =>
  JSON.stringify({ packages: [...packages, ...withoutDependencies] });

async function isCurrent(venv: Venv): Promise<boolean> {
  const stamp = Bun.file(join(venv.directory, 'stamp.json'));
  return existsSync(interpreter(venv.directory)) && (await stamp.exists()) && (await stamp.text()) === stampOf(venv);
}

/** Install beside the final place, then rename: two runs at once, or a broken one, leave no half of a venv. */
async function install(venv: Venv): Promise<string | undefined> {
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(`${venv.directory}-`);
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '20'];
    const problem =
      (await problemOf(['python3', '-m', 'venv', fresh])) ??
      (await problemOf([interpreter(fresh), ...pip, ...venv.packages])) ??
      (venv.withoutDependencies.length > 0
        ? await problemOf([interpreter(fresh), ...pip, '--no-deps', ...venv.withoutDependencies])
        : undefined);
    if (problem !== undefined) return problem;
    await Bun.write(join(fresh, 'stamp.json'), stampOf(venv));
    if (await isCurrent(venv)) return undefined;
    await rm(venv.directory, { recursive: true, force: true });
    await rename(fresh, venv.directory);
    return undefined;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function problemOf(command: string[]): Promise<string | undefined> {
  if (!Bun.which(command[0] ?? '')) return `${command[0]} is not installed`;
  const child = Bun.spawn(command, { stdout: 'ignore', stderr: 'pipe', timeout: INSTALL_MS });
  const [code, stderr] = await Promise.all([child.exited, child.stderr.text()]);
  return code === 0 ? undefined : stderr.trim().replace(/\s+/g, ' ').slice(-300) || `${command[0]} exited with ${code}`;
}

/** A hub for the Python clients: a `LocalHub` is one. */
export interface Endpoint {
  url: string;
  token: string;
}

/**
 * Run a script of this folder with a home, and so a cache, of its own; nothing of our environment reaches it.
 *
 * @param hub without one, the Hub's clients are offline
 * @param env what else the script finds in its environment
 * @returns the JSON document it prints
 */
export async function runOfficial(
  python: string,
  script: string,
  args: string[],
  hub?: Endpoint,
  env: Record<string, string> = {},
): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), 'official-'));
  try {
    const child = Bun.spawn([python, '-X', 'utf8', join(import.meta.dir, script), ...args], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: home,
        HF_HOME: home,
        HF_DATASETS_CACHE: join(home, 'datasets'),
        WANDB_DIR: home,
        HF_HUB_DISABLE_XET: '1', // the client would never fall back to LFS
        HF_HUB_DISABLE_TELEMETRY: '1',
        HF_HUB_DISABLE_PROGRESS_BARS: '1',
        ...(hub ? { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token } : { HF_HUB_OFFLINE: '1' }),
        ...env,
      },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [code, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
    if (code !== 0) throw new Error(`${script} ${args.join(' ')} exited with ${code}:\n${stderr}`);
    return JSON.parse(stdout);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** One split as `load.py` prints it. */
export interface LoadedSplit {
  num_rows: number;
  /** Column → dtype; for a ClassLabel its names in order of their ids. */
  features: Record<string, string | string[]>;
  keys: string[];
  /** Of the rows in order, each as a line of JSON. */
  md5: string;
}

/** What `load_dataset` makes of a folder, or of a repo on `hub`. */
export async function loadOfficial(
  python: string,
  dataset: string,
  options: { hub?: Endpoint; revision?: string } = {},
): Promise<Record<string, LoadedSplit>> {
  const revision = options.revision === undefined ? [] : ['--revision', options.revision];
  return (await runOfficial(python, 'load.py', [dataset, ...revision], options.hub)) as Record<string, LoadedSplit>;
}
