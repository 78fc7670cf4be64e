import { parseVersion } from '../dataset/version.ts';
import type { RunRecord } from '../history/record.ts';

/** A restart that a Space may be owed. */
export interface Claim {
  label: string;
  space: string;
  /** The version that the label's target holds. */
  version: string;
  /** This job published it. */
  fresh: boolean;
  /** Whether the Space is told the version by its variable, before it is restarted. */
  setVariable: boolean;
}

/**
 * Whether a Space is owed a restart: it is until one was confirmed. The variable is set before the restart, so one that has the
 * version may hide that the restart never came; a history that was in use by then would have it.
 *
 * @param variable the version that the Space has been told, where setVariable
 * @param records the history of runs; undefined where none is kept, and the variable alone decides
 */
export function planOwed(
  { label, space, version, fresh, setVariable }: Claim,
  variable: string | undefined,
  records: readonly RunRecord[] | undefined,
): boolean {
  if (fresh || (setVariable && variable !== version)) return true;
  if (!records || isDone(records, label, space, version)) return false;
  return wasInUse(records, version) || isPublished(records, label, version);
}

function isDone(records: readonly RunRecord[], label: string, space: string, version: string): boolean {
  return entriesOf(records, label).some(({ restarts = [] }) =>
    restarts.some((each) => each.space === space && each.version === version && each.status === 'done'),
  );
}

function isPublished(records: readonly RunRecord[], label: string, version: string): boolean {
  return entriesOf(records, label).some((entry) => entry.status === 'success' && entry.version === version);
}

/** Whether a history was kept when a version was made, also by a run that died before it was written down. */
function wasInUse([first]: readonly RunRecord[], version: string): boolean {
  const madeAt = parseVersion(version)?.getTime();
  return first !== undefined && madeAt !== undefined && Date.parse(first.started_at) < madeAt;
}

function entriesOf(records: readonly RunRecord[], label: string): RunRecord['labels'] {
  return records.flatMap(({ labels }) => labels.filter((each) => each.label === label));
}
