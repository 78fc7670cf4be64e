const LINE_CHARACTERS = 200; // of a condition or a sort key; what a shard is asked is never cut

interface PlanNode {
  text: string;
  children: PlanNode[];
}

/**
 * Shorten what EXPLAIN (VERBOSE, COSTS OFF) prints to what shows where the work is done: its nodes, conditions, and what each shard is
 * asked. Where the shards' parts differ by nothing but their number, the first stands for all.
 *
 * @param lines as the server gives them
 */
export function shortenPlan(lines: string[]): string {
  const root: PlanNode = { text: '', children: [] };
  const path = [{ indent: -1, node: root }];
  for (const line of lines) {
    const indent = line.search(/\S/);
    const text = line.trim();
    if (text.startsWith('Output:')) continue;
    while ((path.at(-1)?.indent ?? -1) >= indent) path.pop();
    const node = { text: text.startsWith('Remote SQL:') ? text : cut(text), children: [] };
    path.at(-1)?.node.children.push(node);
    path.push({ indent, node });
  }
  return root.children.flatMap((node) => print(node, 0)).join('\n');
}

function print({ text, children }: PlanNode, depth: number): string[] {
  const line = '  '.repeat(depth) + text;
  const shown = children.map((child) => ({ child, shape: shapeOf(child) }));
  const lines = shown.flatMap(({ child, shape }, index) => {
    if (index > 0 && shown[index - 1]?.shape === shape) return [];
    const same = shown.slice(index).findIndex((other) => other.shape !== shape);
    const others = (same === -1 ? shown.length - index : same) - 1;
    return [...print(child, depth + 1), ...(others > 0 ? [`${'  '.repeat(depth + 1)}(and ${others} like it)`] : [])];
  });
  return [line, ...lines];
}

/** A node and all below it, without the numbers of shards, of their aliases, and of those in a join that a shard does. */
function shapeOf(node: PlanNode): string {
  return JSON.stringify(node).replaceAll(/_\d+\b|\br\d+\b/g, '');
}

function cut(text: string): string {
  return text.length > LINE_CHARACTERS ? `${text.slice(0, LINE_CHARACTERS - 1)}…` : text;
}
