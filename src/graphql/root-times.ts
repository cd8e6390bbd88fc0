import type { GraphQLSchema } from 'graphql';
import { observe } from '../domain/observations.js';

/** Makes the root fields of queries and mutations report how long they take. */
export function timeRootFields(schema: GraphQLSchema): void {
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const [name, field] of Object.entries(type?.getFields() ?? {})) {
      const { resolve } = field;
      if (resolve === undefined) continue;
      field.resolve = async (...args) => {
        const started = performance.now();
        try {
          return await resolve(...args);
        } finally {
          const seconds = (performance.now() - started) / 1000;
          observe({ kind: 'field', field: `${type?.name}.${name}`, seconds });
        }
      };
    }
  }
}
