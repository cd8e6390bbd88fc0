import { createRandom } from '../../src/encoder/math/random.js';
import type { SourceSet } from '../../src/encoder/types.js';

/**
 * A source set with something to learn: each class has a place in a hidden space, each pair a place near its class's, and
 * both features are non-linear views of it with noise.
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
    const place = (prototypes[label] ?? normal(hidden)).map((x) => x + 0.7 * random.normal());
    rows.image.set(image(place), i * 40);
    rows.text.set(text(place), i * 24);
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
