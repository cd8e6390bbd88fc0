import type { ApolloServerPlugin } from '@apollo/server';
import type { FastifyInstance } from 'fastify';
import type { GraphqlContext } from '../graphql/context.js';
import { cancelStatementsOn, inRequest } from '../platform/request-work.js';

/**
 * Gives the statements of all requests the time limits of requests. The hook runs after the body is read: events of a socket
 * are emitted outside of what an earlier hook starts.
 */
export function registerRequestWork(app: FastifyInstance): void {
  app.addHook('preHandler', (_request, _reply, done) => inRequest(done));
}

/** Cancels the running statements of a query whose caller disconnects. A mutation is completed. */
export const queryCancellation: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ operation, contextValue }) => {
      if (operation?.operation === 'query') cancelStatementsOn(contextValue.signal);
    },
  }),
};
