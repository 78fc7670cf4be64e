import type { Code } from '../errors.ts';
import { checkQueries, checkQueryNames } from './checks.ts';
import { compareDecimals, formatDecimal, parseDecimal, sumDecimals } from './decimal.ts';
import type { LocatedDocument, Path } from './document.ts';
import { nearest } from './nearest.ts';
import { NAMED_STEPS, planPattern } from './patterns.ts';
import { quote } from './problems.ts';
import { isReserved, LABEL_NAME, MOST_LABELS, RESERVED } from './schema.ts';
import { planSource } from './sql.ts';
import { parseTarget, repoProblem } from './target.ts';

const ONE = { units: 1n, scale: 0 };
const SPLIT_NAME = /^\w{1,63}$/; // what `datasets` accepts, without dots; it becomes part of a file's name

/**
 * Find what a schema cannot: sums, names, patterns, SQL. Works on unchecked values, so that these problems are reported
 * together with those of the schema.
 */
export function check(document: LocatedDocument): void {
  const root = record(document.value);
  checkShared(document, ['defaults'], record(root.defaults));
  checkTrainees(document, record(root.defaults), record(root.labels));
  const targets = new Map<string, string>();
  for (const [label, value] of Object.entries(record(root.labels)).slice(0, MOST_LABELS)) {
    const path = ['labels', label];
    if (!LABEL_NAME.test(label) || isReserved(label))
      add(
        document,
        'LABEL_NAME',
        document.keyRange(path),
        `Cannot use label ${quote(label)}: ${isReserved(label) ? RESERVED : 'must match [a-z][a-z0-9_]*, with at most 63 characters'}`,
        'use lower-case letters, digits and _, e.g. topic_2',
      );
    checkShared(document, path, record(value));
    checkTarget(document, [...path, 'repo'], record(value).repo, targets);
    checkClasses(document, [...path, 'classes'], record(value).classes);
    checkSources(document, label, record(record(root.defaults).sources), record(record(value).sources));
    checkColumns(document, label, record(record(root.defaults).columns), record(record(value).columns));
    checkQueries(document, label, queriesOf(record(root.defaults)), queriesOf(record(value)));
  }
}

function checkShared(document: LocatedDocument, path: Path, scope: Record<string, unknown>): void {
  if (scope.split !== undefined) checkSplit(document, [...path, 'split'], record(scope.split));
  list(scope.clean).forEach((step, index) => {
    if (typeof step === 'string') checkNamedStep(document, [...path, 'clean', index], step);
    else checkPattern(document, [...path, 'clean', index], record(step));
  });
  checkQueryNames(document, [...path, 'checks', 'sql'], queriesOf(scope));
  list(record(scope.after_push).restart_spaces).forEach((space, index) => {
    const problem = typeof space === 'string' ? repoProblem(space) : undefined;
    if (problem)
      add(
        document,
        'REPO_NAME',
        document.valueRange([...path, 'after_push', 'restart_spaces', index]),
        `Cannot use Space ${quote(space)}: ${problem}`,
      );
  });
}

/** A Space that is told a version has one variable for it, so one label. With `set_variable: false` it may train on several. */
function checkTrainees(
  document: LocatedDocument,
  defaults: Record<string, unknown>,
  labels: Record<string, unknown>,
): void {
  const shared = record(defaults.after_push);
  const seen = new Map<unknown, string>();
  const told = new Set<unknown>(); // a list of `defaults` holds for every label
  for (const [label, value] of Object.entries(labels)) {
    const own = record(record(value).after_push);
    if ((own.set_variable ?? shared.set_variable) === false) continue;
    const path = own.restart_spaces === undefined ? ['defaults'] : ['labels', label];
    list(own.restart_spaces ?? shared.restart_spaces).forEach((space, index) => {
      const name = typeof space === 'string' ? space.toLowerCase() : space;
      const other = seen.get(name);
      seen.set(name, label);
      if (other === undefined || told.has(name)) return;
      told.add(name);
      add(
        document,
        'REPO_TWICE',
        document.valueRange([...path, 'after_push', 'restart_spaces', index]),
        `Cannot restart Space ${quote(space)} for ${quote(label).slice(1, -1)}: ${other === label ? 'it is listed twice' : `${other} restarts it too, and it has one DATASET_VERSION`}`,
        other === label
          ? 'list it once'
          : 'list it below one label; or write set_variable: false for each, and keep a history with runs',
      );
    });
  }
}

function queriesOf(scope: Record<string, unknown>): Record<string, unknown> {
  return record(record(scope.checks).sql);
}

function checkSplit(document: LocatedDocument, path: Path, split: Record<string, unknown>): void {
  const names = Object.keys(split);
  for (const name of names) {
    if (SPLIT_NAME.test(name) && name !== 'all' && !isReserved(name)) continue;
    add(
      document,
      'SPLIT_NAME',
      document.keyRange([...path, name]),
      `Cannot use split name ${quote(name)}: ${isReserved(name) ? RESERVED : 'must be letters, digits and _, at most 63, and not "all"'}`,
      'e.g. train, eval, test',
    );
  }
  if (names.length === 0) return; // the schema reports it
  const shares = names.map((name) => parseDecimal(split[name] as number));
  if (shares.some((share) => share === undefined)) return; // the schema reports it
  const sum = sumDecimals(shares.filter((share) => share !== undefined));
  if (compareDecimals(sum, ONE) === 0) return;
  const last = [...path, names.at(-1) ?? ''];
  const rest = sumDecimals([
    ONE,
    ...shares.slice(0, -1).flatMap((share) => (share ? [{ units: -share.units, scale: share.scale }] : [])),
  ]);
  const example = rest.units > 0n ? `, e.g. ${names.at(-1)}: ${formatDecimal(rest)}` : '';
  add(
    document,
    'SPLIT_SUM',
    document.valueRange(last),
    `Cannot use split: ${names.join(' + ')} is ${formatDecimal(sum)}, must be 1`,
    `make the shares add up to 1${example}`,
  );
}

function checkNamedStep(document: LocatedDocument, path: Path, step: string): void {
  const names = Object.keys(NAMED_STEPS);
  if (names.includes(step)) return;
  const meant = nearest(step, names);
  const fix = meant ? `did you mean "${meant}"?` : 'for a pattern of your own write { pattern: …, replace: … }';
  add(
    document,
    'CLEAN_STEP_UNKNOWN',
    document.valueRange(path),
    `Cannot use cleaning step ${quote(step)}: must be one of ${names.join(', ')}`,
    fix,
  );
}

function checkPattern(document: LocatedDocument, path: Path, { pattern, replace }: Record<string, unknown>): void {
  if (typeof pattern !== 'string' || typeof replace !== 'string' || pattern === '') return; // the schema reports it
  const plan = planPattern(pattern, replace);
  if (!('problems' in plan)) return;
  for (const problem of plan.problems) {
    const start = document.inside([...path, problem.in], problem.offset);
    add(document, problem.code, [start, start + Math.max(1, problem.length)], problem.message, problem.fix);
  }
}

function checkTarget(document: LocatedDocument, path: Path, repo: unknown, seen: Map<string, string>): void {
  if (typeof repo !== 'string' || repo === '') return; // the schema reports it, or the missing variable
  const range = document.valueRange(path);
  const target = parseTarget(repo);
  if ('problem' in target) {
    add(document, 'REPO_NAME', range, `Cannot use repo ${quote(repo)}: ${target.problem}`);
    return;
  }
  const name = target.kind === 'hub' ? target.repo.toLowerCase() : target.path;
  const other = seen.get(name);
  if (other)
    add(
      document,
      'REPO_TWICE',
      range,
      `Cannot use repo ${quote(repo)}: label ${quote(other).slice(1, -1)} publishes there too`,
      'give each label a repo of its own',
    );
  seen.set(name, String(path[1]));
}

function checkClasses(document: LocatedDocument, path: Path, classes: unknown): void {
  const seen = new Map<unknown, number>();
  list(classes).forEach((name, index) => {
    const first = seen.get(name);
    if (first !== undefined)
      add(
        document,
        'CLASS_TWICE',
        document.valueRange([...path, index]),
        `Cannot use class ${quote(name)} twice: it is id ${first} already`,
        'remove one of the two',
      );
    else seen.set(name, index);
  });
}

function checkSources(
  document: LocatedDocument,
  label: string,
  defaults: Record<string, unknown>,
  own: Record<string, unknown>,
): void {
  for (const source of ['misclassified', 'correct']) {
    const path = own[source] === undefined ? ['defaults', 'sources', source] : ['labels', label, 'sources', source];
    const sql = own[source] ?? defaults[source];
    if (sql === undefined || sql === null) {
      add(
        document,
        'KEY_MISSING',
        document.keyRange(['labels', label]),
        `Cannot use labels.${quote(label).slice(1, -1)}: it has no sources.${source}, and defaults has none`,
        `add sources: { ${source}: … } to the label or to defaults`,
      );
      continue;
    }
    if (typeof sql !== 'string' || sql === '') continue; // the schema reports it
    const plan = planSource(sql, label);
    if (!('problems' in plan)) continue;
    for (const problem of plan.problems) {
      const start = document.inside(path, problem.offset);
      add(document, problem.code, [start, start + Math.max(1, problem.length)], problem.message, problem.fix);
    }
  }
}

function checkColumns(
  document: LocatedDocument,
  label: string,
  defaults: Record<string, unknown>,
  own: Record<string, unknown>,
): void {
  const merged: Record<string, unknown> = { text: 'text', label: 'label', ...defaults, ...own };
  const seen = new Set<string>();
  for (const [role, name] of Object.entries(merged)) {
    const folded = String(name).toLowerCase(); // DuckDB's column names ignore case
    if (!seen.has(folded)) seen.add(folded);
    else
      add(
        document,
        'COLUMN_TWICE',
        document.valueRange([...(own[role] === undefined ? ['defaults'] : ['labels', label]), 'columns', role]),
        `Cannot use column ${quote(name)} for ${role}: another column has that name`,
        'give each column a name of its own',
      );
  }
}

function add(
  document: LocatedDocument,
  code: Code,
  [start, end]: readonly [number, number],
  message: string,
  fix?: string,
): void {
  document.problems.push({ code, message, start, end, fix });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
