import { describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import { compositionOf } from '../../src/encoder/inference/parts.js';
import { loadEncoder, loadParameters, saveEncoder } from '../../src/encoder/inference/serialise.js';
import { loadZeroShot } from '../../src/encoder/inference/zero-shot.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { alignedEncoder } from '../../src/encoder/training/aligned-branch.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { Encoder, SourceSet } from '../../src/encoder/types.js';
import { partsOf } from '../../src/evaluation/part-encoders.js';
import { SMALL_TRAINING } from '../unit/encoder-source.js';

const WIDTH = 24;
const SHARED = 12;

/**
 * Pairs of a model of two towers: the first numbers of both are alike up to noise. Of the others, the text's are those of the
 * image in another order, which the model does not know and a training can learn. Each modality has a mean of its own.
 */
function towers(pairs: number, seed: number): SourceSet {
  const random = createRandom(seed);
  const image: Float32Array[] = [];
  const text: Float32Array[] = [];
  for (let i = 0; i < pairs; i += 1) {
    const point = Float32Array.from({ length: WIDTH }, () => random.normal());
    const turned = point.map((x, k) => (k < SHARED ? x : (point[WIDTH - 1 - (k - SHARED)] as number)));
    const noisy = (of: Float32Array, gap: number) =>
      unit(of.map((x, k) => x + 0.8 * random.normal() + (k === gap ? 3 : 0)));
    image.push(noisy(point, 0));
    text.push(noisy(turned, 1));
  }
  return {
    image: gather(image, WIDTH),
    text: gather(text, WIDTH),
    labels: new Int32Array(pairs).fill(-1),
    classNames: [],
    classEmbeddings: { data: new Float32Array(0), rows: 0, columns: WIDTH },
    sharedSpace: true,
  };
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

function recall(
  encoder: Pick<Encoder, 'embedMany'>,
  { image, text }: { image: Matrix; text: Matrix },
): number {
  const side = (modality: 'IMAGE' | 'TEXT', features: Matrix) => ({
    embeddings: encoder.embedMany(modality, features),
    classes: new Int32Array(features.rows).fill(-1),
    pairs: Int32Array.from({ length: features.rows }, (_, i) => i),
  });
  return evaluateRetrieval(side('IMAGE', image), side('TEXT', text)).mean.mrrAt10 ?? 0;
}

const OPTIONS = { ...SMALL_TRAINING, epochs: 15, seed: 3 };
const test = towers(200, 99);

describe('a training on features that share a space', () => {
  const asItIs = ({ image, text }: SourceSet) =>
    loadEncoder(saveEncoder(alignedEncoder(fitSharedNormalisation(image, text, OPTIONS.seed))));

  it('adds a residual of texts with 50 pairs, which are too few to choose networks on', async () => {
    const source = towers(50, 1);
    const { bytes, alignedShare, notes, dimension } = await trainInThisThread(source, OPTIONS);
    expect({ alignedShare, dimension }).toEqual({ alignedShare: 1, dimension: WIDTH });
    expect(notes.join()).toMatch(/too few pairs .* residual of strength/);
    expect(compositionOf(loadParameters(bytes))).toEqual([{ kind: 'aligned', share: 1 }]);
    const [model, zeroShot, encoder] = [asItIs(source), loadZeroShot(bytes), loadEncoder(bytes)];
    expect(zeroShot?.embedMany('TEXT', test.text)).toEqual(model.embedMany('TEXT', test.text));
    expect(encoder.embedMany('IMAGE', test.image)).toEqual(model.embedMany('IMAGE', test.image));
    expect(recall(encoder, test)).toBeGreaterThan(recall(model, test));
    expect(partsOf(bytes, test).parts.map(({ method }) => method)).toEqual(['zero_shot']);
  });

  it('uses the model as it is with 12 pairs', async () => {
    const source = towers(12, 1);
    const { bytes, notes } = await trainInThisThread(source, OPTIONS);
    expect(notes.join()).toMatch(/too few pairs .* left as it is/);
    expect(loadZeroShot(bytes)).toBeNull();
    expect(recall(loadEncoder(bytes), test)).toBeCloseTo(recall(asItIs(source), test), 6);
  });

  it('improves on the model with 500 pairs, and keeps it as a part', async () => {
    const { bytes, alignedShare, notes } = await trainInThisThread(towers(500, 1), OPTIONS);
    expect(alignedShare).toBeLessThan(1);
    expect(notes.join()).toMatch(/the model as it is has \d+ % of the weight/);
    const [aligned] = compositionOf(loadParameters(bytes)).filter(({ kind }) => kind === 'aligned');
    expect(aligned?.share).toBeCloseTo(alignedShare ?? 0, 6);
    const zeroShot = loadZeroShot(bytes);
    if (zeroShot === null) throw new Error('no zero-shot encoder');
    expect(recall(loadEncoder(bytes), test)).toBeGreaterThan(recall(zeroShot, test) + 0.05);
    // Evaluations measure it beside the other parts.
    expect(partsOf(bytes, test).parts.map(({ method }) => method)).toContain('zero_shot');
  });

  it('leaves alone what it cannot improve', async () => {
    // Texts of other pairs: nothing can be learnt.
    const source = towers(300, 1);
    const shuffled = { ...source, text: towers(300, 2).text };
    const { alignedShare, notes, bytes } = await trainInThisThread(shuffled, OPTIONS);
    expect(alignedShare).toBe(1);
    expect(notes.join()).toMatch(/do not improve .* does not improve/);
    expect(loadZeroShot(bytes)).toBeNull();
  });
});

describe('the normalisation of a shared space', () => {
  const plain = (rows: number, columns: number, seed: number, gap: number): Matrix => {
    const random = createRandom(seed);
    return gather(
      Array.from({ length: rows }, () =>
        Float32Array.from({ length: columns }, (_, k) => random.normal() + (k === 0 ? gap : 0)),
      ),
      columns,
    );
  };

  it('centres both modalities as far as the smaller one is known, and keeps inner products', () => {
    const [image, text] = [plain(1000, 4, 1, 5), plain(90, 4, 2, -5)];
    const fitted = fitSharedNormalisation(image, text, 0);
    expect(fitted.IMAGE.mean[0]).toBeCloseTo(5 * 0.9, 0);
    expect(fitted.TEXT.mean[0]).toBeCloseTo(-5 * 0.9, 0);
    expect(fitted.IMAGE.basis).toEqual(fitted.TEXT.basis);
    const encoder = loadEncoder(saveEncoder(alignedEncoder(fitted)));
    const centred = (row: Float32Array, mean: Float32Array) =>
      unit(row.map((x, k) => x - (mean[k] as number)));
    const expected = centred(rowOf(image, 0), fitted.IMAGE.mean).reduce(
      (sum, x, k) => sum + x * (centred(rowOf(text, 0), fitted.TEXT.mean)[k] as number),
      0,
    );
    const [a, b] = [encoder.embed('IMAGE', rowOf(image, 0)), encoder.embed('TEXT', rowOf(text, 0))];
    expect(a.reduce((sum, x, k) => sum + x * (b[k] as number), 0)).toBeCloseTo(expected, 5);
    const alone = fitSharedNormalisation(image, plain(0, 4, 1, 0), 0);
    expect(alone.IMAGE.mean.every((x) => x === 0)).toBe(true);
  });
});
