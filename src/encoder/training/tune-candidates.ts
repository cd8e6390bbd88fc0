/** What tuning compares. The lists are short, because each network setting is trained on every fold. */
import type { TrainOptions } from '../types.js';
import type { CcaChoice } from './choose-cca.js';

/** The options that tuning may change. */
export type Choice = Partial<
  Pick<
    TrainOptions,
    | 'weights'
    | 'epochs'
    | 'dropout'
    | 'inputNoise'
    | 'ccaRegularisation'
    | 'ccaPower'
    | 'ccaDimension'
    | 'ccaShare'
    | 'semanticShare'
    | 'posteriorShare'
    | 'codeLength'
    | 'posteriorLength'
  >
>;

/** Settings of the networks. The first is the preset's own; the weights of the paper's terms vary where only they are on. */
export function networkSettings({ weights, epochs }: TrainOptions): readonly Choice[] {
  const strong = { dropout: 0.7, inputNoise: 0.5 };
  if (weights.pairContrast + weights.classContrast + weights.classCosine > 0)
    return [{}, strong, { ...strong, epochs: Math.ceil(epochs * SHORT) }];
  const times = (factor: number) => ({
    ...weights,
    similarity: weights.similarity * factor,
    reconstruction: weights.reconstruction * factor,
  });
  return [{}, strong, { ...strong, epochs: Math.ceil(epochs * SHORT) }, { ...strong, weights: times(4) }];
}

/** Share of the epochs of a short training. */
const SHORT = 0.5;

/** How much of their norms the parts keep. The last keeps what is best for CCA alone, so that pure CCA is among the candidates. */
export function normSettings(
  { ccaShare, posteriorShare, semanticShare }: TrainOptions,
  cca: CcaChoice | null,
): Choice[] {
  if (ccaShare + posteriorShare + semanticShare === 0) return [{ codeLength: 0 }, { codeLength: 0.5 }];
  const lengths = [0, 0.5, ...(cca === null || cca.length < 1 ? [] : [cca.length])];
  return lengths.map((codeLength) => ({ codeLength, posteriorLength: codeLength === 0 ? 0 : 1 }));
}

type Shares = Required<Pick<Choice, 'posteriorShare' | 'ccaShare' | 'semanticShare'>>;

/** Shares of the other parts; the networks' codes have the rest. Each part alone is among them. */
const SHARES: readonly Shares[] = [
  { posteriorShare: 0.2, ccaShare: 0.4, semanticShare: 0 },
  { posteriorShare: 0.5, ccaShare: 0.25, semanticShare: 0 },
  { posteriorShare: 0.8, ccaShare: 0.1, semanticShare: 0 },
  { posteriorShare: 0.95, ccaShare: 0, semanticShare: 0 },
  { posteriorShare: 1, ccaShare: 0, semanticShare: 0 },
  { posteriorShare: 0.1, ccaShare: 0.6, semanticShare: 0 },
  { posteriorShare: 0.05, ccaShare: 0.8, semanticShare: 0 },
  { posteriorShare: 0, ccaShare: 1, semanticShare: 0 },
  { posteriorShare: 0, ccaShare: 0.8, semanticShare: 0 },
  { posteriorShare: 0, ccaShare: 0.5, semanticShare: 0 },
  { posteriorShare: 0, ccaShare: 0.2, semanticShare: 0 },
  { posteriorShare: 0, ccaShare: 0, semanticShare: 0 },
  { posteriorShare: 0.2, ccaShare: 0.2, semanticShare: 0.2 },
  { posteriorShare: 0.2, ccaShare: 0.3, semanticShare: 0.1 },
  { posteriorShare: 0.1, ccaShare: 0.3, semanticShare: 0.3 },
  { posteriorShare: 0.05, ccaShare: 0.5, semanticShare: 0.3 },
  { posteriorShare: 0, ccaShare: 0.8, semanticShare: 0.2 },
  { posteriorShare: 0, ccaShare: 0.6, semanticShare: 0.4 },
  { posteriorShare: 0, ccaShare: 0, semanticShare: 1 },
];
const PARTS = ['posteriorShare', 'ccaShare', 'semanticShare'] as const;

/** The shares to compare: a part that the options leave out stays out. */
export function shareSettings(options: TrainOptions): readonly Choice[] {
  return SHARES.filter((shares) => PARTS.every((part) => options[part] > 0 || shares[part] === 0));
}

/** The shares of the networks' codes, of the posteriors, of CCA and of the semantic part. */
export function sharesOf({ posteriorShare = 0, ccaShare = 0, semanticShare = 0 }: Choice): readonly number[] {
  return [1 - posteriorShare - ccaShare - semanticShare, posteriorShare, ccaShare, semanticShare];
}

/** Whether a choice of shares leaves one part only. */
export function isPure(choice: Choice): boolean {
  return Math.max(...sharesOf(choice)) === 1;
}
