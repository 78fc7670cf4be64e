import * as v from 'valibot';
import { OutcomeSchema, ProblemSchema } from '../outcome.ts';

/**
 * The run report: one shape for the terminal, Markdown, HTML and JSON. Aggregates only: no row's text and no key stands here
 * (lib/report/samples.ts holds those). Lists instead of maps wherever a user chose the names, so that JSON's snake_case keys are ours alone.
 */

/** Of the JSON shape; a field that changes its meaning or goes away makes a new one. */
export const REPORT_VERSION = 1;

/** Why a row is not in the dataset; a row has one reason, the first that holds. */
export const DROP_REASONS = [
  'duplicate_key',
  'null_text',
  'too_long',
  'null_label',
  'unknown_class',
  'empty_text',
  'conflict',
  'duplicate',
] as const;

/** What may have become of a row between two versions. */
export const CHANGE_KINDS = ['added', 'removed', 'relabelled', 'recleaned', 'moved'] as const;

const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const rows = described(count, 'Rows.');
const source = described(
  v.picklist(['misclassified', 'correct']),
  'misclassified: reviewed by a person. correct: the model’s label.',
);

const QuerySchema = v.object({
  source,
  sql: described(v.string(), 'The SELECT that runs, as compiled.'),
  estimate: v.exactOptional(
    described(
      v.object({ rows: v.number(), cost: described(v.number(), 'Total cost in the planner’s unit.') }),
      'The planner’s, by EXPLAIN.',
    ),
  ),
});

const UnknownClassSchema = v.object({
  value: v.string(),
  rows,
  nearest: v.exactOptional(described(v.string(), 'The class that it may have meant.')),
});

const CleaningSchema = v.object({
  step: described(v.string(), 'A named step, or the pattern as the spec writes it.'),
  rows: described(count, 'Rows that it changed.'),
});

const LengthsSchema = v.object({
  min: count,
  p5: v.number(),
  p25: v.number(),
  median: v.number(),
  p75: v.number(),
  p95: v.number(),
  p99: v.number(),
  max: count,
  mean: v.number(),
});

const ConflictsSchema = v.object({
  texts: described(count, 'Texts that stand under more than one class.'),
  rows: described(count, 'Rows of such texts.'),
  groups: described(
    v.array(
      v.object({
        classes: v.array(v.string()),
        winner: described(v.nullable(v.string()), 'The class that is kept; null: all rows are dropped.'),
        texts: count,
        rows,
      }),
    ),
    'By the classes that disagree, most texts first.',
  ),
});

const SplitSchema = v.object({
  splits: v.array(
    v.object({
      name: v.string(),
      share: described(v.string(), 'As the spec writes it.'),
      rows,
      classes: described(v.array(count), 'Rows per class, in class order.'),
    }),
  ),
  remembered: described(count, 'Text groups whose split an earlier version decided.'),
  assigned: described(count, 'Text groups that are new.'),
  merged: described(count, 'Groups that earlier versions had in several splits: the split listed first won.'),
  smallClasses: described(v.array(v.string()), 'Classes with fewer groups than splits: some split has none of them.'),
  textsInSeveralSplits: v.exactOptional(described(count, 'Counted again in what would be published; must be 0.')),
});

const PersonalDataSchema = v.object({
  split: v.string(),
  rows,
  emails: described(count, 'Rows with an e-mail address.'),
  phones: described(count, 'Rows with a telephone number, in Latin or Devanagari digits.'),
  any: described(count, 'Rows with either.'),
});

const CheckSchema = v.object({
  name: described(v.string(), 'As the spec names it; sql.NAME for a query.'),
  severity: v.picklist(['refuse', 'warn']),
  status: described(v.picklist(['passed', 'failed', 'skipped']), 'skipped: there is nothing to compare with.'),
  limit: v.exactOptional(v.number()),
  found: v.exactOptional(described(v.number(), 'The value that is held against the limit; rows, for a query.')),
  detail: v.exactOptional(described(v.string(), 'Where it was found, e.g. the class; why a query could not run.')),
});

const ChangeSchema = v.object({
  kind: v.picklist(CHANGE_KINDS),
  rows,
  bySpec: v.exactOptional(described(count, 'Of these, because the spec changed (--compare-config).')),
  byData: v.exactOptional(described(count, 'Of these, because the data changed (--compare-config).')),
});

const DifferenceSchema = v.object({
  version: described(v.nullable(v.string()), 'The version compared with; null where it has no tag of ours.'),
  rows: v.object({ before: count, after: count, unchanged: count }),
  changes: described(v.array(ChangeSchema), 'One entry for each kind. A row may be relabelled and recleaned at once.'),
  relabelled: described(
    v.array(v.object({ from: v.string(), to: v.string(), rows })),
    'By class before and after, most rows first.',
  ),
  classes: described(
    v.array(v.object({ name: v.string(), before: count, after: count })),
    'Rows of each class before and after; classes of the spec first, then those that are gone.',
  ),
  splits: v.array(v.object({ name: v.string(), before: count, after: count })),
  drift: described(
    v.number(),
    'Population stability index of the class shares; above 0.25 is commonly called a shift.',
  ),
  classList: v.object({
    added: v.array(v.string()),
    removed: v.array(v.string()),
    reordered: described(v.array(v.string()), 'Published classes whose id is another one now.'),
  }),
});

const AttributionSchema = v.object({
  base: described(v.string(), 'The YAML of --compare-config, or published.'),
  problem: v.exactOptional(described(ProblemSchema, 'Why the base could not be planned; there are no figures then.')),
  measures: v.array(
    v.object({
      group: v.picklist(['fetched', 'dropped', 'kept', 'class', 'split']),
      name: v.string(),
      published: described(v.nullable(count), 'In the published version; null where it does not say.'),
      base: described(count, 'The base spec on today’s data. base - published is what the data changed.'),
      planned: described(count, 'This spec on today’s data. planned - base is what the spec changed.'),
    }),
  ),
});

const FileSchema = v.object({ path: v.string(), size: described(count, 'Bytes.'), sha256: v.string() });

const PlanSchema = v.object({
  head: described(
    v.nullable(v.string()),
    'Revision of the target that this was made against; null: it does not exist.',
  ),
  createsRepo: v.boolean(),
  private: described(v.boolean(), 'Whether a repo that is created is private.'),
  version: described(v.string(), 'The tag.'),
  message: described(v.string(), 'The commit’s.'),
  fingerprint: described(v.string(), 'What the version says, whatever its bytes.'),
  directory: described(v.string(), 'Where the files lie, below --out.'),
  files: v.array(FileSchema),
  deletions: described(v.array(v.string()), 'Files of the head that would go.'),
  restarts: described(v.array(v.string()), 'Spaces that the spec wants restarted.'),
});

const StepSecondsSchema = v.object(
  Object.fromEntries(
    (['fetch', 'balance', 'clean', 'split', 'check', 'push'] as const).map((step) => [
      step,
      v.exactOptional(v.number()),
    ]),
  ) as Record<
    'fetch' | 'balance' | 'clean' | 'split' | 'check' | 'push',
    v.ExactOptionalSchema<v.NumberSchema<undefined>, undefined>
  >,
);

const DropsSchema = v.object(
  Object.fromEntries(DROP_REASONS.map((reason) => [reason, v.exactOptional(count)])) as Record<
    (typeof DROP_REASONS)[number],
    v.ExactOptionalSchema<typeof count, undefined>
  >,
);

const LabelSchema = v.object({
  label: v.string(),
  target: described(v.string(), 'owner/name on the Hub, or the directory.'),
  classes: described(v.array(v.string()), 'The position is the id.'),
  outcome: v.exactOptional(OutcomeSchema),
  seconds: described(StepSecondsSchema, 'Seconds per step.'),
  queries: v.exactOptional(v.array(QuerySchema)),
  fetched: v.exactOptional(
    v.object({
      misclassified: rows,
      correct: rows,
      asked: described(count, 'Correct rows that the ratio asks for.'),
      total: rows,
    }),
  ),
  dropped: v.exactOptional(described(DropsSchema, 'Rows by reason; fetched.total = kept.total + their sum.')),
  kept: v.exactOptional(v.object({ misclassified: rows, correct: rows, total: rows })),
  unknownClasses: v.exactOptional(
    described(v.array(UnknownClassSchema), 'Labels in the data that the spec does not name, most frequent first.'),
  ),
  cleaning: v.exactOptional(described(v.array(CleaningSchema), 'In the order of the spec.')),
  lengths: v.exactOptional(described(LengthsSchema, 'Characters of the kept texts.')),
  conflicts: v.exactOptional(ConflictsSchema),
  split: v.exactOptional(SplitSchema),
  personalData: v.exactOptional(described(v.array(PersonalDataSchema), 'What cleaning left, per split.')),
  checks: v.exactOptional(v.array(CheckSchema)),
  previousVersion: v.exactOptional(described(v.string(), 'The version that the target’s head holds.')),
  difference: v.exactOptional(DifferenceSchema),
  attribution: v.exactOptional(AttributionSchema),
  plan: v.exactOptional(described(PlanSchema, 'What a real run would write.')),
  files: v.exactOptional(described(v.array(FileSchema), 'What was written.')),
});

export const ReportSchema = v.object({
  reportVersion: v.literal(REPORT_VERSION),
  version: described(v.string(), 'The program’s.'),
  config: described(v.string(), 'The spec’s file.'),
  startedAt: described(v.string(), 'ISO 8601, UTC.'),
  seconds: v.number(),
  dryRun: v.boolean(),
  exitCode: v.pipe(v.number(), v.integer()),
  planDigest: v.exactOptional(
    described(v.string(), 'SHA-256 of all that --publish would ship; --plan-digest holds it to that.'),
  ),
  database: v.exactOptional(
    v.object({ server: v.string(), snapshot: described(v.string(), 'PostgreSQL’s name of it.'), takenAt: v.string() }),
  ),
  labels: v.array(LabelSchema),
  effects: described(
    v.array(
      v.object({
        kind: v.picklist(['tracking', 'alerts', 'email', 'pause']),
        detail: v.string(),
        carriedOut: described(v.boolean(), 'false: the spec asks for it, this version of the program does not do it.'),
      }),
    ),
    'What a real run does besides publishing.',
  ),
  warnings: v.array(v.string()),
});

export type RunReport = v.InferOutput<typeof ReportSchema>;
export type LabelReport = RunReport['labels'][number];
export type SplitReport = v.InferOutput<typeof SplitSchema>;
export type FileReport = v.InferOutput<typeof FileSchema>;
export type CheckReport = v.InferOutput<typeof CheckSchema>;
export type DifferenceReport = v.InferOutput<typeof DifferenceSchema>;
export type AttributionReport = v.InferOutput<typeof AttributionSchema>;
export type PlanReport = v.InferOutput<typeof PlanSchema>;
export type ConflictsReport = v.InferOutput<typeof ConflictsSchema>;
export type DropReason = (typeof DROP_REASONS)[number];
export type Drops = v.InferOutput<typeof DropsSchema>;
export type ChangeKind = (typeof CHANGE_KINDS)[number];
