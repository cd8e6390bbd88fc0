import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { Queryable } from '../../catalog/postgres/database.js';
import type { EncoderRow } from '../../catalog/types.js';
import { throwIfCancelled } from '../../domain/errors.js';
import { MODALITIES } from '../../domain/modality.js';
import { gather, rowOf } from '../../encoder/math/matrix.js';
import type { Encoder } from '../../encoder/types.js';

/** Numbers in one chunk of features, whose embeddings are stored together. A search waits for one chunk at most. */
const FLOATS_AT_ONCE = 64 * 1024;

/**
 * Embeds every stored feature that the encoder has not embedded yet. Embeddings of other encoders stay. Nothing is decoded
 * or extracted.
 *
 * @param options.on a transaction to do it in
 * @returns how many were embedded.
 */
export async function embedCatalogue(
  catalog: Catalog,
  row: Pick<EncoderRow, 'id' | 'imageExtractor' | 'textExtractor'>,
  encoder: Encoder,
  onProgress: (done: number, all: number) => void,
  { signal, on }: { readonly signal?: AbortSignal; readonly on?: Queryable } = {},
): Promise<number> {
  const counts = on === undefined ? await catalog.items.countByModality() : { IMAGE: 0, TEXT: 0 };
  const all = counts.IMAGE + counts.TEXT;
  let done = 0;
  for (const modality of MODALITIES) {
    const extractor = modality === 'IMAGE' ? row.imageExtractor : row.textExtractor;
    for await (const { ids, matrix } of catalog.vectors.featuresOf(extractor, {
      lacking: { encoderId: row.id, modality },
      floats: FLOATS_AT_ONCE,
      ...(on && { on }),
    })) {
      const embeddings: Float32Array[] = [];
      for (let i = 0; i < matrix.rows; i += 1) {
        // An embedding takes half a millisecond; a running search continues after each.
        await setImmediate();
        embeddings.push(encoder.embed(modality, rowOf(matrix, i)));
      }
      throwIfCancelled(signal);
      await catalog.vectorWrites.addEmbeddings(row.id, modality, ids, gather(embeddings), on);
      done += ids.length;
      onProgress(done, all);
    }
  }
  return done;
}
