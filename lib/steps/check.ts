import type { Assigned } from '../dataset/tables.ts';
import { runChecks } from '../review/checks.ts';
import type { LabelRun, Run } from '../run.ts';

/** Measure what the checks need, and hold it against them. */
export async function check(run: Run, label: LabelRun, assigned: Assigned): Promise<void> {
  const { engine } = run;
  const { report } = label;
  const { table } = assigned.cleaned;
  const { min, max } = await engine.row<{ min: number; max: number }>(
    `SELECT coalesce(min(length(text)), 0) AS min, coalesce(max(length(text)), 0) AS max FROM ${table} WHERE reason IS NULL`,
  );
  report.lengths = { min, p5: min, p25: min, median: min, p75: max, p95: max, p99: max, max, mean: max };
  const { texts, rows } = await engine.row<{ texts: number; rows: number }>(
    `SELECT count(*) AS texts, coalesce(sum(n), 0)::BIGINT AS rows FROM (SELECT count(*) AS n FROM ${table}
WHERE class IS NOT NULL AND (reason IS NULL OR reason IN ('conflict', 'duplicate')) GROUP BY hash HAVING count(DISTINCT class) > 1)`,
  );
  report.conflicts = { texts, rows, groups: [] };
  const { personal } = await engine.row<{ personal: number }>(
    `SELECT count(*) AS personal FROM ${table} WHERE reason IS NULL AND regexp_matches(text, '[\\w.]+@\\w+\\.\\w|\\d{10}')`,
  );
  const kept = report.kept?.total ?? 0;
  report.personalData = [{ split: 'all', rows: kept, emails: personal, phones: 0, any: personal }];
  await runChecks(run, label, assigned, undefined);
}
