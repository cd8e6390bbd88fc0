import type { Catalog } from '../../catalog/catalog.js';
import type { TrainedEncoderRow } from '../../catalog/types.js';
import type { EmbeddedItem, QueryDirection } from '../../catalog/vectors/query-samples.js';
import type { Modality } from '../../domain/modality.js';
import { trainingPairsFilter } from '../search/training-pairs.js';

/** Items of the training set that are searched by in place of queries. */
const REFERENCES = 200;
/** With fewer in the training set, as of an encoder that was adopted and not trained, all items count. */
const LEAST_TRAINED = 50;
/** Hits among which the first of another pair is looked for. */
const HITS = 16;

/** Items of the encoder's training set, the same ones each time. */
export async function trainingItems(
  { querySamples }: Pick<Catalog, 'querySamples'>,
  row: TrainedEncoderRow,
  modality: Modality,
): Promise<EmbeddedItem[]> {
  const filter = trainingPairsFilter(row);
  const trained = filter === null ? [] : await querySamples.items(row.id, modality, filter, REFERENCES);
  if (trained.length >= LEAST_TRAINED) return trained;
  return await querySamples.items(row.id, modality, null, REFERENCES);
}

/**
 * Searches by items of the training set as by queries, and stores the similarities of their best hits. Items of their own pair do not count,
 * because a new query has no counterpart in the catalogue.
 */
export async function sampleReferences(
  catalog: Pick<Catalog, 'querySamples' | 'ranking'>,
  row: TrainedEncoderRow,
  { query, target }: QueryDirection,
): Promise<void> {
  const items = await trainingItems(catalog, row, query);
  const found: {
    readonly item: EmbeddedItem;
    readonly hits: readonly { id: string; similarity: number }[];
  }[] = [];
  for (const item of items) {
    const ranked = await catalog.ranking.byEmbedding({
      encoderId: row.id,
      vector: item.vector,
      target,
      filter: null,
      limit: HITS,
      offset: 0,
    });
    found.push({ item, hits: ranked.hits });
  }
  const ids = found.flatMap(({ hits }) => hits.map(({ id }) => id));
  const pairs = await catalog.querySamples.pairsOf([...new Set(ids)]);
  let slot = 0;
  for (const { item, hits } of found) {
    const isOther = (id: string) => id !== item.id && (item.pairId === null || pairs.get(id) !== item.pairId);
    const best = hits.find(({ id }) => isOther(id));
    if (best === undefined) continue;
    const { similarity } = best;
    const { vector } = item;
    await catalog.querySamples.put({
      encoderId: row.id,
      reference: true,
      query,
      target,
      slot,
      similarity,
      vector,
    });
    slot += 1;
  }
}
