import { createHash } from 'node:crypto';
import type { Catalog } from '../../../catalog/catalog.js';
import type { ItemRow } from '../../../catalog/types.js';
import { throwIfCancelled } from '../../../domain/errors.js';
import { createRandom, shuffle } from '../../../encoder/math/random.js';
import type { Split } from '../../../evaluation/pair-split.js';
import type { PairTable } from '../../../evaluation/pair-table.js';
import { contentsOf, isNewTo } from '../../../evaluation/repeated-content.js';
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
  /** The pairs of the sample that the encoder was not trained on: no item of theirs has the content of a training item. */
  readonly heldOut: ReadonlySet<string>;
  /** Whether a text has, byte for byte, the content of a training text. */
  readonly isTrainingText: (text: string) => boolean;
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
  const heldOut = heldOutPairs(split, all);
  const { texts: trained } = contentsOf(split.source.pairs);
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
  const isTrainingText = (text: string) => trained.has(createHash('sha256').update(text).digest('hex'));
  return { active, items, heldOut: new Set(held), isTrainingText };
}

/**
 * The ids of the measured pairs of a split of which no item has the content of a training item. A pair with two captions may
 * have a row that is measured and another that is not.
 */
export function heldOutPairs({ source, seen, unseen }: Split, all: PairTable['pairs']): Set<string> {
  const isNew = isNewTo(source.pairs);
  const repeated = new Set(all.filter((pair) => !isNew(pair)).map(({ pairId }) => pairId));
  const measured = [...seen.pairs, ...unseen.pairs].map(({ pairId }) => pairId);
  return new Set(measured.filter((pairId) => !repeated.has(pairId)));
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
