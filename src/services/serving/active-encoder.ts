import type { Catalog } from '../../catalog/catalog.js';
import type { TrainedEncoderRow } from '../../catalog/types.js';
import type { VectorStamp } from '../../catalog/vectors/vector-stamp.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import type { Encoder } from '../../encoder/types.js';
import type { FeatureExtractors } from '../../features/types.js';

/** How many loaded encoders stay in memory: the active one, the one before it, and those that wait to follow it. */
const KEPT = 6;

export interface LoadedEncoder {
  readonly row: TrainedEncoderRow;
  readonly encoder: Encoder;
}

/**
 * The encoder that searches use. Which one is active is asked of the database each time, so that two servers never
 * disagree; only the weights, which never change, are kept.
 */
export class ActiveEncoder {
  private readonly loaded = new Map<string, Promise<Encoder>>();

  constructor(
    private readonly catalog: Catalog,
    private readonly features: FeatureExtractors,
  ) {}

  /** The active encoder with its weights, or null before any training. */
  async current(): Promise<LoadedEncoder | null> {
    const row = await this.catalog.encoders.active();
    return row === null ? null : { row, encoder: await this.load(row.id) };
  }

  /** The same with the stamp of the vectors that the database holds at that moment; see VectorMemory. */
  async currentAndStamp(): Promise<{ readonly active: LoadedEncoder | null; readonly stamp: VectorStamp }> {
    const { encoder: row, stamp } = await this.catalog.encoders.activeAndStamp();
    return { active: row === null ? null : { row, encoder: await this.load(row.id) }, stamp };
  }

  /** The encoders that new items are embedded for, the active one among them. */
  async live(): Promise<LoadedEncoder[]> {
    const rows = await this.catalog.encoders.live();
    const loaded = await Promise.all(
      rows.map(async (row) => {
        try {
          return { row, encoder: await this.load(row.id) };
        } catch (error) {
          // Removed in between: nobody wants its embeddings.
          if ((await this.catalog.encoders.findWeights(row.id)) === null) return null;
          throw error;
        }
      }),
    );
    return loaded.filter((encoder) => encoder !== null);
  }

  /** @throws CommonspaceError NO_ENCODER, saying how to train one. */
  async require(why: string): Promise<LoadedEncoder> {
    const current = await this.current();
    if (current === null) throw noEncoder(why);
    return current;
  }

  /**
   * Whether the encoder can read what is extracted now. Pictures are read by the extractor it was trained on; of texts
   * there is one, and where that changed the encoder's space is closed to new texts.
   */
  understands({ row }: LoadedEncoder, modality: Modality): boolean {
    return modality === 'IMAGE' || row.textExtractor === this.features.text.id;
  }

  /** The weights of a trained encoder; those used last stay in memory. */
  load(id: string): Promise<Encoder> {
    const kept = this.loaded.get(id);
    const loading = kept ?? this.catalog.encoders.weights(id).then(loadEncoder);
    if (kept === undefined) loading.catch(() => this.loaded.delete(id));
    // A map goes by the order of insertion: the first is the one used longest ago.
    this.loaded.delete(id);
    this.loaded.set(id, loading);
    const oldest = this.loaded.keys().next().value;
    if (this.loaded.size > KEPT && oldest !== undefined) this.loaded.delete(oldest);
    return loading;
  }
}

/** The error for everything that needs an encoder before there is one. */
export function noEncoder(why: string): CommonspaceError {
  return new CommonspaceError(
    'NO_ENCODER',
    `${why} Train an encoder with \`commonspace train\` once the catalogue holds pairs of images and texts.`,
  );
}
