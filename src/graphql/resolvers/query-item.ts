import { CommonspaceError } from '../../domain/errors.js';
import type { QueryField } from './field.js';

export const item: QueryField<'item'> = async (_parent, { id, externalId }, { services }) => {
  if (id != null && externalId == null) return await services.items.byId(id);
  if (externalId != null && id == null) return await services.items.byExternalId(externalId);
  throw new CommonspaceError('BAD_INPUT', 'Give exactly one of id and externalId.', ['id']);
};
