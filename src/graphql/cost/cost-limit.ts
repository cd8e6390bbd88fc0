import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { BudgetState, CallerBudget } from '../../services/access/budgets.js';
import type { GraphqlContext } from '../context.js';
import { nestingError } from '../limits.js';
import { MAX_COST } from './cost-table.js';
import { type Operation, operationCost } from './operation-cost.js';

/** What an operation costs. `extensions.cost` of its answer says it, with what the caller has left where it has a budget. */
export interface OperationCost {
  readonly requested: number;
  readonly limit: number;
}

type ReportedCost = OperationCost & Partial<BudgetState>;

export function reportedCost(cost: OperationCost, budget: Pick<CallerBudget, 'cost'>): ReportedCost {
  return { ...cost, ...budget.cost() };
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

/** Refuses operations over the limit, and those that the caller has no budget for. Adds the cost to every answer. */
export const costLimit: ApolloServerPlugin<GraphqlContext> = {
  async requestDidStart() {
    let cost: OperationCost | null = null;
    return {
      async didResolveOperation({ schema, document, request, contextValue }) {
        const { operationName, variables } = request;
        const tooDeep = nestingError(variables);
        if (tooDeep) throw tooDeep;
        cost = measureCost({ schema, document, operationName, variables });
        const error = cost && costError(cost);
        if (error) throw error;
        if (cost) contextValue.budget.takeCost(cost.requested);
      },
      async willSendResponse({ response: { body }, contextValue }) {
        if (cost === null || body.kind !== 'single') return;
        body.singleResult.extensions = {
          ...body.singleResult.extensions,
          cost: reportedCost(cost, contextValue.budget),
        };
      },
    };
  },
};
