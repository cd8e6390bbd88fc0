import { toConnection } from '../connections.js';
import { readFilter, readGroupBy, readQuery, readSearchOrder, readWeights } from '../inputs.js';
import type { QueryField } from './field.js';

export const crossModalSearch: QueryField<'crossModalSearch'> = async (
  _parent,
  args,
  { services, signal, fetches },
) => {
  const page = await services.search.search(
    {
      query: readQuery(args.query),
      target: args.target ?? null,
      by: args.by,
      filter: readFilter(args.filter),
      first: args.first,
      after: args.after ?? null,
      minScore: args.minScore ?? null,
      threshold: args.cutOff,
      diversity: args.diversity,
      feedback: args.feedback,
      groupBy: readGroupBy(args.groupBy, args.groupSize),
      duplicates: args.duplicates,
      orderBy: readSearchOrder(args.orderBy),
      encoder: args.encoder ?? null,
      ...(args.weights != null && { weights: readWeights(args.weights) }),
    },
    { signal, fetches },
  );
  const { explainedBy } = page;
  const edges = page.results.map(({ item, ...edge }) => ({ ...edge, node: item, explainedBy }));
  return {
    ...toConnection(edges, page),
    mode: page.mode,
    encoderVersion: page.encoderVersion,
    matched: page.matched,
  };
};
