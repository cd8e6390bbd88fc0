import { beforeAll, describe, expect, it } from 'vitest';
import { describeComposition } from '../../src/domain/composition.js';
import { dot } from '../../src/domain/vectors.js';
import { runBranches } from '../../src/encoder/inference/branches.js';
import { createEncoder } from '../../src/encoder/inference/create-encoder.js';
import { createNormaliser } from '../../src/encoder/inference/normalise.js';
import type { EncoderParameters } from '../../src/encoder/inference/parameters.js';
import { compositionOf, encoderOfPart } from '../../src/encoder/inference/parts.js';
import { loadParameters } from '../../src/encoder/inference/serialise.js';
import { rowOf } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { alignedEncoder } from '../../src/encoder/training/aligned-branch.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { TrainOptionsInput } from '../../src/encoder/types.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

const source = syntheticSource(200, 5, 3);
const training = { IMAGE: source.image, TEXT: source.text };
const options: TrainOptionsInput = {
  ...SMALL_TRAINING,
  epochs: 3,
  dimension: 12,
  memberDimension: 12,
  ccaDimension: 6,
  ccaShare: 0.3,
  posteriorShare: 0.2,
  semanticShare: 0.1,
};

async function trained(rest: TrainOptionsInput): Promise<EncoderParameters> {
  const { bytes } = await trainInThisThread(source, { ...options, ...rest });
  return loadParameters(bytes);
}

const KINDS = ['codes', 'cca', 'posteriors', 'semantic'] as const;
const pairsOf = (count: number) => Array.from({ length: count }, (_, i) => [i, (7 * i) % 200] as const);

describe('the parts of an encoder', () => {
  let plain: EncoderParameters;
  beforeAll(async () => {
    plain = await trained({ members: 2, codeLength: 0, posteriorLength: 0 });
  });

  it('have the shares that the encoder file gives', async () => {
    const shares = Object.fromEntries(compositionOf(plain).map(({ kind, share }) => [kind, share]));
    expect(shares.codes).toBeCloseTo(0.4, 9);
    expect(shares.cca).toBeCloseTo(0.3, 9);
    expect(shares.posteriors).toBeCloseTo(0.2, 9);
    expect(shares.semantic).toBeCloseTo(0.1, 9);
    const networks = await trained({ ccaShare: 0, posteriorShare: 0, semanticShare: 0, epochs: 1 });
    expect(compositionOf(networks)).toEqual([{ kind: 'codes', share: 1 }]);
    expect(encoderOfPart(networks, 'cca', training)).toBeNull();
  });

  it('give the cosine of the whole as the mean of their cosines by share', () => {
    const whole = createEncoder({ ...plain, projection: null });
    const parts = compositionOf(plain).map(({ kind, share }) => ({
      share,
      encoder: encoderOfPart(plain, kind, training),
    }));
    expect(parts).toHaveLength(4);
    for (const [i, j] of pairsOf(20)) {
      const cosine = (of: Pick<typeof whole, 'embed'> | null) =>
        of === null
          ? Number.NaN
          : dot(of.embed('IMAGE', rowOf(source.image, i)), of.embed('TEXT', rowOf(source.text, j)));
      const sum = parts.reduce((total, { share, encoder }) => total + share * cosine(encoder), 0);
      expect(cosine(whole)).toBeCloseTo(sum, 4);
    }
  });

  it('keep as much of their norms as in the whole: cosines are inner products up to a constant', async () => {
    const kept = await trained({ codeLength: 0.5, posteriorLength: 1 });
    const posteriors = encoderOfPart(kept, 'posteriors', training);
    if (posteriors === null) throw new Error('no posteriors');
    expect(posteriors.dimension).toBe(5 + 2);
    const probabilities = (modality: 'IMAGE' | 'TEXT', row: number) => {
      const features = modality === 'IMAGE' ? source.image : source.text;
      const normalise = createNormaliser(kept.sides[modality].normalisation);
      const outputs = runBranches(kept, modality, normalise(rowOf(features, row)));
      return outputs[0]?.posterior ?? new Float32Array(5);
    };
    const ratios = pairsOf(20).map(([i, j]) => {
      const image = posteriors.embed('IMAGE', rowOf(source.image, i));
      const text = posteriors.embed('TEXT', rowOf(source.text, j));
      expect(Math.hypot(...image)).toBeCloseTo(1, 5);
      return dot(image, text) / dot(probabilities('IMAGE', i), probabilities('TEXT', j));
    });
    for (const ratio of ratios) expect(ratio / (ratios[0] ?? 0)).toBeCloseTo(1, 4);
    // The training row with the largest norm is on the surface of the ball, so no embedding is shorter there.
    const rest = Array.from({ length: 200 }, (_, i) => posteriors.embed('IMAGE', rowOf(source.image, i))[5]);
    expect(Math.min(...rest.map((x) => x ?? 1))).toBeCloseTo(0, 2);
  });

  it('are taken before the output projection', async () => {
    const narrow = await trained({ dimension: 8, members: 2 });
    expect(narrow.projection).not.toBeNull();
    for (const kind of KINDS) {
      const embedding = encoderOfPart(narrow, kind, training)?.embed('TEXT', rowOf(source.text, 0));
      expect(Math.hypot(...(embedding ?? []))).toBeCloseTo(1, 5);
    }
    expect(encoderOfPart(narrow, 'codes', training)?.dimension).toBeGreaterThan(8);
  });
});

it('says that the space of an adopted model is no CCA', () => {
  const rows = (seed: number) => ({ data: normals(40 * 8, 1, createRandom(seed)), rows: 40, columns: 8 });
  const adopted = alignedEncoder(fitSharedNormalisation(rows(1), rows(2), 0));
  expect(compositionOf(adopted)).toEqual([{ kind: 'aligned', share: 1 }]);
  expect(describeComposition([compositionOf(adopted)])).toBe('100 % shared space of the model');
});

it('is described with shares in percent, as ranges for several encoders', () => {
  const one = [
    { kind: 'codes', share: 0.4 },
    { kind: 'cca', share: 0.4 },
    { kind: 'posteriors', share: 0.2 },
  ] as const;
  expect(describeComposition([one])).toBe('40 % network codes, 40 % CCA, 20 % class posteriors');
  expect(describeComposition([one, [{ kind: 'codes', share: 1 }]])).toBe(
    '40 to 100 % network codes, 0 to 40 % CCA, 0 to 20 % class posteriors',
  );
  expect(describeComposition([])).toBe('');
});
