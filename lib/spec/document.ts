import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import type { SpecProblem } from './problems.ts';
import { fillVariables } from './variables.ts';

export type Path = readonly (string | number)[];

const MAX_BYTES = 1_000_000; // bytes of YAML; a spec of a hundred labels is about 30 kB
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
  if (text.length > MAX_BYTES)
    return emptyDocument(text, {
      code: 'SPEC_TOO_LARGE',
      message: `Cannot read the spec: it has ${text.length} characters, at most ${MAX_BYTES} are read`,
      start: 0,
      end: 1,
    });
  const document = parseDocument(text.replace(/^\uFEFF/, ' '), {
    prettyErrors: false,
    uniqueKeys: true,
    version: '1.2',
  });
  const walker = new Walker(text, env, document);
  walker.problems.push(...document.errors.map(syntaxProblem));
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

function syntaxProblem({ code, message, pos }: { code: string; message: string; pos: [number, number] }): SpecProblem {
  const duplicate = code === 'DUPLICATE_KEY';
  return {
    code: duplicate ? 'YAML_DUPLICATE_KEY' : 'YAML_SYNTAX',
    message: duplicate ? 'Cannot read the YAML: this key stands twice in one map' : `Cannot read the YAML: ${message}`,
    start: pos[0],
    end: pos[1],
    ...(duplicate ? { fix: 'keep one of the two' } : {}),
  };
}

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
    const target = node.resolve(this.document);
    if (target && this.#aliases <= MAX_ALIASES) return this.walk(target, path, key, true);
    return this.#aliasBomb(range);
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
      const name = isScalar(key) ? String(key.source ?? key.value) : String(key);
      const both = child ? this.walk(child, [...path, name], key, throughAlias) : { value: null, template: null };
      value[name] = both.value;
      template[name] = both.template;
    }
    return { value: { ...value }, template: { ...template } };
  }

  #scalar(node: Scalar, path: Path, [start, end]: [number, number]): Both {
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
