import { Document, parseDocument, stringify, visit } from 'yaml';

/**
 * The YAML of a card, which readers of YAML 1.1 (PyYAML, in `datasets` and huggingface_hub) and of 1.2 must understand alike: to the former
 * `no`, `1:30` and `1_000` are no text, U+2028 ends a line, and U+007F is an error.
 */

/** Keys that we write; all others are somebody's own, and are left as YAML 1.2 writes them. */
const OURS: ReadonlySet<string> = new Set([
  'license',
  'language',
  'pretty_name',
  'tags',
  'task_categories',
  'task_ids',
  'size_categories',
  'dataset_info',
  'configs',
]);

/** A text that no reader takes for anything else. */
const PLAIN = /^(?:[A-Za-z](?:[\w.,/&()+ -]*[\w*)])?|[\w<]+<[\w<]+)$/;
const WORD = /^(?:y|n|yes|no|on|off|true|false|null)$/i; // of YAML 1.1's booleans and nothing
/** What a reader of 1.1 refuses or takes for the end of a line, and what turns the reading direction; never outside of quotes. */
const UNREADABLE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\p{Bidi_Control}]/gu;

export function formatFrontMatter(yaml: Record<string, unknown>): string {
  const ours = Object.entries(yaml).filter(([key]) => OURS.has(key));
  const others = Object.entries(yaml).filter(([key]) => !OURS.has(key));
  return (
    (ours.length > 0 ? formatQuoted(Object.fromEntries(ours)) : '') +
    (others.length > 0 ? stringify(Object.fromEntries(others), { lineWidth: 0 }) : '')
  );
}

function formatQuoted(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string') node.type = isPlain(node.value) ? 'PLAIN' : 'QUOTE_DOUBLE';
    },
  });
  const text = document.toString({ lineWidth: 0, doubleQuotedAsJSON: true });
  return text.replace(UNREADABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isPlain(text: string): boolean {
  return PLAIN.test(text) && !WORD.test(text);
}

/** What a card's YAML says; nothing where it cannot be read, whatever somebody wrote there. */
export function parseFrontMatter(front: string): Record<string, unknown> {
  try {
    const document = parseDocument(front);
    const value: unknown = document.errors.length === 0 ? document.toJS({ maxAliasCount: 100 }) : undefined;
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isMap ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // too many aliases, or too deep
  }
}
