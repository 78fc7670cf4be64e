import fc from 'fast-check';
import type * as v from 'valibot';
import { ReportSchema, type RunReport } from '../../lib/report/report.ts';

interface Node {
  type: string;
  wrapped?: Node;
  item?: Node;
  entries?: Record<string, Node>;
  options?: (Node | string)[];
  literal?: unknown;
  pipe?: Node[];
}

/** What a hostile or unlucky name may hold: each character that a rendering could obey. */
export const HOSTILE = [
  '</code></details><script>alert(1)</script>',
  'a|b\nc\r\n\n# heading\n- item',
  '@team and #123, acme/x#7, GH-9',
  '`code` ``` ~~~ **b** _i_ ~~s~~',
  '[x](javascript:alert(1)) ![](https://evil.example/x.png)',
  'https://evil.example www.evil.example a@evil.example',
  '<!-- prepare-dataset:report --> --> <img src=x onerror=alert(1)>',
  '\x1b[31mred\x1b[2J\x9b1A \u202etxt\u2066 \u2028line',
  '&lt;b&gt; &amp; &#64;x $a$ :smile:',
  'नमस्ते काठमाडौँ – अत्यावश्यक',
  '  [-x-] {+y+}  ',
];
export const HOSTILE_TEXT = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...HOSTILE),
);
const ANY_NUMBER = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0); // JSON has no -0

/** Any value of a schema of ours; optional fields are there or not. */
function valuesOf(node: Node): fc.Arbitrary<unknown> {
  if (node.type === 'nullable' && node.wrapped) return fc.option(valuesOf(node.wrapped), { nil: null });
  if (node.wrapped) return valuesOf(node.wrapped);
  if (node.item) return fc.array(valuesOf(node.item), { maxLength: 4 });
  if (node.entries) return objectsOf(node.entries);
  if (node.type === 'picklist') return fc.constantFrom(...(node.options ?? []));
  if (node.type === 'variant') return fc.oneof(...((node.options ?? []) as Node[]).map(valuesOf));
  if (node.type === 'literal') return fc.constant(node.literal);
  if (node.type === 'boolean') return fc.boolean();
  if (node.type === 'string') return HOSTILE_TEXT;
  const rules = rulesOf(node);
  if (!rules.includes('integer')) return ANY_NUMBER;
  return rules.includes('min_value') ? fc.maxSafeNat() : fc.maxSafeInteger();
}

/** Names of the rules of a schema: a described schema is a pipe whose first part may be a pipe. */
function rulesOf({ pipe = [] }: Node): string[] {
  return pipe.flatMap((part) => [part.type, ...rulesOf(part)]);
}

function objectsOf(entries: Record<string, Node>): fc.Arbitrary<unknown> {
  const values = Object.fromEntries(Object.entries(entries).map(([key, node]) => [key, valuesOf(node)]));
  const required = Object.keys(entries).filter((key) => entries[key]?.type !== 'exact_optional');
  return fc.record(values, { requiredKeys: required as never[] }).map((value) => ({ ...(value as object) }));
}

/** Any report that the schema allows. */
export const REPORTS = valuesOf(ReportSchema as v.GenericSchema as unknown as Node) as fc.Arbitrary<RunReport>;
