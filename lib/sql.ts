/** A text as an SQL literal, for PostgreSQL (standard_conforming_strings) and DuckDB alike. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as a quoted identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The name at the place that a column holds. */
export function nameAt(column: string, names: readonly string[]): string {
  return `CASE ${column} ${names.map((name, index) => `WHEN ${index} THEN ${literal(name)}`).join(' ')} END`;
}
