import { encoderPayload } from '../encoder-payload.js';
import type { MutationField } from './field.js';

export const resumeTraining: MutationField<'resumeTraining'> = (_parent, { id }, { services }) =>
  encoderPayload(() => services.training.resume(id));
