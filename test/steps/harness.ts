import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fetched } from '../../lib/dataset/tables.ts';
import { withHead } from '../../lib/dataset/with-head.ts';
import { DirectoryTarget } from '../../lib/edges/directory.ts';
import { type Engine, openEngine } from '../../lib/edges/duckdb.ts';
import type { Target } from '../../lib/edges/target.ts';
import { EventStream } from '../../lib/events.ts';
import type { Options } from '../../lib/options.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { LabelReport } from '../../lib/report/report.ts';
import { type LabelSamples, noSamples } from '../../lib/report/samples.ts';
import type { LabelRun, Run } from '../../lib/run.ts';
import { NO_OPERATIONS } from '../../lib/spec/operations.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import type { LabelSpec } from '../../lib/spec/spec.ts';
import { literal } from '../../lib/sql.ts';
import { check } from '../../lib/steps/check.ts';
import { clean } from '../../lib/steps/clean.ts';
import { push } from '../../lib/steps/push.ts';
import { refuseSplit, split } from '../../lib/steps/split.ts';

/** A row as the database would send it. `origin` is correct unless said otherwise. */
export interface SourceRow {
  key: string;
  text: string | null;
  label: string | null;
  origin?: 'misclassified' | 'correct';
  tooLong?: boolean;
}

export interface PublishedRow {
  text: string;
  label: number;
  split: string;
}

export interface Version {
  outcome: Outcome;
  report: LabelReport;
  samples: LabelSamples;
  rows: PublishedRow[];
}

/** A label with classes A, B, C, no minimum and no cleaning, changed by `yaml` (keys of the label). */
export function labelSpec(yaml = '', label = 'topic'): LabelSpec {
  const text = `version: 1
database: { url: postgres://user@localhost/x }
defaults:
  min_samples: 0
  sources: { misclassified: SELECT 1, correct: SELECT 1 }
labels:
  ${label}:
    repo: ./published
    classes: [A, B, C]
${yaml.replaceAll(/^/gm, '    ')}
`;
  const duplicate = /^ {4}classes:/gm.exec(yaml.replaceAll(/^/gm, '    '))
    ? text.replace('    classes: [A, B, C]\n', '')
    : text;
  const [spec] = parseSpec('test.yaml', duplicate, {}).labels;
  if (!spec) throw new Error('no label');
  return spec;
}

/** Clean, split and publish rows into a directory, version after version, with a real engine and no database. */
export class Workshop implements AsyncDisposable {
  readonly #clock: { time: number };
  /** What the last call of publish() knows of its label, whether it threw or not. */
  last: LabelReport | undefined;

  private constructor(
    readonly directory: string,
    readonly engine: Engine,
    readonly env: Record<string, string>,
  ) {
    this.#clock = { time: Date.UTC(2026, 0, 1) };
  }

  static async open(env: Record<string, string> = {}, memoryLimitMb = 256): Promise<Workshop> {
    const directory = await mkdtemp(join(tmpdir(), 'workshop-'));
    return new Workshop(directory, await openEngine(directory, memoryLimitMb), env);
  }

  /** Publish one version; the clock moves on by a minute. */
  async publish(
    rows: SourceRow[],
    spec = labelSpec(),
    options: Partial<Options> = {},
    target?: Target,
  ): Promise<Version> {
    this.#clock.time += 60_000;
    const { run, label } = this.#open(spec, options, target);
    this.last = label.report;
    const fetched = await this.#load(rows, label);
    const cleaned = await clean(run, label, fetched);
    const outcome = await withHead(run, label, async (published) => {
      const assigned = await split(run, label, cleaned, published);
      await check(run, label, assigned, published);
      await refuseSplit(run, label, published);
      return push(run, label, assigned, published);
    });
    return {
      outcome,
      report: label.report,
      samples: label.samples,
      rows: target || options.dryRun ? [] : await this.read(spec),
    };
  }

  /** A world for targets: this clock, no waits. */
  world(env: Record<string, string> = this.env) {
    const { signal } = new AbortController();
    const clock = { now: () => new Date(this.#clock.time), sleep: async () => {} };
    const confirm = async () => undefined;
    return { env, cwd: this.directory, umask: 0o022, tmpdir: this.directory, fetch, clock, confirm, signal };
  }

  /** What the target's head holds, in the order of its files. */
  async read(spec: LabelSpec, folder = join(this.directory, 'published')): Promise<PublishedRow[]> {
    const rows: PublishedRow[] = [];
    for (const { name } of spec.split) {
      const { text, label } = spec.columns;
      rows.push(
        ...(await this.engine.rows<PublishedRow>(
          `SELECT "${text}" AS text, "${label}" AS label, ${literal(name)} AS split FROM read_parquet(${literal(`${folder}/data/${name}-*.parquet`)}, file_row_number=true) ORDER BY filename, file_row_number`,
        )),
      );
    }
    return rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }

  #open(spec: LabelSpec, overrides: Partial<Options>, target?: Target): { run: Run; label: LabelRun } {
    const silent = { write: () => {}, isTTY: false, columns: undefined };
    const world = { ...this.world(), stdout: silent, stderr: silent };
    const { clock } = world;
    const options: Options = {
      config: '',
      labels: [],
      dryRun: false,
      check: false,
      demo: false,
      out: './out',
      json: false,
      force: false,
      allowClassChange: false,
      resplit: false,
      verbose: false,
      samples: 5,
      rawSamples: false,
      detailedExitcode: false,
      history: false,
      unhold: false,
      submit: false,
      envFile: '.env',
      yes: false,
      ...overrides,
    };
    const label: LabelRun = {
      spec,
      target: target ?? new DirectoryTarget('./published', world),
      sent: [],
      samples: noSamples(),
      report: { label: spec.name, target: './published', classes: spec.classes, seconds: {} },
    };
    const run: Run = {
      version: '0.0.0',
      spec: {
        file: 'test.yaml',
        database: undefined as never,
        labels: [spec],
        operations: NO_OPERATIONS,
        job: { flavor: 'cpu-basic', timeoutMs: 1 },
      },
      options,
      world,
      events: new EventStream(clock.now),
      mask: (text) => text,
      labels: [label],
      engine: this.engine,
      spool: this.directory,
      salt: this.env.LEDGER_KEY ?? '',
      startedAt: clock.now(),
      warnings: [],
      inSnapshot: () => Promise.reject(new Error('no database')),
      [Symbol.asyncDispose]: async () => {},
    };
    return { run, label };
  }

  async #load(rows: SourceRow[], label: LabelRun): Promise<Fetched> {
    const view = `"fetched_${label.spec.name}"`;
    await this.engine.run(
      `CREATE OR REPLACE TABLE ${view} (key VARCHAR, text VARCHAR, too_long BOOLEAN, value VARCHAR, origin UTINYINT)`,
    );
    const value = (text: string | null) => (text === null ? 'NULL' : literal(text));
    const tuples = rows.map(
      (row) =>
        `(${literal(row.key)}, ${value(row.text)}, ${row.tooLong ?? false}, ${value(row.label)}, ${row.origin === 'misclassified' ? 0 : 1})`,
    );
    for (let from = 0; from < tuples.length; from += 2000)
      await this.engine.run(`INSERT INTO ${view} VALUES ${tuples.slice(from, from + 2000).join(', ')}`);
    const misclassified = rows.filter(({ origin }) => origin === 'misclassified').length;
    label.report.fetched = {
      misclassified,
      correct: rows.length - misclassified,
      asked: rows.length - misclassified,
      total: rows.length,
    };
    return { view, files: [], snapshot: { id: '1:1:', takenAt: new Date(this.#clock.time) } };
  }
}
