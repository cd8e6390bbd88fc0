import type { TrainEncoderInput } from '../../../src/client/index.js';
import { readJsonObject } from '../ui/json-object.js';

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
  /** Other options of the API, a JSON object. */
  readonly options: string;
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
  options: '',
  activate: true,
};

/** The training that the form asks for; null if its options are not a JSON object. */
export function trainingOf(values: TrainValues): TrainEncoderInput | null {
  const { from, preset, seed, holdout, unseen, tune, epochs, activate } = values;
  const options = readJsonObject(values.options);
  if (options === null) return null;
  const common = {
    imageExtractor: values.imageExtractor.trim() || null,
    textExtractor: values.textExtractor.trim() || null,
    epochs: epochs === '' ? null : Number(epochs),
    activate,
  };
  if (from !== SCRATCH)
    return {
      ...common,
      from,
      freeze: values.freeze ? 'IMAGE' : null,
      ...(values.options.trim() !== '' && { options }),
    };
  return {
    ...common,
    preset: preset === 'paper' ? 'PAPER' : 'DEFAULT',
    seed: Number(seed),
    holdout: holdout / 100,
    unseenClasses: [...unseen],
    options: { tune, ...options },
  };
}
