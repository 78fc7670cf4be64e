/** Names of the files of a version, and what they mean. */

export const METADATA = 'dataset_metadata.json';
export const LEDGER = 'splits.parquet';
export const CARD = 'README.md';

const SHARD = /^data\/(\w+)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.parquet$/;
const DATA = /\.(parquet|csv|tsv|jsonl?|arrow|txt)(\.(gz|zst|bz2|xz|zip))?$/;

/** `data/train-00000-of-00001.parquet`, as push_to_hub names it. */
export function shardPath(split: string, index: number, shards: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return `data/${split}-${number(index)}-of-${number(shards)}.parquet`;
}

/** The split that a shard belongs to; undefined for any other file. Older clients put a fingerprint into the name. */
export function splitOfShard(path: string): string | undefined {
  return SHARD.exec(path)?.[1];
}

/** Whether `datasets` would take the file for data. */
export function isData(path: string): boolean {
  return DATA.test(path) && path !== LEDGER && path !== METADATA && path !== 'dataset_infos.json';
}
