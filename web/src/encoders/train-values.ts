import type { TrainEncoderInput } from '../../../src/client/index.js';

export type Tuning = 'pairs' | 'classes' | 'none';

/** What a version begins from, apart from another version: nothing, or a pre-trained model that is taken as it is. */
export const SCRATCH = '';
export const ADOPTED = 'adopt';

/** What the form of a training holds. */
export interface TrainValues {
  /** SCRATCH, ADOPTED, or the id of a version to continue. */
  readonly from: string;
  readonly model: string;
  readonly preset: 'default' | 'paper';
  /** In percent. */
  readonly holdout: number;
  readonly unseen: readonly string[];
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly freeze: boolean;
  readonly epochs: string;
  readonly seed: string;
  readonly tune: Tuning;
  readonly activate: boolean;
}

export const INITIAL: TrainValues = {
  from: SCRATCH,
  model: '',
  preset: 'default',
  holdout: 10,
  unseen: [],
  imageExtractor: '',
  textExtractor: '',
  freeze: false,
  epochs: '',
  seed: '0',
  tune: 'pairs',
  activate: true,
};

/** The training that the form asks for. */
export function trainingOf(values: TrainValues): TrainEncoderInput {
  const { from, preset, seed, holdout, unseen, tune, epochs, activate } = values;
  const common = {
    imageExtractor: values.imageExtractor.trim() || null,
    textExtractor: values.textExtractor.trim() || null,
    epochs: epochs === '' ? null : Number(epochs),
    activate,
  };
  if (from !== SCRATCH) return { ...common, from, freeze: values.freeze ? 'IMAGE' : null };
  return {
    ...common,
    preset: preset === 'paper' ? 'PAPER' : 'DEFAULT',
    seed: Number(seed),
    holdout: holdout / 100,
    unseenClasses: [...unseen],
    options: { tune },
  };
}
