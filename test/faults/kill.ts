import { Audit } from './audit.ts';
import { type Passage, Surroundings } from './surroundings.ts';

/** Where a run is killed: at a passage, or some time after its start. */
export type Moment = { passage: number; stage: Passage['stage'] } | { ms: number };

export interface Killed {
  moment: Moment;
  /** The passage; undefined for a time. */
  name: string | undefined;
  /** Whether it was killed before its end. */
  hit: boolean;
  /** What was wrong right after it, and after the run that followed. */
  problems: string[];
}

const BATCH = 10; // complaints, all of them reported and reviewed

/** Rows for a new version; all of their texts are in it. */
export function planRows(batch: number): { sql: string; text: string } {
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

/**
 * One set of servers on which runs are killed, one after the other, each followed by a run that nobody kills. Each round has new rows, so that
 * each makes one version.
 */
export class Lane implements AsyncDisposable {
  #rounds = 0;

  private constructor(
    readonly around: Surroundings,
    readonly audit: Audit,
  ) {}

  static async open(): Promise<Lane> {
    const around = await Surroundings.open();
    return new Lane(around, await Audit.open(around));
  }

  /** A run that nobody kills. @returns what it sends, in order, and how long it takes */
  async rehearse(): Promise<{ passages: string[]; ms: number; problems: string[] }> {
    const passages: string[] = [];
    const { text } = await this.#prepare();
    this.around.gate = ({ name, stage }) => void (stage === 'before' && passages.push(name));
    const start = performance.now();
    const { exitCode } = await this.around.run();
    const ms = performance.now() - start;
    const problems = await this.audit.settled({ versions: this.#rounds, text });
    return { passages, ms, problems: exitCode === 0 ? problems : [`exit code ${exitCode}`, ...problems] };
  }

  async kill(moment: Moment): Promise<Killed> {
    const { around, audit } = this;
    const { text } = await this.#prepare();
    let passed = 0;
    let name: string | undefined;
    const child = await around.start();
    around.gate = async (passage) => {
      if (!('passage' in moment)) return;
      const index = passage.stage === 'before' ? passed++ : passed - 1;
      if (index !== moment.passage || passage.stage !== moment.stage || name !== undefined) return;
      name = passage.name;
      await child.kill();
    };
    const timer = 'ms' in moment ? setTimeout(() => void child.kill(), moment.ms) : undefined;
    const { signal } = await child.ended;
    clearTimeout(timer);
    around.gate = () => {};
    const torn = (await audit.whole()).map((problem) => `after the kill: ${problem}`);
    const { exitCode, stderr } = await around.run();
    const ends = exitCode === 0 ? [] : [`the next run ended with ${exitCode}: ${stderr}`];
    const settled = await audit.settled({ versions: this.#rounds, text });
    return { moment, name, hit: signal === 'SIGKILL', problems: [...torn, ...ends, ...settled] };
  }

  async #prepare(): Promise<{ text: string }> {
    const { sql, text } = planRows(this.#rounds++);
    await this.around.sql(sql);
    return { text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.audit[Symbol.asyncDispose]();
    await this.around[Symbol.asyncDispose]();
  }
}
