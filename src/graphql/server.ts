import { readFile } from 'node:fs/promises';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphqlContext } from './context.js';
import { costLimit } from './cost/cost-limit.js';
import { formatError } from './errors.js';
import { depthLimit, MAX_TOKENS } from './limits.js';
import { applyDefaultsToNull } from './null-defaults.js';
import { resolvers } from './resolvers/index.js';
import { requireScopes } from './root-scopes.js';
import { timeRootFields } from './root-times.js';
import {
  type BeginOperation,
  begun,
  createSseHandler,
  type NotePosition,
  type SseHandler,
} from './sse-handler.js';
import { refuseUnstorableArguments } from './storable-arguments.js';
import { unconditionalSubscription } from './subscription-roots.js';

/** schema.graphql is in the root of the package, next to `src` and `dist`. */
const SCHEMA = new URL('../../schema.graphql', import.meta.url);

export interface GraphqlServerOptions {
  /** Receives every unexpected error unmasked. The caller receives only a code. */
  readonly reportUnexpected: (error: unknown) => void;
  readonly plugins?: readonly ApolloServerPlugin<GraphqlContext>[];
  /** Called before the execution of each operation. */
  readonly beginOperation?: BeginOperation;
  /** The position in the log of the database that an event of a stream shows; null without replicas. */
  readonly notePosition?: NotePosition;
  /** Time limit of a query or a mutation that is answered as a stream, in milliseconds. For single answers, the signal of the context has it. */
  readonly streamedOperationMs: number;
  /** Whether callers may read the schema. */
  readonly introspection: boolean;
}

export interface GraphqlServer {
  /** Sends one answer for each request. Not started yet. */
  readonly apollo: ApolloServer<GraphqlContext>;
  /** schema.graphql as it is written. */
  readonly schemaText: string;
  /** Sends answers as server-sent events. Available once Apollo is started. */
  readonly sse: () => SseHandler;
}

/** The GraphQL server, not started yet. */
export async function createGraphqlServer(options: GraphqlServerOptions): Promise<GraphqlServer> {
  const schemaText = await readFile(SCHEMA, 'utf8');
  let sse: SseHandler | null = null;
  const { reportUnexpected, streamedOperationMs, beginOperation = () => {} } = options;
  const { notePosition = async () => null } = options;
  const apollo = new ApolloServer<GraphqlContext>({
    typeDefs: schemaText,
    resolvers,
    introspection: options.introspection,
    // src/http/csrf.ts checks all routes.
    csrfPrevention: false,
    includeStacktraceInErrorResponses: false,
    // The landing page loads files from another server. No answer may be cached, so no field needs a cache policy.
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      costLimit,
      {
        // Apollo builds the executable schema, but does not run subscriptions.
        serverWillStart: async ({ schema }) => {
          applyDefaultsToNull(schema);
          refuseUnstorableArguments(schema);
          requireScopes(schema);
          timeRootFields(schema);
          sse = createSseHandler({
            schema,
            reportUnexpected,
            beginOperation,
            notePosition,
            operationMs: streamedOperationMs,
            introspection: options.introspection,
          });
        },
        requestDidStart: async () => ({
          didResolveOperation: async ({ schema, operation, request, contextValue }) => {
            if (operation !== undefined)
              beginOperation(begun(schema, operation, request.variables), contextValue);
          },
        }),
      },
      ...(options.plugins ?? []),
    ],
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [depthLimit, unconditionalSubscription],
    formatError: (formatted, error) => formatError(formatted, error, reportUnexpected),
    stopOnTerminationSignals: false,
  });
  return {
    apollo,
    schemaText,
    sse: () => {
      if (sse === null) throw new Error('the GraphQL server is not started');
      return sse;
    },
  };
}
