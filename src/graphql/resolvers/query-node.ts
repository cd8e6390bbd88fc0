import type { QueryField } from './field.js';

export const node: QueryField<'node'> = async (_parent, { id }, { services }) =>
  (await services.items.byId(id)) ?? (await services.classes.byId(id));
