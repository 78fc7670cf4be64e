import { stagesOf } from '../dataset/clean-text.ts';
import { type Cleaned, ORIGINS } from '../dataset/tables.ts';
import type { DropReason } from '../report/report.ts';
import type { LabelSamples } from '../report/samples.ts';
import type { LabelRun, Run } from '../run.ts';
import { planChangedBy, planConflictGroups } from './measure.ts';
import { maskPersonalData } from './personal-data.ts';
import { excerpt, planChange } from './text-diff.ts';
import { traceCleaning } from './trace.ts';

export const READ = 20_000; // characters read of a text to make an excerpt of it
const BY_CONTENT = 'hash NULLS LAST, key, origin, value'; // never by row, which differs from run to run

/**
 * Take examples of what cleaning did and dropped, in an order that is the same in every run. Nothing with --samples 0.
 *
 * Needs the texts as they came; showsRaw() has them kept.
 */
export async function sampleCleaning(run: Run, label: LabelRun, cleaned: Cleaned): Promise<void> {
  if (run.options.samples === 0) return;
  label.samples.dropped = await sampleDrops(run, label, cleaned);
  label.samples.cleaning = await sampleChanges(run, label, cleaned);
  label.samples.conflicts = await sampleConflicts(run, label, cleaned);
}

/** Hide personal data unless --raw-samples asks for it. */
export async function maskSamples({ engine, options }: Run, texts: string[]): Promise<string[]> {
  return options.rawSamples ? texts : maskPersonalData(engine, texts);
}

async function sampleDrops(run: Run, _label: LabelRun, { table, texts }: Cleaned): Promise<LabelSamples['dropped']> {
  const rows = await run.engine.rows<{
    reason: DropReason;
    key: string;
    origin: number;
    value: string | null;
    text: string | null;
  }>(
    `SELECT s.reason, s.key, s.origin, left(s.value, 200) AS value, left(t.raw, ${READ}) AS text FROM (
  SELECT *, row_number() OVER (PARTITION BY reason ORDER BY ${BY_CONTENT}) AS n FROM ${table} WHERE reason IS NOT NULL
) s JOIN ${texts} t ON t."row" = s."row" WHERE s.n <= ${run.options.samples} ORDER BY s.reason, s.n`,
  );
  const masked = await maskSamples(
    run,
    rows.flatMap(({ key, value, text }) => [key, value ?? '', text ?? '']),
  );
  return rows.map(({ reason, origin, value, text }, index) => ({
    reason,
    source: ORIGINS[origin] ?? 'correct',
    key: excerpt(masked[3 * index] ?? ''),
    value: value === null ? null : (masked[3 * index + 1] ?? ''),
    text: text === null ? null : excerpt(masked[3 * index + 2] ?? ''),
  }));
}

/** For each stage some rows that it changed, with what it did to them. */
async function sampleChanges(
  run: Run,
  { spec }: LabelRun,
  { table, texts }: Cleaned,
): Promise<LabelSamples['cleaning']> {
  const samples: LabelSamples['cleaning'] = [];
  for (const [index, { name }] of stagesOf(spec.clean).entries()) {
    const rows = await run.engine.rows<{ key: string; text: string }>(
      `SELECT s.key, left(t.raw, ${READ}) AS text FROM (
  SELECT *, row_number() OVER (ORDER BY ${BY_CONTENT}) AS n FROM ${table} WHERE ${planChangedBy(index)} QUALIFY n <= ${run.options.samples}
) s JOIN ${texts} t ON t."row" = s."row" ORDER BY s.n`,
    );
    for (const { key, text } of rows) {
      const { before = '', after = '' } = (await traceCleaning(run.engine, text, spec.clean))[index] ?? {};
      const [shownKey = '', was = '', is = ''] = await maskSamples(run, [key, before, after]);
      samples.push({ step: name, key: excerpt(shownKey), parts: planChange(was, is) });
    }
  }
  return samples;
}

async function sampleConflicts(
  run: Run,
  { spec }: LabelRun,
  { table, texts }: Cleaned,
): Promise<LabelSamples['conflicts']> {
  const rows = await run.engine.rows<{
    text: string;
    winner: number | null;
    class: number;
    reviewed: number;
    unreviewed: number;
  }>(
    `SELECT left(any_value(t.text), ${READ}) AS text, g.winner, c.class, count(*) FILTER (c.origin = 0) AS reviewed, count(*) FILTER (c.origin = 1) AS unreviewed
FROM (SELECT * FROM (${planConflictGroups(table)}) ORDER BY hash LIMIT ${run.options.samples}) g JOIN ${table} c ON c.hash = g.hash JOIN ${texts} t ON t."row" = c."row"
WHERE c.class IS NOT NULL GROUP BY c.hash, g.winner, c.class ORDER BY c.hash, c.class`,
  );
  const masked = await maskSamples(
    run,
    rows.map(({ text }) => text),
  );
  const nameOf = (id: number | null) => (id === null ? null : (spec.classes[id] ?? ''));
  const conflicts = new Map<string, LabelSamples['conflicts'][number]>();
  for (const [index, { text, winner, class: id, reviewed, unreviewed }] of rows.entries()) {
    const conflict = conflicts.get(text) ?? { text: excerpt(masked[index] ?? ''), winner: nameOf(winner), classes: [] };
    conflict.classes.push({ name: nameOf(id) ?? '', reviewed, unreviewed });
    conflicts.set(text, conflict);
  }
  return [...conflicts.values()];
}
