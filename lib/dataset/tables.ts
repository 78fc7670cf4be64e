import type { Source } from '../events.ts';
import { identifier } from '../sql.ts';
import type { Data } from './parquet.ts';

/** The engine's tables that the steps hand to each other. A name is quoted already. */

/** Rows as they came: (key, text, too_long, value, origin). They lie in spool files, so each reading parses them again. */
export interface Fetched {
  view: string;
  /** For whoever reads the rows last to remove. */
  files: string[];
  /** The transaction that they were read in. */
  snapshot: { id: string; takenAt: Date };
}

/**
 * Cleaned rows: (row, key, origin, value, class, hash, changed, characters, bytes, email, phone, reason). `class` is the id, `hash` 128 bits
 * of the text; bit i of `changed` says that stage i of the cleaning changed the text; `characters`, `bytes`, `email` and `phone` are of the
 * cleaned text; `reason` is null for rows that are kept. A row dropped as `duplicate` belongs to the group of the row that stands for it.
 */
export interface Cleaned {
  table: string;
  /**
   * Their texts: (row, raw, text), and what else was found while they were read; `raw` is the text as it came, where it is shown. Apart,
   * since most questions are not about them.
   */
  texts: string;
  fetched: Fetched;
}

/** Kept rows with their split: (row, class, split, ordinal, position, text_hash, key_hash); `split` is its place in the spec. */
export interface Assigned {
  table: string;
  /** Rows of each text group, duplicates included: (row, hash, class, key, published, text_hash, key_hash). */
  members: string;
  /** Groups that the ledger knows: (hash, class, split, merged); `merged`: earlier versions had it in several splits. */
  remembered: string;
  cleaned: Cleaned;
  /** Once they are written; lib/dataset/parquet.ts. */
  data?: Data;
}

/**
 * The published ledger: (text_hash, key_hash, class, split, ordinal, version). `version` is the one that first published the text. key_hash,
 * class and version are null where they are not known.
 */
export interface Ledger {
  table: string;
}

const STAGES = ['texts', 'cleaned', 'assigned', 'members', 'remembered', 'ledger'] as const;

/** The table of a label's rows at one stage; as they were fetched, a view. */
export function tableOf(stage: 'fetched' | (typeof STAGES)[number], label: string): string {
  return identifier(`${stage}_${label}`);
}

/** Plan to make room for the next label. */
export function planDrop(label: string): string {
  return STAGES.map((stage) => `DROP TABLE IF EXISTS ${tableOf(stage, label)}`).join('; ');
}

/** Position = value of the column `origin`. */
export const ORIGINS: readonly Source[] = ['misclassified', 'correct'];

/** Order of keys: integers by value, then all others by their bytes. */
export function planKeyOrder(key: string): string {
  return `${planIntegerKey(key)} NULLS LAST, ${key}`;
}

/** The smallest key of a group, in that order. */
export function planSmallestKey(key: string): string {
  return `coalesce(min(${planIntegerKey(key)})::VARCHAR, min(${key}))`;
}

function planIntegerKey(key: string): string {
  return `CASE WHEN regexp_full_match(${key}, '0|-?[1-9][0-9]{0,36}') THEN ${key}::HUGEINT END`;
}

/** The ledger's 64 bits of a cleaned row's 128-bit hash. */
export function planTextHash(hash: string): string {
  return `(${hash} & 18446744073709551615::UHUGEINT)::UBIGINT`;
}

/** The 128-bit hash of a cleaned text. `$salt` keys it: without LEDGER_KEY it is empty. */
export function planHash(text: string): string {
  return `md5_number($salt || 'text:' || ${text})`;
}

export function planKeyHash(key: string): string {
  return `md5_number_lower($salt || 'key:' || ${key})`;
}
