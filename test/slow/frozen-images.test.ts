import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import {
  aboutEncoder,
  loadEncoder,
  loadParameters,
  saveEncoder,
} from '../../src/encoder/inference/serialise.js';
import { loadZeroShot } from '../../src/encoder/inference/zero-shot.js';
import { alignedEncoder } from '../../src/encoder/training/aligned-branch.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { Encoder, SourceSet } from '../../src/encoder/types.js';
import { readTraining } from '../../src/graphql/inputs.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { tf } from '../../src/platform/tfjs.js';
import { sharedTowers } from '../factories/shared-towers.js';
import { ingestShapes, openTestApp, QUICK } from '../support/app.js';
import { saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

vi.setConfig({ testTimeout: 300_000 });

const SEEN = [0, 1, 2, 3, 4, 5, 6, 7];
const UNSEEN = [8, 9, 10, 11];
/** As many as have no divisor in common with the classes that are seen, so that classes tell nothing of each other. */
const OTHERS = [12, 13, 14, 15, 16, 17, 18];

/** map@all and MRR@10, mean of both directions. */
function figures(encoder: Encoder, { image, text, labels }: SourceSet) {
  const side = (modality: 'IMAGE' | 'TEXT', features: SourceSet['image']) => ({
    embeddings: encoder.embedMany(modality, features),
    classes: labels,
    pairs: Int32Array.from({ length: features.rows }, (_, i) => i),
  });
  const { mean } = evaluateRetrieval(side('IMAGE', image), side('TEXT', text));
  return { map: mean.map ?? 0, mrr: mean.mrrAt10 ?? 0 };
}

describe('a training that freezes the image side of a shared space', () => {
  const held = { pairs: sharedTowers(240, SEEN, 102), classes: sharedTowers(240, UNSEEN, 103) };

  it.each([50, 500])('learns from %i pairs, for other pairs and for other classes', async (count) => {
    const source = sharedTowers(count, SEEN, 101);
    const adopted = saveEncoder(alignedEncoder(fitSharedNormalisation(source.image, source.text, 0)));
    await loadTensorBackend();
    const before = tf.memory().numTensors;
    const { bytes, validation, notes, alignedShare } = await trainInThisThread(
      source,
      { freeze: 'image', seed: 1 },
      { warmStart: { bytes: adopted, classes: new Int32Array() } },
    );
    expect(tf.memory().numTensors).toBe(before);
    const [start, encoder] = [loadEncoder(adopted), loadEncoder(bytes)];
    // Bit for bit.
    expect(encoder.embedMany('IMAGE', held.pairs.image)).toEqual(start.embedMany('IMAGE', held.pairs.image));
    expect(encoder.embedMany('TEXT', held.pairs.text)).not.toEqual(start.embedMany('TEXT', held.pairs.text));
    expect(loadZeroShot(bytes)?.embedMany('TEXT', held.pairs.text)).toEqual(
      start.embedMany('TEXT', held.pairs.text),
    );
    expect(alignedShare).toBe(1);
    expect(notes.join()).toContain('residual of strength');
    expect(validation).toBeGreaterThan(0);
    const compared = Object.entries(held).map(([part, rows]) => ({
      part,
      zeroShot: figures(start, rows),
      trained: figures(encoder, rows),
    }));
    for (const { zeroShot, trained } of compared) {
      expect(trained.map).toBeGreaterThan(zeroShot.map);
      expect(trained.mrr).toBeGreaterThan(zeroShot.mrr);
    }
  });

  it('leaves the text side as it is where the pairs are wrong or too few', async () => {
    const source = sharedTowers(300, SEEN, 104);
    const adopted = saveEncoder(alignedEncoder(fitSharedNormalisation(source.image, source.text, 0)));
    const warmStart = { bytes: adopted, classes: new Int32Array() };
    const wrong = {
      ...source,
      text: sharedTowers(300, OTHERS, 105).text,
      labels: source.labels.map(() => -1),
    };
    for (const pairs of [wrong, sharedTowers(8, SEEN, 106)]) {
      const { bytes, notes } = await trainInThisThread(pairs, { freeze: 'image' }, { warmStart });
      expect(loadParameters(bytes).textResidual).toBeNull();
      expect(notes.join()).toMatch(/left as it is/);
    }
  });

  it('is asked for through the API', () => {
    expect(readTraining({ from: 'ID', freeze: 'IMAGE', options: { epochs: 9 } } as never)).toMatchObject({
      from: 'ID',
      options: { freeze: 'image', epochs: 9 },
    });
  });

  it('names what is missing', async () => {
    const source = sharedTowers(20, SEEN, 107);
    await expect(trainInThisThread(source, { freeze: 'image' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['from'],
    });
    await expect(trainInThisThread(source, { freeze: 'text' as never })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['freeze'],
    });
  });
});

it('freezes the image side of an adopted version and of a trained one, and embeds no picture again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-frozen-'));
  const clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  const app = await openTestApp();
  try {
    await ingestShapes(app);
    const embedded = vi.spyOn(app.catalog.vectorWrites, 'addEmbeddings');
    const picturesEmbedded = () =>
      embedded.mock.calls.reduce(
        (sum, [, modality, ids]) => sum + (modality === 'IMAGE' ? ids.length : 0),
        0,
      );
    const imagesOf = async (encoder: string) => {
      const { imageExtractor, textExtractor } = await app.encoders.require(encoder);
      const pairs = await app.catalog.vectors.trainingPairs(imageExtractor, textExtractor, {
        image: null,
        text: null,
      });
      return await app.catalog.vectors.embeddingsByIds(
        encoder,
        pairs.map(({ imageId }) => imageId),
      );
    };
    const freeze = (from: string) =>
      app.training.train({ ...QUICK, options: { tune: 'none', freeze: 'image' }, from, activate: true });
    const adopted = await app.training.adopt({ model: clip, activate: true });
    const trained = await app.training.train({ ...QUICK, activate: false });
    for (const { encoder: from } of [adopted, trained]) {
      embedded.mockClear();
      const frozen = await freeze(from);
      expect(picturesEmbedded()).toBe(0);
      expect(frozen.notes.join()).toContain('no picture was embedded again');
      expect(frozen.pairs).toBe(48);
      const images = await imagesOf(frozen.encoder);
      expect(images.size).toBe(60);
      expect(images).toEqual(await imagesOf(from));
      const { trials, strength } = aboutEncoder(await app.catalog.encoders.weights(frozen.encoder)) as {
        trials: { strength: number; pairs: number; classes: number }[];
        strength: number;
      };
      const [asItIs, chosen] = [0, strength].map((one) => trials.find((trial) => trial.strength === one));
      expect(chosen?.pairs).toBeGreaterThanOrEqual(asItIs?.pairs ?? 1);
      expect(chosen?.classes).toBeGreaterThanOrEqual(asItIs?.classes ?? 1);
    }
    await expect(freeze('0192d5a0-0000-7000-8000-000000000000')).rejects.toMatchObject({
      code: 'ENCODER_NOT_FOUND',
      field: ['from'],
    });
    await expect(app.training.train({ ...QUICK, options: { freeze: 'image' } })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['from'],
    });
    expect(app.unexpected).toEqual([]);
  } finally {
    await app.close();
    await rm(folder, { recursive: true });
  }
});
