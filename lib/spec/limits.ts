import { Lexer } from 'yaml';
import type { SpecProblem } from './problems.ts';

/** What a YAML may be before it is parsed: the parser recurses, and its errors are as many as a file has characters. */

export const MAX_BYTES = 150_000; // bytes of YAML; a spec of a hundred labels is about 30 kB
const DEEPEST = 50; // collections inside of each other on one line; a spec has four
/** Tokens of no width that the lexer marks with. Source: yaml, `parse/cst.ts`. */
const [DOCUMENT, FLOW_END, SCALAR] = ['\x02', '\x18', '\x1f'];

export function tooLarge(size: number): SpecProblem {
  return {
    code: 'SPEC_TOO_LARGE',
    message: `Cannot read the spec: it has ${size} bytes, at most ${MAX_BYTES} are read`,
    start: 0,
    end: 1,
  };
}

/** Why a text is not parsed. Nesting by indentation needs no bound: it takes as many characters as the square of its depth. */
export function planRefusal(text: string): SpecProblem | undefined {
  if (text.length > MAX_BYTES) return tooLarge(Buffer.byteLength(text));
  const start = findTooDeep(text);
  if (start === undefined) return undefined;
  const message = `Cannot read the YAML: collections stand more than ${DEEPEST} deep inside of each other`;
  return { code: 'YAML_SYNTAX', message, start, end: start + 1 };
}

function findTooDeep(text: string): number | undefined {
  let [at, brackets, indicators, isScalar] = [0, 0, 0, false];
  for (const token of new Lexer().lex(text)) {
    if (token === SCALAR) {
      isScalar = true;
      continue;
    }
    if (token === DOCUMENT || token === FLOW_END) continue;
    if (!isScalar) {
      if (token === '[' || token === '{') brackets++;
      else if (token === ']' || token === '}') brackets = Math.max(0, brackets - 1);
      else if (token === '\n' || token === '\r\n') indicators = 0;
      else if (token === '?' || (brackets === 0 && (token === '-' || token === ':'))) indicators++;
    }
    isScalar = false;
    if (brackets + indicators > DEEPEST) return at;
    at += token.length;
  }
  return undefined;
}
