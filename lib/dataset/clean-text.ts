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
  if (step.kind === 'replace') return planReplacement(text, step);
  switch (step.function) {
    case 'html_entities':
      return planDecoding(text);
    case 'nfc':
      return `nfc_normalize(${text})`;
    case 'lowercase':
      return `lower(${text})`;
  }
}

function planReplacement(
  text: string,
  { pattern, replacement, only }: Extract<CleanStep, { kind: 'replace' }>,
): string {
  const replaced = (t: string) => `regexp_replace(${t}, ${literal(pattern)}, ${literal(replacement)}, 'g')`;
  if (only === undefined) return replaced(text);
  const conditions =
    'inside' in only
      ? only.inside.map((part) => `contains(t, ${literal(part)})`)
      : ['starts_with', 'ends_with'].map((name) => `${name}(t, ${literal(only.atEnds)})`);
  return planWhere(text, conditions.join(' OR '), replaced('t'));
}

/** Only texts with "&" leave the engine for TypeScript. The dot is there because the driver drops a byte order mark from the start of a text. */
function planDecoding(text: string): string {
  return planWhere(text, `contains(t, '&')`, `decode_html_entities('.' || t)[2:]`);
}

/** `result` where `condition` holds, else the text; both name it `t`. The lambda keeps `text` from standing twice. */
function planWhere(text: string, condition: string, result: string): string {
  return `list_transform([${text}], lambda t: CASE WHEN ${condition} THEN ${result} ELSE t END)[1]`;
}
