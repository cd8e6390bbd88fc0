import { join } from 'node:path';
import type { RowFileRef } from '../src/domain/matrix.js';
import { createRandom, type Random } from '../src/encoder/math/random.js';
import type { SourceSet } from '../src/encoder/types.js';
import { RowFileWriter } from '../src/platform/row-file-writer.js';

/** Numbers of a feature: more than the 256 components that the presets keep. */
const FEATURE = 512;
const CLASSES = 100;
const NAME = 64;
/** Pairs that are made at once. */
const BLOCK = 1000;
/** Dimensions of the hidden space in which a class has a point. */
const HIDDEN = 24;
/** Distances: between the points of the classes, and of a pair from its class. */
const BETWEEN = 0.55;
const WITHIN = 0.6;
/** standard deviation of the noise of each number of a feature, whose signal is below 1. */
const NOISE = 3;

/**
 * Synthetic pairs. Each class has a point in a hidden space, each pair a point near that of its class. The two features are
 * different non-linear functions of the pair's point, with noise. The same seed gives the same pairs.
 */
export class Mixture {
  private readonly random: Random;
  private readonly points: readonly Float32Array[];
  private readonly views: Readonly<Record<'image' | 'text', Float32Array>>;
  private readonly noise: Float32Array;
  readonly classNames = Array.from({ length: CLASSES }, (_, i) => `class ${i}`);
  readonly classEmbeddings: SourceSet['classEmbeddings'];

  constructor(seed: number) {
    this.random = createRandom(seed);
    this.points = Array.from({ length: CLASSES }, () => this.normals(HIDDEN, BETWEEN));
    const view = () => this.normals(FEATURE * HIDDEN, 1);
    this.views = { image: view(), text: view() };
    const names = this.normals(NAME * HIDDEN, 1);
    const data = new Float32Array(CLASSES * NAME);
    for (const [c, point] of this.points.entries()) data.set(viewOf(point, names, NAME), c * NAME);
    this.classEmbeddings = { data, rows: CLASSES, columns: NAME };
    // Drawn once: a million pairs need a thousand million normal numbers.
    this.noise = this.normals(1 << 20, NOISE);
  }

  /** Writes the features of the next pair into `image` and `text`, [FEATURE] each. @returns its class */
  next(image: Float32Array, text: Float32Array): number {
    const label = this.random.uint32() % CLASSES;
    const centre = this.points[label] ?? new Float32Array(HIDDEN);
    const point = centre.map((x) => x + WITHIN * this.random.normal());
    this.write(image, point, this.views.image);
    this.write(text, point, this.views.text);
    return label;
  }

  /** The next pairs, in memory. */
  take(pairs: number): SourceSet {
    const [image, text] = [new Float32Array(pairs * FEATURE), new Float32Array(pairs * FEATURE)];
    const labels = new Int32Array(pairs);
    for (let row = 0; row < pairs; row += 1) {
      const slice = (of: Float32Array) => of.subarray(row * FEATURE, (row + 1) * FEATURE);
      labels[row] = this.next(slice(image), slice(text));
    }
    const matrix = (data: Float32Array) => ({ data, rows: pairs, columns: FEATURE });
    const { classNames, classEmbeddings } = this;
    return { image: matrix(image), text: matrix(text), labels, classNames, classEmbeddings };
  }

  /** The next pairs, with their features in files of this folder, as a training of a catalogue has them. */
  async store(pairs: number, folder: string): Promise<SourceSet<RowFileRef>> {
    const image = new RowFileWriter(join(folder, 'image.rows'), FEATURE);
    const text = new RowFileWriter(join(folder, 'text.rows'), FEATURE);
    const labels = new Int32Array(pairs);
    for (let start = 0; start < pairs; start += BLOCK) {
      const block = this.take(Math.min(BLOCK, pairs - start));
      labels.set(block.labels, start);
      await image.append(block.image);
      await text.append(block.text);
    }
    const { classNames, classEmbeddings } = this;
    return { image: image.finish(), text: text.finish(), labels, classNames, classEmbeddings };
  }

  private write(feature: Float32Array, point: Float32Array, view: Float32Array): void {
    const start = this.random.uint32() % (this.noise.length - FEATURE);
    feature.set(viewOf(point, view, FEATURE));
    for (let j = 0; j < FEATURE; j += 1)
      feature[j] = (feature[j] as number) + (this.noise[start + j] as number);
  }

  private normals(length: number, scale: number): Float32Array {
    return Float32Array.from({ length }, () => scale * this.random.normal());
  }
}

/** tanh(W z): [HIDDEN] → [width]. */
function viewOf(point: Float32Array, weights: Float32Array, width: number): Float32Array {
  const out = new Float32Array(width);
  for (let j = 0; j < width; j += 1) {
    let sum = 0;
    for (let h = 0; h < HIDDEN; h += 1) sum += (weights[j * HIDDEN + h] as number) * (point[h] as number);
    out[j] = Math.tanh(sum);
  }
  return out;
}
