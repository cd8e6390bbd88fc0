import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../catalog/catalog.js';
import { throwIfCancelled } from '../domain/errors.js';
import { MODALITIES } from '../domain/modality.js';
import type { Encoder } from '../encoder/types.js';
import type { FeatureExtractors } from '../features/types.js';
import { gather, rowOf } from './source-set.js';

/** Features embedded before the event loop gets its turn: a few milliseconds. */
const SLICE = 16;

/**
 * Embeds every stored feature that the encoder has not embedded yet, beside the embeddings of the others. Nothing is
 * decoded or extracted.
 */
export async function embedCatalogue(
  catalog: Catalog,
  encoderId: string,
  encoder: Encoder,
  features: FeatureExtractors,
  onProgress: (done: number, all: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const counts = await catalog.items.countByModality();
  const all = counts.IMAGE + counts.TEXT;
  let done = 0;
  for (const modality of MODALITIES) {
    const extractor = modality === 'IMAGE' ? features.image.id : features.text.id;
    for await (const { ids, matrix } of catalog.vectors.featuresOf(extractor, { encoderId, modality })) {
      const embeddings: Float32Array[] = [];
      for (let row = 0; row < matrix.rows; row += 1) {
        if (row % SLICE === 0) await setImmediate();
        embeddings.push(encoder.embed(modality, rowOf(matrix, row)));
      }
      throwIfCancelled(signal);
      await catalog.vectors.storeEmbeddings(encoderId, modality, ids, gather(embeddings));
      done += ids.length;
      onProgress(done, all);
    }
  }
}
