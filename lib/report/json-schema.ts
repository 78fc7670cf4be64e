import { toJsonSchema } from '@valibot/to-json-schema';
import { snakeCase } from './json.ts';
import { ReportSchema } from './report.ts';

/** report.schema.json, generated from the schema that types the report. */
export function planReportSchema(): string {
  const { $schema, ...schema } = toJsonSchema(ReportSchema) as Record<string, unknown>;
  const renamed = renameSchema(schema) as object;
  return `${JSON.stringify({ $schema, title: 'Prepare Dataset: run report', ...renamed }, null, 2)}\n`;
}

function renameSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renameSchema);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      if (key === 'required') return [key, (child as string[]).map(snakeCase)];
      if (key !== 'properties') return [key, renameSchema(child)];
      const properties = Object.entries(child as object).map(([name, each]) => [snakeCase(name), renameSchema(each)]);
      return [key, Object.fromEntries(properties)];
    }),
  );
}

if (import.meta.main) process.stdout.write(planReportSchema());
