import { encoderPayload } from '../encoder-payload.js';
import type { MutationField } from './field.js';

export const cancelTraining: MutationField<'cancelTraining'> = (_parent, { id }, { services }) =>
  encoderPayload(() => services.training.cancel(id));
