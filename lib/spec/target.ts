import type { TargetSpec } from './spec.ts';

const LONGEST_PATH = 1000; // characters; a system takes 4096 bytes
const NOT_TWO_PARTS = 'must be owner/name';
const REPO = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;

/** `owner/name` on the Hub, or a directory when it starts with `./`, `../` or `/`. */
export function parseTarget(text: string): TargetSpec | { problem: string } {
  if (/^(\.{0,2}\/|\.{1,2}$)/.test(text)) {
    if (text.length > LONGEST_PATH) return { problem: `must be at most ${LONGEST_PATH} characters long` };
    return /[\0\n\r]/.test(text)
      ? { problem: 'must not hold a line break' }
      : { kind: 'directory', path: text.replace(/\/+$/, '') };
  }
  const problem = repoProblem(text);
  return problem
    ? { problem: problem === NOT_TWO_PARTS ? `${problem} on the Hub, or a directory such as ./out/name` : problem }
    : { kind: 'hub', repo: text };
}

/** Why the Hub would refuse a repo id; undefined where it is fine. Source: huggingface_hub `_validators.py`. */
export function repoProblem(id: string): string | undefined {
  const parts = id.split('/');
  if (parts.length !== 2) return NOT_TWO_PARTS;
  if (id.length > 96) return 'must be at most 96 characters long';
  if (parts.some((part) => !REPO.test(part))) return 'must be owner/name of letters, digits, "-", "_" and "."';
  if (/--|\.\./.test(id)) return 'must not hold "--" or ".."';
  return id.endsWith('.git') ? 'must not end in ".git"' : undefined;
}

/** Whether two names are one on the Hub: they differ by more than case. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
