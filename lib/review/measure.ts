import { stagesOf } from '../dataset/clean-text.ts';
import type { Assigned } from '../dataset/tables.ts';
import type { ConflictsReport, LabelReport } from '../report/report.ts';
import type { LabelRun, Run } from '../run.ts';

const SHOWN_CONFLICTS = 50; // sets of classes that the report lists

/** Figures of what would be published, for the report and for the checks. Aggregates only. */
export async function measure(run: Run, label: LabelRun, assigned: Assigned): Promise<void> {
  const { report } = label;
  const { engine } = run;
  const { table: cleaned } = assigned.cleaned;
  report.cleaning = await countChanges(engine, label, cleaned);
  report.lengths = await measureLengths(engine, cleaned);
  report.conflicts = await countConflicts(engine, label, cleaned);
  report.personalData = await countPersonalData(engine, label, assigned);
  if (report.split) report.split.textsInSeveralSplits = await countTorn(engine, assigned);
}

type Engine = Run['engine'];

async function countChanges(
  engine: Engine,
  { spec }: LabelRun,
  cleaned: string,
): Promise<NonNullable<LabelReport['cleaning']>> {
  const stages = stagesOf(spec.clean);
  if (stages.length === 0) return [];
  const counts = stages.map((_, index) => `count(*) FILTER (${planChangedBy(index)}) AS stage_${index}`);
  const row = await engine.row<Record<string, number>>(`SELECT ${counts.join(', ')} FROM ${cleaned}`);
  return stages.map(({ name }, index) => ({ step: name, rows: row[`stage_${index}`] ?? 0 }));
}

/** Whether stage `index` of the cleaning changed a row of the cleaned table. */
export function planChangedBy(index: number): string {
  return `changed & (1::UBIGINT << ${index}) <> 0`;
}

const QUANTILES = { p5: 0.05, p25: 0.25, median: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 };

async function measureLengths(engine: Engine, cleaned: string): Promise<NonNullable<LabelReport['lengths']>> {
  const quantiles = Object.entries(QUANTILES).map(
    ([name, share], index) => `quantiles[${index + 1}] AS ${name}` as `${string}${typeof share}`,
  );
  return engine.row(`SELECT min, ${quantiles.join(', ')}, max, mean FROM (
  SELECT min(n) AS min, quantile_cont(n, [${Object.values(QUANTILES).join(', ')}]) AS quantiles, max(n) AS max, round(avg(n), 2) AS mean
  FROM (SELECT characters AS n FROM ${cleaned} WHERE reason IS NULL)
)`);
}

/** Texts that stand under several classes, by these classes and by what became of them. */
export async function countConflicts(engine: Engine, { spec }: LabelRun, cleaned: string): Promise<ConflictsReport> {
  const groups = await engine.rows<{ ids: string; winner: number | null; texts: number; rows: number }>(
    `SELECT ids, winner, count(*) AS texts, sum(n)::BIGINT AS rows FROM (${planConflictGroups(cleaned)})
GROUP BY ids, winner ORDER BY texts DESC, ids, winner`,
  );
  const total = (field: 'texts' | 'rows') => groups.reduce((sum, group) => sum + group[field], 0);
  const nameOf = (id: number | string) => spec.classes[Number(id)] ?? '';
  return {
    texts: total('texts'),
    rows: total('rows'),
    groups: groups.slice(0, SHOWN_CONFLICTS).map(({ ids, winner, texts, rows }) => ({
      classes: ids.split(',').map(nameOf),
      winner: winner === null ? null : nameOf(winner),
      texts,
      rows,
    })),
  };
}

/** Plan the texts with several classes: (hash, ids, winner, n); `ids` are the classes, `winner` the one that is kept. */
export function planConflictGroups(cleaned: string): string {
  return `SELECT hash, string_agg(DISTINCT class::VARCHAR, ',' ORDER BY class::VARCHAR) AS ids,
  min(class) FILTER (reason IS NULL) AS winner, count(*) AS n
FROM ${cleaned} WHERE hash IN (SELECT hash FROM ${cleaned} WHERE reason = 'conflict') AND (reason IS NULL OR reason IN ('conflict', 'duplicate'))
GROUP BY hash`;
}

async function countPersonalData(
  engine: Engine,
  { spec }: LabelRun,
  { table, cleaned }: Assigned,
): Promise<NonNullable<LabelReport['personalData']>> {
  const counts = await engine.rows<{ split: number; rows: number; emails: number; phones: number; any: number }>(
    `SELECT split, count(*) AS rows, count(*) FILTER (email) AS emails, count(*) FILTER (phone) AS phones, count(*) FILTER (email OR phone) AS any
FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row" GROUP BY split`,
  );
  return spec.split.map(({ name }, index) => {
    const { rows = 0, emails = 0, phones = 0, any = 0 } = counts.find(({ split }) => split === index) ?? {};
    return { split: name, rows, emails, phones, any };
  });
}

/** Texts that would stand in two splits, by the texts themselves and not by what assigned them. */
async function countTorn(engine: Engine, { table, cleaned }: Assigned): Promise<number> {
  const { texts } = await engine.row<{ texts: number }>(
    `SELECT count(*) AS texts FROM (
  SELECT c.hash FROM ${table} a JOIN ${cleaned.table} c ON c."row" = a."row" GROUP BY c.hash HAVING min(a.split) <> max(a.split)
)`,
  );
  return texts;
}
