import { resolveChecks } from './checks.ts';
import type { DatabaseAddress } from './database-url.ts';
import { type Decimal, parseDecimal } from './decimal.ts';
import { type CleanStep, NAMED_STEPS, planPattern } from './patterns.ts';
import type { RawCommon, RawLabel, RawSpec } from './schema.ts';
import type { DatabaseSpec, LabelSpec } from './spec.ts';
import { planSource } from './sql.ts';
import { parseTarget } from './target.ts';

/** What holds where neither the label nor `defaults` says otherwise. */
const BUILT_IN = {
  ratios: { misclassified: 1, correct: 0.5 },
  seed: 42,
  min_samples: 1000,
  max_text_bytes: 1_000_000,
  clean: [],
  duplicates: 'one',
  conflicts: 'reviewed',
  split: { train: 0.8, eval: 0.1, test: 0.1 },
  columns: { text: 'text', label: 'label' },
  push: { private: true, when: 'changed' },
  after_push: { restart_spaces: [], set_variable: true },
} as const satisfies RawCommon;

export const DATABASE_DEFAULTS = {
  attempts: 3,
  statement_timeout: '10m',
  memory_limit: '256MB',
  row_security: 'error',
} as const;
export const LEAST_MEMORY_MB = 200; // MB; below it DuckDB cannot sort a few hundred thousand rows

/** Keys whose entries merge one by one; all others are replaced whole. */
const MERGED = ['sources', 'ratios', 'columns', 'checks', 'card', 'push', 'after_push'] as const;

/** The settings of one label: built in, then `defaults`, then its own. Works on templates (variables unfilled) too. */
export function mergeCommon<T extends RawCommon>(defaults: RawCommon, label: T): RawCommon & T {
  const merged = { ...BUILT_IN, ...defaults, ...label } as Record<string, unknown>;
  for (const key of MERGED) {
    const entries = { ...(BUILT_IN as RawCommon)[key], ...defaults[key], ...label[key] };
    if (Object.keys(entries).length > 0) merged[key] = entries;
  }
  const queries = { ...defaults.checks?.sql, ...label.checks?.sql };
  if (Object.keys(queries).length > 0) merged.checks = { ...(merged.checks as RawCommon['checks']), sql: queries };
  return merged as RawCommon & T;
}

/** After merging, everything that BUILT_IN has is there. */
type Complete = RawCommon & { [K in keyof typeof BUILT_IN]: NonNullable<RawCommon[K]> };

/** A label of a checked spec, in the program's own types. */
export function resolveLabel(
  name: string,
  defaults: RawCommon,
  label: RawLabel,
  template: Record<string, unknown>,
): LabelSpec {
  const merged = mergeCommon(defaults, label) as Complete & RawLabel;
  const target = parseTarget(label.repo);
  if ('problem' in target) throw new TypeError(`unchecked repo of ${name}`);
  return {
    name,
    target,
    classes: label.classes.map(String),
    sources: { misclassified: source(merged, 'misclassified', name), correct: source(merged, 'correct', name) },
    ratios: { misclassified: decimal(merged.ratios.misclassified), correct: decimal(merged.ratios.correct) },
    seed: Number(merged.seed),
    minSamples: Number(merged.min_samples),
    maxTextBytes: Number(merged.max_text_bytes),
    clean: merged.clean.flatMap(cleanStep),
    duplicates: merged.duplicates,
    conflicts: merged.conflicts,
    split: Object.entries(merged.split).map(([split, share]) => ({ name: split, share: decimal(share) })),
    columns: {
      text: merged.columns.text ?? 'text',
      label: merged.columns.label ?? 'label',
      source: merged.columns.source,
    },
    checks: resolveChecks(merged.checks ?? {}, name),
    card: resolveCard(merged.card ?? {}, name),
    push: { private: merged.push.private !== false, when: merged.push.when ?? 'changed' },
    afterPush: {
      restartSpaces: [...(merged.after_push.restart_spaces ?? [])],
      setVariable: merged.after_push.set_variable !== false,
    },
    template,
  };
}

function resolveCard(card: NonNullable<RawCommon['card']>, label: string): LabelSpec['card'] {
  return {
    license: card.license,
    language: card.language ?? [],
    prettyName: card.pretty_name?.replaceAll('{label}', label),
    author: card.author,
    description: card.description?.replaceAll('{label}', label),
    tags: card.tags ?? [],
  };
}

export function resolveDatabase(
  raw: RawSpec['database'],
  address: DatabaseAddress,
  timeoutMs: number,
  memoryMb: number,
  ca: string | undefined,
): DatabaseSpec {
  return {
    address,
    attempts: Number(raw.attempts ?? DATABASE_DEFAULTS.attempts),
    statementTimeoutMs: timeoutMs,
    memoryLimitMb: memoryMb,
    rowSecurity: raw.row_security ?? DATABASE_DEFAULTS.row_security,
    ca,
  };
}

function source(merged: RawCommon, which: 'misclassified' | 'correct', label: string): string {
  const plan = planSource(merged.sources?.[which] ?? '', label);
  if ('problems' in plan) throw new TypeError(`unchecked SQL of ${label}`);
  return plan.sql;
}

function decimal(value: number | string | undefined): Decimal {
  const parsed = value === undefined ? undefined : parseDecimal(value);
  if (!parsed) throw new TypeError(`unchecked number ${value}`);
  return parsed;
}

function cleanStep(step: string | { pattern: string; replace: string }): CleanStep[] {
  if (typeof step === 'string') return NAMED_STEPS[step] ?? [];
  const plan = planPattern(step.pattern, step.replace);
  if ('problems' in plan) throw new TypeError('unchecked pattern');
  return [plan.step];
}
