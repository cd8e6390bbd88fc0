import { FEEDBACK_RESULTS, moveTowards } from '../domain/feedback.js';
import { createRanker, type RetrievalSide } from '../domain/metrics.js';
import { gather, rowOf } from '../encoder/math/matrix.js';

/** The queries moved towards their best results in the gallery, as a search with `feedback` moves them. */
export function movedQueries(
  queries: RetrievalSide,
  gallery: RetrievalSide,
  strength: number,
): RetrievalSide {
  if (strength === 0) return queries;
  const ranker = createRanker(gallery);
  const moved = Array.from({ length: queries.embeddings.rows }, (_, row) => {
    const query = rowOf(queries.embeddings, row);
    const best = Array.from(ranker(query).subarray(0, FEEDBACK_RESULTS), (item) =>
      rowOf(gallery.embeddings, item),
    );
    return moveTowards(query, best, strength);
  });
  return { ...queries, embeddings: gather(moved, queries.embeddings.columns) };
}
