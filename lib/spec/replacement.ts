import type { PatternProblem } from './pattern-cursor.ts';

const PARTS = /\\(?:g<(\w*)>|[1-9]\d?|\\|.?)|\0|\p{Cs}/gsu;

/**
 * Find what RE2's rewrite and Python's `re.sub` do not both read the same way.
 *
 * @param captures groups of the pattern; \1 to \9 name the first nine
 */
export function checkReplacement(replacement: string, captures: number): PatternProblem[] {
  return [...replacement.matchAll(PARTS)].flatMap((found) => {
    const defect = findDefect(found[0], found[1], captures);
    if (!defect) return [];
    const message = `Cannot use ${JSON.stringify(found[0]).replaceAll('\\\\', '\\')} in replace: ${defect.why}`;
    const place = { offset: found.index, length: found[0].length };
    return [{ code: 'REPLACEMENT_SYNTAX' as const, ...place, message, fix: defect.fix, in: 'replace' as const }];
  });
}

function findDefect(
  part: string,
  group: string | undefined,
  captures: number,
): { why: string; fix: string } | undefined {
  if (part === '\\\\') return undefined;
  if (group !== undefined)
    return { why: 'RE2 has numbers of groups only', fix: `write \\${/^[1-9]$/.test(group) ? group : '1 … \\9'}` };
  if (/^\\[1-9]$/.test(part)) {
    if (Number(part[1]) <= captures) return undefined;
    const groups = captures === 0 ? 'has no groups' : `has ${captures} group${captures === 1 ? '' : 's'}`;
    return { why: `the pattern ${groups}`, fix: 'put ( ) around what it should keep' };
  }
  if (/^\\[1-9]\d$/.test(part))
    return { why: 'RE2 and Python read a digit after a group differently', fix: 'write no digit after a group' };
  if (part === '\\0')
    return { why: 'it is the match in RE2, a null in Python', fix: 'put ( ) around the pattern and write \\1' };
  if (/^\\[abfnrtv]$/.test(part))
    return {
      why: 'RE2 has no such escape here',
      fix: 'write the character itself, e.g. "\\n" in double quotes in YAML',
    };
  if (part.startsWith('\\')) return { why: 'RE2 has no such escape', fix: 'write \\\\ for a backslash' };
  return { why: 'it is no character of a text', fix: 'remove it' };
}
