import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { FOREIGN } from './faults.ts';
import { LEDGER_KEY, type Surroundings, TRAINING } from './surroundings.ts';

/** The files of one version, by path. */
type Files = ReadonlyMap<string, Uint8Array>;

interface Metadata {
  version_tag: string;
  num_samples: number;
  label2id: Record<string, number>;
  ledger: { sha256: string };
  files: Record<string, { size: number; sha256: string }>;
}

interface Stored {
  /** Where one and the same content has one and the same id: that. */
  id?: string;
  read(): Promise<Files>;
}

/** What a target holds, as whoever loads it finds it. */
interface Holding {
  /** What can be loaded under a name. */
  versions: Map<string, Stored>;
  /** The version that is loaded without a name; undefined where nothing was published. */
  head: string | undefined;
}

const VERSION = /^v\d{8}_\d{6}$/;
const sha256 = (bytes: Uint8Array) => new Bun.CryptoHasher('sha256').update(bytes).digest('hex');

/** Looks at targets from the outside, and remembers what it saw: nothing of lib/ says what is right. */
export class Audit implements AsyncDisposable {
  readonly #versions = new Map<string, string>();
  #before = 0;
  /** Target → text → split, of all that was ever published. */
  readonly #splits = new Map<string, Map<string, string>>();
  /** Runs that the history had. */
  readonly #runs = new Set<string>();

  /** Versions that were read, row by row. */
  get count(): number {
    return this.#before + this.#versions.size;
  }

  private constructor(
    readonly around: Surroundings,
    readonly targets: readonly string[],
    readonly folder: string,
    readonly database: DuckDBConnection,
  ) {}

  /** @param targets labels to look at */
  static async open(around: Surroundings, targets: readonly string[] = ['department', 'urgency']): Promise<Audit> {
    const database = await (await DuckDBInstance.create()).connect();
    return new Audit(around, targets, await mkdtemp(join(tmpdir(), 'audit-')), database);
  }

  /** Targets are new: what was published is forgotten. */
  async anew(): Promise<Audit> {
    const audit = await Audit.open(this.around, this.targets);
    audit.#before = this.count;
    await this[Symbol.asyncDispose]();
    return audit;
  }

  /** Files that hold rows, and folders with such files, that somebody else may read. */
  async #exposed(): Promise<string[]> {
    const { tmpdir, folder } = this.around;
    const entries = await readdir(tmpdir, { recursive: true, withFileTypes: true });
    const modes = await Promise.all(
      entries.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return {
          path: path.slice(folder.length),
          mode: ((await lstat(path)).mode & 0o777).toString(8),
          wanted: entry.isDirectory() ? '700' : '600',
        };
      }),
    );
    return modes.filter(({ mode, wanted }) => mode !== wanted).map(({ path, mode }) => `${path} has mode ${mode}`);
  }

  /** What is wrong right now, e.g. after a run was killed: every version that has a name must be whole. */
  async whole(): Promise<string[]> {
    const problems = await this.#exposed();
    for (const [target, holding] of await this.#holdings()) {
      if (holding.head !== undefined && !holding.versions.has(holding.head) && target === 'urgency')
        problems.push(`${target}: the link leads to ${holding.head}, which is not there`);
      for (const [version, stored] of holding.versions) problems.push(...(await this.#check(target, version, stored)));
    }
    return problems;
  }

  /** What is wrong after a run that ended well. @param expected versions that each target has, and a text that the last one holds */
  async settled(expected: { versions: number; text: string }): Promise<string[]> {
    const problems = await this.whole();
    for (const [target, { versions, head }] of await this.#holdings()) {
      const last = [...versions.keys()].sort().at(-1);
      if (versions.size !== expected.versions)
        problems.push(`${target}: ${versions.size} versions instead of ${expected.versions}`);
      if (head !== last) problems.push(`${target}: the head is ${head}, the last version ${last}`);
      if (!this.#splits.get(target)?.has(expected.text)) problems.push(`${target}: "${expected.text}" was lost`);
    }
    const spools = await this.around.spools();
    if (spools.length > 0) problems.push(`left behind: ${spools.join(', ')}`);
    const store = await readdir(join(this.around.folder, '.urgency')).catch(() => []);
    const drafts = store.filter((name) => name.startsWith('.draft'));
    if (drafts.length > 0) problems.push(`left behind: ${drafts.join(', ')}`);
    return [...problems, ...this.#restarts(), ...this.#history()];
  }

  async #holdings(): Promise<[string, Holding][]> {
    const holdings: [string, Holding][] = [
      ['department', this.#onHub()],
      ['urgency', await this.#inDirectory()],
    ];
    return holdings.filter(([target]) => this.targets.includes(target));
  }

  #onHub(): Holding {
    const repo = this.around.hub.repos.get('datasets/tester/department');
    const stored = (id: string): Stored => ({
      id,
      read: async () => new Map([...(repo?.files(id) ?? [])].map(([path, { content }]) => [path, content])),
    });
    const metadata = repo?.files().get('dataset_metadata.json')?.content;
    return {
      versions: new Map([...(repo?.tags ?? [])].map(([tag, oid]) => [tag, stored(oid)])),
      head: metadata && (parse(metadata) as Metadata).version_tag,
    };
  }

  async #inDirectory(): Promise<Holding> {
    const link = join(this.around.folder, 'urgency');
    const store = join(this.around.folder, '.urgency');
    if (!(await lstat(link).catch(() => undefined))) return { versions: new Map(), head: undefined };
    const head = basename(await readlink(link));
    const names = (await readdir(store)).filter((name) => VERSION.test(name) && name <= head);
    return { versions: new Map(names.map((name) => [name, { read: () => readFolder(join(store, name)) }])), head };
  }

  /** A version that was checked before must be the same. */
  async #check(target: string, version: string, { id, read }: Stored): Promise<string[]> {
    const name = `${target} ${version}`;
    if (id !== undefined && this.#versions.get(name) === id) return [];
    const files = await read();
    const digest =
      id ?? sha256(new TextEncoder().encode([...files].map(([path, bytes]) => path + sha256(bytes)).join('\n')));
    const known = this.#versions.get(name);
    if (known === digest) return [];
    if (known !== undefined) return [`${name}: is not what it was`];
    this.#versions.set(name, digest);
    const problems: string[] = [];
    const card = new TextDecoder().decode(files.get('README.md'));
    if (!card.startsWith('---\n') || !card.includes('dataset_info')) problems.push(`${name}: the card is none`);
    for (const part of FOREIGN) if (card.includes(part)) problems.push(`${name}: the card holds "${part}"`);
    const metadata = parse(files.get('dataset_metadata.json')) as Metadata | undefined;
    if (metadata?.version_tag !== version) return [`${name}: is ${metadata?.version_tag} by its metadata`];
    const data = [...files.keys()].filter((path) => path.endsWith('.parquet') && path !== 'splits.parquet').sort();
    if (data.join() !== Object.keys(metadata.files).sort().join())
      problems.push(`${name}: holds ${data.join()}, its metadata names ${Object.keys(metadata.files).join()}`);
    for (const [path, { size, sha256: wanted }] of Object.entries(metadata.files)) {
      const bytes = files.get(path);
      if (bytes?.length !== size || sha256(bytes) !== wanted)
        problems.push(`${name}: ${path} is not what its metadata says`);
    }
    if (sha256(files.get('splits.parquet') ?? new Uint8Array()) !== metadata.ledger.sha256)
      problems.push(`${name}: the ledger is not what its metadata says`);
    return problems.length > 0 ? problems : await this.#checkRows(target, name, files, metadata);
  }

  async #checkRows(target: string, name: string, files: Files, { num_samples }: Metadata): Promise<string[]> {
    const [folder, problems] = [await mkdtemp(join(this.folder, 'version-')), [] as string[]];
    for (const [path, bytes] of files)
      if (path.endsWith('.parquet')) await Bun.write(join(folder, basename(path)), bytes);
    const rows = `SELECT grievance AS text, label, regexp_extract(filename, '([a-z]+)-[0-9]+-of-[0-9]+', 1) AS split FROM read_parquet('${folder}/*-of-*.parquet', filename = true)`;
    const published = await this.#query(rows);
    if (published.length !== num_samples)
      problems.push(`${name}: ${published.length} rows, its metadata says ${num_samples}`);
    const before = this.#splits.get(target) ?? new Map<string, string>();
    this.#splits.set(target, before);
    for (const { text, split } of published) {
      const earlier = before.get(String(text));
      if (earlier !== undefined && earlier !== split) problems.push(`${name}: a text went from ${earlier} to ${split}`);
      before.set(String(text), String(split));
    }
    const [ledger] =
      await this.#query(`WITH rows AS (SELECT DISTINCT (md5_number('${LEDGER_KEY}text:' || text) & 18446744073709551615::UHUGEINT)::UBIGINT AS hash, split FROM (${rows})),
      ledger AS (SELECT DISTINCT text_hash AS hash, split FROM '${folder}/splits.parquet')
      SELECT (SELECT count(*) FROM rows ANTI JOIN ledger USING (hash, split)) AS missing,
        (SELECT count(*) - count(DISTINCT hash) FROM ledger) AS torn, (SELECT count(*) FROM ledger) AS texts`);
    if (Number(ledger?.missing) > 0) problems.push(`${name}: the ledger lacks ${ledger?.missing} of its rows`);
    if (Number(ledger?.torn) > 0) problems.push(`${name}: the ledger has ${ledger?.torn} texts in two splits`);
    if (Number(ledger?.texts) !== before.size)
      problems.push(`${name}: the ledger has ${ledger?.texts} texts of the ${before.size} ever published`);
    await rm(folder, { recursive: true });
    return problems;
  }

  async #query(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.database.runAndReadAll(sql)).getRowObjectsJS();
  }

  /** The Space that trains was told the last version, and started anew after it was there. */
  #restarts(): string[] {
    const { hub } = this.around;
    const last = [...(hub.repos.get('datasets/tester/department')?.tags.keys() ?? [])].sort().at(-1);
    const told = hub.spaces.get(TRAINING)?.variables.get('DATASET_VERSION')?.value;
    const done = (path: string) =>
      hub.requests.findLastIndex((each) => each.path.includes(path) && each.method === 'POST' && each.status === 200);
    return [
      ...(told === last ? [] : [`${TRAINING} was told ${told}, the last version is ${last}`]),
      ...(done(`${TRAINING}/restart`) > done('tester/department/commit/') ? [] : [`${TRAINING} was not restarted`]),
    ];
  }

  #history(): string[] {
    const lines = this.around.hub.repos.get('datasets/tester/runs')?.readText('runs.jsonl').trimEnd().split('\n') ?? [];
    const runs = lines.map((line) => (parseLine(line) as { run: string } | undefined)?.run ?? '');
    const lost = [...this.#runs].filter((run) => !runs.includes(run));
    for (const run of runs) this.#runs.add(run);
    return [
      ...(new Set(runs).size === runs.length ? [] : ['the history has a run twice']),
      ...(runs.includes('') ? ['the history has a line that is no run'] : []),
      ...lost.map((run) => `the history lost ${run}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.database.closeSync();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function parse(bytes: Uint8Array | undefined): unknown {
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function readFolder(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(folder.length + 1), await readFile(file)] as [string, Uint8Array]),
    ),
  );
}
