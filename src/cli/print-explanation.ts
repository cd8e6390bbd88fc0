import type { ShownExplanation } from './backend/backend.js';
import { type Output, oneLine } from './output.js';

/** A few lines below the table of results. */
export function printExplanation(
  out: Output,
  name: string,
  explanation: ShownExplanation | null | undefined,
): void {
  if (explanation === undefined) return;
  if (explanation === null) {
    out.print(`\n${name}: nothing to explain it by.`);
    return;
  }
  const { similarity, classes, pairs } = explanation;
  out.print(`\n${name}: similarity ${similarity.toFixed(2)} (below: to the query, to the item)`);
  for (const { name: className, ...near } of classes) out.print(`  ${figures(near)}  class ${className}`);
  for (const { image, text, ...near } of pairs)
    out.print(`  ${figures(near)}  training pair: ${oneLine(image, 30)} – ${oneLine(text, 60)}`);
}

function figures({ query, item }: { readonly query: number; readonly item: number }): string {
  return `${query.toFixed(2).padStart(5)} ${item.toFixed(2).padStart(5)}`;
}
