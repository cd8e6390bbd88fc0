import type { QueryField } from './field.js';

export const encoder: QueryField<'encoder'> = (_parent, { id }, { services }) => services.encoders.byId(id);
