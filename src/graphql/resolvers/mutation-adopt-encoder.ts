import { encoderPayload } from '../encoder-payload.js';
import type { MutationField } from './field.js';

export const adoptEncoder: MutationField<'adoptEncoder'> = (_parent, { input }, { services }) =>
  encoderPayload(
    () => services.training.enqueueAdoption({ model: input.model, activate: input.activate ?? false }),
    (field) => ['input', ...field],
  );
