import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256File } from '../../lib/dataset/hashes.ts';
import { planHash, planTextHash } from '../../lib/dataset/tables.ts';
import { literal } from '../../lib/sql.ts';
import { labelSpec, type SourceRow, Workshop } from './harness.ts';

const [V1, V2, V3, V4] = ['v20260101_000100', 'v20260101_000200', 'v20260101_000300', 'v20260101_000400'];
const rowsOf = (from: number, to: number): SourceRow[] =>
  Array.from({ length: to - from }, (_, index) => ({
    key: String(from + index),
    text: `text ${from + index}`,
    label: 'ABC'.charAt((from + index) % 3),
  }));

let workshop: Workshop;
let ledger: string;
let metadata: string;
beforeEach(async () => {
  workshop = await Workshop.open();
  ledger = join(workshop.directory, 'published/splits.parquet');
  metadata = join(workshop.directory, 'published/dataset_metadata.json');
});
afterEach(() => workshop[Symbol.asyncDispose]());

/** Versions of the entries that the ledger has of a text. */
async function versionsOf(text: string): Promise<(string | null)[]> {
  const hash = planTextHash(planHash(literal(text))).replace('$salt', "''");
  const entries = await workshop.engine.rows<{ version: string | null }>(
    `SELECT version FROM read_parquet(${literal(ledger)}) WHERE text_hash = ${hash} ORDER BY ordinal, key_hash`,
  );
  return entries.map(({ version }) => version);
}

/** Write the ledger of the head anew, as another version of the program would have. */
async function rewriteLedger(columns: string): Promise<void> {
  const rewritten = join(workshop.directory, 'rewritten.parquet');
  await workshop.engine.run(
    `COPY (SELECT ${columns} FROM read_parquet(${literal(ledger)}) ORDER BY ordinal) TO ${literal(rewritten)}`,
  );
  writeFileSync(ledger, readFileSync(rewritten));
  const described = JSON.parse(readFileSync(metadata, 'utf8'));
  described.ledger.sha256 = await sha256File(ledger);
  writeFileSync(metadata, JSON.stringify(described));
}

describe('the ledger’s version of a text', () => {
  test('is the one that first published it, also when it was gone meanwhile, or has another key', async () => {
    await workshop.publish(rowsOf(0, 60));
    await workshop.publish(rowsOf(30, 90));
    expect(await versionsOf('text 10')).toEqual([V1]);
    await workshop.publish([...rowsOf(30, 90), { key: 'new', text: 'text 10', label: 'B' }, ...rowsOf(90, 95)]);
    expect(await Promise.all(['text 10', 'text 40', 'text 80', 'text 92'].map(versionsOf))).toEqual([
      [V1, V1],
      [V1],
      [V2],
      [V3],
    ]);
  });

  test('is that of the new text where a record was edited', async () => {
    await workshop.publish(rowsOf(0, 60));
    await workshop.publish(rowsOf(0, 60).map((row) => (row.key === '7' ? { ...row, text: 'edited' } : row)));
    expect(await versionsOf('text 7')).toEqual([V1]);
    expect(await versionsOf('edited')).toEqual([V2]);
  });

  test('is unknown where the ledger had none yet, and stays so', async () => {
    await workshop.publish(rowsOf(0, 60));
    await rewriteLedger('text_hash, key_hash, class, split, ordinal');
    const second = await workshop.publish(rowsOf(0, 90));
    expect(second.report.split).toMatchObject({ remembered: 60, assigned: 30 });
    await workshop.publish(rowsOf(0, 91));
    expect(await Promise.all(['text 10', 'text 70', 'text 90'].map(versionsOf))).toEqual([[null], [V2], [V3]]);
  });

  test('does not excuse a ledger that lacks another column', async () => {
    await workshop.publish(rowsOf(0, 60));
    await rewriteLedger('text_hash, key_hash, class, ordinal, version');
    await expect(workshop.publish(rowsOf(0, 90))).rejects.toMatchObject({ code: 'LEDGER_UNREADABLE' });
  });

  test.each([
    ['is the one that the ledger was rebuilt from', '{"version_tag": "v20251017_045551"}', 'v20251017_045551'],
    ['is unknown where that has no name', '{}', null],
  ])('%s', async (_, described, expected) => {
    await workshop.publish(rowsOf(0, 60));
    rmSync(ledger);
    writeFileSync(metadata, described);
    await workshop.publish(rowsOf(0, 90));
    expect(await versionsOf('text 10')).toEqual([expected]);
    expect(await versionsOf('text 70')).toEqual([V2]);
  });

  test('begins anew with a new split', async () => {
    await workshop.publish(rowsOf(0, 60));
    for (const to of [61, 62]) await workshop.publish(rowsOf(0, to));
    await workshop.publish(rowsOf(0, 62), labelSpec(), { resplit: true, force: true });
    expect(await versionsOf('text 10')).toEqual([V4]);
  });
});
