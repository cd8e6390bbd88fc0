import type { SearchPage } from '../services/search/search-service.js';
import type { App } from '../services/services.js';
import { type Output, oneLine } from './output.js';

interface Near {
  readonly query: number;
  readonly item: number;
}

/** An explanation as it is shown: what is named, with its similarity to the query and to the item. */
export interface ShownExplanation {
  readonly similarity: number;
  readonly classes: readonly (Near & { readonly name: string })[];
  readonly pairs: readonly (Near & { readonly image: string; readonly text: string })[];
}

/** What speaks for each result of a page; empty where no encoder is active. */
export async function explanationsOf(
  app: App,
  { explainedBy, results }: SearchPage,
): Promise<ReadonlyMap<string, ShownExplanation>> {
  if (explainedBy === null) return new Map();
  const ids = results.map(({ item }) => item.id);
  const found = await app.explanations.explain(explainedBy, ids);
  return new Map(
    [...found].map(([id, { similarity, classes, pairs }]) => [
      id,
      {
        similarity,
        classes: classes.map((near) => ({
          name: near.class.name,
          query: near.querySimilarity,
          item: near.itemSimilarity,
        })),
        pairs: pairs.map(({ image, text, querySimilarity, itemSimilarity }) => ({
          image: image.title ?? image.externalId ?? image.id,
          text: text.text,
          query: querySimilarity,
          item: itemSimilarity,
        })),
      },
    ]),
  );
}

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

function figures({ query, item }: Near): string {
  return `${query.toFixed(2).padStart(5)} ${item.toFixed(2).padStart(5)}`;
}
