import { ORIGINS, tableOf } from '../dataset/tables.ts';
import type { Snapshot } from '../edges/postgres.ts';
import type { Source } from '../events.ts';
import type { LabelRun, Run } from '../run.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';
import { planRank } from '../steps/balance.ts';

const MOST_ROWS = 5; // of one key in one source, that are looked at
const VALUE_LENGTH = 1000; // characters of a label, as the fetch has it

/** A row of a source as the database has it. */
export interface SourceRow {
  source: Source;
  value: string | null;
  characters: number | null;
  bytes: number | null;
  /** Null also where it is longer than max_text_bytes. */
  text: string | null;
}

/** What one source has under the key. */
export interface SourceRecord {
  source: Source;
  /** The first of them. */
  rows: SourceRow[];
  total: number;
  /** Where the record stands among the rows of a source of which only some were taken, and it was not. */
  leftOut?: { rank: number; of: number; asked: number };
}

/** Look the key up in both sources, in the snapshot that the label was read in, once its rows are loaded. */
export async function lookUp(
  { engine }: Run,
  snapshot: Snapshot,
  { spec, report }: LabelRun,
  key: string,
): Promise<SourceRecord[]> {
  const chosen = await engine.rows<{ origin: number }>(
    `SELECT DISTINCT origin FROM ${tableOf('fetched', spec.name)} WHERE key = ${literal(key)}`,
  );
  const records: SourceRecord[] = [];
  for (const [origin, source] of ORIGINS.entries()) {
    const found = await snapshot.rows(planLookup(spec, spec.sources[source], key));
    const record = { source, rows: found.map((row) => toSourceRow(source, row)), total: Number(found[0]?.total ?? 0) };
    if (record.total === 0 || chosen.some((row) => row.origin === origin)) {
      records.push(record);
      continue;
    }
    const [rank] = await snapshot.rows(planRank(spec, spec.sources[source], key));
    const asked = (source === 'correct' ? report.fetched?.asked : report.fetched?.misclassified) ?? 0;
    records.push({ ...record, leftOut: { rank: Number(rank?.before) + 1, of: Number(rank?.total), asked } });
  }
  return records;
}

/** The key is the user's, so it is a literal; it compares in its text form, as the fetch has it. */
export function planLookup({ maxTextBytes }: Pick<LabelSpec, 'maxTextBytes'>, source: string, key: string): string {
  const text = 'source.text::text';
  const columns = [
    `left(source.label::text, ${VALUE_LENGTH}) AS value`,
    `char_length(${text})::text AS characters`,
    `octet_length(${text})::text AS bytes`,
    `CASE WHEN octet_length(${text}) <= ${maxTextBytes} THEN ${text} END AS text`,
    `(count(*) OVER ())::text AS total`,
  ];
  return `SELECT ${columns.join(',\n  ')}\nFROM (\n${source}\n) AS source
WHERE source.key::text = ${literal(key)}
ORDER BY source.label::text COLLATE "C", ${text} COLLATE "C"\nLIMIT ${MOST_ROWS}`;
}

function toSourceRow(source: Source, row: Record<string, string | null>): SourceRow {
  const number = (value: string | null | undefined) => (value == null ? null : Number(value));
  return {
    source,
    value: row.value ?? null,
    characters: number(row.characters),
    bytes: number(row.bytes),
    text: row.text ?? null,
  };
}
