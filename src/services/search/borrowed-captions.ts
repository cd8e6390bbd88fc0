import type { Catalog } from '../../catalog/catalog.js';
import type { Hit } from '../../catalog/types.js';
import { dot, unit } from '../../domain/vectors.js';
import type { RankingPlan } from './ranking-plan.js';

/**
 * BORROWED: an item without a counterpart takes the similarity of the captioned items that are its nearest neighbours in the
 * common space. The neighbours are found at query time among the captioned items that fit the query best, so nothing is
 * stored or maintained: an item whose neighbours fit badly is far from all of these, and gets little.
 */
export const LENDERS = 50;
const NEIGHBOURS = 5;
/** Softmax temperature of the neighbours' weights. */
const TEMPERATURE = 0.1;
/** Similarity at which a neighbour weighs as much as all captioned items that fit badly. */
const BACKGROUND = 0.6;
/** Items are looked for around the mean of this many captioned items. */
const CENTRE_OF = 5;
const CENTRE_TEMPERATURE = 0.05;
const FOUND_AROUND_CENTRE = 100;

interface Lender {
  readonly embedding: Float32Array;
  readonly similarity: number;
}

/**
 * The captioned items that fit a query best, and the items near them.
 *
 * @param captioned the ranking by COUNTERPART
 */
export async function findLenders(
  catalog: Catalog,
  content: NonNullable<RankingPlan['content']>,
  captioned: readonly Hit[],
): Promise<{ readonly lenders: readonly Lender[]; readonly near: readonly string[] }> {
  const best = captioned.slice(0, LENDERS);
  const embeddings = await catalog.vectors.embeddingsByIds(
    content.encoderId,
    best.map(({ id }) => id),
  );
  const lenders = best.flatMap(({ id, similarity }): Lender[] => {
    const embedding = embeddings.get(id);
    return embedding === undefined ? [] : [{ embedding, similarity }];
  });
  const centre = centreOf(lenders);
  if (centre === null) return { lenders: [], near: [] };
  const around = await catalog.ranking.byEmbedding({
    ...content,
    vector: centre,
    limit: FOUND_AROUND_CENTRE,
    offset: 0,
  });
  return { lenders, near: around.hits.map(({ id }) => id) };
}

/** The mean similarity of the nearest lenders, each weighted by its closeness, and of the worst lender as background. */
export function borrowedSimilarity(embedding: Float32Array, lenders: readonly Lender[]): number {
  const near = lenders
    .map((lender) => ({ closeness: dot(embedding, lender.embedding), similarity: lender.similarity }))
    .sort((a, b) => b.closeness - a.closeness)
    .slice(0, NEIGHBOURS);
  const background = Math.exp(BACKGROUND / TEMPERATURE);
  let sum = background * Math.min(...lenders.map(({ similarity }) => similarity));
  let weights = background;
  for (const { closeness, similarity } of near) {
    const weight = Math.exp(closeness / TEMPERATURE);
    sum += weight * similarity;
    weights += weight;
  }
  return sum / weights;
}

function centreOf(lenders: readonly Lender[]): Float32Array | null {
  const [first] = lenders;
  if (first === undefined) return null;
  const sum = new Float32Array(first.embedding.length);
  for (const { embedding, similarity } of lenders.slice(0, CENTRE_OF)) {
    const weight = Math.exp((similarity - first.similarity) / CENTRE_TEMPERATURE);
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + weight * (embedding[i] as number);
  }
  return sum.some((x) => x !== 0) ? unit(sum) : null;
}
