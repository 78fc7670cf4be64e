import * as v from 'valibot';
import { ReportSchema, type RunReport } from './report.ts';

type Node = {
  wrapped?: Node;
  item?: Node;
  options?: Node[];
  entries?: Record<string, Node>;
};

/** What rename() needs of valibot's schemas. */
const SCHEMA = ReportSchema as unknown as Node;

/** The report as JSON: the shape of report.schema.json, with keys in snake_case. */
export function formatReport(report: RunReport): string {
  return `${JSON.stringify(rename(report, SCHEMA, snakeCase), null, 2)}\n`;
}

/**
 * Read a report that formatReport() wrote.
 *
 * @throws SyntaxError where it is not JSON; v.ValiError where it is not a report of this version
 */
export function parseReport(text: string): RunReport {
  return v.parse(ReportSchema, rename(JSON.parse(text), SCHEMA, undefined));
}

/** Keys of the schema's objects as `to` writes them; back from snake_case without `to`. Keys that it does not name are left as they are. */
function rename(value: unknown, schema: Node | undefined, to: ((key: string) => string) | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, unwrap(schema)?.item, to));
  if (typeof value !== 'object' || value === null) return value;
  const entries = entriesOf(unwrap(schema), value);
  const back = new Map(Object.keys(entries).map((key) => [snakeCase(key), key]));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => {
      const name = to ? key : (back.get(key) ?? key);
      if (!to && name in entries && !back.has(key)) return []; // our own spelling is not the JSON's
      return [[to ? to(key) : name, rename(child, entries[name], to)]];
    }),
  );
}

function unwrap(schema: Node | undefined): Node | undefined {
  return schema?.wrapped ? unwrap(schema.wrapped) : schema;
}

/** Entries of an object, or of the variant whose keys the value has. */
function entriesOf(schema: Node | undefined, value: object): Record<string, Node> {
  if (!schema?.options) return schema?.entries ?? {};
  const keys = Object.keys(value);
  return schema.options.find(({ entries }) => keys.every((key) => entries?.[key]))?.entries ?? {};
}

export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
