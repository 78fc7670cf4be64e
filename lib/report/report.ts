import * as v from 'valibot';
import { described, ProblemSchema } from '../outcome.ts';
import { LabelSchema, optional } from './label-report.ts';

export * from './label-report.ts';

/**
 * The run report: one shape for the terminal, Markdown, HTML and JSON. Aggregates only: no row's text and no key stands here
 * (lib/report/samples.ts holds those). Lists instead of maps wherever a user chose the names, so that JSON's snake_case keys are ours alone.
 */

/** Of the JSON shape; a field that changes its meaning or goes away makes a new one. */
export const REPORT_VERSION = 1;

/** What the program was asked to do. */
export const ACTIONS = ['run', 'publish', 'rollback', 'unhold'] as const;

const text = v.string();
const number = v.number();

const EffectSchema = v.object({
  kind: described(v.picklist(['tracking', 'email', 'webhook', 'history', 'pause']), 'What it is.'),
  detail: described(text, 'In words, without a secret or an address.'),
  status: described(
    v.picklist(['planned', 'done', 'failed', 'skipped']),
    'planned: a real run does it; the pause comes after the report. skipped: there was no cause for it.',
  ),
  problem: optional(ProblemSchema, 'Why it failed; never the reason of an exit code.'),
});

export const ReportSchema = v.object({
  reportVersion: described(v.literal(REPORT_VERSION), 'Of this shape.'),
  version: described(text, 'The program’s.'),
  run: described(text, 'Its name in the history, and in W&B: when it started (UTC), to the millisecond.'),
  action: described(v.picklist(ACTIONS), 'What the program was asked to do.'),
  rolledBackTo: optional(text, 'The version whose rows --rollback asks for.'),
  reason: optional(text, 'Why, as --reason says.'),
  config: described(text, 'The spec’s file.'),
  startedAt: described(text, 'ISO 8601, UTC.'),
  seconds: described(number, 'From start to end.'),
  dryRun: described(v.boolean(), 'true: nothing was published.'),
  running: optional(
    v.boolean(),
    'true: the run goes on, and this is how far it came. Of the status page; missing from a report of a run that ended.',
  ),
  exitCode: described(v.pipe(number, v.integer()), 'The program’s.'),
  planDigest: optional(text, 'SHA-256 of all that --publish would ship; --plan-digest holds it to that.'),
  database: optional(
    v.object({
      server: described(text, 'PostgreSQL’s version.'),
      snapshot: described(text, 'PostgreSQL’s name of it.'),
      takenAt: described(text, 'ISO 8601, UTC.'),
    }),
    'The one snapshot that all labels were read in.',
  ),
  labels: described(v.array(LabelSchema), 'In the order of the spec.'),
  effects: described(v.array(EffectSchema), 'What a run does besides publishing, in this order.'),
  warnings: described(v.array(text), 'What is not an error, but somebody should know.'),
});

export type RunReport = v.InferOutput<typeof ReportSchema>;
export type EffectReport = v.InferOutput<typeof EffectSchema>;
export type Action = (typeof ACTIONS)[number];
