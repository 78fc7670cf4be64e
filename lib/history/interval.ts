import { formatInstant } from '../report/figures.ts';
import { countOf } from '../report/words.ts';
import type { RunRecord } from './record.ts';

/** Why a run has nothing to do yet. */
export interface Rest {
  record: RunRecord;
  /** Milliseconds since that run ended. */
  agoMs: number;
  /** From when on there is something to do. */
  due: Date;
}

/**
 * Whether a run would only repeat the last one: that was a run of the same spec, it ended with 0, and less than `minIntervalMs` ago.
 * What came after a run to one of its targets, such as a failure, a rollback or another spec, makes the next one due; runs of others that keep
 * the same history do not. So do a Space that the run could not restart and a clock that went backwards.
 *
 * @param spec digest of the spec, see RunRecord
 */
export function planRest(
  records: readonly RunRecord[],
  spec: string,
  minIntervalMs: number,
  now: Date,
): Rest | undefined {
  const last = records.findLastIndex((each) => each.spec === spec);
  const record = records[last];
  if (record?.action !== 'run' || record.exit_code !== 0) return undefined;
  const targets = record.labels.map(({ target }) => target);
  const isTouched = ({ labels }: RunRecord) => labels.some(({ target }) => targets.includes(target));
  if (records.slice(last + 1).some(isTouched)) return undefined;
  if (record.labels.some(({ restarts = [] }) => restarts.some(({ status }) => status === 'failed'))) return undefined;
  const ended = Date.parse(record.started_at) + record.seconds * 1000;
  const agoMs = now.getTime() - ended;
  return agoMs >= 0 && agoMs < minIntervalMs ? { record, agoMs, due: new Date(ended + minIntervalMs) } : undefined;
}

export function describeRest({ record, agoMs, due }: Rest): string {
  const minutes = Math.floor(agoMs / 60_000);
  const ago = minutes === 0 ? 'less than a minute' : countOf(minutes, 'minute');
  return `Nothing to do: run ${record.run} ended well ${ago} ago.
A start from ${formatInstant(due.toISOString())} on runs again (space.min_interval); --force or FORCE=true runs now.
`;
}
