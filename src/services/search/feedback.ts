import type { Catalog } from '../../catalog/catalog.js';
import { FEEDBACK_RESULTS, moveTowards } from '../../domain/feedback.js';
import type { RankingPlan } from './ranking-plan.js';

/** The plan with its query by CONTENT moved towards its best results; the plan itself where it has no such query. */
export async function withFeedback(
  catalog: Catalog,
  plan: RankingPlan,
  strength: number,
): Promise<RankingPlan> {
  const { content } = plan;
  if (content === null || strength === 0) return plan;
  const { hits } = await catalog.ranking.byEmbedding({ ...content, limit: FEEDBACK_RESULTS, offset: 0 });
  const ids = hits.map(({ id }) => id);
  const vectors = await catalog.vectors.embeddingsByIds(content.encoderId, ids);
  const best = ids.flatMap((id) => vectors.get(id) ?? []);
  return { ...plan, content: { ...content, vector: moveTowards(content.vector, best, strength) } };
}
