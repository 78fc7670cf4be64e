import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findPostgres } from '../test/edges/postgres-server/binaries.ts';
import { type Command, inScratch, type Measure, measure } from './measure.ts';
import { benchPython } from './python.ts';

/** Who is measured: ours, the Python service's way, and the least that any program must do. */

const ROOT = resolve(import.meta.dir, '..');
const SHIPPED = join(ROOT, 'pipeline.config.yaml');
export const LABELS = ['department', 'urgency'] as const;

/** What of a run's report.json is needed here. */
export interface Report {
  seconds: number;
  labels: {
    label: string;
    outcome: { kind: string };
    seconds: Partial<Record<string, number>>;
    queries: { source: string; sql: string }[];
    kept: { total: number };
  }[];
}

export interface OurOptions {
  /** As the YAML writes it; the shipped one's unless told otherwise. */
  memoryLimit?: string;
  labels?: readonly string[];
}

/**
 * `bun pipeline.ts` with the shipped spec, publishing into the directories `department` and `urgency`.
 *
 * @param directory where it runs; versions that lie there already are published upon
 */
export async function runOurs(
  url: string,
  directory: string,
  { memoryLimit, labels = LABELS }: OurOptions = {},
): Promise<{ measure: Measure; report: Report }> {
  const shipped = await Bun.file(SHIPPED).text();
  const limited = shipped.replace(/^( +memory_limit: )\S+/m, (line, key) => (memoryLimit ? key + memoryLimit : line));
  await Bun.write(join(directory, 'pipeline.config.yaml'), limited);
  const chosen = labels.flatMap((label) => ['--label', label]);
  const { measure, stdout } = await finished({
    argv: [process.execPath, join(ROOT, 'pipeline.ts'), '--json', ...chosen],
    cwd: directory,
    env: {
      ...(await ourEnvironment(directory)),
      POSTGRES_URL: url,
      DEPARTMENT_DATASET: './department',
      URGENCY_DATASET: './urgency',
      SERVE: 'off',
    },
  });
  return { measure, report: JSON.parse(stdout) as Report };
}

/** Ours from nothing, in a directory that is gone afterwards. */
export async function measureOurs(url: string, options: OurOptions = {}): Promise<Measure> {
  return await inScratch(async (directory) => (await runOurs(url, directory, options)).measure);
}

export interface PythonOptions {
  /** `work_mem` of its connections; PostgreSQL's default unless told otherwise. */
  workMem?: string;
  limitSeconds?: number;
}

/**
 * The Python service's way, into `directory`.
 *
 * @returns undefined when it was killed at `limitSeconds`; its query may run on in the database
 */
export async function runPython(
  url: string,
  directory: string,
  { workMem, limitSeconds }: PythonOptions,
): Promise<Measure | undefined> {
  const ended = await measure({
    argv: [await benchPython(), join(import.meta.dir, 'service.py'), directory],
    cwd: directory,
    env: {
      ...(await pythonEnvironment(directory)),
      POSTGRES_URL: url.replace(/^postgres:/, 'postgresql+psycopg2:'), // SQLAlchemy’s form of it
      ...(workMem === undefined ? {} : { PGOPTIONS: `-c work_mem=${workMem}` }),
    },
    ...(limitSeconds === undefined ? {} : { limitSeconds }),
  });
  return ended?.measure;
}

/** The Python way with the memory that its `NOT IN` needs to finish. */
export const PYTHON_WORK_MEM = '256MB';

export async function measurePython(url: string): Promise<Measure> {
  const ended = await inScratch((directory) => runPython(url, directory, { workMem: PYTHON_WORK_MEM }));
  if (ended === undefined) throw new Error('Cannot measure the Python way: it did not end within an hour');
  return ended;
}

/** The SELECTs that a run sent, in its order. */
export const queriesOf = ({ labels }: Pick<Report, 'labels'>): string[] =>
  labels.flatMap(({ queries }) => queries.map(({ sql }) => sql));

/** Run ours once, unmeasured: which SELECTs it sends, and how many rows it publishes. */
export async function rehearse(url: string): Promise<{ queries: string[]; rows: number }> {
  const { report } = await inScratch((directory) => runOurs(url, directory));
  return { queries: queriesOf(report), rows: report.labels.reduce((sum, { kept }) => sum + kept.total, 0) };
}

/** The floor: one psql that sends these SELECTs one after another and drops the rows. */
export async function measureFloor(url: string, queries: readonly string[]): Promise<Measure> {
  const copies = queries.map((sql) => `COPY (\n${sql}\n) TO STDOUT (FORMAT csv, FORCE_QUOTE *)`);
  const argv = [psqlProgram(), '--no-psqlrc', '--set=ON_ERROR_STOP=1', url, ...copies.flatMap((copy) => ['-c', copy])];
  return (await finished({ argv, cwd: '/', env: {}, discard: true })).measure;
}

/** PostgreSQL's own program, not Debian's Perl script that looks for it. */
function psqlProgram(): string {
  const beside = join(findPostgres(process.env) ?? '', 'psql');
  const program = Bun.which(beside) ?? Bun.which('psql');
  if (program === null) throw new Error('Cannot measure the floor: psql is not installed');
  return program;
}

async function finished(command: Command): Promise<{ measure: Measure; stdout: string }> {
  const ended = await measure(command);
  if (ended === undefined) throw new Error(`Cannot measure ${command.argv[0]}: it did not end within an hour`);
  return ended;
}

/** One home for all runs, so that what a program compiles on its first start is there, as Python’s bytecode is. */
const HOME = join(ROOT, '.cache/bench-home');

/** @param directory of the process, which holds its temporary files */
export async function ourEnvironment(directory: string, home = HOME): Promise<Record<string, string>> {
  const temporary = join(directory, 'tmp');
  await Promise.all([home, temporary].map((each) => mkdir(each, { recursive: true })));
  return { HOME: home, TMPDIR: temporary };
}

export async function pythonEnvironment(directory: string): Promise<Record<string, string>> {
  return {
    ...(await ourEnvironment(directory)),
    HF_HUB_OFFLINE: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
    HF_DATASETS_DISABLE_PROGRESS_BARS: '1',
  };
}
