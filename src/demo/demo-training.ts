import type { TrainRequest } from '../services/encoders/train-request.js';
import { DEMO_MARK } from './demo-items.js';

/** Classes that are kept out of the demo's training: a few of every kind. */
export const UNSEEN_CLASSES: readonly string[] = [
  'animal-bug',
  'animal-marine',
  'book-paper',
  'food-asian',
  'musical-instrument',
  'time',
  'tool',
  'transport-water',
];

/**
 * The demo's training. It trains on Google's pictures with their captions; Twitter's pictures of the same emoji are never in the
 * training set. A caption belongs to the pictures of both vendors, so a tenth of the emoji is held out as well: the seen figures
 * are measured on Twitter's pictures and on the captions of these emoji, which are both new to the encoder.
 */
export const DEMO_TRAINING: TrainRequest = {
  preset: 'default',
  seed: 0,
  unseen: UNSEEN_CLASSES,
  holdout: 0.1,
  epochs: null,
  // The preset's shares and epochs were chosen on emoji. Choosing them again would take several times as long as the training.
  options: { tune: 'none', validation: 0 },
  learnFrom: { metadata: { ...DEMO_MARK, vendor: 'google' } },
};
