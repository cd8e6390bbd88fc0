import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { MAX_COST } from './cost-table.js';
import { type Operation, operationCost } from './operation-cost.js';

/** What an operation costs, as `extensions.cost` of its answer says. */
export interface OperationCost {
  readonly requested: number;
  readonly limit: number;
}

/**
 * Measures an operation with its variables before it is executed.
 *
 * @returns null if it is not executed because its name or its variables are wrong
 */
export function measureCost(operation: Operation): OperationCost | null {
  const requested = operationCost(operation);
  return requested === null ? null : { requested, limit: MAX_COST };
}

/** The error of an operation over the limit; null if the cost is within it. */
export function costError({ requested, limit }: OperationCost): GraphQLError | null {
  if (requested <= limit) return null;
  return new GraphQLError(`The operation has cost ${requested}; the limit is ${limit}.`, {
    extensions: { code: 'QUERY_TOO_COSTLY', http: { status: 400 } },
  });
}

/** Refuses operations over the limit, and adds the cost to every answer. */
export const costLimit: ApolloServerPlugin = {
  async requestDidStart() {
    let cost: OperationCost | null = null;
    return {
      async didResolveOperation({ schema, document, request }) {
        const { operationName, variables } = request;
        cost = measureCost({ schema, document, operationName, variables });
        const error = cost && costError(cost);
        if (error) throw error;
      },
      async willSendResponse({ response: { body } }) {
        if (cost === null || body.kind !== 'single') return;
        body.singleResult.extensions = { ...body.singleResult.extensions, cost };
      },
    };
  },
};
