import type { Catalog } from '../../catalog/catalog.js';
import type { ItemRow } from '../../catalog/types.js';
import { checkPageSize } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { RankedHit } from '../../domain/evidence.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import type { ItemFilter } from '../../domain/filter.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import { timeStage } from '../../domain/observations.js';
import { type ActiveEncoder, type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import { arrangedSlice, MATCHED_ITEMS } from './arranged-slice.js';
import { checkArrangement } from './arrangement-check.js';
import type { ExplanationContext } from './explanation-service.js';
import { withFeedback } from './feedback.js';
import type { FilterCheck } from './filter-check.js';
import { combinedEmbedding, partsOf, type ReadPart } from './query-parts.js';
import type { QueryReader } from './query-reader.js';
import { rankSlice } from './rank-slice.js';
import { planRanking, type RankingPlan } from './ranking-plan.js';
import { type SearchRequest, scopeOf } from './search-request.js';
import { checkThreshold } from './similarity-threshold.js';

/** The largest weight of a kind of evidence. */
const MOST_WEIGHT = 10;

/** Keeps samples of queries; see services/drift. */
interface QuerySampling {
  offer(query: {
    readonly encoderId: string;
    readonly query: Modality;
    readonly target: Modality;
    readonly vector: Float32Array;
  }): void;
}

export interface SearchResult {
  readonly item: ItemRow;
  readonly rank: number;
  readonly score: number;
  readonly evidence: RankedHit['evidence'];
  readonly cursor: string;
}

export interface SearchPage {
  readonly results: readonly SearchResult[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly mode: 'EXACT' | 'APPROXIMATE';
  readonly encoderVersion: string | null;
  /** The matched items, at most MATCHED_ITEMS of them with a cut-off. Null if the search has no cut-off and no filter. */
  readonly matched: (() => Promise<ItemFilter>) | null;
  /** What the results can be explained by; null if the query has no embedding. */
  readonly explainedBy: ExplanationContext | null;
}

/** Cross-modal search: reads the query, ranks by each kind of evidence, fuses, loads the items, pages. */
export class SearchService {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly queries: QueryReader,
    private readonly filters: FilterCheck,
    private readonly sampling: QuerySampling | null = null,
  ) {}

  /**
   * @throws CommonspaceError for a wrong argument, NO_ENCODER if nothing can be compared before training, and ENCODER_NOT_FOUND or
   * ENCODER_STATE for a version that cannot be searched with.
   */
  async search(request: SearchRequest, scope: RequestScope = {}): Promise<SearchPage> {
    checkRequest(request);
    try {
      return await this.rank(request, scope);
    } catch (error) {
      // A version that is not active can be removed while it is searched with. Then this says so.
      if (request.encoder != null && !(error instanceof CommonspaceError)) await this.encoderOf(request);
      throw error;
    }
  }

  private encoderOf({ encoder }: SearchRequest): Promise<LoadedEncoder | null> {
    return encoder == null ? this.encoders.current() : this.encoders.chosen(encoder, ['encoder']);
  }

  private async rank(request: SearchRequest, scope: RequestScope): Promise<SearchPage> {
    // The extraction of the query takes longest. It starts first, and the statement runs meanwhile.
    const current = Promise.resolve().then(() => this.encoderOf(request));
    // It may fail after a wrong query has ended the search, and an error without a caller ends the process.
    current.catch(() => {});
    const words = request.by.includes('LEXICAL');
    const [parts, active] = await Promise.all([
      Promise.all(
        partsOf(request.query).map(async (part) => {
          const options = { words, field: part.field, ...scope };
          return { ...part, read: await this.queries.read(part.query, current, options) };
        }),
      ),
      current,
      this.filters.check(request.filter),
    ]);
    const { first, after, ...identity } = request;
    const print = fingerprint({ ...identity, encoder: active?.row.id ?? null });
    const offset = after === null ? 0 : readRank(decodeCursor(after, print));
    const plan = await withFeedback(this.catalog, planRanking(request, parts, active), request.feedback ?? 0);
    const slice = await timeStage('rank', () =>
      arrangedSlice(this.catalog, plan, active, request, offset, first),
    );
    if (offset === 0 && request.encoder == null) this.offerSample(plan, parts);
    if (slice.hits.length === 0 && offset === 0) await this.refuseIfNothingCompares(plan, request);
    const items = await this.catalog.items.byIds(slice.hits.map((hit) => hit.id));
    const found = new Map(items.map((item) => [item.id, item]));
    // The query as it was asked, also where feedback has moved it.
    const embedding = combinedEmbedding(parts);
    return {
      results: slice.hits.flatMap((hit, index) => {
        const item = found.get(hit.id);
        const rank = offset + index + 1;
        // An item that was deleted since the ranking is left out; the others keep their ranks.
        return item === undefined ? [] : [{ ...hit, item, rank, cursor: encodeCursor(print, String(rank)) }];
      }),
      hasNextPage: slice.hasMore,
      hasPreviousPage: offset > 0,
      mode: slice.approximate ? 'APPROXIMATE' : 'EXACT',
      encoderVersion: plan.content?.encoderId ?? null,
      matched: this.matched(plan),
      explainedBy: active === null || embedding === null ? null : { active, query: embedding },
    };
  }

  /**
   * Offers the query for the sample, if it is a text or a picture of a caller and ranks all items of a modality: the best hits of other
   * queries are not comparable.
   */
  private offerSample({ content, target, filter }: RankingPlan, parts: readonly ReadPart[]): void {
    const [part] = parts;
    if (this.sampling === null || part === undefined || parts.length > 1) return;
    if (content === null || target === null || filter !== null) return;
    const { query, read } = part;
    if ('itemId' in query || 'className' in query || read.modality === null || read.embedding === null)
      return;
    const { encoderId } = content;
    this.sampling.offer({ encoderId, query: read.modality, target, vector: read.embedding });
  }

  /** With a cut-off, the items above it; else those of the filter, whether they have evidence or not. */
  private matched(plan: RankingPlan): SearchPage['matched'] {
    const { target, filter, threshold } = plan;
    if (threshold === null) {
      const modality = target === null ? [] : [{ modality: target }];
      return filter === null ? null : () => Promise.resolve({ and: [filter, ...modality] });
    }
    let found: Promise<ItemFilter> | undefined;
    const read = async () => {
      const { hits } = await rankSlice(this.catalog, plan, 0, MATCHED_ITEMS);
      return { ids: hits.map(({ id }) => id) };
    };
    return () => (found ??= read());
  }

  /** Without an encoder, an empty page may mean that nothing can be compared: that is an error, not an empty result. */
  private async refuseIfNothingCompares(
    { content, parts }: RankingPlan,
    request: SearchRequest,
  ): Promise<void> {
    const counterpart = parts.find((part) => part.counterpart !== null)?.counterpart ?? null;
    if (content !== null || counterpart === null || !request.by.includes('CONTENT')) return;
    const unfiltered = await this.catalog.ranking.byCounterpart({ ...counterpart, filter: null, limit: 1 });
    if (unfiltered.hits.length > 0) return;
    throw noEncoder('No encoder is active, and nothing in the catalogue can be compared without one.');
  }
}

function checkRequest(request: SearchRequest): void {
  checkPageSize(request.first, LIMITS.searchPageSize);
  if (request.by.length === 0 || new Set(request.by).size !== request.by.length) {
    throw new CommonspaceError('BAD_INPUT', 'Name at least one kind of evidence, each once.', ['by']);
  }
  for (const [kind, weight] of Object.entries(request.weights ?? {})) {
    if (!(weight >= 0 && weight <= MOST_WEIGHT))
      throw new CommonspaceError('BAD_INPUT', `A weight must be between 0 and ${MOST_WEIGHT}.`, [
        'weights',
        kind,
      ]);
  }
  const { feedback = 0 } = request;
  if (!(feedback >= 0 && feedback <= 1))
    throw new CommonspaceError('BAD_INPUT', 'feedback must be between 0 and 1.', ['feedback']);
  checkThreshold(request, scopeOf(request).target);
  checkArrangement(request);
}

function readRank(position: string): number {
  const rank = Number(position);
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw badCursor();
  }
  return rank;
}
