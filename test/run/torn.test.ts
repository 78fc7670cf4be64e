import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres, { type TransactionSql } from 'postgres';
import { DEPARTMENTS, URGENCIES } from '../../lib/demo/tables.ts';
import { openEngine } from '../../lib/edges/duckdb.ts';
import { requirePostgres } from '../edges/postgres-server.ts';
import { SHIPPED, Site } from './site.ts';

setDefaultTimeout(60_000);

const real = await requirePostgres('postgresql'); // several connections at once
const WRITERS = 3;
const FIRST_BATCHES = 30;
const BATCH = 10; // complaints that are always written together, half of them reviewed mistakes
const RUNS = 3;
const LATER = 15; // transactions that come between two queries of a run

/**
 * Each transaction writes one batch whole: a new marker into all its texts, the class of both labels that follows from the marker, and each
 * complaint goes over into the other source. later() holds a query up until others have written: its snapshot is older than the next one's.
 */
const SETUP = `
CREATE SEQUENCE marker;
CREATE FUNCTION later(transactions int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE now bigint; start bigint;
BEGIN
  SELECT last_value INTO start FROM marker;
  LOOP
    SELECT last_value INTO now FROM marker;
    EXIT WHEN now >= start + transactions;
  END LOOP;
  RETURN 1;
END $$;
CREATE FUNCTION write(number int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE mark bigint; at int; first int := number * ${BATCH}; last int := number * ${BATCH} + ${BATCH - 1}; departments text[] := ARRAY[${DEPARTMENTS.map((name) => `'${name}'`)}]; urgencies text[] := ARRAY[${URGENCIES.map((name) => `'${name}'`)}];
BEGIN
  PERFORM pg_advisory_xact_lock(number);
  mark := nextval('marker');
  at := 1 + mark % 3;
  INSERT INTO complaints (id, ward_id, message) SELECT id, number, '' FROM generate_series(first, last) id ON CONFLICT DO NOTHING;
  UPDATE complaints SET department = departments[at], urgency = urgencies[at],
    message = 'key ' || id || ' batch ' || number || ' marker ' || mark WHERE id BETWEEN first AND last;
  WITH before AS (DELETE FROM misclassified_complaints WHERE complaint_id BETWEEN first AND last RETURNING complaint_id)
  INSERT INTO misclassified_complaints (complaint_id, model_predicted_department, model_predicted_urgency, correct_department, correct_urgency, reviewed, reviewed_at)
  SELECT id, departments[4], urgencies[1 + at % 3], departments[at], urgencies[at], true, now() FROM complaints
  WHERE id BETWEEN first AND last AND CASE WHEN EXISTS (SELECT FROM before) THEN id NOT IN (SELECT complaint_id FROM before) ELSE id % 2 = 0 END;
END $$;
SELECT write(n) FROM generate_series(1, ${FIRST_BATCHES}) n;`;

const YAML = SHIPPED.replace('JOIN complaints c ON', `CROSS JOIN later(${LATER}) JOIN complaints c ON`)
  .replace('correct: 0.5 ', 'correct: 1000 ') // all of them
  .replace('label: label }', 'label: label, source: origin }')
  .replace(/ {2}clean:\n(?: {4}.*\n)+/, '  clean: [whitespace]\n');

/** Writes from several connections until it is stopped. @returns transactions that were committed */
function startWriting(url: string): { stop(): Promise<number> } {
  let [open, committed, batches] = [true, 0, FIRST_BATCHES];
  const sql = postgres(url, { max: WRITERS, onnotice: () => {} });
  const write = async (writer: number) => {
    while (open) {
      const next = committed % 40 === 0 ? ++batches : 1 + ((committed * 7 + writer) % batches); // sometimes a new one
      await sql.begin((transaction: TransactionSql) => transaction`SELECT write(${next})`);
      committed++;
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  return {
    async stop() {
      open = false;
      await Promise.all(writers);
      await sql.end();
      return committed;
    },
  };
}

interface Published {
  text: string;
  origin: string;
  label: number;
}

describe.skipIf(real === undefined)('a run while others write', () => {
  test('publishes what stood in one moment: no record in both sources or in none, no transaction in part, both labels alike', async () => {
    await using site = await Site.open();
    await site.sql(SETUP);
    const writing = startWriting(site.url);
    const marks: number[] = [];
    try {
      for (let run = 0; run < RUNS; run++) {
        const { report, world } = await site.run([], { yaml: YAML });
        expect(report?.labels.map(({ outcome }) => outcome?.status) ?? world.stderr.text).toEqual([
          'success',
          'success',
        ]);
        const [department, urgency] = [await read(site, 'department'), await read(site, 'urgency')];
        expect(urgency).toEqual(department); // keys, markers, sources and places of classes
        marks.push(expectWhole(department));
        const [one, other] = ['department', 'urgency'].map((label) => metadataOf(site, label));
        expect(one.snapshot).toEqual(other.snapshot);
        for (const { dropped, num_samples } of [one, other])
          expect({ dropped, num_samples }).toEqual({ dropped: {}, num_samples: department.length });
      }
    } finally {
      const committed = await writing.stop();
      expect(committed).toBeGreaterThan(RUNS * LATER);
    }
    expect(marks).toEqual([...new Set(marks)].sort((a, b) => a - b)); // each run saw a later moment
  });
});

/** Each batch whole, half of it from each source, with one marker. @returns the latest marker */
function expectWhole(rows: Published[]): number {
  const parsed = rows.map(({ text, ...row }) => {
    const [, key, batch, marker] = /^key (\d+) batch (\d+) marker (\d+)$/.exec(text) ?? [];
    return { ...row, key: Number(key), batch: Number(batch), marker: Number(marker) };
  });
  const batches = [...Map.groupBy(parsed, ({ batch }) => batch).values()];
  expect(batches.length).toBeGreaterThanOrEqual(FIRST_BATCHES);
  for (const batch of batches) {
    const { marker = 0 } = batch[0] ?? {};
    expect({
      keys: new Set(batch.map(({ key }) => key)).size,
      rows: batch.length,
      markers: new Set(batch.map((row) => row.marker)).size,
      labels: [...new Set(batch.map(({ label }) => label))],
      mistakes: batch.filter(({ origin }) => origin === 'misclassified').length,
    }).toEqual({ keys: BATCH, rows: BATCH, markers: 1, labels: [marker % 3], mistakes: BATCH / 2 });
  }
  return Math.max(...parsed.map(({ marker }) => marker));
}

const metadataOf = (site: Site, label: string) =>
  JSON.parse(readFileSync(join(site.folder, label, 'dataset_metadata.json'), 'utf8'));

async function read(site: Site, label: string): Promise<Published[]> {
  await using engine = await openEngine(site.folder, 256);
  return await engine.rows<Published>(
    `SELECT grievance AS text, origin, label FROM read_parquet('${join(site.folder, label)}/data/*.parquet') ORDER BY text`,
  );
}
