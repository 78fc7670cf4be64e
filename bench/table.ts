/** A Markdown table whose source is aligned too; columns of numbers to the right. */
export function renderTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = columns.map((_, index) => rows.every((row) => /^[\d.,%]*$/.test(row[index] ?? '')));
  const widths = columns.map((name, index) =>
    Math.max(3, name.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => (right[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, index) => (right[index] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const body = rows.map((row) => columns.map((_, index) => row[index] ?? ''));
  return [line(columns), line(rule), ...body.map(line)].join('\n');
}
