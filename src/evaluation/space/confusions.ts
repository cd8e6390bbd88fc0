import type { RetrievalSide } from '../../domain/metrics.js';
import type { Direction } from './space-details.js';
import type { Walk } from './walk-queries.js';

/** At most so many classes are named for each class. */
const NAMED = 3;

interface Labelled {
  readonly image: Pick<RetrievalSide, 'classes'>;
  readonly text: Pick<RetrievalSide, 'classes'>;
  readonly classNames: readonly string[];
}

/**
 * The classes that the queries of a class find in its place, most often first, then by name. A query with R relevant items is judged by
 * its first R results, of which all could be right, and by no more results than the walk kept.
 */
export function confusions(
  label: number,
  { image, text, classNames }: Labelled,
  walks: Readonly<Record<Direction, Pick<Walk, 'outcomes'>>>,
): { readonly name: string; readonly share: number }[] {
  const counts = new Map<number, number>();
  let results = 0;
  for (const direction of ['i2t', 't2i'] as const) {
    const [queries, gallery] = direction === 'i2t' ? [image, text] : [text, image];
    for (const { query, relevant, top } of walks[direction].outcomes) {
      if (queries.classes[query] !== label) continue;
      for (const { row } of top.slice(0, relevant)) {
        const found = gallery.classes[row] as number;
        results += 1;
        if (found >= 0 && found !== label) counts.set(found, (counts.get(found) ?? 0) + 1);
      }
    }
  }
  return [...counts]
    .map(([other, count]) => ({ name: classNames[other] ?? String(other), share: count / results }))
    .sort((a, b) => b.share - a.share || (a.name < b.name ? -1 : 1))
    .slice(0, NAMED);
}
