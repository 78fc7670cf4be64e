import * as v from 'valibot';

/**
 * What pipeline.config.yaml may say: one schema for validation, types and the editor's JSON Schema.
 * No defaults and no transformations here (lib/spec/resolve.ts has them), so that it exports without loss.
 */

/** A label's name: it becomes part of SQL identifiers, which PostgreSQL cuts at 63 bytes, and of files' names. */
export const LABEL_NAME = /^[a-z][a-z0-9_]{0,62}$/;
/** Names that every object of JavaScript has: valibot leaves them out of a map without a word. */
export const isReserved = (name: string): boolean => ['__proto__', 'constructor', 'prototype'].includes(name);
export const RESERVED = 'this name is reserved';
/** A variable, `${NAME}` or `${NAME:-default}`, that stands for the whole value; the values proper are checked after it is filled in. */
const REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}$/;

const described = <const S extends v.GenericSchema>(schema: S, description: string) =>
  v.pipe(schema, v.description(description));

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'));
const MOST_CHARACTERS = 200; // of a name that stands in every table of the reports
const atMost = v.maxLength<string, number, string>(
  MOST_CHARACTERS,
  `must be at most ${MOST_CHARACTERS} characters long`,
);
const column = v.pipe(v.string(), v.nonEmpty('must not be empty'), atMost);
const reference = v.pipe(v.string(), v.regex(REFERENCE, 'must be a number or a variable such as ${NAME:-1000}'));
const FLAG = 'must be true, false or a variable';
const flag = v.union([v.boolean(), v.pipe(v.string(), v.regex(REFERENCE, FLAG))], FLAG);
const whole = (minimum: number) =>
  v.union([
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(minimum, `must be at least ${minimum}`)),
    reference,
  ]);
const share = v.union([
  v.pipe(v.number(), v.gtValue(0, 'must be more than 0'), v.maxValue(1, 'must be at most 1')),
  reference,
]);
const ratio = v.union([
  v.pipe(v.number(), v.minValue(0, 'must be at least 0'), v.maxValue(1000, 'must be at most 1000')),
  reference,
]);
const classValue = v.union([v.pipe(v.string(), v.nonEmpty('must not be empty'), atMost), v.number(), v.boolean()]);

const Sources = {
  misclassified: described(
    text,
    'One SELECT with columns key, text, label: the reviewed mistakes, label as corrected. {label} is this label’s name.',
  ),
  correct: described(
    text,
    'One SELECT with columns key, text, label: records that nobody reported. The program samples from it.',
  ),
};

const Ratios = {
  misclassified: described(share, 'Share of the mistakes to take, in (0, 1].'),
  correct: described(ratio, 'Correct rows to add for each mistake fetched, 0 or more.'),
};

const Columns = {
  text: described(column, 'Name of the text column.'),
  label: described(column, 'Name of the label column.'),
  source: described(column, 'Name of a column that says misclassified or correct, e.g. origin; none when left out.'),
};

const Card = {
  license: described(text, 'License id of the Hub, e.g. apache-2.0.'),
  language: described(v.array(text), 'ISO 639 codes, e.g. [en, ne].'),
  pretty_name: described(text, 'Title of the dataset card.'),
  author: described(text, 'Who maintains the dataset.'),
  description: described(text, 'What the dataset is. {label} is this label’s name.'),
  tags: described(v.array(text), 'More tags for the Hub’s search.'),
};

const Push = {
  private: described(
    flag,
    'Whether a repo that the run creates is private; publishing into a public repo needs false.',
  ),
  when: described(v.picklist(['changed', 'always']), 'changed: a run on unchanged data publishes nothing.'),
};

const AfterPush = {
  restart_spaces: described(v.array(text), 'Spaces (owner/name) that are restarted when a new version was published.'),
  set_variable: described(
    flag,
    'Whether each of them gets the version as its variable DATASET_VERSION before it is restarted.',
  ),
};

const CleanStep = v.union([
  described(text, 'A named step: urls, html, html_entities, whitespace, control_characters, nfc, lowercase or trim.'),
  v.strictObject({
    pattern: described(text, 'RE2 pattern; \\s \\S \\d \\w mean what they mean in Python.'),
    replace: described(v.string(), 'What stands in its place; \\1 is the first group.'),
  }),
]);

export const MOST_LABELS = 500; // each has the queries of `defaults` read anew
const MOST_STEPS = 64; // one bit each says which of them changed a text
const severity = described(
  v.picklist(['refuse', 'warn']),
  'refuse (when left out): nothing of the label is published. warn: it is, with a warning.',
);
const off = v.literal(false);

const MUST_BE_LIMIT = 'must be a number, a variable such as ${NAME:-20}, { limit: …, severity: … } or false';

/** A limit, or a map that says the severity too; false switches off what `defaults` asks for. */
const limited = <const S extends v.GenericSchema<number | string>>(limit: S, description: string) =>
  described(
    v.union([limit, off, v.strictObject({ limit, severity: v.optional(severity) })], MUST_BE_LIMIT),
    description,
  );
const shareLimit = v.union([
  v.pipe(v.number(), v.minValue(0, 'must be at least 0'), v.maxValue(1, 'must be at most 1')),
  reference,
]);
const drift = v.union([v.pipe(v.number(), v.minValue(0, 'must be at least 0')), reference]);

const Checks = {
  min_per_class: limited(whole(1), 'Every class has at least this many rows.'),
  max_duplicate_share: limited(
    shareLimit,
    'Rows with the text of another row that is kept, as a share of those fetched.',
  ),
  max_dropped_share: limited(shareLimit, 'Rows dropped for any reason, as a share of those fetched.'),
  max_class_drift: limited(
    drift,
    'Population stability index between the class shares of the published version and the new ones; 0.25 is a shift.',
  ),
  max_length: limited(whole(1), 'Characters of the longest text.'),
  max_pii_share: limited(shareLimit, 'Rows with an e-mail address or a telephone number, as a share of those kept.'),
  no_conflicts: described(
    v.union([flag, v.strictObject({ severity: v.optional(severity) })]),
    'No text stands under two classes before conflicts are settled.',
  ),
  sql: described(
    v.record(v.string(), v.union([text, off, v.strictObject({ query: text, severity: v.optional(severity) })])),
    'Queries in DuckDB’s SQL over dataset(key, text, label, split, source) that must return no row, by name.',
  ),
};

const partial = <const E extends v.ObjectEntries>(entries: E) => v.partial(v.strictObject(entries));

/** Keys that `defaults` sets for all labels and a label may override. */
const Common = {
  sources: described(partial(Sources), 'Where the rows come from.'),
  ratios: described(partial(Ratios), 'How many rows of each source.'),
  seed: described(whole(0), 'Chooses the sample and the split of new rows.'),
  min_samples: described(whole(0), 'Fewer rows than this, fetched or kept, and the label is skipped.'),
  max_text_bytes: described(whole(1), 'Longer texts (bytes of UTF-8) are dropped as too_long and never fetched.'),
  clean: described(
    v.pipe(v.array(CleanStep), v.maxLength(MOST_STEPS, `must be at most ${MOST_STEPS} steps`)),
    'Cleaning steps, in order; at most 64.',
  ),
  duplicates: described(
    v.picklist(['one', 'keep']),
    'Rows with the same cleaned text: one row, or all of them (in one split).',
  ),
  conflicts: described(
    v.picklist(['reviewed', 'drop', 'fail']),
    'One text with two classes: the reviewed class wins, or all are dropped, or the label fails.',
  ),
  split: described(
    v.pipe(v.record(v.string(), share), v.minEntries(1, 'must name at least one split')),
    'Name of each split and its share; the shares add up to 1.',
  ),
  columns: described(partial(Columns), 'Names of the published columns.'),
  checks: described(partial(Checks), 'What must hold before a version is published.'),
  card: described(partial(Card), 'What the dataset card says.'),
  push: described(partial(Push), 'How to publish.'),
  after_push: described(partial(AfterPush), 'What to do when a new version is out.'),
};

const Label = v.strictObject({
  ...v.partial(v.strictObject(Common)).entries,
  repo: described(text, 'Where it is published: owner/name on the Hub, or a directory (./x, ../x, /x).'),
  classes: described(
    v.pipe(v.array(classValue), v.minLength(1, 'must name at least one class')),
    'The class names; the position is the id. Append only.',
  ),
});

const Database = {
  url: described(text, 'PostgreSQL URL; write ${POSTGRES_URL}, never the URL itself.'),
  attempts: described(
    v.union([
      v.pipe(
        v.number(),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be at least 1'),
        v.maxValue(10, 'must be at most 10'),
      ),
      reference,
    ]),
    'Attempts to connect; waits of 2 s, 4 s, … between them.',
  ),
  statement_timeout: described(text, 'Longest time of one query, e.g. 10m, 90s.'),
  memory_limit: described(
    text,
    'Memory of the data engine, e.g. 256MB; at least 200MB. The process stays within about 250 MB more.',
  ),
  row_security: described(
    v.picklist(['error', 'respect']),
    'error: fail when row-level security would hide rows. respect: read what the role may see.',
  ),
};

const when = described(
  v.picklist(['always', 'on_change', 'on_problem']),
  'always; on_change: a version was published, or something went wrong; on_problem: only then.',
);
const maybe = v.string(); // a variable that may be empty: what needs it is off

const Wandb = {
  api_key: described(maybe, 'The key; empty: no tracking.'),
  project: described(maybe, 'The project that the runs belong to.'),
  entity: described(maybe, 'The team or user; the key’s own when empty.'),
};
const Email = {
  smtp: described(maybe, 'smtp://user:password@host:587 or smtps://…:465; empty: no e-mail.'),
  to: described(maybe, 'Addresses, separated by commas; empty: no e-mail.'),
  from: described(maybe, 'The sender; the first address of `to` when left out.'),
  when,
};
const Webhook = {
  url: described(maybe, 'Gets the summary as Slack-compatible JSON; empty: none.'),
  when,
};
const Space = {
  id: described(maybe, 'owner/name; the Space that the program runs in when empty.'),
  pause: described(
    v.picklist(['always', 'on_success', 'never']),
    'Whether the Space is paused when everything is done; on_success: only when the exit code is 0.',
  ),
  min_interval: described(
    v.union([text, v.literal(0)], 'must be a duration such as 1h, or 0'),
    'In a Space, and with `runs`: a run that starts sooner after one with the same spec that ended well does nothing. A visitor may have woken the Space.',
  ),
};

const Job = {
  flavor: described(text, 'Hardware: cpu-basic, cpu-upgrade …; `hf jobs hardware` lists them with their prices.'),
  timeout: described(text, 'The Job is stopped after this time, e.g. 1h or 90m.'),
};

export const SpecSchema = v.strictObject({
  version: described(v.literal(1), 'Version of this format: 1.'),
  database: described(v.strictObject({ ...partial(Database).entries, url: Database.url }), 'Where the records are.'),
  defaults: v.optional(described(partial(Common), 'Settings of all labels; a label may override each.')),
  labels: described(
    v.pipe(
      v.record(v.string(), Label),
      v.minEntries(1, 'must declare at least one label'),
      v.maxEntries(MOST_LABELS, `must declare at most ${MOST_LABELS} labels`),
    ),
    'One dataset each. A name matches [a-z][a-z0-9_]*.',
  ),
  tracking: v.optional(
    described(partial({ wandb: described(partial(Wandb), 'Weights & Biases.') }), 'Experiment tracking.'),
  ),
  notify: v.optional(
    described(
      partial({
        email: described(partial(Email), 'A summary by e-mail.'),
        webhook: described(partial(Webhook), 'A summary for a chat.'),
      }),
      'Who is told.',
    ),
  ),
  space: v.optional(described(partial(Space), 'The Space that this runs in.')),
  job: v.optional(described(partial(Job), 'A run as a Job on the Hub, by --submit.')),
  runs: v.optional(
    described(
      maybe,
      'Where the history of runs is kept: owner/name of a private dataset repo on the Hub, or a directory; empty: nowhere.',
    ),
  ),
});

export type RawSpec = v.InferOutput<typeof SpecSchema>;
export type RawLabel = RawSpec['labels'][string];
export type RawCommon = NonNullable<RawSpec['defaults']>;
