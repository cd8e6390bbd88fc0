import type { SearchEdgeResolvers } from '../../__generated__/resolver-types.js';

export const searchEdge: SearchEdgeResolvers = {
  explanation: ({ explainedBy, node }, _args, { loaders }) =>
    explainedBy === null ? null : loaders.explanationOf(explainedBy).load(node.id),
};
