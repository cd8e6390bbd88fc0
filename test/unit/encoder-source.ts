import { evaluateRetrieval } from '../../src/domain/metrics.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { groupsOf } from '../../src/encoder/training/groups.js';
import { splitPairs } from '../../src/encoder/training/training-data.js';
import type { Encoder, SourceSet, TrainOptionsInput } from '../../src/encoder/types.js';

/**
 * A synthetic source set. Each class has a point in a hidden space, each pair a point near that of its class. Both features
 * are non-linear functions of the pair's point, with noise.
 *
 * @param unlabelled number of pairs, from the first, without a class
 */
export function syntheticSource(pairs: number, classes: number, seed: number, unlabelled = 0): SourceSet {
  const random = createRandom(seed);
  const hidden = 6;
  const normal = (n: number, scale = 1) => Float32Array.from({ length: n }, () => scale * random.normal());
  const prototypes = Array.from({ length: classes }, () => normal(hidden, 1.5));
  const view = (width: number) => {
    const weights = Array.from({ length: width }, () => normal(hidden));
    return (z: Float32Array) =>
      weights.map(
        (w) => Math.tanh(w.reduce((sum, x, i) => sum + x * (z[i] ?? 0), 0)) + 0.2 * random.normal(),
      );
  };
  const [image, text, name] = [view(40), view(24), view(10)];
  const labels = new Int32Array(pairs);
  const rows = { image: new Float32Array(pairs * 40), text: new Float32Array(pairs * 24) };
  for (let i = 0; i < pairs; i += 1) {
    const label = random.uint32() % classes;
    labels[i] = i < unlabelled ? -1 : label;
    const point = (prototypes[label] ?? normal(hidden)).map((x) => x + 0.7 * random.normal());
    rows.image.set(image(point), i * 40);
    rows.text.set(text(point), i * 24);
  }
  const embeddings = new Float32Array(prototypes.flatMap((p) => [...name(p)]));
  return {
    image: { data: rows.image, rows: pairs, columns: 40 },
    text: { data: rows.text, rows: pairs, columns: 24 },
    labels,
    classNames: prototypes.map((_, i) => `class ${i}`),
    classEmbeddings: { data: embeddings, rows: classes, columns: 10 },
  };
}

/** Options of a training that takes a second. A synthetic source set has no further texts. */
export const SMALL_TRAINING: TrainOptionsInput = {
  dimension: 12,
  imageHidden: [24],
  textHidden: [16],
  batchSize: 64,
  epochs: 8,
  ccaDimension: 4,
  members: 1,
  shortTexts: 0,
  titleTexts: 0,
  tune: 'none',
};

/** Retrieval figures of an encoder on some rows of a source set. */
export function retrievalFigures(encoder: Encoder, source: SourceSet, rows: Int32Array) {
  const classes = Int32Array.from(rows, (row) => source.labels[row] ?? -1);
  const side = (modality: 'IMAGE' | 'TEXT') => ({
    embeddings: encoder.embedMany(
      modality,
      takeRows(modality === 'IMAGE' ? source.image : source.text, rows),
    ),
    classes,
    pairs: rows,
  });
  return evaluateRetrieval(side('IMAGE'), side('TEXT'));
}

/** A source set of 70 % of the pairs, and the rows of the others. */
export function trainAndHeldOut(source: SourceSet): { train: SourceSet; rows: Int32Array } {
  const { training, validation } = splitPairs(groupsOf(source), 0.3, 77);
  const train = {
    ...source,
    image: takeRows(source.image, training),
    text: takeRows(source.text, training),
    labels: training.map((row) => source.labels[row] ?? -1),
  };
  return { train, rows: validation };
}
