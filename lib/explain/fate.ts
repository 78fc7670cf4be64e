import { ORIGINS, planKeyHash, planTextHash, tableOf } from '../dataset/tables.ts';
import type { Source } from '../events.ts';
import type { DropReason } from '../report/report.ts';
import type { LabelRun, Run } from '../run.ts';
import { nearest } from '../spec/nearest.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';

const MOST_ROWS = 5; // of one key, that are told

/** A row that was fetched, and what the run made of it so far. */
export interface FetchedRow {
  source: Source;
  value: string | null;
  text: string | null;
  /** Undefined where the label ended before it was cleaned. */
  fate: Fate | undefined;
}

export type Fate =
  | { kind: 'kept'; class: string; placed: Placed | undefined }
  | { kind: 'dropped'; reason: Exclude<DropReason, DropDetail['reason']> }
  | ({ kind: 'dropped' } & DropDetail);

type DropDetail =
  | { reason: 'duplicate_key'; first: { source: Source; value: string | null } }
  | { reason: 'unknown_class'; nearest: string | undefined }
  | {
      reason: 'conflict';
      classes: { name: string; reviewed: number; unreviewed: number }[];
      winner: string | undefined;
    }
  | { reason: 'duplicate'; key: string; source: Source; placed: Placed | undefined };

/** The split of a text, and what earlier versions have to do with it. */
export interface Placed {
  split: string;
  /** Undefined where no version knew the text, or a key that it stands under. */
  memory: Memory | undefined;
}

export interface Memory {
  split: string;
  /** The version that first published what is remembered; null where the ledger does not say. */
  version: string | null;
  /** By the text itself, by the record's key under another text, or by the key of another record with this text. */
  by: 'text' | 'key' | 'duplicate';
  /** That other record's. */
  key?: string;
  /** Splits that earlier versions had it in besides: the one listed first won. */
  others: string[];
}

interface CleanedRow {
  row: number;
  origin: number;
  value: string | null;
  dotted: string | null;
  reason?: DropReason | null;
  class?: number | null;
  hash?: string | null;
  cleaned?: boolean;
}

/** Read what became of a key from the tables that the steps have left; a label that ended early has not all of them. */
export async function readFates(
  run: Run,
  label: LabelRun,
  key: string,
): Promise<{ rows: FetchedRow[]; memory: Memory | undefined }> {
  const tables = new Tables(run, label, await listTables(run, label));
  const rows: FetchedRow[] = [];
  const found = await tables.rowsOf(key);
  const goesFirst = found.find(({ reason }) => reason !== 'duplicate_key');
  for (const row of found) {
    rows.push({
      source: sourceOf(row.origin),
      value: row.value,
      text: row.dotted === null ? null : row.dotted.slice(1),
      fate: row.cleaned ? await readFate(tables, row, key, goesFirst) : undefined,
    });
  }
  return { rows, memory: await tables.memoryOfKey(key) };
}

async function readFate(tables: Tables, row: CleanedRow, key: string, goesFirst?: CleanedRow): Promise<Fate> {
  const { spec } = tables.label;
  const { reason, hash } = row;
  switch (reason) {
    case null:
    case undefined:
      return { kind: 'kept', class: spec.classes[row.class ?? -1] ?? '', placed: await tables.place(row, key) };
    case 'duplicate_key': {
      const first = { source: sourceOf(goesFirst?.origin ?? 0), value: goesFirst?.value ?? null };
      return { kind: 'dropped', reason, first };
    }
    case 'unknown_class':
      return { kind: 'dropped', reason, nearest: nearest(row.value ?? '', spec.classes) };
    case 'conflict':
      return { kind: 'dropped', reason, ...(await tables.conflictOf(hash)) };
    case 'duplicate': {
      const other = await tables.representativeOf(hash);
      const placed = await tables.place(other, key);
      return { kind: 'dropped', reason, key: other.key, source: sourceOf(other.origin), placed };
    }
    default:
      return { kind: 'dropped', reason };
  }
}

function sourceOf(origin: number): Source {
  return ORIGINS[origin] ?? 'correct';
}

type Stage = Parameters<typeof tableOf>[0];

async function listTables({ engine }: Run, { spec }: LabelRun): Promise<Set<Stage>> {
  const stages: Stage[] = ['fetched', 'cleaned', 'assigned', 'ledger'];
  const made = await engine.rows<{ name: string }>(`SELECT table_name AS name FROM information_schema.tables`);
  return new Set(stages.filter((stage) => made.some(({ name }) => tableOf(stage, spec.name) === `"${name}"`)));
}

/** Rows that a text stands on: those that are kept or whose text was in doubt. */
const IN_GROUP = `(reason IS NULL OR reason IN ('conflict', 'duplicate'))`;

/** Questions to the tables of one label. */
class Tables {
  constructor(
    readonly run: Run,
    readonly label: LabelRun,
    readonly made: ReadonlySet<Stage>,
  ) {}

  #name(stage: Stage): string {
    return tableOf(stage, this.label.spec.name);
  }

  async rowsOf(key: string): Promise<CleanedRow[]> {
    if (!this.made.has('fetched')) return [];
    // The dot keeps a byte order mark, which the driver drops from the start of a text.
    const where = `WHERE key = ${literal(key)}`;
    const select = this.made.has('cleaned')
      ? `SELECT c."row" AS row, c.origin, c.value, '.' || raw AS dotted, true AS cleaned, c.reason, c.class, c.hash::VARCHAR AS hash
FROM (FROM ${this.#name('cleaned')} ${where}) c JOIN ${this.#name('texts')} t ON t."row" = c."row"
ORDER BY c.origin, c.reason NULLS FIRST, c.value, c.hash`
      : `SELECT origin, value, '.' || text AS dotted FROM ${this.#name('fetched')} ${where} ORDER BY origin, value`;
    return this.run.engine.rows<CleanedRow>(`${select} LIMIT ${MOST_ROWS}`);
  }

  async conflictOf(hash: string | null | undefined): Promise<Omit<DropDetail & { reason: 'conflict' }, 'reason'>> {
    const { classes: names } = this.label.spec;
    const found = await this.run.engine.rows<{ class: number; reviewed: number; unreviewed: number; won: boolean }>(
      `SELECT class, count(*) FILTER (origin = 0) AS reviewed, count(*) FILTER (origin <> 0) AS unreviewed,
  bool_or(reason IS DISTINCT FROM 'conflict') AS won
FROM ${this.#name('cleaned')} WHERE hash = ${hash} AND ${IN_GROUP} GROUP BY class ORDER BY class`,
    );
    const classes = found.map(({ class: id, reviewed, unreviewed }) => ({
      name: names[id] ?? '',
      reviewed,
      unreviewed,
    }));
    return { classes, winner: names[found.find(({ won }) => won)?.class ?? -1] };
  }

  /** The row that stands for a text of several rows. */
  async representativeOf(hash: string | null | undefined): Promise<CleanedRow & { key: string }> {
    return this.run.engine.row(
      `SELECT "row" AS row, key, origin, hash::VARCHAR AS hash FROM ${this.#name('cleaned')} WHERE hash = ${hash} AND reason IS NULL`,
    );
  }

  async place({ row, hash }: Pick<CleanedRow, 'row' | 'hash'>, key: string): Promise<Placed | undefined> {
    if (!this.made.has('assigned')) return undefined;
    const [assigned] = await this.run.engine.rows<{ split: number }>(
      `SELECT split FROM ${this.#name('assigned')} WHERE "row" = ${row}`,
    );
    const split = this.label.spec.split[assigned?.split ?? -1]?.name;
    if (split === undefined) return undefined;
    const entries = await this.run.engine.rows<Entry>(
      `SELECT l.split, l.version, l.text_hash = m.text_hash AS by_text, m.key
FROM (
  SELECT key, ${planTextHash('hash')} AS text_hash, ${planKeyHash('key')} AS key_hash FROM ${this.#name('cleaned')}
  WHERE hash = ${hash} AND (reason IS NULL OR reason = 'duplicate')
) m JOIN ${this.#name('ledger')} l ON l.text_hash = m.text_hash OR l.key_hash = m.key_hash
ORDER BY l.ordinal, m.key`,
      { salt: this.run.salt },
    );
    return { split, memory: planMemory(split, entries, key, this.label.spec) };
  }

  /** What the ledger has of the key itself, whatever became of the record now. */
  async memoryOfKey(key: string): Promise<Memory | undefined> {
    if (!this.made.has('ledger')) return undefined;
    const [entry] = await this.run.engine.rows<{ split: string; version: string | null }>(
      `SELECT split, version FROM ${this.#name('ledger')} WHERE key_hash = ${planKeyHash(literal(key))} ORDER BY ordinal DESC LIMIT 1`,
      { salt: this.run.salt },
    );
    return entry && { ...entry, by: 'key', others: [] };
  }
}

export interface Entry {
  split: string;
  version: string | null;
  by_text: boolean;
  key: string;
}

/**
 * Plan what to say of the past: what the ledger has of the text goes before what it has of the key, and that before another record's key.
 *
 * @param entries those that match the text, or a key that it stands under, in the order of publication
 */
export function planMemory(
  split: string,
  entries: Entry[],
  key: string,
  { split: splits }: Pick<LabelSpec, 'split'>,
): Memory | undefined {
  const agreeing = entries.filter((entry) => entry.split === split);
  const decisive =
    agreeing.find((entry) => entry.by_text) ?? agreeing.find((entry) => entry.key === key) ?? agreeing[0];
  if (!decisive) return undefined;
  const known = splits.map(({ name }) => name);
  const others = known.filter((name) => name !== split && entries.some((entry) => entry.split === name));
  const { version } = decisive;
  if (decisive.by_text) return { split, version, by: 'text', others };
  if (decisive.key === key) return { split, version, by: 'key', others };
  return { split, version, by: 'duplicate', key: decisive.key, others };
}
