import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { requireScope, type Scope } from '../domain/access.js';
import { noteMutation } from './audit.js';
import type { GraphqlContext } from './context.js';

/** Queries that need another scope than `read`. */
const QUERIES: Readonly<Record<string, Scope>> = {
  exportCatalogue: 'admin',
  previewBulk: 'ingest',
  keys: 'admin',
};

/** The scope of each mutation. Queries that are not listed and subscriptions need `read`. */
const MUTATIONS: Readonly<Record<string, Scope>> = {
  ingest: 'ingest',
  ingestBulk: 'ingest',
  importCatalogue: 'admin',
  updateItem: 'ingest',
  updateItems: 'ingest',
  createClass: 'ingest',
  renameClass: 'ingest',
  mergeClasses: 'ingest',
  deleteClass: 'ingest',
  deleteItems: 'ingest',
  deleteMatchingItems: 'ingest',
  trainEncoder: 'train',
  adoptEncoder: 'train',
  cancelTraining: 'train',
  resumeTraining: 'train',
  activateEncoder: 'train',
  deleteEncoder: 'train',
  evaluateEncoder: 'train',
  projectEncoder: 'train',
  createKey: 'admin',
  revokeKey: 'admin',
  // Also the scope of the job's kind; see JobService.
  cancelJob: 'read',
  retryFailed: 'read',
};

/**
 * Makes the root fields of a schema refuse callers without their scope, with FORBIDDEN. A mutation that has no scope in the table is a fault of
 * the program. What mutations write is noted in the audit log.
 */
export function requireScopes(schema: GraphQLSchema): void {
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    if (type == null) continue;
    for (const [name, field] of Object.entries(type.getFields())) {
      const scope = type === schema.getMutationType() ? MUTATIONS[name] : (QUERIES[name] ?? 'read');
      if (scope === undefined) throw new Error(`the mutation ${name} has no scope`);
      if (field.resolve)
        field.resolve = guarded(
          type === schema.getMutationType() ? audited(field.resolve, name) : field.resolve,
          scope,
        );
      if (field.subscribe) field.subscribe = guarded(field.subscribe, scope);
    }
  }
}

type Resolver = GraphQLFieldResolver<unknown, GraphqlContext>;

function guarded(resolve: Resolver, scope: Scope): Resolver {
  return (parent, args, context, info) => {
    requireScope(context.caller, scope);
    return resolve(parent, args, context, info);
  };
}

/** The resolver of a mutation, which notes what it has written. */
function audited(resolve: Resolver, name: string): Resolver {
  return async (parent, args, context, info) => {
    const payload: unknown = await resolve(parent, args, context, info);
    await noteMutation(context, name, args, payload);
    return payload;
  };
}
