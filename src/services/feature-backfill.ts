import type { Catalog } from '../catalog/catalog.js';
import type { ItemRow } from '../catalog/types.js';
import { throwIfCancelled } from '../domain/errors.js';
import type { FeatureExtractors } from '../features/types.js';
import { decodeRgb } from '../media/decode.js';
import type { MediaStore } from '../media/media-store.js';

/** Items handled together. */
const CHUNK = 64;

/**
 * Extracts what is missing: items stored while another extractor was in use have no feature of the present one. Their
 * bytes are still there.
 *
 * @returns how many items got a feature.
 */
export async function backfillFeatures(
  { catalog, features, media }: { catalog: Catalog; features: FeatureExtractors; media: MediaStore },
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0;
  for (const extractor of [features.image, features.text]) {
    for (;;) {
      throwIfCancelled(signal);
      const items = await catalog.items.withoutFeature(extractor.id, extractor.modality, CHUNK);
      if (items.length === 0) break;
      const vectors = await extract(items, features, media, signal);
      await catalog.vectors.storeFeatures(
        extractor.id,
        new Map(items.flatMap((item, i) => (vectors[i] ? [[item.id, vectors[i]]] : []))),
      );
      done += items.length;
      onProgress(done);
    }
  }
  return done;
}

async function extract(
  items: readonly ItemRow[],
  features: FeatureExtractors,
  media: MediaStore,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const texts = items.flatMap((item) => (item.modality === 'TEXT' ? [item.text] : []));
  if (texts.length === items.length) return await features.extractTexts(texts, signal);
  const pixels = await Promise.all(
    items.map((item) => decodeRgb(media.path(item.contentHash), features.image.input)),
  );
  return await features.extractImages(pixels, signal);
}
