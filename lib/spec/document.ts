import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { planRefusal } from './limits.ts';
import { quote, type SpecProblem } from './problems.ts';
import { fillVariables } from './variables.ts';

export type Path = readonly (string | number)[];

const TAGS = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|seq|map)$/; // of the core schema
const MAX_ALIASES = 200; // nodes reached through aliases; more is an alias bomb

/** A YAML file as plain values, with the place of each. */
export interface LocatedDocument {
  text: string;
  /** Variables filled in. */
  value: unknown;
  /** Variables left as `${NAME}`. */
  template: unknown;
  problems: SpecProblem[];
  /** Variables that have no value, with the places that need them. */
  missing: { name: string; path: Path; start: number; end: number }[];
  /** Range of the value at a path; of its nearest parent where there is none. */
  valueRange(path: Path): [start: number, end: number];
  /** Range of the key at a path. */
  keyRange(path: Path): [start: number, end: number];
  /** Place in the file of an offset inside the string at a path. */
  inside(path: Path, offset: number): number;
}

/** Parse YAML 1.2 (core schema) and fill in variables, except in SQL. Never throws: what is wrong is in `problems`. */
export function readDocument(text: string, env: Record<string, string | undefined>): LocatedDocument {
  const refusal = planRefusal(text);
  if (refusal) return emptyDocument(text, refusal);
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, version: '1.2' }); // the parser compares each key with each
  const walker = new Walker(text, env, document);
  for (const error of [...document.errors, ...document.warnings]) walker.problems.push(syntaxProblem(error));
  if (document.directives?.yaml.version !== '1.2') walker.problems.push(OTHER_VERSION);
  const { value, template } = document.contents ? walker.walk(document.contents, []) : { value: null, template: null };
  return {
    text,
    value,
    template,
    problems: walker.problems,
    missing: walker.missing,
    valueRange: (path) => walker.range(path, 'value'),
    keyRange: (path) => walker.range(path, 'key'),
    inside: (path, offset) => walker.inside(path, offset),
  };
}

function emptyDocument(text: string, problem: SpecProblem): LocatedDocument {
  const nowhere = (): [number, number] => [0, 0];
  return {
    text,
    value: null,
    template: null,
    problems: [problem],
    missing: [],
    valueRange: nowhere,
    keyRange: nowhere,
    inside: () => 0,
  };
}

/** Of the parser's errors, and of its warnings: about tags that it does not know and would leave out. */
function syntaxProblem({ message, pos }: { message: string; pos: [number, number] }): SpecProblem {
  return { code: 'YAML_SYNTAX', message: `Cannot read the YAML: ${message}`, start: pos[0], end: pos[1] };
}

const OTHER_VERSION: SpecProblem = {
  code: 'YAML_SYNTAX',
  message: 'Cannot read the YAML: it says that it is of another version, must be 1.2',
  start: 0,
  end: 1,
  fix: 'remove the line %YAML',
};

interface Both {
  value: unknown;
  template: unknown;
}

class Walker {
  readonly problems: SpecProblem[] = [];
  readonly missing: LocatedDocument['missing'] = [];
  readonly #places = new Map<string, { key?: [number, number]; value: [number, number]; node: Node }>();
  #aliases = 0;

  constructor(
    readonly text: string,
    readonly env: Record<string, string | undefined>,
    readonly document: Document,
  ) {}

  walk(node: Node, path: Path, key?: Node, throughAlias = false): Both {
    const start = node.range?.[0] ?? 0;
    const place = { value: [start, node.range?.[1] ?? start] as [number, number], node };
    const keyRange: [number, number] | undefined = key?.range ? [key.range[0], key.range[1]] : undefined;
    this.#places.set(path.join('\0'), keyRange ? { ...place, key: keyRange } : place);
    this.#checkTag(node);
    if (throughAlias && ++this.#aliases > MAX_ALIASES) return this.#aliasBomb(place.value);
    if (isAlias(node)) return this.#alias(node, path, key, place.value);
    if (isMap(node)) return this.#map(node.items as Pair<Node, Node | null>[], path, throughAlias);
    if (isSeq(node)) {
      const items = (node.items as Node[]).map((item, index) =>
        this.walk(item, [...path, index], undefined, throughAlias),
      );
      return { value: items.map(({ value }) => value), template: items.map(({ template }) => template) };
    }
    return isScalar(node) ? this.#scalar(node, path, place.value) : { value: null, template: null };
  }

  #alias(
    node: Node & { resolve(document: Document): Node | undefined },
    path: Path,
    key: Node | undefined,
    range: [number, number],
  ): Both {
    const target = this.#aliases <= MAX_ALIASES ? node.resolve(this.document) : undefined; // it searches the whole document
    return target ? this.walk(target, path, key, true) : this.#aliasBomb(range);
  }

  #aliasBomb([start, end]: [number, number]): Both {
    if (!this.problems.some(({ code }) => code === 'YAML_ALIAS'))
      this.problems.push({
        code: 'YAML_ALIAS',
        message: `Cannot read the YAML: its aliases lead nowhere or to more than ${MAX_ALIASES} nodes`,
        start,
        end,
      });
    return { value: null, template: null };
  }

  #map(items: Pair<Node, Node | null>[], path: Path, throughAlias: boolean): Both {
    const value: Record<string, unknown> = Object.create(null);
    const template: Record<string, unknown> = Object.create(null);
    for (const { key, value: child } of items) {
      const name = this.#keyName(key);
      if (name === undefined) continue;
      if (Object.hasOwn(value, name)) this.#duplicateKey(key);
      const both = child ? this.walk(child, [...path, name], key, throughAlias) : { value: null, template: null };
      value[name] = both.value;
      template[name] = both.template;
    }
    return { value: { ...value }, template: { ...template } };
  }

  /** A tag would have a value read as something that no spec holds, such as bytes or a date. */
  #checkTag({ tag, range }: Node): void {
    if (tag === undefined || TAGS.test(tag)) return;
    const [start, end] = range ?? [0, 0];
    const message = `Cannot read the YAML: found tag ${quote(tag)}, must be none`;
    this.problems.push({ code: 'YAML_SYNTAX', message, start, end, fix: 'remove it' });
  }

  #keyName(key: Node): string | undefined {
    const [start, end] = key.range ?? [0, 0];
    this.#checkTag(key);
    if (isScalar(key)) {
      const name = String(key.source ?? key.value);
      const found = unusable(name);
      if (found) this.problems.push({ code: 'VALUE_INVALID', message: `Cannot use this key: ${found}`, start, end });
      return name;
    }
    this.problems.push({ code: 'YAML_SYNTAX', message: 'Cannot read the YAML: a key must be text', start, end });
    return undefined;
  }

  #duplicateKey({ range }: Node): void {
    const [start, end] = range ?? [0, 0];
    const message = 'Cannot read the YAML: this key stands twice in one map';
    this.problems.push({ code: 'YAML_DUPLICATE_KEY', message, start, end, fix: 'keep one of the two' });
  }

  #scalar(node: Scalar, path: Path, range: [number, number]): Both {
    const both = this.#fill(node, path, range);
    const found = typeof both.value === 'string' && !isRead(path) ? unusable(both.value) : undefined;
    const [start, end] = range;
    if (found) {
      const message = `Cannot use ${quote(path.join('.'))}: ${found}`;
      this.problems.push({ code: 'VALUE_INVALID', message, start, end, fix: 'remove it' });
    }
    return both;
  }

  #fill(node: Scalar, path: Path, [start, end]: [number, number]): Both {
    const template = isClass(path) && typeof node.value !== 'string' ? String(node.source ?? node.value) : node.value;
    if (typeof template !== 'string' || !template.includes('${') || isSql(path)) return { value: template, template };
    const filled = fillVariables(template, this.env);
    if (filled.syntaxError) {
      const at = this.inside(path, filled.syntaxError.offset);
      this.problems.push({
        code: 'VARIABLE_SYNTAX',
        message: 'Cannot read this variable',
        start: at,
        end: at + 2,
        fix: 'write ${NAME} or ${NAME:-default}; $${ stands for a plain ${',
      });
      return { value: '', template };
    }
    for (const name of filled.missing) this.missing.push({ name, path, start, end });
    return { value: node.type === 'PLAIN' ? plainScalar(filled.value) : filled.value, template };
  }

  range(path: Path, which: 'key' | 'value'): [number, number] {
    for (let length = path.length; length >= 0; length--) {
      const place = this.#places.get(path.slice(0, length).join('\0'));
      if (place) return (length < path.length || which === 'key' ? place.key : undefined) ?? place.value;
    }
    return [0, 0];
  }

  inside(path: Path, offset: number): number {
    const node = this.#places.get(path.join('\0'))?.node;
    if (!isScalar(node) || !node.range) return this.range(path, 'value')[0];
    if (node.type === 'BLOCK_LITERAL') return this.#insideBlock(node, offset);
    const quote = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? 1 : 0;
    const verbatim = this.text.slice(node.range[0] + quote, node.range[1] - quote) === node.value;
    return verbatim ? node.range[0] + quote + offset : node.range[0];
  }

  #insideBlock(node: Scalar, offset: number): number {
    const before = String(node.value).slice(0, offset).split('\n');
    let lineStart = this.text.indexOf('\n', node.range?.[0]) + 1;
    const indent = /^[ \n]*? *(?=\S)/.exec(this.text.slice(lineStart))?.[0].split('\n').at(-1)?.length ?? 0;
    for (let line = 1; line < before.length; line++) lineStart = this.text.indexOf('\n', lineStart) + 1;
    return lineStart + indent + (before.at(-1)?.length ?? 0);
  }
}

/** What neither PostgreSQL nor a file can hold; it would arrive there as something else. */
function unusable(text: string): string | undefined {
  if (text.includes('\0')) return 'it holds a zero character';
  return text.isWellFormed() ? undefined : 'it holds half of a surrogate pair';
}

/** Patterns and SQL have readers of their own, which say more of a character that cannot stand there. */
function isRead(path: Path): boolean {
  return path.includes('clean') || isSql(path);
}

/** Class values compare as text, so they keep the spelling of the YAML. */
function isClass(path: Path): boolean {
  return path[0] === 'labels' && path[2] === 'classes';
}

/** SQL is never filled in: its own `$` and braces stay as they are. */
function isSql(path: Path): boolean {
  const [key, ...below] = path.slice(path[0] === 'labels' ? 2 : 1);
  if (key === 'sources') return true;
  return key === 'checks' && below[0] === 'sql' && (below.length === 2 || below[2] === 'query');
}

/** A plain scalar that a variable filled is read as YAML would have read it. */
function plainScalar(text: string): unknown {
  if (/^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}
