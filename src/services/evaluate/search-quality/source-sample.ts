import type { Catalog } from '../../../catalog/catalog.js';
import type { ItemRow } from '../../../catalog/types.js';
import { throwIfCancelled } from '../../../domain/errors.js';
import { createRandom, shuffle } from '../../../encoder/math/random.js';
import { splitOfEncoder } from '../../encoders/training-pairs.js';
import { extractorOf, type LoadedEncoder } from '../../serving/active-encoder.js';

/** An item of the catalogue with what searches compare. */
export interface SampleItem {
  readonly row: ItemRow;
  readonly pairId: string;
  readonly classIds: ReadonlySet<string>;
  readonly feature: Float32Array;
  readonly embedding: Float32Array;
}

/** Pairs of the catalogue in memory: what the measurement copies. */
export interface SourceSample {
  readonly active: LoadedEncoder;
  readonly items: readonly SampleItem[];
  /** The pairs of the sample that the encoder was not trained on. */
  readonly heldOut: ReadonlySet<string>;
}

const CHUNK = 500;

/** Reads up to `most` pairs: held-out ones up to half of them, and others. */
export async function readSample(
  catalog: Catalog,
  active: LoadedEncoder,
  {
    most,
    seed,
    signal,
  }: { readonly most: number; readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<SourceSample> {
  const split = await splitOfEncoder(catalog, active.row);
  const all = await catalog.vectors.trainingPairs(active.row.imageExtractor, active.row.textExtractor);
  const heldOut = new Set([...split.seen.pairs, ...split.unseen.pairs].map(({ pairId }) => pairId));
  const ids = [...new Set(all.map(({ pairId }) => pairId))].sort();
  const order = Array.from(
    shuffle(Int32Array.from(ids.keys()), createRandom(seed, 401)),
    (i) => ids[i] as string,
  );
  const others = order.filter((id) => !heldOut.has(id));
  const held = order
    .filter((id) => heldOut.has(id))
    .slice(0, Math.max(Math.ceil(most / 2), most - others.length));
  const chosen = new Set([...held, ...others.slice(0, most - held.length)]);
  const itemIds = [
    ...new Set(all.filter(({ pairId }) => chosen.has(pairId)).flatMap((pair) => [pair.imageId, pair.textId])),
  ].sort();
  const items: SampleItem[] = [];
  for (let start = 0; start < itemIds.length; start += CHUNK) {
    throwIfCancelled(signal);
    items.push(...(await readItems(catalog, active, itemIds.slice(start, start + CHUNK))));
  }
  return { active, items, heldOut: new Set(held) };
}

async function readItems(
  catalog: Catalog,
  { row: encoder, encoder: network }: LoadedEncoder,
  ids: readonly string[],
): Promise<SampleItem[]> {
  const [rows, classes, images, texts, embeddings] = await Promise.all([
    catalog.items.byIds(ids),
    catalog.items.classesOf(ids),
    catalog.vectors.featuresFor(ids, extractorOf(encoder, 'IMAGE')),
    catalog.vectors.featuresFor(ids, extractorOf(encoder, 'TEXT')),
    catalog.vectors.embeddingsByIds(encoder.id, ids),
  ]);
  return rows.flatMap((row): SampleItem[] => {
    const feature = (row.modality === 'IMAGE' ? images : texts).get(row.id);
    // Deleted, or taken out of its pair, since the pairs were read.
    if (feature === undefined || row.pairId === null) return [];
    const classIds = new Set((classes.get(row.id) ?? []).map(({ id }) => id));
    const embedding = embeddings.get(row.id) ?? network.embed(row.modality, feature);
    return [{ row, pairId: row.pairId, classIds, feature, embedding }];
  });
}
