import type { RunReport } from './report.ts';

/**
 * SHA-256 of all that --publish would ship: whoever approved this digest approved these bytes, for these targets, on these heads,
 * the restart of these Spaces, and the history that remembers it. Over the planned labels in the order of the report; a list is hashed as JSON, so that no two
 * plans have one text.
 *
 * @returns 64 hex digits; undefined where nothing is planned
 */
export function planDigest({ labels, effects }: Pick<RunReport, 'labels' | 'effects'>): string | undefined {
  const plans = labels.flatMap(({ label, target, outcome, plan }) => {
    if (outcome?.status !== 'planned' || !plan) return [];
    const { head, version, message, private: isPrivate, files, deletions, restarts, setVariable } = plan;
    const hashes = files.map((file) => [file.path, file.sha256]);
    const spaces = restarts.length > 0 ? [restarts, setVariable] : [];
    return [[label, target, head, version, message, isPrivate, hashes, deletions, ...spaces]];
  });
  if (plans.length === 0) return undefined;
  const history = effects.flatMap(({ kind, detail }) => (kind === 'history' ? [detail] : []));
  return new Bun.CryptoHasher('sha256').update(JSON.stringify([...plans, ...history])).digest('hex');
}
