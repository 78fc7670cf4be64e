import { join } from 'node:path';
import type { Transfer } from './chunks.ts';
import type { Distributed } from './distributed.ts';
import type { Measure } from './measure.ts';

/** Raw figures, as results.json keeps them: seconds and bytes, every run. A part that was not measured is missing. */
export interface Results {
  machine?: Machine;
  compare?: Dated<CompareResult>;
  growth?: Dated<{ sizes: GrowthResult[] }>;
  memory?: Dated<{ complaints: number; limits: { memoryLimit: string; ours: Measure[] }[] }>;
  secondVersion?: Dated<{ sizes: SecondVersionResult[] }>;
  footprint?: Dated<FootprintResult>;
  profile?: Dated<ProfileResult>;
  distributed?: Dated<Distributed>;
}

export type Dated<T> = T & {
  /** ISO 8601, UTC. */
  measuredAt: string;
};

export interface Machine {
  processor: string;
  cores: number;
  memoryBytes: number;
  system: string;
  /** Versions. */
  postgres: string;
  bun: string;
  python: string;
}

/** All contenders on one database, both labels. */
export interface CompareResult {
  complaints: number;
  /** Rows that ours publishes. */
  rows: number;
  ours: Measure[];
  python: Measure[];
  floor: Measure[];
  /** The Python way with PostgreSQL's default work_mem; null: it did not end within `limitSeconds`. */
  pythonDefault: { limitSeconds: number; run: Measure | null };
}

export interface GrowthResult {
  complaints: number;
  rows: number;
  ours: Measure[];
  floor: Measure[];
}

/** What happened to the database between two versions. */
export const CHANGES = ['appended', 'changed'] as const;
export type Change = (typeof CHANGES)[number];

/** Who wrote both versions. */
export const WRITERS = ['ours', 'shuffled', 'official', 'service'] as const;
export type Writer = (typeof WRITERS)[number];

export interface SecondVersionResult {
  complaints: number;
  transfers: TransferResult[];
}

export interface TransferResult {
  change: Change;
  writer: Writer;
  /** The Parquet files with the rows. */
  data: Transfer;
  /** Every file of the version, the ledger too; for ours only. */
  all?: Transfer;
}

export interface FootprintResult {
  ours: Installed;
  python: Installed;
  /** Bytes of Bun's program, which is not in `ours`. */
  bunBytes: number;
  /** `firstHelp`: with nothing that Bun compiled before. */
  coldStart: { help: Measure[]; firstHelp: Measure[]; pythonImports: Measure[] };
}

export interface Installed {
  packages: number;
  /** Apparent size of all files. */
  bytes: number;
}

/** Where the time of a run goes. Seconds are medians. */
export interface ProfileResult {
  complaints: number;
  total: number;
  /** As the report has them. */
  labels: { label: string; steps: Record<string, number>; floor: number }[];
}

export const DIRECTORY = import.meta.dir;
const FILE = 'results.json';

export async function readResults(directory = DIRECTORY): Promise<Results> {
  const file = Bun.file(join(directory, FILE));
  return (await file.exists()) ? ((await file.json()) as Results) : {};
}

/** Replace the parts that were measured; the others stay. */
export async function mergeResults(measured: Results, directory = DIRECTORY): Promise<Results> {
  const results = { ...(await readResults(directory)), ...measured };
  await Bun.write(join(directory, FILE), `${JSON.stringify(results, null, 2)}\n`);
  return results;
}
