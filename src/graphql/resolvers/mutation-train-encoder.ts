import { encoderPayload } from '../encoder-payload.js';
import { readTraining, trainingField } from '../inputs.js';
import type { MutationField } from './field.js';

export const trainEncoder: MutationField<'trainEncoder'> = (_parent, { input }, { services }) =>
  encoderPayload(() => services.training.enqueue(readTraining(input)), trainingField);
