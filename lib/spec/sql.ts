import type { Code } from '../errors.ts';
import { nearest } from './nearest.ts';

export interface SqlProblem {
  code: Code;
  /** In UTF-16 units of the SQL as given. */
  offset: number;
  length: number;
  message: string;
  fix?: string;
}

const MOST_PROBLEMS = 20; // reported of one query

type Kind = 'space' | 'line comment' | 'block comment' | 'string' | 'identifier' | 'word' | 'sign' | 'unterminated';

interface Token {
  kind: Kind;
  start: number;
  end: number;
  text: string;
}

/** Who runs the query: a source's goes to PostgreSQL, a check's to DuckDB, which quotes alike. */
interface Dialect {
  /** Words that a query may begin with. */
  starts: string[];
  /** What looks like a placeholder, outside of quotes; bounded, since each brace looks for its end. */
  braces: RegExp;
  /** What to select. */
  columns: string;
}

const DIALECTS = {
  postgresql: {
    starts: ['SELECT', 'WITH', 'VALUES', 'TABLE'],
    braces: /\$?\{{1,9}[^{}();]{0,200}\}{1,9}|[{}]/g, // it has no other use for them
    columns: 'the columns key, text and label',
  },
  duckdb: {
    starts: ['SELECT', 'WITH', 'VALUES', 'TABLE', 'FROM'],
    braces: /\$\{{1,9}[^{}();]{0,200}\}{1,9}|\{{1,9}\w{0,200}\}{1,9}/g, // {'a': 1} and {a: 1} are structs
    columns: 'the rows that must not be, e.g. SELECT key FROM dataset WHERE …',
  },
} as const satisfies Record<string, Dialect>;

/**
 * Plan one query of the spec so that it can stand as a subquery, between parentheses on lines of their own.
 *
 * Comments and trailing semicolons are gone, `{label}` is the label's name, parentheses are balanced. What is quoted
 * where is decided as PostgreSQL does with `standard_conforming_strings = on`.
 *
 * @param label matches `[a-z][a-z0-9_]*`, so it needs no quoting; it is filled in first, in strings too
 * @returns all problems, in order
 */
export function planSource(
  sql: string,
  label: string,
  dialect: keyof typeof DIALECTS = 'postgresql',
): { sql: string } | { problems: SqlProblem[] } {
  const { text, origins } = fillLabel(sql, label);
  const tokens = lex(text);
  const given: Given = (start, end) => sql.slice(origins[start], origins[end]);
  const problems = findProblems(text, tokens, given, DIALECTS[dialect]).map(({ offset, length, ...problem }) => ({
    ...problem,
    offset: origins[offset] ?? 0,
    length: given(offset, offset + length).length,
  }));
  if (problems.length > 0) return { problems: problems.sort((a, b) => a.offset - b.offset).slice(0, MOST_PROBLEMS) };
  const last = tokens.findLastIndex((token) => isCode(token) && token.text !== ';');
  return {
    sql: tokens
      .slice(tokens.findIndex(isCode), last + 1)
      .map(rewrite)
      .join(''),
  };
}

function isCode({ kind }: Token): boolean {
  return kind !== 'space' && kind !== 'line comment' && kind !== 'block comment';
}

function rewrite({ kind, text }: Token): string {
  if (kind === 'block comment') return ' ';
  return kind === 'line comment' ? '' : text;
}

/** `origins[i]` is the offset in `sql` of the text's i-th unit. */
function fillLabel(sql: string, label: string): { text: string; origins: number[] } {
  let text = '';
  const origins: number[] = [];
  let offset = 0;
  for (const part of sql.split(/(\{label\})/)) {
    const isLabel = part === '{label}';
    const filled = isLabel ? label : part;
    for (let i = 0; i < filled.length; i++) origins.push(isLabel ? offset : offset + i);
    text += filled;
    offset += part.length;
  }
  origins.push(offset);
  return { text, origins };
}

// After PostgreSQL's src/backend/parser/scan.l; sticky, tried in this order. B'…', X'…', N'…' and U&'…' end like '…'.
const ESCAPE_STRING = /(?:[^'\\]|''|\\[\s\S])*'(?!')/y;
const QUOTED: { kind: Kind; open: RegExp; rest: RegExp }[] = [
  { kind: 'string', open: /e'/iy, rest: ESCAPE_STRING },
  { kind: 'string', open: /'/y, rest: /(?:[^']|'')*'(?!')/y },
  { kind: 'identifier', open: /"/y, rest: /(?:[^"]|"")*"(?!")/y },
];
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const UNQUOTED: [Kind, RegExp][] = [
  ['space', /[ \t\n\r\f\v]+/y],
  ['line comment', /--[^\n\r]*/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['sign', /\$\d+|[\s\S]/y],
];

/** A string goes on after white space with a line break: the next part of an E'…' has backslash escapes without an E. */
const CONTINUATION = /(?:[ \t\f\v]|--[^\n\r]*(?=[\n\r]))*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let resumed = -1; // where the next part of an E'…' opens
  for (let at = 0; at < text.length; ) {
    const escapes = at === resumed || /^e'/i.test(text.slice(at, at + 2));
    const [kind, end] = at === resumed ? closed('string', text, at + 1, ESCAPE_STRING) : readToken(text, at);
    tokens.push({ kind, start: at, end, text: text.slice(at, end) });
    if (kind === 'string' && escapes) resumed = matchEnd(CONTINUATION, text, end) - 1;
    at = end;
  }
  return tokens;
}

function readToken(text: string, at: number): [kind: Kind, end: number] {
  for (const { kind, open, rest } of QUOTED) {
    const opened = matchEnd(open, text, at);
    if (opened > 0) return closed(kind, text, opened, rest);
  }
  const dollar = matchEnd(DOLLAR_QUOTE, text, at);
  if (dollar > 0) {
    const tag = text.slice(at, dollar);
    const close = text.indexOf(tag, dollar);
    return close < 0 ? ['unterminated', text.length] : ['string', close + tag.length];
  }
  if (text.startsWith('/*', at)) return readBlockComment(text, at);
  for (const [kind, pattern] of UNQUOTED) {
    const end = matchEnd(pattern, text, at);
    if (end > 0) return [kind, end];
  }
  throw new RangeError('every character is a sign');
}

function closed(kind: Kind, text: string, at: number, rest: RegExp): [kind: Kind, end: number] {
  const end = matchEnd(rest, text, at);
  return end > 0 ? [kind, end] : ['unterminated', text.length];
}

/** Comments nest, as in SQL's standard. */
function readBlockComment(text: string, at: number): [kind: Kind, end: number] {
  let depth = 1;
  for (const match of text.slice(at + 2).matchAll(/\/\*|\*\//g)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return ['block comment', at + 2 + match.index + 2];
  }
  return ['unterminated', text.length];
}

/** The end of a sticky pattern's match at `at`, 0 for none. */
function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : 0;
}

type Given = (start: number, end: number) => string;

function findProblems(text: string, tokens: Token[], given: Given, dialect: Dialect): SqlProblem[] {
  const code = tokens.filter(isCode);
  if (code.every((token) => token.text === ';')) {
    const whole = { start: 0, end: text.length };
    return [problem('SQL_EMPTY', whole, 'found no SQL, must be one SELECT', `select ${dialect.columns}`)];
  }
  const firstSemicolon = code.findIndex((token) => token.text === ';');
  const statement = firstSemicolon < 0 ? code : code.slice(0, firstSemicolon);
  const last = code.at(-1);
  return [
    ...checkStart(code, dialect),
    ...checkOneStatement(code.slice(statement.length)),
    ...(last?.kind === 'unterminated' ? [unterminated(last)] : checkParentheses(statement)),
    ...checkPlaceholders(tokens, given, dialect),
    ...checkStringPairs(tokens),
    ...checkZeros(text),
  ];
}

function problem(code: Code, { start, end }: Pick<Token, 'start' | 'end'>, found: string, fix: string): SqlProblem {
  return { code, offset: start, length: end - start, message: `Cannot use the query: ${found}`, fix };
}

function checkStart(code: Token[], { starts }: Dialect): SqlProblem[] {
  const first = code.find((token) => token.text !== '(');
  if (first === undefined || starts.includes(first.text.toUpperCase())) return [];
  const shown = first.kind === 'word' || first.kind === 'sign' ? `"${first.text}"` : `a ${first.kind}`;
  const found = `found ${shown} at its start, must be ${starts.join(', ')} or "("`;
  return [problem('SQL_NOT_SELECT', first, found, 'write one query that only reads')];
}

function checkOneStatement(afterFirst: Token[]): SqlProblem[] {
  const second = afterFirst.find((token) => token.text !== ';');
  if (second === undefined) return [];
  const found = 'found a second statement after ";", must be one';
  return [problem('SQL_STATEMENTS', second, found, 'remove it, or join the two with UNION ALL')];
}

function unterminated({ start, text }: Token): SqlProblem {
  const [opening = ''] = /^(?:\/\*|\$[^$]*\$|e?['"])/i.exec(text) ?? [];
  const end = start + opening.length;
  if (opening === '/*')
    return problem('SQL_SYNTAX', { start, end }, 'found a comment that does not end', 'close it with */');
  const closing = opening.startsWith('$') ? opening : opening.slice(-1);
  return problem('SQL_SYNTAX', { start, end }, 'found a quote that does not end', `close it with ${closing}`);
}

/** A query with an extra `)` would end the subquery it stands in. */
function checkParentheses(statement: Token[]): SqlProblem[] {
  const open: Token[] = [];
  for (const token of statement) {
    if (token.text === '(') open.push(token);
    if (token.text === ')' && open.pop() === undefined)
      return [problem('SQL_SYNTAX', token, 'found ")" without "(", must be balanced', 'remove it, or open it before')];
  }
  const found = 'found "(" without ")", must be balanced';
  return open.map((token) => problem('SQL_SYNTAX', token, found, 'close it, or remove it'));
}

const BRACED_WORD = /\{\w+\}/g;

function checkPlaceholders(tokens: Token[], given: Given, { braces }: Dialect): SqlProblem[] {
  const bare = tokens.map(({ kind, text }) => (kind === 'word' || kind === 'sign' ? text : ' '.repeat(text.length)));
  const places = [...bare.join('').matchAll(braces)].map(
    ({ 0: { length }, index }) => [index, index + length] as const,
  );
  for (const [i, { kind, start, text }] of tokens.entries()) {
    const next = tokens[i + 1];
    if (text === '$' && next?.kind === 'word') places.push([start, next.end]); // what ${label} has become
    if (kind !== 'identifier') continue;
    for (const { 0: word, index } of text.matchAll(BRACED_WORD))
      places.push([start + index, start + index + word.length]);
  }
  return places.map(([start, end]) => {
    const shown = given(start, end);
    const isNear = nearest(shown.replaceAll(/\W/g, ''), ['label']) !== undefined;
    const fix = isNear ? 'write {label}' : "remove it, or write {label} for the label's name";
    return problem('SQL_PLACEHOLDER', { start, end }, `found "${shown}", must be {label}, the only placeholder`, fix);
  });
}

/** PostgreSQL refuses such a pair; without the comment it would read the two as one string. */
function checkStringPairs(tokens: Token[]): SqlProblem[] {
  return tokens.flatMap((token, i) => {
    if (token.kind !== 'string') return [];
    let next = i + 1;
    while (next < tokens.length && !isCode(tokens[next] as Token)) next++;
    const isPair = tokens[next]?.kind === 'string';
    const comment = tokens.slice(i + 1, next).find(({ kind }) => kind === 'block comment');
    if (!isPair || comment === undefined) return [];
    return [problem('SQL_SYNTAX', comment, 'found a comment between two strings', 'join the strings with ||')];
  });
}

/** The protocol ends a query at its first zero, which would cut the closing parenthesis off. */
function checkZeros(text: string): SqlProblem[] {
  const zero = text.indexOf('\0');
  if (zero < 0) return [];
  return [problem('SQL_SYNTAX', { start: zero, end: zero + 1 }, 'found a zero character', 'remove it')];
}
