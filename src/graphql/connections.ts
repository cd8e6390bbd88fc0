interface Edge<Model> {
  readonly cursor: string;
  readonly node: Model;
}

/** A page in the form of a Relay connection. */
export function toConnection<Model, E extends Edge<Model>>(
  edges: readonly (E & Edge<Model>)[],
  page: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean },
) {
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}
