import { z } from 'zod';
import type { ItemFilter } from '../../domain/filter.js';
import { MODALITIES, type Modality, otherModality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import type { Database } from '../postgres/database.js';
import type { CounterpartQuery, EmbeddingQuery, Hit, ItemSimilarities, Ranking } from '../types.js';
import { FilterMatches } from './filter-matches.js';
import {
  type CounterpartRanking,
  distancesOfItems,
  everyCounterpartRanking,
  itemsOfCounterparts,
  nearCounterpartRanking,
  nearestFeatures,
  type OwnRanking,
  ownRanking,
  type Source,
  type Statement,
} from './ranking-sql.js';
import {
  embeddingPartition,
  featurePartition,
  type VectorPartition,
  type VectorPartitions,
} from './vector-partitions.js';

/**
 * A filter that at most this many items match is answered exactly. An exact answer compares every match, and an index scan
 * that looks for `depth` of them passes `depth * rows / matches` vectors, so both cost the same at about sqrt(depth * rows).
 */
export type ExactMatches = (depth: number, rows: number) => number;
const EXACT_MATCHES: ExactMatches = (depth, rows) => Math.max(1_000, Math.ceil(Math.sqrt(depth * rows)));
/** Deeper pages than this are answered exactly, because an index scan ends long before. */
const DEEPEST_INDEX_SCAN = 1_000;

const NOTHING: Ranking = { hits: [], approximate: false };

const rankedRow = z.object({ id: z.string(), d: z.number() });
const nearRow = rankedRow.extend({ near: z.number(), reach: z.number() });
const counterpartRow = z.object({ id: z.string(), of: z.string() });
const distanceRow = rankedRow.extend({ kind: z.enum(['content', 'counterpart']) });

/** Ranks items by similarity, descending, then by id. Chooses between an index scan and an exact one. */
export class VectorRanking {
  private readonly matches: FilterMatches;

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
    private readonly exactMatches = EXACT_MATCHES,
  ) {
    this.matches = new FilterMatches(db);
  }

  /** Items by the similarity of their own embedding in the common space. */
  async byEmbedding({ encoderId, target, ...query }: EmbeddingQuery): Promise<Ranking> {
    const modalities = target === null ? MODALITIES : [target];
    const found = await Promise.all(
      modalities.map((modality) => this.partitions.find(embeddingPartition(encoderId, modality))),
    );
    const own = { ...query, vector: unit(query.vector) };
    return await this.byOwnVector(
      found.filter((partition) => partition !== null),
      own,
      target,
    );
  }

  /**
   * Items by the features of their counterparts of the query's modality, of which the most similar one counts. An item of
   * the query's own modality is its own counterpart.
   */
  async byCounterpart({ extractor, target, ...query }: CounterpartQuery): Promise<Ranking> {
    const partition = await this.partitions.find(featurePartition(extractor));
    if (partition === null) return NOTHING;
    const { queryModality } = query;
    const ranking = { ...query, vector: unit(query.vector) };
    const parts: Promise<Ranking>[] = [];
    if (target !== otherModality(queryModality))
      parts.push(this.byOwnVector([partition], { ...ranking, offset: 0 }, queryModality));
    if (target !== queryModality) parts.push(this.byPairedVector(partition, ranking));
    return merge(await Promise.all(parts), query.limit);
  }

  /**
   * The similarities of given items, of those kinds that they have: by their own embedding (`content`), and by the features
   * of their counterparts (`counterpart`) as byCounterpart compares them.
   */
  async similarities(
    ids: readonly string[],
    content: Pick<EmbeddingQuery, 'encoderId' | 'vector'> | null,
    counterpart: Pick<CounterpartQuery, 'extractor' | 'vector' | 'queryModality'> | null,
  ): Promise<ItemSimilarities[]> {
    const features = counterpart && (await this.partitions.find(featurePartition(counterpart.extractor)));
    const given = {
      ids,
      content: content && { encoderId: content.encoderId, vector: unit(content.vector) },
      counterpart:
        counterpart && features
          ? {
              partition: features.name,
              vector: unit(counterpart.vector),
              queryModality: counterpart.queryModality,
            }
          : null,
    };
    if (ids.length === 0 || (given.content === null && given.counterpart === null)) return [];
    const found = new Map<string, { id: string; content?: number; counterpart?: number }>();
    for (const { id, kind, d } of await this.run(distanceRow, distancesOfItems(given), null))
      found.set(id, { ...(found.get(id) ?? { id }), [kind]: similarityOf(d) });
    return [...found.values()];
  }

  private async byOwnVector(
    partitions: readonly VectorPartition[],
    query: OwnRanking,
    target: Modality | null,
  ): Promise<Ranking> {
    if (partitions.length === 0) return NOTHING;
    const useIndex =
      partitions.some(({ index }) => index !== null) &&
      query.limit + query.offset <= DEEPEST_INDEX_SCAN &&
      (await this.matches.moreThan(
        query.filter,
        target,
        this.limitOfExact(query.limit + query.offset, partitions),
      ));
    if (useIndex) {
      const sources = partitions.map(({ name, index }) => ({ name, through: index }));
      const rows = await this.run(rankedRow, ownRanking(sources, query), query.filter);
      // Fewer rows than asked for: the scan may have ended before it found every match.
      if (rows.length === query.limit) return rankingOf(rows, true);
    }
    const sources = partitions.map(({ name }) => ({ name, through: null }));
    return rankingOf(await this.run(rankedRow, ownRanking(sources, query), query.filter), false);
  }

  private async byPairedVector(partition: VectorPartition, query: CounterpartRanking): Promise<Ranking> {
    const { filter, limit, queryModality } = query;
    const tryNearest =
      filter === null ||
      (partition.index !== null &&
        (await this.matches.moreThan(
          filter,
          otherModality(queryModality),
          this.limitOfExact(limit, [partition]),
        )));
    // One feature may lead to several counterparts, and several features (captions) to the same one.
    const depths = tryNearest ? [limit + 64, 6 * limit + 64] : [];
    for (const depth of depths) {
      if (partition.index !== null && depth > DEEPEST_INDEX_SCAN) break;
      const source = { name: partition.name, through: partition.index };
      const rows = await this.nearCounterparts(source, query, depth);
      if (covers(rows, depth, limit, partition)) return rankingOf(rows, partition.index !== null);
      // The scan has ended before that depth, so it would at the next one too.
      if ((rows[0]?.near ?? 0) < depth) break;
    }
    return rankingOf(await this.run(rankedRow, everyCounterpartRanking(partition, query), filter), false);
  }

  /** The rows of nearCounterpartRanking. */
  private async nearCounterparts(
    source: Source,
    query: CounterpartRanking,
    depth: number,
  ): Promise<z.infer<typeof nearRow>[]> {
    const { filter, limit } = query;
    if (!this.db.distributed)
      return await this.run(nearRow, nearCounterpartRanking(source, query, depth), filter);
    // Within one statement Citus would store the features that it finds on each node, in a transaction of all nodes.
    const features = await this.run(rankedRow, nearestFeatures(source, query, depth), filter);
    const ids = features.map(({ id }) => id);
    const items = await this.run(counterpartRow, itemsOfCounterparts(ids, query), filter);
    return rankedByCounterparts(features, items).slice(0, limit);
  }

  private limitOfExact(depth: number, partitions: readonly VectorPartition[]): number {
    return this.exactMatches(depth, Math.max(...partitions.map(({ rows }) => rows)));
  }

  /** A text without a filter recurs and is prepared once; with one there are too many texts to prepare each. */
  private async run<Row>(
    row: z.ZodType<Row>,
    { text, values }: Statement,
    filter: ItemFilter | null,
  ): Promise<Row[]> {
    const rows = await (filter === null ? this.db.run(text, values) : this.db.runOnce(text, values));
    return z.array(row).parse(rows);
  }
}

/**
 * Whether the `depth` closest features include those of the first `limit` items: because there are no more features, or
 * because enough items are strictly closer than the furthest of these features. (Items at exactly that distance may be
 * missing, and may come first by their ids.)
 */
function covers(
  rows: readonly z.infer<typeof nearRow>[],
  depth: number,
  limit: number,
  { index }: VectorPartition,
): boolean {
  const [first] = rows;
  if (first === undefined) return false;
  if (first.near < depth) return index === null;
  return rows.filter(({ d }) => d < first.reach).length >= limit;
}

/** Items by the closest of the features of their counterparts, as nearCounterpartRanking has them. */
function rankedByCounterparts(
  features: readonly z.infer<typeof rankedRow>[],
  items: readonly z.infer<typeof counterpartRow>[],
): z.infer<typeof nearRow>[] {
  const distances = new Map(features.map(({ id, d }) => [id, d]));
  const closest = new Map<string, number>();
  for (const { id, of } of items)
    closest.set(id, Math.min(closest.get(id) ?? Number.POSITIVE_INFINITY, distances.get(of) ?? Number.NaN));
  const reach = Math.max(...distances.values());
  return [...closest]
    .map(([id, d]) => ({ id, d, near: features.length, reach }))
    .sort((a, b) => a.d - b.d || (a.id < b.id ? -1 : 1));
}

function rankingOf(rows: readonly z.infer<typeof rankedRow>[], approximate: boolean): Ranking {
  const hits = rows.map(({ id, d }): Hit => ({ id, similarity: similarityOf(d) }));
  return { hits: hits.sort(bySimilarity), approximate };
}

/** Of a negative inner product of unit vectors, which may exceed 1 by rounding. */
function similarityOf(distance: number): number {
  return Math.min(1, Math.max(-1, 0 - distance));
}

/** The first `limit` of rankings that have no item in common. */
function merge(rankings: readonly Ranking[], limit: number): Ranking {
  const hits = rankings.flatMap((part) => part.hits).sort(bySimilarity);
  return { hits: hits.slice(0, limit), approximate: rankings.some((part) => part.approximate) };
}

/** Similarity descending, then id ascending. */
function bySimilarity(a: Hit, b: Hit): number {
  return b.similarity - a.similarity || (a.id < b.id ? -1 : 1);
}
