import * as v from 'valibot';
import type { LocatedDocument, Path } from './document.ts';
import { nearest } from './nearest.ts';
import { quote, type SpecProblem } from './problems.ts';
import { type RawSpec, SpecSchema } from './schema.ts';

/** Check a YAML document against the schema. Returns the spec, or pushes what is wrong with it on `document.problems`. */
export function validate(document: LocatedDocument): RawSpec | undefined {
  const result = v.safeParse(SpecSchema, document.value);
  if (result.success) return result.output;
  const unfilled = new Set(document.missing.map(({ path }) => path.join('\0'))); // each is reported once, as the missing variable
  for (const issue of result.issues.flatMap(innermost))
    if (!unfilled.has(pathOf(issue).join('\0'))) document.problems.push(toProblem(issue, document));
  return undefined;
}

type Issue = v.BaseIssue<unknown>;

/** Where a value may be a map or something else and a map was found: all that is wrong inside of the map. */
function innermost(issue: Issue): Issue[] {
  const inside = issue.issues?.filter(({ path }) => path) ?? [];
  if (inside.length === 0) return [issue];
  return inside.flatMap((nested) =>
    innermost({ ...nested, path: [...(issue.path ?? []), ...(nested.path ?? [])] as never }),
  );
}

function toProblem(issue: Issue, document: LocatedDocument): SpecProblem {
  const path = pathOf(issue);
  if (issue.type === 'strict_object' && issue.expected === 'never') return unknownKey(path, document);
  if (issue.type === 'strict_object' && issue.path?.at(-1)?.origin === 'key') return missingKey(path, document);
  const { wanted, fix } = explain(issue);
  return {
    ...at(path, document),
    code: 'VALUE_INVALID',
    message: `Cannot use ${name(path)}: found ${found(issue.input)}, ${wanted}`,
    fix,
  };
}

function pathOf(issue: Issue): Path {
  return (issue.path ?? []).map(({ key }) => key as string | number);
}

function at(path: Path, document: LocatedDocument): { start: number; end: number } {
  const [start, end] = document.valueRange(path);
  return { start, end };
}

function unknownKey(path: Path, document: LocatedDocument): SpecProblem {
  const key = String(path.at(-1));
  const allowed = keysAt(path.slice(0, -1));
  const meant = nearest(key, allowed);
  const [start, end] = document.keyRange(path);
  const message = `Cannot use key ${quote(key)} ${path.length > 1 ? `in ${name(path.slice(0, -1))}` : 'here'}: must be one of ${allowed.join(', ')}`;
  return { code: 'KEY_UNKNOWN', message, start, end, fix: meant ? `did you mean "${meant}"?` : 'remove it' };
}

function missingKey(path: Path, document: LocatedDocument): SpecProblem {
  const parent = path.slice(0, -1);
  const [start, end] = parent.length === 0 ? ([0, 1] as const) : document.keyRange(parent);
  const message = `Cannot use ${name(parent)}: key "${String(path.at(-1))}" is missing`;
  return { code: 'KEY_MISSING', message, start, end, fix: `add ${String(path.at(-1))}:` };
}

function name(path: Path): string {
  if (path.length === 0) return 'the spec';
  return path.map((key) => quote(key).slice(1, -1)).join('.');
}

function found(input: unknown): string {
  if (input === undefined || input === null) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a map';
  const text = typeof input === 'string' ? JSON.stringify(input) : String(input);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  Array: 'a list',
  Object: 'a map',
};

/** What is wanted, from the branch of a union that came nearest: one that failed on the value rather than on its type. */
function explain(issue: Issue): { wanted: string; fix?: string | undefined } {
  const branches = issue.issues ?? [];
  const precise = branches.find(({ kind }) => kind === 'validation');
  if (precise) return explain(precise);
  if (issue.message.startsWith('must')) return { wanted: issue.message };
  const expected = (issue.expected ?? '').replace(/^\((.*)\)$/, '$1').split(' | ');
  const options = expected.flatMap((option) => (option.startsWith('"') ? [option.slice(1, -1)] : []));
  const meant = typeof issue.input === 'string' ? nearest(issue.input, options) : undefined;
  return {
    wanted: `must be ${expected.map((option) => KINDS[option] ?? option).join(' or ')}`,
    fix: meant ? `write ${meant}` : undefined,
  };
}

/** Keys that the schema allows in the map at a path. */
function keysAt(path: Path): string[] {
  let schema: unknown = SpecSchema;
  for (const key of path) schema = child(unwrap(schema), key);
  const last = unwrap(schema);
  const options = (last as { options?: unknown[] }).options ?? [last];
  return options.flatMap((option) => Object.keys((unwrap(option) as { entries?: object }).entries ?? {}));
}

function unwrap(schema: unknown): unknown {
  const { wrapped } = schema as { wrapped?: unknown };
  return wrapped ? unwrap(wrapped) : schema;
}

function child(schema: unknown, key: string | number): unknown {
  const { entries, value, item } = schema as { entries?: Record<string, unknown>; value?: unknown; item?: unknown };
  return entries?.[key] ?? value ?? item ?? {};
}
