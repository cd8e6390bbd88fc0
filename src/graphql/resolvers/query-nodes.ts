import { CommonspaceError } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import type { QueryField } from './field.js';

export const nodes: QueryField<'nodes'> = async (_parent, { ids }, { loaders }) => {
  if (ids.length > LIMITS.nodesPerCall) {
    throw new CommonspaceError('BAD_INPUT', `Give ${LIMITS.nodesPerCall} ids at most.`, ['ids']);
  }
  return await Promise.all(ids.map((id) => loaders.node.load(id)));
};
