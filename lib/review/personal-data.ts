import type { Engine } from '../edges/duckdb.ts';
import { literal } from '../sql.ts';

/**
 * E-mail addresses and telephone numbers that a text still holds, as RE2 patterns: linear on any text. They are meant to find what a person
 * would be reached by, and err on the side of finding too much.
 */

const WORD = '\\p{L}\\p{M}\\p{N}';
const EMAIL = `[${WORD}._%+-]+@[${WORD}-]+(?:\\.[${WORD}-]+)+`;
const DIGIT = '[0-9०-९]';
const GAP = '[ .\\-]';
/** Nine digits in a row or more; with a country code, a trunk zero or gaps, as few as numbers have. Dates have eight digits. */
const PHONE = [
  `\\+${DIGIT}(?:[ .()\\-]{0,2}${DIGIT}){7,14}`,
  `${DIGIT}{9,15}`,
  `\\(?[0०]${DIGIT}{1,3}\\)?${GAP}${DIGIT}{5,8}`,
  `\\(?${DIGIT}{3}\\)?${GAP}${DIGIT}{3}${GAP}${DIGIT}{3,4}`,
  `${DIGIT}{3,5}${GAP}${DIGIT}{5,7}`,
].join('|');
/** RE2 has no look-behind: what stands before a number is matched, and put back. */
const PHONE_START = '(^|[^0-9०-९])';

/** Whether a text has an e-mail address. */
export function planHasEmail(text: string): string {
  return `contains(${text}, '@') AND regexp_matches(${text}, ${literal(EMAIL)})`;
}

/** Whether a text has a telephone number, in Latin or Devanagari digits. */
export function planHasPhone(text: string): string {
  return `regexp_matches(${text}, ${literal(`${PHONE_START}(?:${PHONE})`)})`;
}

/** Put `[e-mail]` and `[phone]` in the place of personal data, by the patterns that the report counts with. */
export async function maskPersonalData(engine: Engine, texts: string[]): Promise<string[]> {
  if (texts.length === 0) return [];
  const emails = `regexp_replace(t, ${literal(EMAIL)}, '[e-mail]', 'g')`;
  const masked = `regexp_replace(${emails}, ${literal(`${PHONE_START}(?:${PHONE})`)}, '\\1[phone]', 'g')`;
  const { json } = await engine.row<{ json: string }>(
    `SELECT to_json(list_transform(from_json($json, '["VARCHAR"]'), lambda t: ${masked}))::VARCHAR AS json`,
    { json: JSON.stringify(texts) },
  );
  return JSON.parse(json);
}
