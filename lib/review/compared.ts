import { isData, splitOfShard } from '../dataset/files.ts';
import {
  classesOf,
  createLedger,
  fetchFile,
  type PublishedVersion,
  parseMetadata,
  readLedger,
  type VersionMetadata,
} from '../dataset/published.ts';
import { planHash, planTextHash } from '../dataset/tables.ts';
import type { Existing } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import { type LabelRun, type Run, warn } from '../run.ts';
import { identifier, literal } from '../sql.ts';

/** A version whose rows are in the engine, to compare with. */
export interface Compared {
  /** Rows: (id, text_hash, class, split); `class` is the name, `split` the name, `id` counts from 1 in the order of the files. */
  table: string;
  /** The version's ledger, which knows the keys of these texts. */
  ledger: string;
  metadata: VersionMetadata | undefined;
  /** Text of the rows with these ids, in their order. */
  texts(ids: number[]): Promise<string[]>;
}

/**
 * Read the rows of the target's head, or of the version that --against names.
 *
 * @returns undefined where there is no such version
 */
export async function readCompared(
  run: Run,
  label: LabelRun,
  published: PublishedVersion,
): Promise<Compared | undefined> {
  const { against } = run.options;
  const head = against === undefined ? published.head : await label.target.readVersion(against);
  if (head.state !== 'published') return undefined;
  const metadata = against === undefined ? published.metadata : parseMetadata(label, head.metadata);
  const table = identifier(`compared_${label.spec.name}`);
  const files = await loadRows(run, label, head, metadata, table);
  const isLoaded = against === undefined && !run.options.resplit;
  const ledger = isLoaded ? published.ledger.table : await loadKeys(run, label, head, metadata);
  return { table, ledger, metadata, texts: (ids) => readTexts(run, table, files, ids) };
}

interface ShardFile {
  file: string;
  column: string;
  first: number;
}

async function loadRows(
  run: Run,
  label: LabelRun,
  head: Existing,
  metadata: VersionMetadata | undefined,
  table: string,
): Promise<ShardFile[]> {
  const columns = metadata?.columns ?? label.spec.columns;
  const classes = classesOf(metadata) ?? label.spec.classes;
  const name = `CASE ${identifier(columns.label)}::VARCHAR ${classes.map((each, id) => `WHEN '${id}' THEN ${literal(each)}`).join(' ')} END`;
  const shards: ShardFile[] = [];
  await run.engine.run(`CREATE OR REPLACE TABLE ${table} (id BIGINT, text_hash UBIGINT, class VARCHAR, split VARCHAR)`);
  for (const { path } of head.files.filter((file) => isData(file.path))) {
    const file = await fetchFile(run, label, head, path);
    const { rows: first } = await run.engine.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`);
    const text = identifier(columns.text);
    await run.engine.run(
      `INSERT INTO ${table} SELECT ${first} + file_row_number + 1, ${planTextHash(planHash(text))}, ${name}, ${literal(splitOfShard(path) ?? '')}
FROM read_parquet(${literal(file)}, file_row_number=true) WHERE ${text} IS NOT NULL`,
      { salt: run.salt },
    );
    shards.push({ file, column: columns.text, first });
  }
  return shards;
}

/** Which record stood for which text: (text_hash, key_hash). None where the ledger cannot be read: its target may be repaired by --resplit. */
async function loadKeys(
  run: Run,
  label: LabelRun,
  head: Existing,
  metadata: VersionMetadata | undefined,
): Promise<string> {
  const ledger = { table: identifier(`compared_ledger_${label.spec.name}`) };
  await createLedger(run, ledger);
  try {
    await readLedger(run, label, head, metadata, ledger);
  } catch (thrown) {
    const isLedger = thrown instanceof PipelineError && /^LEDGER_/.test(thrown.code);
    if (!isLedger) throw thrown;
    const version = metadata?.version_tag ?? 'the published version';
    warn(
      run,
      `the ledger of ${version} cannot be read (${thrown.code}): re-cleaned rows count as removed and added`,
      label.spec.name,
    );
  }
  return ledger.table;
}

async function readTexts(run: Run, table: string, shards: ShardFile[], ids: number[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const parts = shards.map(
    ({ file, column, first }) =>
      `SELECT ${first} + file_row_number + 1 AS id, ${identifier(column)} AS text FROM read_parquet(${literal(file)}, file_row_number=true)`,
  );
  const rows = await run.engine.rows<{ id: number; text: string }>(
    `SELECT p.id, p.text FROM (${parts.join(' UNION ALL ')}) p JOIN ${table} t ON t.id = p.id WHERE p.id IN (${ids.join(', ')})`,
  );
  return ids.map((id) => rows.find((row) => row.id === id)?.text ?? '');
}
