import type { Sql } from 'postgres';
import { DEPARTMENTS, URGENCIES } from '../lib/demo/tables.ts';

/** What happens to a grievance service between two runs; the tables in memory, so that an oracle can ask what stood in them. */

export interface Complaint {
  id: number;
  /** As the program should publish it. */
  text: string;
  /** As the table has it. */
  message: string;
  department: number;
  urgency: number;
  /** By a reviewer; absent where nobody reported it. */
  corrected?: { department: number; urgency: number };
}

/** What of a spec changes from run to run. */
export interface Ratios {
  misclassified: number;
  correct: number;
}

const FEWEST = 900; // complaints; below it more come than go
const MOST = 1500;

/** The same choices for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Complaints {
  readonly rows = new Map<number, Complaint>();
  readonly counts: Record<string, number> = {};
  ratios: Ratios = { misclassified: 1, correct: 0.5 };
  readonly #gone: Complaint[] = [];
  readonly #changed = new Set<number>();
  readonly #random: () => number;
  #next = 1;
  #texts = 0;

  constructor(seed: number, size = 1100) {
    this.#random = randomOf(seed);
    this.#insert(size);
  }

  /** One round of everything that may happen; one in ten leaves all as it is. @returns whether something changed */
  change(): boolean {
    if (this.#random() < 0.1) return false;
    const many = (most: number) => this.#below(most + 1);
    this.#insert(this.rows.size > MOST ? 0 : many(60));
    this.#remove(this.rows.size < FEWEST ? 0 : many(60));
    this.#return(many(25));
    for (const row of this.#some(many(15))) this.#set('edited', { ...row, ...this.#write() });
    for (const row of this.#some(many(15)))
      this.#set('relabelled', row.corrected ? { ...row, corrected: this.#classes() } : { ...row, ...this.#classes() });
    for (const row of this.#some(many(15))) this.#set('reviewed', this.#review(row));
    for (const { text, message } of this.#some(many(8))) this.#set('copied', { ...this.#make(), text, message });
    for (let swaps = many(4); swaps > 0; swaps--) this.#swap();
    if (this.#random() < 0.2)
      this.ratios = { misclassified: this.#pick([1, 1, 0.8, 0.6]), correct: this.#pick([0, 0.3, 0.5, 1, 20]) };
    return true;
  }

  /** Bring the tables to what is in memory, in one transaction. */
  async store(sql: Sql): Promise<void> {
    const ids = [...this.#changed];
    const rows = ids.flatMap((id) => this.rows.get(id) ?? []);
    const complaints = rows.map(({ id, message, department, urgency }) => ({
      id,
      message,
      department: DEPARTMENTS[department],
      urgency: URGENCIES[urgency],
    }));
    const reports = rows.flatMap(({ id, corrected }) =>
      corrected ? [{ id, department: DEPARTMENTS[corrected.department], urgency: URGENCIES[corrected.urgency] }] : [],
    );
    await sql.begin(async (transaction) => {
      await transaction`DELETE FROM complaints WHERE id = ANY(${ids}::int[])`;
      await transaction`INSERT INTO complaints (id, department, urgency, message)
        SELECT id, department, urgency, message FROM json_to_recordset(${JSON.stringify(complaints)}::text::json)
          AS row (id int, department text, urgency text, message text)`;
      await transaction`INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency,
          correct_department, correct_urgency, reviewed, reviewed_at)
        SELECT c.id, c.department, c.urgency, row.department, row.urgency, true, now()
        FROM json_to_recordset(${JSON.stringify(reports)}::text::json) AS row (id int, department text, urgency text)
        JOIN complaints c ON c.id = row.id`;
    });
    this.#changed.clear();
  }

  /** Text → keys of the rows that have it. */
  keysByText(): Map<string, string[]> {
    const keys = new Map<string, string[]>();
    for (const { id, text } of this.rows.values()) keys.set(text, [...(keys.get(text) ?? []), String(id)]);
    return keys;
  }

  #insert(count: number): void {
    for (let n = 0; n < count; n++) {
      const row = this.#make();
      this.#set('inserted', this.#random() < 0.45 ? this.#review(row) : row);
    }
  }

  #remove(count: number): void {
    for (const row of this.#some(count)) {
      this.#count('deleted');
      this.rows.delete(row.id);
      this.#changed.add(row.id);
      this.#gone.push(row);
    }
  }

  /** Rows that left, this version or many ago, come back: under their key, or under another one. */
  #return(count: number): void {
    for (let n = 0; n < count && this.#gone.length > 0; n++) {
      const [row] = this.#gone.splice(this.#below(this.#gone.length), 1) as [Complaint];
      if (this.#random() < 0.6) this.#set('returned', row);
      else this.#set('returned_under_another_key', { ...row, id: this.#next++ });
    }
  }

  #swap(): void {
    const [one, other] = this.#some(2);
    if (!one || !other) return;
    this.#set('swapped', { ...one, text: other.text, message: other.message });
    this.#set('swapped', { ...other, text: one.text, message: one.message });
  }

  /** Reported and corrected, or no longer so. */
  #review({ corrected, ...row }: Complaint): Complaint {
    return corrected ? row : { ...row, corrected: this.#classes() };
  }

  #make(): Complaint {
    return { id: this.#next++, ...this.#write(), ...this.#classes() };
  }

  #write(): Pick<Complaint, 'text' | 'message'> {
    const text = `complaint ${this.#texts++} about the water of ward ${this.#below(32)}`;
    const dirty = `<p>${text.replaceAll(' ', '  ')}</p>\n https://example.org/${this.#texts}`;
    return { text, message: this.#random() < 0.3 ? dirty : text };
  }

  #classes(): Pick<Complaint, 'department' | 'urgency'> {
    return { department: this.#below(DEPARTMENTS.length), urgency: this.#below(URGENCIES.length) };
  }

  #set(what: string, row: Complaint): void {
    this.#count(what);
    this.rows.set(row.id, row);
    this.#changed.add(row.id);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }

  /** Different ones. */
  #some(count: number): Complaint[] {
    const ids = [...this.rows.keys()];
    const chosen = new Set<number>();
    while (chosen.size < Math.min(count, ids.length)) chosen.add(this.#pick(ids));
    return [...chosen].map((id) => this.rows.get(id) as Complaint);
  }
}
