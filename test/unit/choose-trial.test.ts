import { describe, expect, it } from 'vitest';
import { chooseTrial, type Trial } from '../../src/encoder/training/choose-trial.js';

const trial = (figure: number, ccaShare: number, posteriorShare = 0, codeLength = 0.5): Trial => ({
  choice: { ccaShare, posteriorShare, semanticShare: 0, codeLength, posteriorLength: 1 },
  figure,
});

describe('the choice of tuning', () => {
  const cca = trial(0.6, 1);
  const codes = trial(0.55, 0);
  const near = trial(0.598, 0.8);
  const mixture = trial(0.604, 0.5, 0.2);

  it('takes the best under held-out pairs', () => {
    expect(chooseTrial([cca, codes, near, mixture], 'pairs')).toBe(mixture);
    expect(chooseTrial([cca, codes, trial(0.599, 0.5)], 'pairs')).toBe(cca);
  });

  it('takes a mixture that gains enough over the best part alone under held-out classes', () => {
    const better = trial(0.605, 0.4, 0.2);
    expect(chooseTrial([cca, codes, near, better], 'classes')).toBe(better);
  });

  it('takes the best mixture near the best part where none gains enough', () => {
    expect(chooseTrial([cca, codes, near, mixture], 'classes')).toBe(near);
    const alsoNear = trial(0.599, 0.8, 0.05);
    expect(chooseTrial([cca, codes, near, alsoNear], 'classes')).toBe(alsoNear);
    // Of codes, a mixture with four fifths of them is the near one.
    expect(chooseTrial([trial(0.5, 1), codes, near, trial(0.551, 0.2)], 'classes').figure).toBe(0.598);
    expect(chooseTrial([trial(0.5, 1), codes, trial(0.551, 0.2), trial(0.5505, 0.5)], 'classes').figure).toBe(
      0.551,
    );
  });

  it('takes the best part alone where no mixture is near it, or the near ones are worse or have other norms', () => {
    expect(chooseTrial([cca, codes, mixture], 'classes')).toBe(cca);
    expect(chooseTrial([cca, codes, trial(0.595, 0.8)], 'classes')).toBe(cca);
    expect(chooseTrial([cca, codes, trial(0.602, 0.8, 0, 1)], 'classes')).toBe(cca);
  });
});
