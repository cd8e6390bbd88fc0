import { describe, expect, it } from 'vitest';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import type { TrainOptionsInput } from '../../src/encoder/types.js';

describe('options', () => {
  it('lays the given options over the preset, weight by weight', () => {
    const options = resolveTrainOptions({ preset: 'paper', seed: 3, weights: { adversary: 0 } });
    expect(options).toMatchObject({ preset: 'paper', seed: 3 });
    expect(options.weights).toEqual({ ...resolveTrainOptions({ preset: 'paper' }).weights, adversary: 0 });
  });

  it('refuses shares that sum to more than 1, naming one that was given and all values', () => {
    expect(() => resolveTrainOptions({ semanticShare: 0.9 })).toThrow(
      /posteriorShare 0\.2, ccaShare 0\.2, semanticShare 0\.9 must sum to at most 1/,
    );
    expect(() => resolveTrainOptions({ semanticShare: 0.9 })).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', field: ['semanticShare'] }),
    );
    expect(resolveTrainOptions({ semanticShare: 0.6 }).semanticShare).toBe(0.6);
  });

  it('has only the losses of the paper in the paper preset', () => {
    const { weights, ccaShare, ccaSkip, softTargets, labelSmoothing, inputNoise, members } =
      resolveTrainOptions({ preset: 'paper' });
    expect(
      Object.entries(weights)
        .filter(([, w]) => w > 0)
        .map(([name]) => name),
    ).toEqual(['similarity', 'reconstruction', 'semantics', 'adversary']);
    expect({ ccaShare, ccaSkip, softTargets, labelSmoothing, inputNoise, members }).toEqual({
      ccaShare: 0,
      ccaSkip: false,
      softTargets: 0,
      labelSmoothing: 0,
      inputNoise: 0,
      members: 1,
    });
  });

  it.each<[string, TrainOptionsInput]>([
    ['seed', { seed: -1 }],
    ['epochs', { epochs: 1.5 }],
    ['dropout', { dropout: 1 }],
    ['validation', { validation: 0.6 }],
    ['weights.semantics', { weights: { semantics: Number.NaN } }],
    ['dimension', { dimension: 64, memberDimension: 8, ccaDimension: 8 }],
  ])('refuses a bad %s', (name, input) => {
    expect(() => resolveTrainOptions(input)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', field: [name] }),
    );
  });
});
