import { gather } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import type { SourceSet } from '../../src/encoder/types.js';

/** Numbers of a feature; those of the second half are turned in the texts. */
const WIDTH = 32;

/**
 * Pairs of a synthetic model of two towers. Both see the pair's concept, which is near that of its class, with noise and a mean of
 * each modality. The second half of the numbers is in another order in the texts: that part of the domain the model has not
 * learnt, and a training can. Classes of equal number are the same in every call.
 *
 * @param classes numbers of the classes that the pairs are of, by turns
 */
export function sharedTowers(pairs: number, classes: readonly number[], seed: number): SourceSet {
  const random = createRandom(seed, 5);
  const centreOf = (number: number) => {
    const own = createRandom(number, 6);
    return Float32Array.from({ length: WIDTH }, () => own.normal());
  };
  const centres = classes.map(centreOf);
  const image: Float32Array[] = [];
  const text: Float32Array[] = [];
  for (let i = 0; i < pairs; i += 1) {
    const centre = centres[i % classes.length] as Float32Array;
    const concept = centre.map((x) => 0.7 * x + 0.7 * random.normal());
    const half = WIDTH / 2;
    const turned = concept.map((x, k) => (k < half ? x : (concept[WIDTH - 1 - (k - half)] as number)));
    const seen = (of: Float32Array, gap: number) =>
      unit(of.map((x, k) => x + 0.7 * random.normal() + (k === gap ? 2 : 0)));
    image.push(seen(concept, 0));
    text.push(seen(turned, 1));
  }
  return {
    image: gather(image, WIDTH),
    text: gather(text, WIDTH),
    labels: Int32Array.from({ length: pairs }, (_, i) => i % classes.length),
    classNames: classes.map((number) => `class ${number}`),
    classEmbeddings: gather(centres, WIDTH),
    sharedSpace: true,
  };
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}
