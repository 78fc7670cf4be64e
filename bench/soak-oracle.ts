import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** What must hold of every version, computed from what is published alone: nothing here is taken from the program. */

export type Violation =
  | 'files' // are not those that the metadata names, in size and sha256
  | 'sums' // rows fetched are not rows kept + rows dropped, or counts are not those of the files
  | 'two_splits' // a text stands twice
  | 'unknown_text' // a text that the source does not have
  | 'moved' // a text or key has another split than an earlier version gave it
  | 'ledger' // is not what all versions together say
  | 'tags' // are not the versions, in their order
  | 'changed'; // an earlier version has other bytes than when it was published

export interface Found {
  violation: Violation;
  detail: string;
}

export interface Row {
  text: string;
  split: string;
}

interface Entry {
  text: string; // hashes, decimal
  key: string;
  split: string;
  version: string;
}

interface Metadata {
  version_tag: string;
  num_samples: number;
  label2id: Record<string, number>;
  splits: Record<string, number>;
  class_counts: Record<string, Record<string, number>>;
  sources: Record<'misclassified' | 'correct', { fetched: number; kept: number }>;
  dropped: Record<string, number>;
  files: Record<string, { size: number; sha256: string }>;
  ledger: { sha256: string };
}

/** All versions of a dataset, as they can be read now: tag → path → bytes. */
export type Versions = ReadonlyMap<string, () => Promise<ReadonlyMap<string, Uint8Array>>>;

/** What the oracle saw. */
export interface Counts {
  versions: number;
  texts: number;
  /** Rows with a text that an earlier version had and the one before had not. */
  returned: number;
  /** Texts whose histories met: the split listed first won. */
  merged: number;
  moved: number;
}

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const half = (text: string, offset: 0 | 8) =>
  createHash('md5').update(text).digest().readBigUInt64LE(offset).toString();
export const textHash = (text: string) => half(`text:${text}`, 0);
export const keyHash = (key: string) => half(`key:${key}`, 8);

/** One dataset through all of its versions. */
export class Oracle {
  readonly counts: Counts = { versions: 0, texts: 0, returned: 0, merged: 0, moved: 0 };
  readonly #byText = new Map<string, Map<string, string>>(); // text → key → split
  readonly #byKey = new Map<string, Set<string>>(); // key → texts
  readonly #since = new Map<string, string>(); // text → version
  readonly #versions: string[] = [];
  readonly #digests = new Map<string, string>(); // version → of all its files
  #before = new Set<string>();

  /** @param splits in the order of the spec */
  constructor(readonly splits: readonly string[]) {}

  /**
   * Examine what was published last.
   *
   * @param folder its files
   * @param keysByText what stood in the source then: text → keys
   */
  async examine(folder: string, keysByText: ReadonlyMap<string, readonly string[]>): Promise<Found[]> {
    const metadata = await readMetadata(folder);
    const { rows, ledger, classes } = await readVersion(folder, metadata);
    this.counts.versions++;
    this.#versions.push(metadata.version_tag);
    return [
      ...(await findInFiles(folder)),
      ...findInSums(metadata, rows, classes),
      ...this.#judge(rows, ledger, keysByText, metadata.version_tag),
    ];
  }

  /** Whether the versions are those that were examined, and the earlier ones what they were. */
  async examineAll(versions: Versions): Promise<Found[]> {
    const found: Found[] = [];
    const tags = [...versions.keys()].sort();
    if (tags.join() !== this.#versions.join())
      found.push({ violation: 'tags', detail: `${tags} instead of ${this.#versions}` });
    for (const [version, read] of versions) {
      const digest = digestOf(await read());
      if (digest !== (this.#digests.get(version) ?? digest)) found.push({ violation: 'changed', detail: version });
      this.#digests.set(version, digest);
    }
    return found;
  }

  #judge(
    rows: readonly Row[],
    ledger: readonly Entry[],
    keysByText: ReadonlyMap<string, readonly string[]>,
    version: string,
  ): Found[] {
    const found: Found[] = [];
    const written = Map.groupBy(ledger, ({ text }) => text);
    const now = new Set<string>();
    for (const { text, split } of rows) {
      const hash = textHash(text);
      if (now.has(hash)) found.push({ violation: 'two_splits', detail: text });
      if (!keysByText.has(text)) found.push({ violation: 'unknown_text', detail: text });
      now.add(hash);
      const keys = (keysByText.get(text) ?? []).map(keyHash);
      found.push(...this.#remember({ text: hash, split }, keys, written.get(hash) ?? [], version));
    }
    this.#before = now;
    found.push(...this.#compare(ledger));
    return found;
  }

  /** One published text: whether it may be where it is, then as what all later versions know. */
  #remember({ text, split }: Row, keys: string[], written: Entry[], version: string): Found[] {
    const found: Found[] = [];
    const entries = this.#byText.get(text) ?? new Map<string, string>();
    const known = entries.values().next().value;
    const fresh = written.map(({ key }) => key).filter((key) => !entries.has(key));
    if (fresh.length > 1 || written.length === 0 || fresh.some((key) => !keys.includes(key)))
      found.push({ violation: 'ledger', detail: `text ${text}: entries of keys that it was not published with` });
    const earlier = [known, ...fresh.flatMap((key) => this.#splitsOf(key))].filter((each) => each !== undefined);
    const allowed = [known, ...keys.flatMap((key) => this.#splitsOf(key))];
    const place = (name: string) => this.splits.indexOf(name);
    if (earlier.length > 0) {
      const first = Math.min(...earlier.map(place));
      if (place(split) > first || !allowed.includes(split)) {
        this.counts.moved++;
        found.push({ violation: 'moved', detail: `text ${text}: from ${[...new Set(earlier)]} to ${split}` });
      } else if (earlier.some((each) => each !== split)) this.counts.merged++;
    }
    if (known !== undefined && !this.#before.has(text)) this.counts.returned++;
    if (known === undefined) {
      this.#since.set(text, version);
      this.counts.texts++;
    }
    for (const key of fresh) this.#byKey.set(key, (this.#byKey.get(key) ?? new Set()).add(text));
    this.#byText.set(text, new Map([...entries.keys(), ...fresh].map((key) => [key, split])));
    return found;
  }

  /** All splits that texts of a key have. */
  #splitsOf(key: string): string[] {
    return [...(this.#byKey.get(key) ?? [])].flatMap((text) => this.#byText.get(text)?.get(key) ?? []);
  }

  /** The ledger has every text that was ever published with its split and its first version, and nothing else. */
  #compare(ledger: readonly Entry[]): Found[] {
    const wanted = new Set<string>();
    for (const [text, entries] of this.#byText)
      for (const [key, split] of entries) wanted.add(`${text} ${key} ${split} ${this.#since.get(text)}`);
    const wrong = ledger
      .map((each) => `${each.text} ${each.key} ${each.split} ${each.version}`)
      .filter((line) => !wanted.delete(line));
    return [
      ...wrong.map((line) => ({ violation: 'ledger' as const, detail: `has ${line}, or has it twice` })),
      ...[...wanted].map((line) => ({ violation: 'ledger' as const, detail: `lacks ${line}` })),
    ];
  }
}

/** Whether a folder is one whole version. */
export async function findInFiles(folder: string): Promise<Found[]> {
  const found: Found[] = [];
  const { files, ledger } = await readMetadata(folder);
  const named = Object.keys(files).map((path) => path.replace('data/', ''));
  const there = (await readdir(join(folder, 'data'))).sort();
  if (there.join() !== named.sort().join()) found.push({ violation: 'files', detail: `${there} instead of ${named}` });
  for (const [path, { size, sha256: wanted }] of Object.entries(files)) {
    const bytes = await readFile(join(folder, path)).catch(() => new Uint8Array());
    if (bytes.length !== size || sha256(bytes) !== wanted) found.push({ violation: 'files', detail: path });
  }
  if (sha256(await readFile(join(folder, 'splits.parquet'))) !== ledger.sha256)
    found.push({ violation: 'files', detail: 'splits.parquet' });
  return found;
}

function findInSums(
  metadata: Metadata,
  rows: readonly Row[],
  classes: Record<string, Record<string, number>>,
): Found[] {
  const found: Found[] = [];
  const check = (what: string, is: unknown, wanted: unknown) => {
    if (JSON.stringify(is) !== JSON.stringify(wanted))
      found.push({ violation: 'sums', detail: `${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(wanted)}` });
  };
  const { sources, dropped, splits, num_samples, class_counts } = metadata;
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const each = Object.values(sources);
  check('fetched', sum(each.map(({ fetched }) => fetched)), rows.length + sum(Object.values(dropped)));
  check('kept', sum(each.map(({ kept }) => kept)), rows.length);
  check('num_samples', num_samples, rows.length);
  for (const [split, count] of Object.entries(splits)) {
    check(`splits.${split}`, count, rows.filter((row) => row.split === split).length);
    for (const [name, wanted] of Object.entries(class_counts[split] ?? {}))
      check(`class_counts.${split}.${name}`, wanted, classes[split]?.[name] ?? 0);
  }
  return found;
}

/** Rows and ledger of a version by an engine of their own. */
async function readVersion(folder: string, { splits, label2id }: Metadata) {
  const names = new Map(Object.entries(label2id).map(([name, id]) => [id, name]));
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const read = async (columns: string, path: string) =>
    (await connection.runAndReadAll(`SELECT ${columns} FROM read_parquet('${join(folder, path)}')`)).getRowObjects();
  try {
    const rows: Row[] = [];
    const classes: Record<string, Record<string, number>> = {};
    for (const split of Object.keys(splits)) {
      const counts: Record<string, number> = {};
      classes[split] = counts;
      for (const { grievance, label } of await read('grievance, label', `data/${split}-*.parquet`)) {
        rows.push({ text: String(grievance), split });
        const name = names.get(Number(label)) ?? '';
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    const columns = 'text_hash::VARCHAR AS text, key_hash::VARCHAR AS key, split, version';
    return { rows, classes, ledger: (await read(columns, 'splits.parquet')) as unknown as Entry[] };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function readMetadata(folder: string): Promise<Metadata> {
  return JSON.parse(await readFile(join(folder, 'dataset_metadata.json'), 'utf8'));
}

function digestOf(files: ReadonlyMap<string, Uint8Array>): string {
  return sha256(
    [...files]
      .map(([path, bytes]) => `${path} ${sha256(bytes)}`)
      .sort()
      .join('\n'),
  );
}
