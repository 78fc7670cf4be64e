import type { Outcome } from '../outcome.ts';
import type { TextPart } from '../report/samples.ts';
import type { TerminalOptions } from '../report/terminal.ts';
import { maskSamples } from '../review/sample.ts';
import { planChange, planExcerpt } from '../review/text-diff.ts';
import { traceCleaning } from '../review/trace.ts';
import type { LabelRun, Run } from '../run.ts';
import { maskStrings } from '../secrets.ts';
import type { Inspect } from '../steps/fetch.ts';
import { type Fate, type Memory, readFates } from './fate.ts';
import { lookUp, type SourceRecord, type SourceRow } from './lookup.ts';
import { renderExplanation } from './render.ts';

/** What there is to say of a record in one label. Its texts are hostile; secrets and personal data are masked already. */
export interface Explanation {
  label: string;
  target: string;
  /** Undefined where the label ended before its sources were asked. */
  records: SourceRecord[] | undefined;
  rows: ExplainedRow[];
  /** What the ledger has of the key, whatever became of the record now. */
  memory: Memory | undefined;
  limit: { maxTextBytes: number };
  outcome: Outcome | undefined;
}

/** A row of the record that was fetched, or one that was left out. */
export interface ExplainedRow {
  source: SourceRow['source'];
  value: string | null;
  bytes: number | null;
  text: TextPart[] | undefined;
  steps: ExplainedStep[];
  fate: Fate | undefined;
  leftOut: SourceRecord['leftOut'];
}

export interface ExplainedStep {
  step: string;
  changed: boolean;
  /** Undefined with --samples 0, and where only what is masked changed. */
  parts: TextPart[] | undefined;
}

/** A question after one record, asked while a run goes on. */
export interface Inquiry {
  /** Look the record up, in the snapshot that its label was read in. */
  inspect: Inspect;
  /** Say what became of it, once every label has its outcome. */
  answer(options: TerminalOptions): Promise<string>;
}

/** Undefined without --explain. */
export function openInquiry(run: Run): Inquiry | undefined {
  const { explain: key } = run.options;
  if (key === undefined) return undefined;
  const records = new Map<LabelRun, SourceRecord[]>();
  return {
    inspect: async (snapshot, label) => {
      records.set(label, await lookUp(run, snapshot, label, key));
    },
    answer: async (options) => {
      const explanations: Explanation[] = [];
      for (const label of run.labels) explanations.push(await explainLabel(run, label, key, records.get(label)));
      return renderExplanation(run.mask(key), maskStrings(explanations, run.mask), options);
    },
  };
}

async function explainLabel(
  run: Run,
  label: LabelRun,
  key: string,
  records: SourceRecord[] | undefined,
): Promise<Explanation> {
  const { spec, report } = label;
  const { rows: fetched, memory } = await readFates(run, label, key);
  const rows: ExplainedRow[] = [];
  for (const { source, value, text, fate } of fetched) {
    const bytes = records?.find((record) => record.source === source)?.rows.find((row) => row.value === value)?.bytes;
    const shown = fate?.kind === 'dropped' && fate.reason === 'duplicate_key' ? null : text;
    rows.push({
      source,
      value,
      bytes: bytes ?? null,
      ...(await showCleaning(run, label, shown)),
      fate,
      leftOut: undefined,
    });
  }
  for (const { leftOut, rows: found } of records ?? []) {
    const [row] = found;
    if (!leftOut || !row) continue;
    const cleaning = await showCleaning(run, label, fetched.length > 0 ? null : row.text);
    rows.push({ source: row.source, value: row.value, bytes: row.bytes, ...cleaning, fate: undefined, leftOut });
  }
  return maskValues(run, {
    label: spec.name,
    target: report.target,
    records,
    rows,
    memory,
    limit: { maxTextBytes: spec.maxTextBytes },
    outcome: report.outcome,
  });
}

/** A text and what each cleaning step makes of it, masked before anything is cut: half of what is masked would not be recognised. */
async function showCleaning(
  run: Run,
  { spec }: LabelRun,
  text: string | null,
): Promise<Pick<ExplainedRow, 'text' | 'steps'>> {
  if (text === null) return { text: undefined, steps: [] };
  const trace = await traceCleaning(run.engine, text, spec.clean);
  const isHidden = run.options.samples === 0;
  const texts = isHidden ? [] : await maskTexts(run, [text, ...trace.map(({ after }) => after)]);
  const steps = trace.map(({ step, before, after }, index) => {
    const changed = before !== after;
    const parts = planChange(texts[index] ?? '', texts[index + 1] ?? '');
    return { step, changed, parts: parts.length === 0 ? undefined : parts };
  });
  return { text: texts[0] === undefined ? undefined : planExcerpt(texts[0]), steps };
}

async function maskTexts(run: Run, texts: string[]): Promise<string[]> {
  return (await maskSamples(run, texts)).map(run.mask);
}

/** Labels as they were found may be anything where they are no class, and a key may be somebody's address. */
const PERSONAL = new Set(['value', 'key']);

/** Mask what may name a person. */
async function maskValues(run: Run, explanation: Explanation): Promise<Explanation> {
  const values = new Set<string>();
  const text = JSON.stringify(explanation, (name, value) => {
    if (PERSONAL.has(name) && typeof value === 'string') values.add(value);
    return value;
  });
  const masked = await maskTexts(run, [...values]);
  const maskOf = new Map([...values].map((value, index) => [value, masked[index]]));
  return JSON.parse(text, (name, value) => (PERSONAL.has(name) ? (maskOf.get(value) ?? value) : value));
}
