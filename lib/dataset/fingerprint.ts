import type { Engine } from '../edges/duckdb.ts';
import type { LabelSpec } from '../spec/spec.ts';
import type { Assigned } from './tables.ts';

const FORMAT_VERSION = 1; // of the published files; a new one makes every dataset a new version

/**
 * What a version says, whatever its bytes: format, columns, class list, splits, and an order-free exact hash over text, class, split and
 * ordinal. A new library that writes other bytes for the same rows does not make a new version.
 *
 * @returns 64 hex digits
 */
export async function fingerprintOf(
  engine: Engine,
  { classes, columns, split }: LabelSpec,
  { table, cleaned }: Assigned,
): Promise<string> {
  const origin = columns.source === undefined ? '' : ", ':', c.origin";
  const { rows, bits } = await engine.row(
    `SELECT count(*) AS rows, bit_xor(md5_number(concat(a.class, ':', a.split, ':', ordinal${origin}, ':', c.text)))::VARCHAR AS bits
FROM ${table} a JOIN ${cleaned.texts} c ON c."row" = a."row"`,
  );
  const header = {
    format: FORMAT_VERSION,
    columns: [columns.text, columns.label, columns.source ?? null],
    classes,
    splits: split.map(({ name }) => name),
    rows,
    bits,
  };
  return new Bun.CryptoHasher('sha256').update(JSON.stringify(header)).digest('hex');
}
