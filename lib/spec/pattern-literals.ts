const TOKEN = /\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|./gsu; // an escape, a set, a character
const META = /^[.^$*+?{}()[\]|\\]/;

/**
 * Find texts of which one stands in every match: what each branch of a pattern begins with. Looking for them is several times as fast as RE2,
 * which does so by itself where there is one branch.
 *
 * @param pattern RE2's syntax
 * @returns undefined where a branch begins with something else, or there is only one
 */
export function planLiterals(pattern: string): string[] | undefined {
  const branches = branchesOf(pattern);
  const literals = branches.map(leadingText);
  return branches.length > 1 && literals.every((text) => text !== '') ? literals : undefined;
}

/** The branches of a pattern as tokens; what stands in a group belongs to the branch that has the group. */
function branchesOf(pattern: string): string[][] {
  const branches: string[][] = [];
  let tokens: string[] = [];
  let depth = 0;
  for (const [token] of pattern.matchAll(TOKEN)) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token !== '|' || depth > 0) {
      tokens.push(token);
      continue;
    }
    branches.push(tokens);
    tokens = [];
  }
  return [...branches, tokens];
}

function leadingText(tokens: string[]): string {
  let text = '';
  for (const [index, token] of tokens.entries()) {
    const character = /^\\[^A-Za-z0-9]/.test(token) ? token.slice(1) : token;
    const next = tokens[index + 1] ?? '';
    if (META.test(token) && character === token) return text;
    if (/^[*?{]/.test(next)) return text; // it may stand there or not
    text += character;
    if (next === '+') return text;
  }
  return text;
}
