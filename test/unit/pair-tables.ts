import { unit } from '../../src/domain/vectors.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import type { Encoder } from '../../src/encoder/types.js';
import type { PairTable } from '../../src/evaluation/source-set.js';

/** An encoder whose embedding is the feature at unit length, for either modality: rankings can be worked out by hand. */
export function identityEncoder(dimension: number): Encoder {
  const embed = (_: unknown, feature: Float32Array) => unit(feature);
  return {
    dimension,
    featureDimension: { IMAGE: dimension, TEXT: dimension },
    embed,
    embedMany: (modality, features: Matrix) =>
      gather(Array.from({ length: features.rows }, (_, row) => embed(modality, rowOf(features, row)))),
  };
}

export interface PairSketch {
  readonly pair: string;
  /** Ids; the pair's own by default. */
  readonly imageId?: string;
  readonly textId?: string;
  readonly classes: readonly string[];
  readonly image: readonly number[];
  readonly text: readonly number[];
}

/** Pairs with their features, as training and evaluation read them from the catalogue. */
export function pairTable(rows: readonly PairSketch[]): PairTable {
  return {
    pairs: rows.map(({ pair, imageId, textId, classes }) => ({
      pairId: pair,
      imageId: imageId ?? `${pair}.image`,
      textId: textId ?? `${pair}.text`,
      classIds: classes,
    })),
    image: gather(rows.map((row) => Float32Array.from(row.image))),
    text: gather(rows.map((row) => Float32Array.from(row.text))),
    classOf: rows.map(({ classes: [id] }) => (id === undefined ? null : { id, name: id, description: null })),
  };
}
