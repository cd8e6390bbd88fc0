import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow, ImageRow, ItemRow, TextRow } from '../../catalog/types.js';
import type { ItemFilter } from '../../domain/filter.js';
import { dot, unit } from '../../domain/vectors.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import type { ClassStatistics } from '../serving/class-statistics.js';
import { trainingPairsFilter } from './training-pairs.js';

/** How many classes and how many pairs an explanation names. */
const EXPLAINED_CLASSES = 5;
const EXPLAINED_PAIRS = 3;

/**
 * Nearest items that are looked at for training pairs. A ranking without a filter is faster, so it comes first; a filtered
 * one follows if it held too few. A pair occurs by its image and by each of its texts.
 */
const CANDIDATES = 64;
const FILTERED_CANDIDATES = 6 * EXPLAINED_PAIRS;

/** What a page of results can be explained by. */
export interface ExplanationContext {
  readonly active: LoadedEncoder;
  /** The query's embedding, of unit length. */
  readonly query: Float32Array;
}

/** Cosine similarities of a class or a pair to the query and to the item. */
interface Near {
  readonly querySimilarity: number;
  readonly itemSimilarity: number;
}
interface ExplainedClass extends Near {
  readonly class: ClassRow;
}
/** Each similarity is that of the image or of the text, whichever is higher. */
export interface ExplainedPair extends Near {
  readonly image: ImageRow;
  readonly text: TextRow;
}
export interface Explanation {
  readonly encoderVersion: string;
  /** Of the query and the item. */
  readonly similarity: number;
  readonly classes: readonly ExplainedClass[];
  readonly pairs: readonly ExplainedPair[];
}

/**
 * Explains why an item was found: the classes and the training pairs that are nearest to the midpoint between the query and
 * the item. Everything comes from the encoder of the search, even if another one has become active.
 */
export class ExplanationService {
  constructor(
    private readonly catalog: Catalog,
    private readonly prototypes: ClassPrototypes,
    private readonly statistics: ClassStatistics,
  ) {}

  /**
   * Explains several items of one page. Prototypes, embeddings and pairs are read once for all of them; each item needs one
   * ranking, or two if few of the nearest items belong to training pairs.
   *
   * @returns by item id; items that the encoder has not embedded are absent
   */
  async explain(context: ExplanationContext, itemIds: readonly string[]): Promise<Map<string, Explanation>> {
    const { active, query } = context;
    const [items, classes] = await Promise.all([
      this.catalog.vectors.embeddingsByIds(active.row.id, itemIds),
      this.classesNear(active),
    ]);
    const pairs = await this.pairsNear(context, items);
    return new Map(
      [...items].map(([id, embedding]) => {
        const near = (vector: Float32Array): Near => ({
          querySimilarity: dot(query, vector),
          itemSimilarity: dot(embedding, vector),
        });
        const explanation: Explanation = {
          encoderVersion: active.row.id,
          similarity: dot(query, embedding),
          classes: classes
            .map(({ row, prototype }) => ({ class: row, ...near(prototype) }))
            .sort((a, b) => together(b) - together(a) || (a.class.name < b.class.name ? -1 : 1))
            .slice(0, EXPLAINED_CLASSES),
          pairs: pairs.get(id) ?? [],
        };
        return [id, explanation];
      }),
    );
  }

  private async classesNear(
    active: LoadedEncoder,
  ): Promise<readonly { readonly row: ClassRow; readonly prototype: Float32Array }[]> {
    const rows = await this.statistics.classes();
    const prototypes = await this.prototypes.of(rows, active);
    return rows.flatMap((row, i) => {
      const prototype = prototypes[i]?.vector;
      return prototype?.some((x) => x !== 0) ? [{ row, prototype }] : [];
    });
  }

  private async pairsNear(
    context: ExplanationContext,
    items: ReadonlyMap<string, Float32Array>,
  ): Promise<ReadonlyMap<string, readonly ExplainedPair[]>> {
    const training = trainingPairsFilter(context.active.row);
    if (training === null) return new Map();
    const among = (some: typeof items, filter: ItemFilter | null, limit: number) =>
      this.pairsAmong(context, some, training, { filter, limit });
    const unfiltered = await among(items, null, CANDIDATES);
    const tooFew = new Map([...items].filter(([id]) => (unfiltered.get(id)?.length ?? 0) < EXPLAINED_PAIRS));
    if (tooFew.size === 0) return unfiltered;
    return new Map([...unfiltered, ...(await among(tooFew, training, FILTERED_CANDIDATES))]);
  }

  /** The training pairs among those of the items that are nearest to the midpoint between the query and each item. */
  private async pairsAmong(
    { active, query }: ExplanationContext,
    items: ReadonlyMap<string, Float32Array>,
    training: ItemFilter,
    candidates: { readonly filter: ItemFilter | null; readonly limit: number },
  ): Promise<Map<string, readonly ExplainedPair[]>> {
    const found = await Promise.all(
      [...items].map(async ([id, embedding]) => {
        const { hits } = await this.catalog.ranking.byEmbedding({
          ...candidates,
          encoderId: active.row.id,
          vector: midpoint(query, embedding),
          target: null,
          offset: 0,
        });
        return { id, embedding, hits };
      }),
    );
    const ids = new Set(found.flatMap(({ hits }) => hits.map((hit) => hit.id)));
    const rows = await this.catalog.items.byIds([...ids]);
    const pairOf = new Map(rows.map((item) => [item.id, item.pairId]));
    const members = await this.trainingPairs(active, [...new Set(pairOf.values())], training);
    return new Map(
      found.map(({ id, embedding, hits }) => {
        const pairIds = [...new Set(hits.map((hit) => pairOf.get(hit.id)))];
        const whole = pairIds.flatMap((pairId) => nearest(members.get(pairId ?? ''), query, embedding) ?? []);
        return [id, whole.sort((a, b) => together(b) - together(a)).slice(0, EXPLAINED_PAIRS)];
      }),
    );
  }

  /** The items of training pairs with their embeddings, by pair. */
  private async trainingPairs(
    active: LoadedEncoder,
    pairIds: readonly (string | null)[],
    training: ItemFilter,
  ): Promise<ReadonlyMap<string, readonly Member[]>> {
    const items = await this.catalog.items.ofPairs(
      pairIds.filter((id) => id !== null),
      training,
    );
    const embeddings = await this.catalog.vectors.embeddingsByIds(
      active.row.id,
      items.map((item) => item.id),
    );
    const byPair = new Map<string, Member[]>();
    for (const item of items) {
      const embedding = embeddings.get(item.id);
      if (embedding === undefined || item.pairId === null) continue;
      const members = byPair.get(item.pairId) ?? [];
      byPair.set(item.pairId, members);
      members.push({ item, embedding });
    }
    return byPair;
  }
}

interface Member {
  readonly item: ItemRow;
  readonly embedding: Float32Array;
}

/** The image and the text of a pair that are nearest to the midpoint; null if it lacks either. */
function nearest(
  members: readonly Member[] | undefined,
  query: Float32Array,
  item: Float32Array,
): ExplainedPair | null {
  let image: { readonly item: ImageRow; readonly near: Near } | null = null;
  let text: { readonly item: TextRow; readonly near: Near } | null = null;
  for (const { item: row, embedding } of members ?? []) {
    const near = { querySimilarity: dot(query, embedding), itemSimilarity: dot(item, embedding) };
    if (row.modality === 'IMAGE') {
      if (image === null || together(near) > together(image.near)) image = { item: row, near };
    } else if (text === null || together(near) > together(text.near)) text = { item: row, near };
  }
  if (image === null || text === null) return null;
  return {
    image: image.item,
    text: text.item,
    querySimilarity: Math.max(image.near.querySimilarity, text.near.querySimilarity),
    itemSimilarity: Math.max(image.near.itemSimilarity, text.near.itemSimilarity),
  };
}

/** Similarity to the midpoint between query and item, up to a factor that is the same for all. */
function together({ querySimilarity, itemSimilarity }: Near): number {
  return querySimilarity + itemSimilarity;
}

/** The direction of the midpoint between two unit vectors; `b` if they are opposite, for which there is none. */
function midpoint(a: Float32Array, b: Float32Array): Float32Array {
  const sum = a.map((x, i) => x + (b[i] as number));
  return sum.some((x) => x !== 0) ? unit(sum) : b;
}
