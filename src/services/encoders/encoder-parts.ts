import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { Composition } from '../../domain/composition.js';
import { compositionOf } from '../../encoder/inference/parts.js';
import { loadParameters } from '../../encoder/inference/serialise.js';

/** What the embeddings of encoders consist of, read from their weights. Weights never change, so each is read once. */
export class EncoderParts {
  private readonly known = new Map<string, Composition>();

  constructor(private readonly catalog: Catalog) {}

  /** Empty before the encoder is trained. @throws CommonspaceError BAD_MODEL */
  async of({ id, dimension }: Pick<EncoderRow, 'id' | 'dimension'>): Promise<Composition> {
    if (dimension === null) return [];
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const weights = await this.catalog.encoders.findWeights(id);
    if (weights === null) return [];
    const composition = compositionOf(loadParameters(weights));
    this.known.set(id, composition);
    return composition;
  }
}
