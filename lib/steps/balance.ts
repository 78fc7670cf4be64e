import { InsufficientData } from '../outcome.ts';
import type { LabelRun } from '../run.ts';
import { floorTimes } from '../spec/decimal.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { literal } from '../sql.ts';

const LABEL_LENGTH = 1000; // characters that are fetched of a label; no class name is as long, so nothing longer can match one
export const SAMPLE_PREFIX = 'sample:'; // never the split's prefix: one hash for both would put no correct row into the last splits

/** Which rows a label takes, as SELECTs with columns key, text, too_long, label; each is null where nothing is to be read. */
export interface Selection {
  select: string;
  /** Rows asked for; undefined means all. */
  limit: number | undefined;
}

/** Plan the count that a share of the mistakes needs; undefined where all are taken. */
export function planCount({ ratios, sources }: LabelSpec): string | undefined {
  const all = ratios.misclassified.units === 10n ** BigInt(ratios.misclassified.scale);
  return all ? undefined : `SELECT count(DISTINCT key::text) AS n FROM (\n${sources.misclassified}\n) AS source`;
}

/** @param available mistakes with distinct keys, where planCount() asked for it */
export function planMistakes(spec: LabelSpec, available: number | undefined): Selection {
  const limit = available === undefined ? undefined : floorTimes(available, spec.ratios.misclassified);
  return { select: planSelect(spec, spec.sources.misclassified, limit), limit };
}

/** @param mistakes mistakes fetched, with distinct keys */
export function planCorrect(spec: LabelSpec, mistakes: number): Selection {
  const limit = floorTimes(mistakes, spec.ratios.correct);
  return { select: planSelect(spec, spec.sources.correct, limit), limit };
}

/**
 * Plan the SELECT that travels. A sample is the records with the smallest keyed hash (bottom-k): repeatable, and it barely moves as the
 * table grows. They are ranked without their texts, which the server would sort as well; what has no key goes first, so that it is seen. A
 * text over the limit is not sent: NULL and a flag stand for it.
 */
function planSelect({ maxTextBytes, seed }: LabelSpec, source: string, limit: number | undefined): string {
  const columns = [
    'source.key::text AS key',
    `CASE WHEN octet_length(source.text::text) <= ${maxTextBytes} THEN source.text::text END AS text`,
    `octet_length(source.text::text) > ${maxTextBytes} AS too_long`,
    `left(source.label::text, ${LABEL_LENGTH}) AS label`,
  ];
  const select = `SELECT ${columns.join(',\n  ')}\nFROM`;
  const from = `(\n${source}\n) AS source`;
  if (limit === undefined) return `${select} ${from}`;
  const order = `${planSampleHash(seed, 'source.key::text')} NULLS FIRST, source.key::text COLLATE "C"`;
  return `${select} (
SELECT DISTINCT key FROM (
SELECT source.key FROM ${from}
ORDER BY ${order}
LIMIT ${limit}
) AS first
) AS sample LEFT JOIN ${from} ON source.key = sample.key`;
}

function planSampleHash(seed: number, key: string): string {
  return `md5(${literal(`${SAMPLE_PREFIX}${seed}:`)} || ${key})::uuid`;
}

/** Plan where a record stands in a source's order of sampling: all rows as `total`, those that go first as `before`. */
export function planRank({ seed }: LabelSpec, source: string, key: string): string {
  const isBefore = `${planSampleHash(seed, 'source.key::text')} < ${planSampleHash(seed, literal(key))}`;
  return `SELECT count(*)::text AS total, (count(*) FILTER (WHERE ${isBefore}))::text AS before FROM (\n${source}\n) AS source`;
}

/** The original's rule: fewer rows fetched, or kept, than min_samples and the label is skipped. */
export function checkSize({ spec, report }: LabelRun, stage: 'fetched' | 'kept'): void {
  const rows = report[stage]?.total ?? 0;
  if (rows < spec.minSamples) throw new InsufficientData(rows, spec.minSamples, stage);
}
