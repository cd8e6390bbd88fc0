import type { Catalog } from '../catalog/catalog.js';
import type { Hit, ItemRow, Ranking } from '../catalog/types.js';
import { checkPageSize } from '../domain/check.js';
import { decodeCursor, encodeCursor, fingerprint } from '../domain/cursor.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ItemFilter } from '../domain/filter.js';
import { LIMITS } from '../domain/limits.js';
import type { Modality } from '../domain/modality.js';
import {
  type Evidence,
  type FusedHit,
  fuseByReciprocalRank,
  reciprocalRank,
  singleEvidence,
} from '../domain/rank-fusion.js';
import type { FeatureExtractors } from '../features/types.js';
import { type ActiveEncoder, type LoadedEncoder, noEncoder } from './active-encoder.js';
import type { FilterCheck } from './filter-check.js';
import type { QueryReader, ReadQuery, SearchQuery } from './query-reader.js';

export interface SearchRequest {
  readonly query: SearchQuery;
  readonly target: Modality | null;
  readonly by: readonly Evidence[];
  readonly filter: ItemFilter | null;
  readonly first: number;
  readonly after: string | null;
  readonly minScore: number | null;
}

export interface SearchResult {
  readonly item: ItemRow;
  readonly rank: number;
  readonly score: number;
  readonly evidence: FusedHit['evidence'];
  readonly cursor: string;
}

export interface SearchPage {
  readonly results: readonly SearchResult[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly mode: 'EXACT' | 'APPROXIMATE';
  readonly encoderVersion: string | null;
}

/**
 * How deep each ranking goes into the fused one. It is fixed, so that an item's fused score does not change from page
 * to page; beyond it the order goes on by CONTENT alone.
 */
export const FUSION_DEPTH = 200;

interface Slice {
  readonly hits: readonly FusedHit[];
  readonly hasMore: boolean;
  readonly approximate: boolean;
}

/** What a request comes down to once the query is read: the rankings that can be had, and how to have them. */
interface Plan {
  readonly content: ((limit: number, offset: number) => Promise<Ranking>) | null;
  readonly counterpart: ((limit: number, offset: number) => Promise<Ranking>) | null;
}

/** Cross-modal search: reads the query, ranks by each kind of evidence, fuses, pages. */
export class SearchService {
  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
    private readonly encoders: ActiveEncoder,
    private readonly queries: QueryReader,
    private readonly filters: FilterCheck,
  ) {}

  /** @throws CommonspaceError for any argument at fault, and NO_ENCODER where nothing can be compared before training. */
  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchPage> {
    checkPageSize(request.first, LIMITS.searchPageSize);
    checkEvidence(request);
    const active = await this.encoders.current();
    const { first, after, ...identity } = request;
    const print = fingerprint({ ...identity, encoder: active?.row.id ?? null });
    const offset = after === null ? 0 : readRank(decodeCursor(after, print));
    const [query] = await Promise.all([
      this.queries.read(request.query, active, signal),
      this.filters.check(request.filter),
    ]);
    const plan = this.plan(request, query, active);
    const slice = withMinScore(await rank(plan, offset, first), request.minScore);
    if (slice.hits.length === 0 && offset === 0) await this.explainEmptiness(plan, request, query);
    return {
      results: await this.hydrate(slice.hits, offset, print),
      hasNextPage: slice.hasMore,
      hasPreviousPage: offset > 0,
      mode: slice.approximate ? 'APPROXIMATE' : 'EXACT',
      encoderVersion: plan.content === null ? null : (active?.row.id ?? null),
    };
  }

  private plan(request: SearchRequest, query: ReadQuery, active: LoadedEncoder | null): Plan {
    const { target, filter, by } = request;
    const { embedding, feature, modality } = query;
    const vectors = this.catalog.vectors;
    const content =
      by.includes('CONTENT') && active !== null && embedding !== null
        ? (limit: number, offset: number) =>
            vectors.nearestByEmbedding({
              encoderId: active.row.id,
              vector: embedding,
              target,
              filter,
              limit,
              offset,
            })
        : null;
    const counterpart =
      by.includes('COUNTERPART') && feature !== null && modality !== null
        ? async (limit: number, offset: number) => {
            const extractor = modality === 'IMAGE' ? this.features.image.id : this.features.text.id;
            const query = { extractor, vector: feature, queryModality: modality, target, filter };
            const ranking = await vectors.nearestByCounterpart({ ...query, limit: offset + limit });
            return { ...ranking, hits: ranking.hits.slice(offset) };
          }
        : null;
    if (content === null && counterpart === null) throw this.cannotCompare(request, active, modality);
    return { content, counterpart };
  }

  private cannotCompare(
    request: SearchRequest,
    active: LoadedEncoder | null,
    modality: Modality | null,
  ): CommonspaceError {
    if (active === null) return noEncoder('This search needs the common space, and no encoder is active.');
    if (modality !== null && !this.encoders.understands(active, modality)) {
      return noEncoder('The active encoder was trained on the features of another extractor.');
    }
    return new CommonspaceError(
      'BAD_INPUT',
      modality === null
        ? 'A vector of the common space is compared by CONTENT; it has no COUNTERPART.'
        : 'This item has no embedding or feature to compare by.',
      [...('itemId' in request.query ? ['query', 'itemId'] : ['by'])],
    );
  }

  /** Before any training an empty answer may mean "nothing could be compared", which deserves saying. */
  private async explainEmptiness(plan: Plan, request: SearchRequest, query: ReadQuery): Promise<void> {
    if (plan.content !== null || !request.by.includes('CONTENT') || plan.counterpart === null) return;
    if (request.filter !== null || request.minScore !== null) {
      const unfiltered = this.plan({ ...request, filter: null }, query, null).counterpart;
      if (unfiltered !== null && (await unfiltered(1, 0)).hits.length > 0) return;
    }
    throw noEncoder('No encoder is active, and nothing in the catalogue can be compared without one.');
  }

  private async hydrate(hits: readonly FusedHit[], offset: number, print: string): Promise<SearchResult[]> {
    const items = await this.catalog.items.byIds(hits.map((hit) => hit.id));
    const byId = new Map(items.map((item) => [item.id, item]));
    return hits.flatMap((hit, index) => {
      const item = byId.get(hit.id);
      const rank = offset + index + 1;
      // An item deleted between ranking and reading is no result any more; the others keep their ranks.
      return item === undefined ? [] : [{ ...hit, item, rank, cursor: encodeCursor(print, String(rank)) }];
    });
  }
}

function checkEvidence({ by, minScore }: SearchRequest): void {
  if (by.length === 0 || new Set(by).size !== by.length) {
    throw new CommonspaceError('BAD_INPUT', 'Name at least one kind of evidence, each once.', ['by']);
  }
  if (minScore === null) return;
  if (by.length !== 1) {
    throw new CommonspaceError('BAD_INPUT', 'minScore needs exactly one kind of evidence in `by`.', [
      'minScore',
    ]);
  }
  if (!(minScore >= -1 && minScore <= 1)) {
    throw new CommonspaceError('BAD_INPUT', 'minScore must be between -1 and 1.', ['minScore']);
  }
}

function readRank(position: string): number {
  const rank = Number(position);
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new CommonspaceError('BAD_CURSOR', 'This is not a cursor that this server gave out.', ['after']);
  }
  return rank;
}

/** Positions `offset` to `offset + count` of the plan's ranking, and whether there is more. */
async function rank(plan: Plan, offset: number, count: number): Promise<Slice> {
  const { content, counterpart } = plan;
  if (content !== null && counterpart !== null) return await rankFused(content, counterpart, offset, count);
  const only = content ?? counterpart;
  if (only === null) throw new Error('a plan without a ranking');
  const ranking = await only(count + 1, offset);
  const hits = singleEvidence(
    { evidence: content === null ? 'COUNTERPART' : 'CONTENT', hits: ranking.hits },
    offset + 1,
  );
  return { hits: hits.slice(0, count), hasMore: hits.length > count, approximate: ranking.approximate };
}

async function rankFused(
  content: NonNullable<Plan['content']>,
  counterpart: NonNullable<Plan['counterpart']>,
  offset: number,
  count: number,
): Promise<Slice> {
  const [byContent, byCounterpart] = await Promise.all([
    content(FUSION_DEPTH, 0),
    counterpart(FUSION_DEPTH, 0),
  ]);
  const fused = fuseByReciprocalRank([
    { evidence: 'CONTENT', hits: byContent.hits },
    { evidence: 'COUNTERPART', hits: byCounterpart.hits },
  ]);
  const approximate = byContent.approximate || byCounterpart.approximate;
  const head = fused.slice(offset, offset + count + 1);
  const enough = head.length > count || byContent.hits.length < FUSION_DEPTH;
  if (enough) return { hits: head.slice(0, count), hasMore: head.length > count, approximate };
  const tail = await contentTail(
    content,
    new Set(fused.map((hit) => hit.id)),
    offset - fused.length,
    count + 1 - head.length,
  );
  const hits = [...head, ...tail.hits];
  return {
    hits: hits.slice(0, count),
    hasMore: hits.length > count,
    approximate: approximate || tail.approximate,
  };
}

/**
 * The order beyond the fused head: items by CONTENT alone, without those that the head holds already. `skip` of them
 * came on earlier pages (negative: the page began in the head).
 */
async function contentTail(
  content: NonNullable<Plan['content']>,
  inHead: ReadonlySet<string>,
  skip: number,
  count: number,
): Promise<{ hits: FusedHit[]; approximate: boolean }> {
  const skipped = Math.max(0, skip);
  const ranking = await content(skipped + count + inHead.size - FUSION_DEPTH, FUSION_DEPTH);
  const ranked = ranking.hits.map((hit, index) => ({ hit, rank: FUSION_DEPTH + index + 1 }));
  const rest = ranked.filter(({ hit }) => !inHead.has(hit.id)).slice(skipped, skipped + count);
  return { hits: rest.map(({ hit, rank }) => tailHit(hit, rank)), approximate: ranking.approximate };
}

function tailHit({ id, similarity }: Hit, rank: number): FusedHit {
  return { id, score: reciprocalRank(rank), evidence: [{ evidence: 'CONTENT', rank, similarity }] };
}

function withMinScore(slice: Slice, minScore: number | null): Slice {
  if (minScore === null) return slice;
  const hits = slice.hits.filter((hit) => hit.score >= minScore);
  return { ...slice, hits, hasMore: slice.hasMore && hits.length === slice.hits.length };
}
