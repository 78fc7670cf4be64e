import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Audit } from './audit.ts';
import { Search } from './secrets.ts';
import { type ChildEnded, Surroundings } from './surroundings.ts';

const BATCH = 10; // complaints, all of them reported and reviewed

/** Rows for a new version; all of their texts are in it. */
function planRows(batch: number): { sql: string; text: string } {
  const first = 1000 * (batch + 1);
  const ids = `generate_series(${first}, ${first + BATCH - 1}) i`;
  return {
    text: `batch ${batch} complaint ${first}`,
    sql: `INSERT INTO complaints (id, department, urgency, message)
      SELECT i, 'Security & Law Enforcement', 'NORMAL', 'batch ${batch} complaint ' || i FROM ${ids};
    INSERT INTO misclassified_complaints
      (complaint_id, model_predicted_department, model_predicted_urgency, correct_department, correct_urgency, reviewed, reviewed_at)
      SELECT i, 'Security & Law Enforcement', 'NORMAL', 'Municipal Governance & Community Services', 'URGENT', true, now() FROM ${ids}`,
  };
}

/** A run that nothing spoils. */
export type Healthy = (around: Surroundings) => Promise<Pick<ChildEnded, 'exitCode' | 'stdout' | 'stderr'>>;

/**
 * One set of servers on which runs are spoilt, one after the other, each followed by a run that nothing spoils. Each round has new rows, so that
 * each makes one version.
 */
export class Lane implements AsyncDisposable {
  #rounds = 0;
  #versions = 0;
  #text = '';
  #audit: Audit;
  readonly #search: Search;

  private constructor(
    readonly around: Surroundings,
    readonly targets: readonly string[],
    readonly healthy: Healthy,
    audit: Audit,
  ) {
    this.#audit = audit;
    this.#search = new Search(around);
  }

  /** @param targets labels that its runs publish */
  static async open(
    targets: readonly string[] = ['department', 'urgency'],
    healthy: Healthy = (around) => around.run(),
  ): Promise<Lane> {
    const around = await Surroundings.open();
    return new Lane(around, targets, healthy, await Audit.open(around, targets));
  }

  /** Versions that were looked at, and found whole. */
  get audited(): number {
    return this.#audit.count;
  }

  /** Sinks × secrets that were looked at. */
  get looks(): number {
    return this.#search.looks;
  }

  /** New rows. @param first there is no version yet, as before the first run */
  async prepare(first = false): Promise<void> {
    if (first) await this.#forget();
    const { sql, text } = planRows(this.#rounds++);
    this.#text = text;
    this.#versions++;
    await this.around.sql(sql);
  }

  async #forget(): Promise<void> {
    this.around.hub.repos.delete('datasets/tester/department');
    for (const name of ['urgency', '.urgency'])
      await rm(join(this.around.folder, name), { recursive: true, force: true });
    this.#audit = await this.#audit.anew();
    this.#versions = 0;
  }

  /** Look at what a spoilt run said and left, let one go through, and look again. @returns what is wrong */
  async recover(said: string, healthy = this.healthy): Promise<string[]> {
    const leaks = await this.#search.leaks(said);
    const torn = (await this.#audit.whole()).map((problem) => `right after it: ${problem}`);
    const { exitCode, stdout, stderr } = await healthy(this.around);
    leaks.push(...(await this.#search.leaks(stdout + stderr)));
    const ends = exitCode === 0 ? [] : [`the next run ended with ${exitCode}: ${stderr}`];
    return [...leaks, ...torn, ...ends, ...(await this.#audit.settled({ versions: this.#versions, text: this.#text }))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#audit[Symbol.asyncDispose]();
    await this.around[Symbol.asyncDispose]();
  }
}
