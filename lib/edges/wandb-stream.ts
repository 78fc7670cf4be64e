const MOST_BYTES = (10 << 20) - (100 << 10); // of a line and of a request: W&B's limit, less what surrounds the lines
const LONGEST_LINE = 100_000; // characters of a console line

interface Chunk {
  /** Index of the first line. */
  offset: number;
  content: string[];
}

/** Body of a request to `file_stream`; without a key it is a heartbeat. */
export interface StreamRequest {
  files?: Record<string, Chunk>;
  /** Files that were stored since the last request. */
  uploaded?: string[];
  complete?: true;
  exitcode?: number;
}

export type Row = Record<string, number | string | object>;

/** What a run has to say and has not said yet: rows of the history, lines of the console, the summary. */
export class WandbStream {
  readonly #startedAt: Date;
  readonly #history = new Lines('wandb-history.jsonl');
  readonly #console = new Lines('output.log');
  readonly #summary: Row = {};
  #summaryChanged = false;
  #uploaded: string[] = [];
  #steps = 0;

  constructor(startedAt: Date) {
    this.#startedAt = startedAt;
  }

  /** Add a row; the summary has the last value of each key. */
  log(values: Row, at: Date): void {
    const runtime = Math.max(0, (at.getTime() - this.#startedAt.getTime()) / 1000);
    const row = { ...values, _step: this.#steps++, _timestamp: at.getTime() / 1000, _runtime: runtime };
    this.#history.add(JSON.stringify(row));
    Object.assign(this.#summary, row, { _runtime: Math.floor(runtime), _wandb: { runtime: Math.floor(runtime) } });
    this.#summaryChanged = true;
  }

  /** The step that the next row gets. */
  get step(): number {
    return this.#steps;
  }

  print(text: string, at: Date, isError: boolean): void {
    const time = at.toISOString().replace(/Z$/, '000'); // microseconds, UTC
    for (const line of text.split('\n'))
      this.#console.add(`${isError ? 'ERROR ' : ''}${time} ${line.slice(0, LONGEST_LINE)}`);
  }

  uploaded(name: string): void {
    this.#uploaded.push(name);
  }

  get isEmpty(): boolean {
    return this.#history.isEmpty && this.#console.isEmpty && !this.#summaryChanged && this.#uploaded.length === 0;
  }

  /** Take what fits into one request; undefined when all is taken. It must be sent as it is until it arrives: offsets count on. */
  take(): StreamRequest | undefined {
    const budget = { left: MOST_BYTES };
    const chunks = [this.#history.take(budget), this.#takeSummary(budget), this.#console.take(budget)];
    const files = Object.fromEntries(chunks.filter((chunk) => chunk !== undefined));
    const uploaded = this.#uploaded.splice(0);
    if (Object.keys(files).length === 0 && uploaded.length === 0) return undefined;
    return {
      ...(Object.keys(files).length === 0 ? {} : { files }),
      ...(uploaded.length === 0 ? {} : { uploaded }),
    };
  }

  #takeSummary(budget: { left: number }): [string, Chunk] | undefined {
    if (!this.#summaryChanged) return undefined;
    const line = JSON.stringify(this.#summary);
    const size = sizeOf(line);
    if (size > budget.left && budget.left < MOST_BYTES) return undefined; // in the next one
    this.#summaryChanged = false;
    if (size > MOST_BYTES) return undefined;
    budget.left -= size;
    return ['wandb-summary.json', { offset: 0, content: [line] }];
  }
}

/** Lines of one file that are not taken yet. */
class Lines {
  readonly #name: string;
  #waiting: string[] = [];
  #taken = 0;

  constructor(name: string) {
    this.#name = name;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(line: string): void {
    if (sizeOf(line) <= MOST_BYTES) this.#waiting.push(line);
  }

  take(budget: { left: number }): [string, Chunk] | undefined {
    const offset = this.#taken;
    const content: string[] = [];
    for (const line of this.#waiting) {
      const size = sizeOf(line);
      if (size > budget.left) break;
      budget.left -= size;
      content.push(line);
    }
    if (content.length === 0) return undefined;
    this.#waiting = this.#waiting.slice(content.length);
    this.#taken += content.length;
    return [this.#name, { offset, content }];
  }
}

/** Bytes of a line within a request. */
const sizeOf = (line: string): number => Buffer.byteLength(JSON.stringify(line)) + 1;
