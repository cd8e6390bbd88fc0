/** The options of a training, for callers that must not know the encoder. */
export { PRESETS } from '../../encoder/training/presets.js';
export type { TrainOptionsInput } from '../../encoder/types.js';
