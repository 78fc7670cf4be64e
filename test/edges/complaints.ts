import { readFile } from 'node:fs/promises';
import type { Sql, TransactionSql } from 'postgres';
import { seededRandom } from '../../lib/demo/random.ts';
import { CREATE_INDEXES, CREATE_TABLES, DEPARTMENTS, URGENCIES } from '../../lib/demo/tables.ts';
import { writeGrievance } from '../../lib/demo/texts.ts';

export interface FillOptions {
  /** 200 at least, so that no class is empty. */
  complaints: number;
  /** Complaints that the model got wrong and somebody reported. 40% unless told otherwise. */
  mistakes?: number;
  /** Share of the complaints whose text is another one's, character by character. */
  duplicates?: number;
  /** Share of the duplicates that are sent with another urgency. */
  conflicts?: number;
  /** Share of the reports that were reviewed. */
  reviewed?: number;
  /** Share of the reported complaints with a second report, which corrects the first. */
  repeated?: number;
  seed?: number;
}

export interface Filled {
  complaints: number;
  reports: number;
  distinctTexts: number;
  /** Complaints with a reviewed correction of the label. */
  reviewed: { department: number; urgency: number };
}

export async function createTables(sql: Sql): Promise<void> {
  await sql.unsafe(CREATE_TABLES + CREATE_INDEXES).simple();
}

/** Fill both tables inside the server; the same options give the same rows in any PostgreSQL. About 10 µs a complaint. */
export async function fillComplaints(sql: Sql, options: FillOptions): Promise<Filled> {
  const { complaints, seed = 42, duplicates = 0.14 } = options;
  const distinctTexts = complaints - Math.floor(complaints * duplicates);
  const plan = {
    conflicts: 0.02,
    reviewed: 0.9,
    repeated: 0.06,
    ...options,
    mistakes: options.mistakes ?? Math.floor(complaints * 0.4),
    seed,
    distinctTexts,
  };
  return await sql.begin(async (transaction) => {
    await transaction`SET LOCAL session_replication_role = replica`; // no foreign key is checked row by row
    await transaction`SET LOCAL jit = off`; // compiling takes longer than a small fill
    await storePhrases(transaction, seed);
    await transaction.unsafe(planFacts(plan)).simple();
    await transaction.unsafe(INSERT_COMPLAINTS).simple();
    await transaction.unsafe(INSERT_REPORTS).simple();
    await transaction.unsafe('DROP TABLE facts, phrases').simple();
    return { ...(await count(transaction)), distinctTexts };
  });
}

/** Texts that are put together in pairs, so that a class has tens of thousands of them. */
const PHRASES_PER_CLASS = 250;
const PHRASE_CHARACTERS = { least: 58, most: 190 }; // two and a number make 60 to 400

async function storePhrases(sql: TransactionSql, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const cells = DEPARTMENTS.flatMap((department, d) => URGENCIES.map((urgency, u) => ({ department, urgency, d, u })));
  const phrases = cells.flatMap(({ department, urgency, d, u }) => {
    const texts: string[] = [];
    while (texts.length < PHRASES_PER_CLASS) {
      const text = writeGrievance(random, department, urgency);
      if (text.length >= PHRASE_CHARACTERS.least && text.length <= PHRASE_CHARACTERS.most) texts.push(text);
    }
    return texts.map((text, number) => ({ department: d, urgency: u, number, text }));
  });
  await sql`
    CREATE TEMP TABLE phrases AS
    SELECT * FROM json_to_recordset(${JSON.stringify(phrases)}::text::json)
      AS phrase (department int, urgency int, number int, text text)`;
  await sql.unsafe('ANALYZE phrases').simple();
}

/**
 * One row per complaint, all that is random decided: bytes of one md5 for what belongs to a text, of another for what belongs to a
 * complaint. `id * step % complaints` visits every number once, so exact counts need no sort. MATERIALIZED, or each use of a
 * byte would compute its md5 anew.
 */
function planFacts(plan: Required<Omit<FillOptions, 'duplicates'>> & { distinctTexts: number }): string {
  const { complaints, mistakes, seed, distinctTexts, conflicts, reviewed, repeated } = plan;
  const place = `id::bigint * ${coprime(complaints, 0.618)} % ${complaints}`;
  return `
    CREATE TEMP TABLE facts AS
    WITH numbered AS MATERIALIZED (
      SELECT id, ${place} AS place, decode(md5('row:${seed}:' || id), 'hex') AS dice
      FROM generate_series(1, ${complaints}) AS id
    ), texts AS MATERIALIZED (
      SELECT id, dice, place >= ${distinctTexts} AS copied,
        CASE WHEN place < ${distinctTexts} THEN place ELSE ${uniform(0)}::bigint * ${distinctTexts} / 65536 END AS text_number
      FROM numbered
    ), diced AS MATERIALIZED (
      SELECT *, decode(md5('text:${seed}:' || text_number), 'hex') AS text_dice FROM texts
    ), truths AS (
      SELECT *, ${choice(0, [0.41, 0.59, 0.9])} AS department, ${choice(2, [0.53, 0.87])} AS text_urgency FROM diced
    )
    SELECT id, text_number, department, text_urgency,
      (text_urgency + CASE WHEN copied AND ${below(2, conflicts)} THEN 1 ELSE 0 END) % 3 AS urgency,
      ${uniform(4, 'text_dice')} % ${PHRASES_PER_CLASS} AS phrase,
      CASE WHEN ${below(8, 0.5, 'text_dice')} THEN ${uniform(6, 'text_dice')} % ${PHRASES_PER_CLASS} END AS second_phrase,
      id::bigint * ${coprime(complaints, 0.414)} % ${complaints} < ${mistakes} AS mistaken,
      ${uniform(4)} / 65536.0 >= 0.2 AS wrong_department,
      ${uniform(4)} / 65536.0 < 0.8 AS wrong_urgency,
      ${uniform(6)} % 3 AS department_shift,
      ${uniform(8)} % 2 AS urgency_shift,
      ${below(10, reviewed)} AS reviewed,
      ${below(12, repeated)} AS repeated,
      ${below(14, 0.01)} AS unclassified
    FROM truths;
    ANALYZE facts`;
}

/** A step of about `share × size` that shares no factor with it. */
function coprime(size: number, share: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let step = Math.max(1, Math.floor(size * share));
  while (divisor(size, step) !== 1) step += 1;
  return step;
}

/** Two bytes of the dice: 0 to 65535. */
function uniform(byte: number, dice = 'dice'): string {
  return `(get_byte(${dice}, ${byte}) * 256 + get_byte(${dice}, ${byte + 1}))`;
}

function below(byte: number, share: number, dice = 'dice'): string {
  return `(${uniform(byte, dice)} < ${Math.round(share * 65536)})`;
}

/** The index of a class, by cumulated shares. */
function choice(byte: number, bounds: number[]): string {
  const cases = bounds.map((bound, index) => `WHEN ${below(byte, bound, 'text_dice')} THEN ${index}`);
  return `CASE ${cases.join(' ')} ELSE ${bounds.length} END`;
}

function classArray(names: readonly string[]): string {
  return `ARRAY[${names.map((name) => `'${name}'`).join(', ')}]`;
}

function className(names: readonly string[], index: string): string {
  return `(${classArray(names)})[1 + ${index}]`;
}

/** A class that is not the truth; shift + 1 gives a further one. */
const otherDepartment = (shift: string) => `(f.department + 1 + (${shift}) % 3) % 4`;
const otherUrgency = (shift: string) => `(f.urgency + 1 + (${shift}) % 2) % 3`;

const PREDICTED_DEPARTMENT = className(
  DEPARTMENTS,
  `CASE WHEN mistaken AND wrong_department THEN ${otherDepartment('department_shift')} ELSE f.department END`,
);
const PREDICTED_URGENCY = className(
  URGENCIES,
  `CASE WHEN mistaken AND wrong_urgency THEN ${otherUrgency('urgency_shift')} ELSE f.urgency END`,
);

const INSERT_COMPLAINTS = `
  INSERT INTO complaints (id, citizen_id, department, message, urgency, current_status, date_submitted, ward_id)
  SELECT id, 1 + id % 5000,
    CASE WHEN mistaken OR NOT unclassified THEN ${PREDICTED_DEPARTMENT} END,
    one.text || coalesce(' ' || two.text, '') || ' (' || text_number || ')',
    CASE WHEN mistaken OR NOT unclassified THEN ${PREDICTED_URGENCY} END,
    'PENDING', timestamptz '2024-01-01 00:00Z' + id * interval '1 minute', 1 + id % 400
  FROM facts f
  JOIN phrases one ON (one.department, one.urgency, one.number) = (f.department, f.text_urgency, f.phrase)
  LEFT JOIN phrases two ON (two.department, two.urgency, two.number) = (f.department, f.text_urgency, f.second_phrase);
  SELECT setval('complaints_id_seq', max(id)) FROM complaints`;

/** Where a report is repeated, the first one names a class that is wrong as well. */
const INSERT_REPORTS = `
  INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency,
    correct_department, correct_urgency, reported_by_admin_id, reviewed, reviewed_at, created_at)
  SELECT id, ${PREDICTED_DEPARTMENT}, ${PREDICTED_URGENCY},
    CASE WHEN wrong_department THEN
      ${className(DEPARTMENTS, `CASE WHEN final THEN f.department ELSE ${otherDepartment('department_shift + 1')} END`)} END,
    CASE WHEN wrong_urgency THEN
      ${className(URGENCIES, `CASE WHEN final THEN f.urgency ELSE ${otherUrgency('urgency_shift + 1')} END`)} END,
    1 + id % 25, reviewed, CASE WHEN reviewed THEN reported_at + interval '1 day' END, reported_at
  FROM facts f
  CROSS JOIN LATERAL generate_series(1, CASE WHEN repeated THEN 2 ELSE 1 END) AS turn
  CROSS JOIN LATERAL (
    SELECT turn = CASE WHEN repeated THEN 2 ELSE 1 END AS final,
      timestamptz '2024-01-02 00:00Z' + id * interval '1 minute' + turn * interval '7 days' AS reported_at
  ) AS report
  WHERE mistaken`;

async function count(sql: TransactionSql): Promise<Omit<Filled, 'distinctTexts'>> {
  const [row] = await sql`
    SELECT (SELECT count(*)::int FROM complaints) AS complaints, count(*)::int AS reports,
      count(DISTINCT complaint_id) FILTER (WHERE reviewed AND correct_department IS NOT NULL)::int AS department,
      count(DISTINCT complaint_id) FILTER (WHERE reviewed AND correct_urgency IS NOT NULL)::int AS urgency
    FROM misclassified_complaints`;
  const { complaints, reports, department, urgency } = row as Record<string, number>;
  return { complaints, reports, reviewed: { department, urgency } } as Omit<Filled, 'distinctTexts'>;
}

/**
 * Load complaints from a CSV file with the columns id, department, urgency and message; its labels are the truth. They are
 * numbered from 1 in the file's order, since its ids may exceed an int. 60% of them, by the md5 of their id, the model got wrong and a
 * review corrected: both labels for two thirds of these, else one of them.
 */
export async function loadGrievancesCsv(sql: Sql, path: string): Promise<Filled> {
  const [header = [], ...lines] = parseCsv(await readFile(path, 'utf8'));
  const rows = lines.map((line, number) => ({
    ...Object.fromEntries(header.map((name, index) => [name, line[index]])),
    number: number + 1,
  }));
  return await sql.begin(async (transaction) => {
    await transaction`
      CREATE TEMP TABLE truths AS SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::text::json)
        AS truth (number int, id text, department text, urgency text, message text)`;
    await transaction.unsafe(LOAD_FACTS).simple();
    await transaction.unsafe(LOAD_COMPLAINTS).simple();
    await transaction.unsafe(INSERT_REPORTS).simple();
    await transaction.unsafe('DROP TABLE facts, truths').simple();
    const [texts] = await transaction`SELECT count(DISTINCT message)::int AS n FROM complaints`;
    return { ...(await count(transaction)), distinctTexts: Number(texts?.n) };
  });
}

const LOAD_FACTS = `
  CREATE TEMP TABLE facts AS
  SELECT number AS id, message,
    array_position(${classArray(DEPARTMENTS)}, department) - 1 AS department,
    array_position(${classArray(URGENCIES)}, urgency) - 1 AS urgency,
    ${below(0, 0.6)} AS mistaken,
    NOT ${below(2, 0.17)} AS wrong_department,
    ${below(2, 0.83)} AS wrong_urgency,
    ${uniform(4)} AS department_shift,
    ${uniform(6)} AS urgency_shift,
    true AS reviewed,
    false AS repeated
  FROM truths, LATERAL (SELECT decode(md5(id), 'hex') AS dice) AS dice`;

const LOAD_COMPLAINTS = `
  INSERT INTO complaints (id, department, message, urgency, date_submitted)
  SELECT id, ${PREDICTED_DEPARTMENT}, message, ${PREDICTED_URGENCY}, timestamptz '2024-01-01 00:00Z' + id * interval '1 minute'
  FROM facts f;
  SELECT setval('complaints_id_seq', max(id)) FROM complaints`;

/** Records of an RFC 4180 file: quoted fields may hold commas, line breaks and doubled quotes. */
function parseCsv(text: string): string[][] {
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  const records: string[][] = [];
  let record: string[] = [];
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const match = field.exec(text);
    if (match === null) throw new Error(`Cannot read CSV: a stray quote after character ${at}`);
    record.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    records.push(record);
    record = [];
  }
  return records;
}
