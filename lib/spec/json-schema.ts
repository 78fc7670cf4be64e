import { toJsonSchema } from '@valibot/to-json-schema';
import { LABEL_NAME, SpecSchema } from './schema.ts';

/** The JSON Schema of pipeline.config.yaml, for editors; generated from the schema that the program checks with. */
export function planJsonSchema(): string {
  const { $schema, ...schema } = toJsonSchema(SpecSchema, { typeMode: 'input' }) as Record<string, unknown>;
  const labels = (schema.properties as { labels: Record<string, unknown> }).labels;
  labels.propertyNames = { pattern: LABEL_NAME.source };
  return `${JSON.stringify({ $schema, title: 'Prepare Dataset: pipeline.config.yaml', ...schema }, null, 2)}\n`;
}

if (import.meta.main) process.stdout.write(planJsonSchema());
