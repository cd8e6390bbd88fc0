import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { RankedHit } from '../../domain/evidence.js';
import { type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import { type Arrangement, type GroupBy, reorders } from './arrangement.js';
import { rankSlice, type Slice } from './rank-slice.js';
import type { RankingPlan } from './ranking-plan.js';
import { diversify, limitGroups, orderHits, type SearchOrder, withoutCopies } from './rearrange.js';

/** Results that are rearranged. It is fixed, so that pages of any size have the same order; beyond, the ranking goes on as it is. */
const HEAD = 200;

/** The most results of a search with a cut-off that are ordered by a value or counted. */
export const MATCHED_ITEMS = 1_000;

/** Positions `offset` to `offset + count` of the rearranged ranking. */
export async function arrangedSlice(
  catalog: Catalog,
  plan: RankingPlan,
  active: LoadedEncoder | null,
  arrangement: Arrangement,
  offset: number,
  count: number,
): Promise<Slice> {
  const { diversity = 0, groupBy = null, duplicates = 'SHOW' } = arrangement;
  const orderBy = reorders(arrangement.orderBy) ? arrangement.orderBy : null;
  if (diversity === 0 && groupBy === null && duplicates === 'SHOW' && orderBy === null) {
    return await rankSlice(catalog, plan, offset, count);
  }
  const head = await rankSlice(catalog, plan, 0, orderBy === null ? HEAD : MATCHED_ITEMS);
  let hits = head.hits;
  if (duplicates === 'HIDE') hits = withoutCopies(hits, await catalog.items.perceptualHashes(idsOf(hits)));
  if (diversity > 0) {
    if (active === null) throw noEncoder('diversity compares embeddings, and no encoder is active.');
    hits = diversify(hits, diversity, await catalog.vectors.embeddingsByIds(active.row.id, idsOf(hits)));
  }
  if (groupBy !== null) hits = limitGroups(hits, await groupsOf(catalog, groupBy, hits), groupBy.size);
  if (orderBy !== null) hits = await ordered(catalog, hits, orderBy);
  const page = hits.slice(offset, offset + count);
  const hasMore = hits.length > offset + count;
  // An order by a value ends with the head.
  if (hasMore || !head.hasMore || orderBy !== null)
    return { hits: page, hasMore, approximate: head.approximate };
  const skipped = Math.max(0, offset - hits.length);
  const rest = await rankSlice(catalog, plan, HEAD + skipped, count - page.length);
  return {
    hits: [...page, ...rest.hits],
    hasMore: rest.hasMore,
    approximate: head.approximate || rest.approximate,
  };
}

async function groupsOf(
  catalog: Catalog,
  { by, key }: GroupBy,
  hits: readonly RankedHit[],
): Promise<(id: string) => string | null> {
  if (by === 'CLASS') {
    const classes = await catalog.items.classesOf(idsOf(hits));
    return (id) => classes.get(id)?.[0]?.id ?? null;
  }
  if (key !== null && (await catalog.facets.unknownKeys([key])).length > 0) {
    const message = `No item has the metadata key ${JSON.stringify(key)}.`;
    throw new CommonspaceError('BAD_INPUT', message, ['groupBy', 'key']);
  }
  const items = await catalog.items.byIds(idsOf(hits));
  const groups = new Map(
    items.map(({ id, pairId, metadata }) => {
      const value = key === null ? pairId : metadata[key];
      return [id, value == null ? null : JSON.stringify(value)];
    }),
  );
  return (id) => groups.get(id) ?? null;
}

async function ordered(
  catalog: Catalog,
  hits: readonly RankedHit[],
  order: SearchOrder,
): Promise<readonly RankedHit[]> {
  if (order.field === 'RELEVANCE') return hits.toReversed();
  return orderHits(hits, order, await catalog.items.byIds(idsOf(hits)));
}

function idsOf(hits: readonly RankedHit[]): string[] {
  return hits.map(({ id }) => id);
}
