import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEncoder } from '../../src/encoder/inference/create-encoder.js';
import { readEncoderFile, writeEncoderFile } from '../../src/encoder/inference/encoder-file.js';
import {
  aboutEncoder,
  loadEncoder,
  loadParameters,
  saveEncoder,
} from '../../src/encoder/inference/serialise.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import {
  encodeInference,
  foldBatchNorm,
  populationStatistics,
} from '../../src/encoder/network/fold-batch-norm.js';
import { createNetwork } from '../../src/encoder/network/network.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import { prepareSource } from '../../src/encoder/training/training-data.js';
import type { TrainedEncoder } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

beforeAll(async () => {
  await loadTensorBackend();
});

describe('encoder file', () => {
  const arrays = new Map([
    ['a', Float32Array.of(1.5, -2, 1e-20)],
    ['empty', new Float32Array(0)],
  ]);
  const bytes = writeEncoderFile({ kind: 'test', description: { x: 1 }, arrays });

  it('is the same after a round trip', () => {
    expect(readEncoderFile(bytes, 'test')).toEqual({ kind: 'test', description: { x: 1 }, arrays });
  });

  it.each([
    ['empty bytes', new Uint8Array(0), 'are not a stored test'],
    ['another file', new Uint8Array(64).fill(7), 'are not a stored test'],
    ['a truncated file', bytes.slice(0, -1), 'bytes of numbers'],
    ['a file truncated in its header', bytes.slice(0, 40), 'truncated'],
    ['a file with a flipped bit', bytes.map((b, i) => (i === bytes.length - 2 ? b ^ 1 : b)), 'checksum'],
  ])('refuses %s', (_, broken, why) => {
    expect(() => readEncoderFile(broken, 'test')).toThrow(
      expect.objectContaining({ code: 'BAD_MODEL', message: expect.stringContaining(why) }),
    );
  });

  it('refuses another kind', () => {
    expect(() => readEncoderFile(bytes, 'encoder')).toThrow(/holds a test/);
  });
});

describe('the stored encoder', () => {
  it('gives the codes of the training graph in inference mode, to 1e-5', () => {
    const options = resolveTrainOptions({ ...SMALL_TRAINING, preset: 'paper' });
    const source = syntheticSource(120, 3, 2);
    const prepared = prepareSource(source, options);
    const random = createRandom(8);
    const linear = (from: number) => ({
      weights: { data: normals(from * 12, 0.3, random), rows: from, columns: 12 },
      bias: new Float32Array(12),
      slope: 1,
    });
    const components = { IMAGE: prepared.pairs.image.columns, TEXT: prepared.pairs.text.columns };
    const network = createNetwork({ components, code: 12, classes: 0, classEmbedding: 0 }, options, random, {
      IMAGE: linear(components.IMAGE),
      TEXT: linear(components.TEXT),
    });
    for (const modality of ['IMAGE', 'TEXT'] as const) {
      const of = modality === 'IMAGE' ? prepared.pairs.image : prepared.pairs.text;
      const { data, rows, columns } = takeRows(
        of,
        Int32Array.from({ length: of.rows }, (_, i) => i),
      );
      const input = tf.tensor2d(data, [rows, columns]);
      const statistics = populationStatistics(network, modality, input);
      const codes = encodeInference(network, modality, input, statistics).arraySync();
      const branch = foldBatchNorm(network, modality, statistics);
      const side = { normalisation: prepared.normalisation[modality], branches: [branch] };
      const encoder = createEncoder({
        branchWeights: [1],
        posteriorWeights: [0],
        projection: null,
        norms: null,
        sides: { IMAGE: side, TEXT: side },
      });
      const features = modality === 'IMAGE' ? source.image : source.text;
      const embeddings = encoder.embedMany(modality, features);
      codes.forEach((code, i) => {
        const norm = Math.hypot(...code);
        code.forEach((x, j) => {
          expect(embeddings.data[i * 12 + j]).toBeCloseTo(x / norm, 5);
        });
      });
      input.dispose();
    }
    network.dispose();
  });

  const source = syntheticSource(80, 3, 2);
  let trained: TrainedEncoder;
  beforeAll(async () => {
    trained = await trainInThisThread(source, { ...SMALL_TRAINING, epochs: 2, members: 2 });
  });

  it('gives unit vectors, the same for one item, for many, and after a round trip', async () => {
    const { bytes } = trained;
    const encoder = loadEncoder(bytes);
    expect(encoder.featureDimension).toEqual({ IMAGE: 40, TEXT: 24 });
    expect(encoder.dimension).toBe(12);
    const many = encoder.embedMany('IMAGE', source.image);
    const one = encoder.embed('IMAGE', source.image.data.subarray(40, 80));
    expect(many.data.slice(12, 24)).toEqual(one);
    expect(Math.hypot(...one)).toBeCloseTo(1, 6);
    const again = loadEncoder(saveEncoder(loadParameters(bytes)));
    expect(again.embed('IMAGE', source.image.data.subarray(40, 80))).toEqual(one);
    expect(aboutEncoder(bytes)).toMatchObject({ options: { preset: 'default' } });
  });

  it('has a residual of texts, which leaves images as they are', () => {
    const plain = loadParameters(trained.bytes);
    const square = (columns: number) => ({
      weights: { data: new Float32Array(12 * columns), rows: 12, columns },
      bias: Float32Array.from({ length: columns }, (_, i) => (i === 0 ? 5 : 0)),
      slope: 1,
    });
    const bytes = saveEncoder({ ...plain, textResidual: [square(12), square(12)] });
    const [before, after] = [createEncoder(plain), loadEncoder(bytes)];
    expect(after.embedMany('IMAGE', source.image)).toEqual(before.embedMany('IMAGE', source.image));
    const feature = source.text.data.subarray(0, 24);
    const moved = before.embed('TEXT', feature).map((x, i) => x + (i === 0 ? 5 : 0));
    const length = Math.hypot(...moved);
    after.embed('TEXT', feature).forEach((x, i) => {
      expect(x).toBeCloseTo((moved[i] as number) / length, 6);
    });
    for (const textResidual of [[square(11)], [square(11), square(12)]]) {
      expect(() => loadEncoder(saveEncoder({ ...plain, textResidual }))).toThrow(
        expect.objectContaining({ code: 'BAD_MODEL', message: expect.stringContaining('residual of texts') }),
      );
    }
  });

  it('refuses a feature of another length', async () => {
    const encoder = loadEncoder(trained.bytes);
    expect(() => encoder.embed('TEXT', new Float32Array(40))).toThrow(
      expect.objectContaining({ code: 'WRONG_DIMENSION' }),
    );
  });

  it('refuses bytes that are not an encoder', async () => {
    const { bytes } = trained;
    for (const broken of [
      new Uint8Array(3),
      bytes.slice(0, 100),
      bytes.slice(0, -4),
      new TextEncoder().encode('{"a":1}'),
    ]) {
      expect(() => loadEncoder(broken)).toThrow(expect.objectContaining({ code: 'BAD_MODEL' }));
    }
  });
});
