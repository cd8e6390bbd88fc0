import { describe, expect, it } from 'vitest';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { adversaryWeight } from '../../src/encoder/training/train-step.js';
import {
  isPure,
  networkSettings,
  normSettings,
  shareSettings,
} from '../../src/encoder/training/tune-candidates.js';

const cca = { k: 20, regularisation: 1, power: 1, length: 1 };

describe('the candidates of tuning', () => {
  const options = resolveTrainOptions({ preset: 'default' });

  it('have each part of an embedding alone, and the kept norm of the best CCA', () => {
    const shares = shareSettings(options);
    for (const [posteriorShare, ccaShare, semanticShare] of [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 0, 0],
    ])
      expect(shares).toContainEqual({ posteriorShare, ccaShare, semanticShare });
    expect(shares.filter(isPure)).toHaveLength(4);
    expect(normSettings(options, cca).map(({ codeLength }) => codeLength)).toEqual([0, 0.5, 1]);
    expect(normSettings(options, { ...cca, length: 0.5 })).toHaveLength(2);
  });

  it('give no share to a part that the options leave out', () => {
    const codesOnly = { ...options, ccaShare: 0, posteriorShare: 0, semanticShare: 0 };
    expect(shareSettings(codesOnly)).toEqual([{ posteriorShare: 0, ccaShare: 0, semanticShare: 0 }]);
    expect(shareSettings({ ...options, ccaShare: 0 }).every(({ ccaShare }) => ccaShare === 0)).toBe(true);
  });

  it('vary the weights of the paper where only its terms are on', () => {
    const paper = resolveTrainOptions({ preset: 'paper' });
    const weights = networkSettings(paper).flatMap((setting) => setting.weights ?? []);
    expect(weights.map(({ similarity }) => similarity)).toEqual([paper.weights.similarity * 4]);
    expect(networkSettings(options).some((setting) => setting.weights)).toBe(false);
    const epochs = [options, paper].map((of) => Math.min(...networkSettings(of).map((s) => s.epochs ?? 1e9)));
    expect(epochs).toEqual([25, 30]);
  });
});

describe('the adversary', () => {
  it('grows from 0 to its weight, and is constant without a ramp', () => {
    const options = resolveTrainOptions({ weights: { adversary: 2 }, adversaryRamp: 10 });
    const weights = [0, 0.1, 0.5, 1].map((progress) => adversaryWeight(options, progress));
    // 2 · (2 / (1 + e^(−10 p)) − 1)
    for (const [i, expected] of [0, 0.92423, 1.97323, 1.99982].entries())
      expect(weights[i]).toBeCloseTo(expected, 4);
    expect(adversaryWeight({ ...options, adversaryRamp: 0 }, 0)).toBe(2);
  });
});
