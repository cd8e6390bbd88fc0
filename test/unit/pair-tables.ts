import { unit } from '../../src/domain/vectors.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import type { Encoder } from '../../src/encoder/types.js';
import type { PairTable } from '../../src/evaluation/pair-table.js';

/** An encoder whose embedding is the feature at unit length, so that rankings can be computed by hand. */
export function identityEncoder(dimension: number): Encoder {
  const embed = (_: unknown, feature: Float32Array) => unit(feature);
  return {
    dimension,
    featureDimension: { IMAGE: dimension, TEXT: dimension },
    embed,
    embedName: (feature) => unit(feature),
    embedMany: (modality, features: Matrix) =>
      gather(Array.from({ length: features.rows }, (_, row) => embed(modality, rowOf(features, row)))),
  };
}

export interface PairSketch {
  readonly pair: string;
  /** Ids; made from the pair's id by default. */
  readonly imageId?: string;
  readonly textId?: string;
  /** Content hashes; the ids by default. */
  readonly imageHash?: string;
  readonly textHash?: string;
  readonly classes: readonly string[];
  readonly image: readonly number[];
  readonly text: readonly number[];
}

/** A table of pairs, as it is read from the catalogue. */
export function pairTable(rows: readonly PairSketch[]): PairTable {
  return {
    pairs: rows.map(({ pair, classes, ...row }) => {
      const { imageId = `${pair}.image`, textId = `${pair}.text` } = row;
      const { imageHash = imageId, textHash = textId } = row;
      return { pairId: pair, imageId, textId, imageHash, textHash, classIds: classes };
    }),
    image: gather(rows.map((row) => Float32Array.from(row.image))),
    text: gather(rows.map((row) => Float32Array.from(row.text))),
    classOf: rows.map(({ classes: [id] }) => (id === undefined ? null : { id, name: id, description: null })),
  };
}
