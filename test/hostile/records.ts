import type { Site } from '../run/site.ts';

export interface Record {
  key: string;
  text: string;
  label: string;
}

/** The table that the specs of this folder read. Bytes travel as hexadecimal digits, so that no quoting of ours is in between. */
export async function fillRecords(site: Site, records: readonly Record[]): Promise<void> {
  await site.sql('CREATE TABLE records (key text PRIMARY KEY, text text, label text)');
  const hex = (text: string) => `convert_from(decode('${Buffer.from(text).toString('hex')}', 'hex'), 'UTF8')`;
  const rows = records.map(({ key, text, label }) => `(${hex(key)}, ${hex(text)}, ${hex(label)})`);
  await site.sql(`INSERT INTO records VALUES ${rows.join(',\n')}`);
}

/** A spec of one label as JSON, which is YAML too. */
export function specOf(label: object, more: object = {}): string {
  const source = 'SELECT key, text, label FROM records';
  return JSON.stringify({
    version: 1,
    database: { url: '${POSTGRES_URL}' },
    labels: {
      hostile: {
        sources: { misclassified: source, correct: `${source} WHERE false` },
        ratios: { correct: 0 },
        min_samples: 1,
        duplicates: 'keep',
        ...label,
      },
    },
    ...more,
  });
}

const BLANK = new Set('\t\n\v\f\r\x1c\x1d\x1e\x1f\x85');

/** White space alone: Python's str.strip() would leave nothing of it. */
export function isEmpty(text: string): boolean {
  for (const character of text) if (!BLANK.has(character) && !/\p{Z}/u.test(character)) return false;
  return true;
}
