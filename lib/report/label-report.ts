import * as v from 'valibot';
import { STEPS } from '../events.ts';
import { described, OutcomeSchema, ProblemSchema } from '../outcome.ts';

/** What the run report says of one label: see report.ts. */

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

export const optional = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.exactOptional(described(schema, description));
const text = v.string();
const number = v.number();
const count = v.pipe(number, v.integer(), v.minValue(0));
const rows = described(count, 'Rows.');
const before = described(count, 'Rows in the version compared with.');
const after = described(count, 'Rows in this one.');
const source = described(
  v.picklist(['misclassified', 'correct']),
  'misclassified: reviewed by a person. correct: the model’s label.',
);

const QuerySchema = v.object({
  source,
  sql: described(text, 'The SELECT that runs, as compiled.'),
  estimate: optional(
    v.object({
      rows: described(number, 'Rows that it expects.'),
      cost: described(number, 'Total cost in the planner’s unit.'),
    }),
    'The planner’s, by EXPLAIN.',
  ),
});

const UnknownClassSchema = v.object({
  value: described(text, 'The label as the data has it.'),
  rows,
  nearest: optional(text, 'The class that it may have meant.'),
});

const CleaningSchema = v.object({
  step: described(text, 'A named step, or the pattern as the spec writes it.'),
  rows: described(count, 'Rows that it changed.'),
});

const LengthsSchema = v.object({
  min: described(count, 'The shortest text.'),
  p5: described(number, '5% of the texts are at most this long.'),
  p25: described(number, '25% of them.'),
  median: described(number, 'Half of them.'),
  p75: described(number, '75% of them.'),
  p95: described(number, '95% of them.'),
  p99: described(number, '99% of them.'),
  max: described(count, 'The longest text.'),
  mean: described(number, 'The arithmetic mean.'),
});

const ConflictsSchema = v.object({
  texts: described(count, 'Texts that stand under more than one class.'),
  rows: described(count, 'Rows of such texts.'),
  groups: described(
    v.array(
      v.object({
        classes: described(v.array(text), 'The classes that disagree.'),
        winner: described(v.nullable(text), 'The class that is kept; null: all rows are dropped.'),
        texts: described(count, 'Texts with these classes.'),
        rows,
      }),
    ),
    'By the classes that disagree, most texts first.',
  ),
});

const SplitSchema = v.object({
  splits: described(
    v.array(
      v.object({
        name: described(text, 'As the spec names it.'),
        share: described(text, 'The share asked for, as the spec writes it: an exact decimal.'),
        rows,
        classes: described(v.array(count), 'Rows per class, in class order.'),
      }),
    ),
    'In the order of the spec.',
  ),
  remembered: described(count, 'Text groups whose split an earlier version decided.'),
  assigned: described(count, 'Text groups that are new.'),
  merged: described(count, 'Groups that earlier versions had in several splits: the split listed first won.'),
  smallClasses: described(v.array(text), 'Classes with fewer groups than splits: some split has none of them.'),
  textsInSeveralSplits: optional(count, 'Counted again in what would be published; must be 0.'),
});

const PersonalDataSchema = v.object({
  split: described(text, 'The name of the split.'),
  rows,
  emails: described(count, 'Rows with an e-mail address.'),
  phones: described(count, 'Rows with a telephone number, in Latin or Devanagari digits.'),
  any: described(count, 'Rows with either.'),
});

const CheckSchema = v.object({
  name: described(text, 'As the spec names it; sql.NAME for a query.'),
  severity: described(v.picklist(['refuse', 'warn']), 'refuse: a failed check keeps the label from being pushed.'),
  status: described(v.picklist(['passed', 'failed', 'skipped']), 'skipped: there is nothing to compare with.'),
  limit: optional(number, 'As the spec writes it; shares are between 0 and 1.'),
  found: optional(number, 'The value that is held against the limit; rows, for a query.'),
  detail: optional(text, 'Where it was found, e.g. the class; why a query could not run.'),
});

const ChangeSchema = v.object({
  kind: described(v.picklist(CHANGE_KINDS), 'moved: to another split, which must never happen.'),
  rows,
  bySpec: optional(count, 'Of these, because the spec changed (--compare-config).'),
  byData: optional(count, 'Of these, because the data changed (--compare-config).'),
});

const DifferenceSchema = v.object({
  version: described(v.nullable(text), 'The version compared with; null where it has no tag of ours.'),
  rows: described(
    v.object({ before, after, unchanged: described(count, 'Rows with the same text, class and split in both.') }),
    'All rows.',
  ),
  changes: described(v.array(ChangeSchema), 'One entry for each kind. A row may be relabelled and recleaned at once.'),
  relabelled: described(
    v.array(v.object({ from: described(text, 'Class before.'), to: described(text, 'Class now.'), rows })),
    'By class before and after, most rows first.',
  ),
  classes: described(
    v.array(v.object({ name: described(text, 'The class.'), before, after })),
    'Rows of each class before and after; classes of the spec first, then those that are gone.',
  ),
  splits: described(
    v.array(v.object({ name: described(text, 'The split.'), before, after })),
    'Rows of each split before and after.',
  ),
  drift: described(number, 'Population stability index of the class shares; above 0.25 is commonly called a shift.'),
  classList: described(
    v.object({
      added: described(v.array(text), 'Classes that the published version does not have.'),
      removed: described(v.array(text), 'Published classes that are gone.'),
      reordered: described(v.array(text), 'Published classes whose id is another one now.'),
    }),
    'A model that is already trained knows the ids only.',
  ),
});

const AttributionSchema = v.object({
  base: described(text, 'The YAML of --compare-config, or published.'),
  problem: optional(ProblemSchema, 'Why the base could not be planned; there are no figures then.'),
  measures: described(
    v.array(
      v.object({
        group: described(v.picklist(['fetched', 'dropped', 'kept', 'class', 'split']), 'What is counted.'),
        name: described(text, 'The source, the reason, the class or the split; kept.'),
        published: described(v.nullable(count), 'In the published version; null where it does not say.'),
        base: described(count, 'The base spec on today’s data. base - published is what the data changed.'),
        planned: described(count, 'This spec on today’s data. planned - base is what the spec changed.'),
      }),
    ),
    'Empty where the base could not be planned.',
  ),
});

const FileSchema = v.object({
  path: described(text, 'In the repo.'),
  size: described(count, 'Bytes.'),
  sha256: described(text, 'In hexadecimal digits.'),
});

const PlanSchema = v.object({
  head: described(v.nullable(text), 'Revision of the target that this was made against; null: it does not exist.'),
  createsRepo: described(v.boolean(), 'Whether the target does not exist yet.'),
  private: described(v.boolean(), 'Whether a repo that is created is private.'),
  version: described(text, 'The tag.'),
  message: described(text, 'The commit’s.'),
  fingerprint: described(text, 'What the version says, whatever its bytes.'),
  directory: described(text, 'Where the files lie, below --out.'),
  files: described(v.array(FileSchema), 'All files of the commit.'),
  deletions: described(v.array(text), 'Files of the head that would go.'),
  restarts: described(v.array(text), 'Spaces that are restarted afterwards.'),
  setVariable: described(v.boolean(), 'Whether they get the version as DATASET_VERSION first.'),
});

const RestartSchema = v.object({
  space: described(text, 'owner/name.'),
  version: described(text, 'The version that it is to train on.'),
  status: described(
    v.picklist(['done', 'failed', 'lost']),
    'failed: still owed; the next run tries again. lost: it failed, and nothing remembers that it is owed.',
  ),
  problem: optional(ProblemSchema, 'Why it failed.'),
});

const seconds = optional(number, 'Missing where the step was not reached.');

const StepSecondsSchema = v.object({
  fetch: seconds,
  balance: seconds,
  clean: seconds,
  split: seconds,
  check: seconds,
  push: seconds,
});

const DropsSchema = v.object(
  Object.fromEntries(DROP_REASONS.map((reason) => [reason, v.exactOptional(rows)])) as Record<
    (typeof DROP_REASONS)[number],
    v.ExactOptionalSchema<typeof rows, undefined>
  >,
);

export const LabelSchema = v.object({
  label: described(text, 'As the spec names it.'),
  target: described(text, 'owner/name on the Hub, or the directory.'),
  classes: described(v.array(text), 'The position is the id.'),
  outcome: optional(OutcomeSchema, 'What came of the label.'),
  failedStep: optional(
    v.picklist(STEPS),
    'The step that failed or refused; missing where that was before the first one.',
  ),
  seconds: described(StepSecondsSchema, 'Seconds per step.'),
  queries: optional(v.array(QuerySchema), 'The SQL of each source.'),
  fetched: optional(
    v.object({
      misclassified: rows,
      correct: rows,
      asked: described(count, 'Correct rows that the ratio asks for.'),
      total: rows,
    }),
    'Rows taken, by source.',
  ),
  dropped: optional(DropsSchema, 'Rows by reason; fetched.total = kept.total + their sum.'),
  kept: optional(v.object({ misclassified: rows, correct: rows, total: rows }), 'Rows left after cleaning, by source.'),
  unknownClasses: optional(
    v.array(UnknownClassSchema),
    'Labels in the data that the spec does not name, most frequent first.',
  ),
  cleaning: optional(v.array(CleaningSchema), 'In the order of the spec.'),
  lengths: optional(LengthsSchema, 'Characters of the kept texts.'),
  conflicts: optional(ConflictsSchema, 'Texts that are labelled in more than one way.'),
  split: optional(SplitSchema, 'Classes × splits, and how the splits came about.'),
  personalData: optional(v.array(PersonalDataSchema), 'What cleaning left, per split.'),
  checks: optional(v.array(CheckSchema), 'Every check of the spec.'),
  previousVersion: optional(text, 'The version that the target’s head holds.'),
  difference: optional(DifferenceSchema, 'From the published version, or from --against TAG.'),
  attribution: optional(AttributionSchema, 'Which figures the spec changed, and which the data.'),
  plan: optional(PlanSchema, 'What a real run would write.'),
  files: optional(v.array(FileSchema), 'What was written.'),
  restarts: optional(v.array(RestartSchema), 'Spaces that were owed a restart, in the order of the spec.'),
});

export type LabelReport = v.InferOutput<typeof LabelSchema>;
export type RestartReport = v.InferOutput<typeof RestartSchema>;
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
