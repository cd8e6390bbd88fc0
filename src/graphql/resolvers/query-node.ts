import type { QueryField } from './field.js';

export const node: QueryField<'node'> = (_parent, { id }, { loaders }) => loaders.node.load(id);
