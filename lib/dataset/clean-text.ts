import type { CleanStep } from '../spec/patterns.ts';
import { literal } from '../sql.ts';

/**
 * Plan the cleaning of one column.
 *
 * @param column an SQL expression of type VARCHAR; it stands once in the result
 * @returns a DuckDB expression; NULL stays NULL. `decode_html_entities` must be registered (lib/edges/duckdb.ts).
 */
export function planCleanText(column: string, steps: CleanStep[]): string {
  return steps.reduce((text, step) => planStep(text, step), column);
}

/** Steps of the spec, in order. A named step may be several replacements; they count as one. */
export interface CleanStage {
  name: string;
  steps: CleanStep[];
}

/** Replacements in a row with one name are one stage. */
export function stagesOf(steps: CleanStep[]): CleanStage[] {
  const stages: CleanStage[] = [];
  for (const step of steps) {
    const last = stages.at(-1);
    if (last?.name === step.name) last.steps.push(step);
    else stages.push({ name: step.name, steps: [step] });
  }
  return stages;
}

function planStep(text: string, step: CleanStep): string {
  if (step.kind === 'replace')
    return `regexp_replace(${text}, ${literal(step.pattern)}, ${literal(step.replacement)}, 'g')`;
  switch (step.function) {
    case 'html_entities':
      return planDecoding(text);
    case 'nfc':
      return `nfc_normalize(${text})`;
    case 'lowercase':
      return `lower(${text})`;
  }
}

/**
 * Only texts with "&" leave the engine for TypeScript. The lambda keeps `text` from standing twice. The dot is there because the driver
 * drops a byte order mark from the start of a text.
 */
function planDecoding(text: string): string {
  const decoded = `CASE WHEN contains(t, '&') THEN decode_html_entities('.' || t)[2:] ELSE t END`;
  return `list_transform([${text}], lambda t: ${decoded})[1]`;
}
