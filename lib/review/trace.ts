import { planCleanText, stagesOf } from '../dataset/clean-text.ts';
import type { Engine } from '../edges/duckdb.ts';
import type { CleanStep } from '../spec/patterns.ts';

export interface Trace {
  /** A named step, or the pattern as the spec writes it. */
  step: string;
  before: string;
  after: string;
}

/** What each cleaning step makes of a text, in the order of the spec; computed by the engine, as in a run. */
export async function traceCleaning(engine: Engine, text: string, steps: CleanStep[]): Promise<Trace[]> {
  const stages = stagesOf(steps);
  if (stages.length === 0) return [];
  const select = stages.reduce(
    (from, stage, index) => `SELECT *, ${planCleanText(`t${index}`, stage.steps)} AS t${index + 1} FROM (${from})`,
    // The dot keeps a byte order mark, which the driver drops from the start of a text.
    `SELECT $dotted[2:] AS t0`,
  );
  const columns = [...stages, undefined].map((_, index) => `'.' || t${index} AS t${index}`);
  const row = await engine.row<Record<string, string>>(`SELECT ${columns.join(', ')} FROM (${select})`, {
    dotted: `.${text}`,
  });
  const at = (index: number) => (row[`t${index}`] ?? '').slice(1);
  return stages.map(({ name }, index) => ({ step: name, before: at(index), after: at(index + 1) }));
}
