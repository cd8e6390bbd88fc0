import { LRUCache } from 'lru-cache';
import type { Catalog } from '../../catalog/catalog.js';
import type { TrainedEncoderRow } from '../../catalog/types.js';
import { checkStorable } from '../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import type { Modality } from '../../domain/modality.js';
import { observe, timeStageSync } from '../../domain/observations.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import type { Encoder } from '../../encoder/types.js';
import { sharedByRequests } from '../../platform/request-work.js';

/** Loaded encoders in memory: the active one, the previous one, and those that are ready to be activated. */
const CAPACITY = 6;

export interface LoadedEncoder {
  readonly row: TrainedEncoderRow;
  readonly encoder: Encoder;
}

/**
 * The encoder that searches use. Each call asks the database which one is active, so that two servers never disagree.
 * Only the weights are cached, which never change.
 */
export class ActiveEncoder {
  private readonly loaded = new LRUCache<string, Promise<Encoder>>({ max: CAPACITY });

  constructor(private readonly catalog: Catalog) {}

  /** The active encoder with its weights, or null before any training. */
  async current(): Promise<LoadedEncoder | null> {
    const row = await this.catalog.encoders.active();
    return row === null ? null : { row, encoder: await this.load(row.id) };
  }

  /**
   * A version that was embedded, active or not.
   *
   * @param field where its id stands in the input
   * @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE, BAD_INPUT for a string that no id can be
   */
  async chosen(id: string, field: FieldPath): Promise<LoadedEncoder> {
    checkStorable(id, field);
    const row = isUuid(id) ? await this.catalog.encoders.byId(id) : null;
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', field);
    if (row.state !== 'ready' && row.state !== 'active' && row.state !== 'retired') {
      throw new CommonspaceError(
        'ENCODER_STATE',
        `The encoder is ${row.state}; it has no embeddings to search in.`,
        field,
      );
    }
    return { row, encoder: await this.load(row.id) };
  }

  /** The encoders that new items are embedded for, the active one among them. */
  async live(): Promise<LoadedEncoder[]> {
    const rows = await this.catalog.encoders.live();
    const loaded = await Promise.all(
      rows.map(async (row) => {
        try {
          return { row, encoder: await this.load(row.id) };
        } catch (error) {
          // Removed since the list was read: its embeddings are not needed.
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

  /** The encoder of these weights; the most recently used ones are cached. */
  load(id: string): Promise<Encoder> {
    const cached = this.loaded.get(id);
    observe({ kind: 'cache', cache: 'encoders', hit: cached !== undefined });
    if (cached !== undefined) return cached;
    const loading = sharedByRequests(() => this.catalog.encoders.weights(id)).then((bytes) =>
      timed(loadEncoder(bytes)),
    );
    this.loaded.set(id, loading);
    loading.catch(() => this.loaded.delete(id));
    return loading;
  }
}

/** The encoder, with the times of its work reported. */
function timed(encoder: Encoder): Encoder {
  return {
    dimension: encoder.dimension,
    featureDimension: encoder.featureDimension,
    embed: (modality, feature) => timeStageSync('encode', () => encoder.embed(modality, feature)),
    embedName: (feature) => timeStageSync('encode', () => encoder.embedName(feature)),
    embedMany: (modality, features) => timeStageSync('encode', () => encoder.embedMany(modality, features)),
  };
}

/** The extractor whose features of a modality the encoder reads. */
export function extractorOf(
  row: Pick<TrainedEncoderRow, 'imageExtractor' | 'textExtractor'>,
  modality: Modality,
): string {
  return modality === 'IMAGE' ? row.imageExtractor : row.textExtractor;
}

/** The error for everything that needs an encoder before there is one. */
export function noEncoder(why: string): CommonspaceError {
  return new CommonspaceError(
    'NO_ENCODER',
    `${why} Train an encoder with \`commonspace train\` once the catalogue holds pairs of images and texts.`,
  );
}
