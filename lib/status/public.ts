import { basename } from 'node:path';
import type { HopResult } from '../check/hops.ts';
import { CODES } from '../errors.ts';
import type { Outcome, Problem } from '../outcome.ts';
import type { CheckReport, EffectReport, LabelReport, RunReport } from '../report/report.ts';
import { countOf } from '../report/words.ts';
import { NAMED_STEPS } from '../spec/named-steps.ts';

/**
 * What of a report the page may show. A Space may be public, and then so is its page: aggregates stay; values of rows, messages, SQL, patterns,
 * what a person wrote, the server and paths of the machine go. It is still a report by report.schema.json.
 */
export function publicReport({ database: _, planDigest: __, reason: ___, ...report }: RunReport): RunReport {
  return {
    ...report,
    config: basename(report.config),
    labels: report.labels.map(publicLabel),
    effects: report.effects.map(publicEffect),
    warnings: publicWarnings(report.warnings),
  };
}

/** Stands for a text that a reader of the page is not shown. */
const HIDDEN = '(not shown)';

function publicLabel({ queries: _, ...label }: LabelReport): LabelReport {
  const { outcome, unknownClasses, cleaning, checks, attribution, plan, restarts } = label;
  return {
    ...label,
    target: publicPath(label.target),
    ...(outcome && { outcome: publicOutcome(outcome) }),
    ...(unknownClasses && { unknownClasses: unknownClasses.map(({ rows }) => ({ value: HIDDEN, rows })) }),
    ...(cleaning && { cleaning: publicCleaning(cleaning) }),
    ...(checks && { checks: checks.map(publicCheck) }),
    ...(attribution && { attribution: { ...withoutMessage(attribution), base: basename(attribution.base) } }),
    ...(plan && { plan: { ...plan, directory: publicPath(plan.directory) } }),
    ...(restarts && { restarts: restarts.map(withoutMessage) }),
  };
}

function publicOutcome(outcome: Outcome): Outcome {
  switch (outcome.status) {
    case 'success':
      return { ...outcome, url: publicPath(outcome.url) };
    case 'planned':
      return { ...outcome, directory: publicPath(outcome.directory) };
    case 'held':
      return { ...outcome, reason: HIDDEN };
    case 'refused':
    case 'failed':
      return { ...outcome, problem: publicProblem(outcome.problem) };
    default:
      return outcome;
  }
}

/** A pattern may name what it looks for; the steps that have a name say no more than that. */
function publicCleaning(steps: NonNullable<LabelReport['cleaning']>): NonNullable<LabelReport['cleaning']> {
  let patterns = 0;
  return steps.map(({ step, rows }) => ({ step: step in NAMED_STEPS ? step : `pattern ${++patterns}`, rows }));
}

/** Where a query could not run, the detail quotes it. */
function publicCheck({ detail, ...check }: CheckReport): CheckReport {
  return check.found === undefined || detail === undefined ? check : { ...check, detail };
}

function publicEffect(effect: EffectReport): EffectReport {
  return { ...withoutMessage(effect), detail: publicPath(effect.detail) };
}

/** A message names hosts, users and files; the code says what to look up. */
function withoutMessage<T extends { problem?: Problem }>(value: T): T {
  return value.problem ? { ...value, problem: publicProblem(value.problem) } : value;
}

function publicProblem({ code }: Problem): Problem {
  return { code, message: 'Its message stands in the log of the run, and is not shown here.' };
}

/** Of a directory on this machine, its name. */
function publicPath(text: string): string {
  return text.startsWith('/') ? basename(text) : text;
}

/** Warnings that carry a code say that; how many others there are. */
function publicWarnings(warnings: readonly string[]): string[] {
  const codes = warnings.map((warning) => /^([A-Z_]+): /.exec(warning)?.[1] ?? '');
  const known = codes.filter((code) => (CODES as readonly string[]).includes(code));
  const others = warnings.length - known.length;
  return [...new Set(known), ...(others > 0 ? [`${countOf(others, 'warning')}: the log says more`] : [])];
}

/** A hop of --check as the page shows it. */
export type PublicHop = Pick<HopResult, 'id' | 'status' | 'code' | 'seconds'>;

/** Not its message, which names hosts and users; so does the id of a hop to one of several servers. */
export function publicHop({ id, status, code, seconds }: HopResult): PublicHop {
  return { id: publicHopId(id), status, seconds, ...(code === undefined ? {} : { code }) };
}

export const publicHopId = (id: string): string => id.replace(/^(database\.\w+)\(.*\)$/s, '$1');
