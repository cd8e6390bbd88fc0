import { encoderPayload } from '../encoder-payload.js';
import type { MutationField } from './field.js';

export const activateEncoder: MutationField<'activateEncoder'> = (
  _parent,
  { id, force },
  { services, signal },
) => encoderPayload(() => services.encoders.activate(id, { force: force ?? false, signal }));
