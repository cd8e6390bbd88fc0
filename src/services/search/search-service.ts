import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow, ItemRow } from '../../catalog/types.js';
import type { VectorStamp } from '../../catalog/vectors/vector-stamp.js';
import { checkPageSize } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import type { Evidence, FusedHit } from '../../domain/rank-fusion.js';
import { type ActiveEncoder, type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import type { ExplanationContext } from './explanation-service.js';
import type { FilterCheck } from './filter-check.js';
import type { QueryReader, ReadQuery, SearchQuery } from './query-reader.js';
import { type RankingPlan, rankSlice } from './ranking.js';
import { type CutOffMode, checkCutOff, leastSimilarity } from './similarity-threshold.js';

export interface SearchRequest {
  readonly query: SearchQuery;
  readonly target: Modality | null;
  readonly by: readonly Evidence[];
  readonly filter: ItemFilter | null;
  readonly first: number;
  readonly after: string | null;
  readonly minScore: number | null;
  /** AUTO: what the active encoder's calibration says to cut. NONE where it is not given. */
  readonly cutOff?: CutOffMode;
}

export interface SearchResult {
  readonly item: ItemRow;
  /** The item's classes, by name. */
  readonly classes: readonly ClassRow[];
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
  /** What the results can be explained by; null where the query has no place in a common space. */
  readonly explainedBy: ExplanationContext | null;
}

/** Cross-modal search: reads the query, ranks by each kind of evidence, fuses, pages. */
export class SearchService {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly queries: QueryReader,
    private readonly filters: FilterCheck,
  ) {}

  /** @throws CommonspaceError for any argument at fault, and NO_ENCODER where nothing can be compared before training. */
  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchPage> {
    checkPageSize(request.first, LIMITS.searchPageSize);
    checkEvidence(request);
    checkCutOff(request);
    // The database is asked a moment later, so that a query's extraction, which takes longest, begins first.
    const asking = Promise.resolve().then(() => this.encoders.currentAndStamp());
    const encoder = asking.then(({ active }) => active);
    const [query, { stamp }, active] = await Promise.all([
      this.queries.read(request.query, encoder, signal),
      asking,
      encoder,
      this.filters.check(request.filter),
    ]);
    const { first, after, ...identity } = request;
    const print = fingerprint({ ...identity, encoder: active?.row.id ?? null });
    const offset = after === null ? 0 : readRank(decodeCursor(after, print));
    const plan = this.plan(request, query, active, stamp);
    const slice = await rankSlice(this.catalog.vectors, plan, offset, first);
    if (slice.hits.length === 0 && offset === 0) await this.explainEmptiness(plan, request);
    return {
      results: await this.hydrate(slice.hits, offset, print, stamp),
      hasNextPage: slice.hasMore,
      hasPreviousPage: offset > 0,
      mode: slice.approximate ? 'APPROXIMATE' : 'EXACT',
      encoderVersion: plan.content === null ? null : (active?.row.id ?? null),
      explainedBy:
        active === null || query.embedding === null ? null : { active, query: query.embedding, stamp },
    };
  }

  private plan(
    request: SearchRequest,
    query: ReadQuery,
    active: LoadedEncoder | null,
    stamp: VectorStamp,
  ): RankingPlan {
    const { target, filter, by } = request;
    const { embedding, feature, extractor, modality } = query;
    const content =
      by.includes('CONTENT') && active !== null && embedding !== null
        ? { encoderId: active.row.id, vector: embedding, target, filter, stamp }
        : null;
    const counterpart =
      by.includes('COUNTERPART') && feature !== null && extractor !== null && modality !== null
        ? {
            extractor,
            vector: feature,
            queryModality: modality,
            target,
            filter,
            stamp,
          }
        : null;
    if (content === null && counterpart === null) throw this.cannotCompare(request, active, modality);
    const least = leastSimilarity(request, { content, counterpart }, query.modality, active);
    return { content, counterpart, least };
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
  private async explainEmptiness(
    { content, counterpart }: RankingPlan,
    request: SearchRequest,
  ): Promise<void> {
    if (content !== null || counterpart === null || !request.by.includes('CONTENT')) return;
    const unfiltered = await this.catalog.vectors.nearestByCounterpart({
      ...counterpart,
      filter: null,
      limit: 1,
    });
    if (unfiltered.hits.length > 0) return;
    throw noEncoder('No encoder is active, and nothing in the catalogue can be compared without one.');
  }

  private async hydrate(
    hits: readonly FusedHit[],
    offset: number,
    print: string,
    stamp: VectorStamp,
  ): Promise<SearchResult[]> {
    const items = await this.catalog.items.shown(
      hits.map((hit) => hit.id),
      stamp,
    );
    const byId = new Map(items.map((found) => [found.item.id, found]));
    return hits.flatMap((hit, index) => {
      const found = byId.get(hit.id);
      const rank = offset + index + 1;
      // An item deleted between ranking and reading is no result any more; the others keep their ranks.
      return found === undefined
        ? []
        : [{ ...hit, ...found, rank, cursor: encodeCursor(print, String(rank)) }];
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
    throw badCursor();
  }
  return rank;
}
