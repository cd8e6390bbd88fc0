/**
 * The circles of a graph of imports: its strongly connected components of more than one file (Tarjan), each sorted.
 * A file that imports itself is not a circle.
 *
 * @example circlesOf(new Map([['a', ['b']], ['b', ['a', 'c']], ['c', []]])) // [['a', 'b']]
 */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const indices = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];

  const visit = (file: string): number => {
    const index = indices.size;
    indices.set(file, index);
    stack.push(file);
    onStack.add(file);
    let low = index;
    for (const target of graph.get(file) ?? []) {
      const seen = indices.get(target);
      if (seen === undefined) low = Math.min(low, visit(target));
      else if (onStack.has(target)) low = Math.min(low, lowest.get(target) ?? seen);
      lowest.set(file, low);
    }
    lowest.set(file, low);
    if (low === index) {
      const component = stack.splice(stack.indexOf(file));
      for (const member of component) onStack.delete(member);
      if (component.length > 1) circles.push(component.sort());
    }
    return low;
  };

  for (const file of graph.keys()) if (!indices.has(file)) visit(file);
  return circles.sort((a, b) => String(a).localeCompare(String(b)));
}
