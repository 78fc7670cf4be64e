import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CREATE_INDEXES, CREATE_TABLES } from '../../lib/demo/tables.ts';
import { parseReport } from '../../lib/report/json.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { main } from '../../pipeline.ts';
import type { LocalHub } from '../edges/local-hub.ts';
import { type PostgresServer, requirePostgres } from '../edges/postgres-server.ts';
import { PROJECT, type TestWorld, type TestWorldOptions, testWorld } from './world.ts';

/** The two tables of the shipped spec. */
export const TABLES = CREATE_TABLES + CREATE_INDEXES;
export const SHIPPED = await Bun.file(join(PROJECT, 'pipeline.config.yaml')).text();

export interface Ended {
  exitCode: number;
  report: RunReport;
  world: TestWorld;
}

/** A folder and a database of its own, to run the whole program in. */
export class Site implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly server: PostgresServer,
    readonly url: string,
  ) {}

  /** @param own a server with settings of its own; the shared one when left out */
  static async open(tables = TABLES, own?: PostgresServer): Promise<Site> {
    const server = own ?? ((await requirePostgres()) as PostgresServer); // requirePostgres() without a kind always has one
    const url = await server.createDatabase();
    const site = new Site(await mkdtemp(join(tmpdir(), 'site-')), server, url);
    if (tables) await site.sql(tables);
    return site;
  }

  sql(statements: string): Promise<string> {
    return this.server.psql(statements, this.url);
  }

  get env(): Record<string, string> {
    return {
      POSTGRES_URL: this.url,
      DEPARTMENT_DATASET: './department',
      URGENCY_DATASET: './urgency',
      MIN_DATASET_LEN: '10',
    };
  }

  /** Run with a YAML; the report is read from --json. */
  async run(
    argv: string[] = [],
    { yaml = SHIPPED, ...options }: TestWorldOptions & { yaml?: string } = {},
  ): Promise<Ended> {
    await writeFile(join(this.folder, 'pipeline.config.yaml'), yaml);
    const world = this.world(options);
    const exitCode = await main([...argv, '--json'], world);
    return {
      exitCode,
      world,
      report: (world.stdout.text.startsWith('{') ? parseReport(world.stdout.text) : undefined) as RunReport,
    };
  }

  world({ env = {}, ...options }: TestWorldOptions = {}): TestWorld {
    return testWorld({ cwd: this.folder, tmpdir: this.folder, env: { ...this.env, ...env }, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Both labels go to repos of this hub. */
export const onHub = ({ url, token }: Pick<LocalHub, 'url' | 'token'>) => ({
  HF_ENDPOINT: url,
  HF_TOKEN: token,
  DEPARTMENT_DATASET: 'tester/department',
  URGENCY_DATASET: 'tester/urgency',
});

/** Complaints 1 … n, of which the first `mistakes` were reported, reviewed and corrected in both labels. */
export function fillPlain(complaints: number, mistakes: number): string {
  return `
INSERT INTO complaints (id, department, urgency, message)
SELECT i, (ARRAY['Municipal Governance & Community Services', 'Education, Health & Social Welfare', 'Infrastructure, Utilities & Natural Resources', 'Security & Law Enforcement'])[1 + i % 4],
  (ARRAY['NORMAL', 'URGENT', 'HIGHLY URGENT'])[1 + i % 3], 'complaint ' || i || ' about <b>ward</b> ' || i % 32
FROM generate_series(1, ${complaints}) i;
INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_department, correct_urgency, reviewed, reviewed_at)
SELECT id, 'Security & Law Enforcement', 'NORMAL', (ARRAY['Municipal Governance & Community Services', 'Education, Health & Social Welfare'])[1 + id % 2],
  (ARRAY['URGENT', 'HIGHLY URGENT'])[1 + id % 2], true, timestamptz '2026-01-01' + id * interval '1 minute'
FROM complaints WHERE id <= ${mistakes};`;
}
