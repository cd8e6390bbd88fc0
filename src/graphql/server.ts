import { readFile } from 'node:fs/promises';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphqlContext } from './context.js';
import { formatError } from './errors.js';
import { MAX_TOKENS, operationLimits } from './limits.js';
import { resolvers } from './resolvers/index.js';
import { OperationStreams } from './stream.js';

/** schema.graphql stands at the package's root, beside `src` and `dist`. */
const SCHEMA = new URL('../../schema.graphql', import.meta.url);

export interface GraphqlServerOptions {
  /** Gets every unexpected error whole; the caller sees only a code. */
  readonly reportUnexpected: (error: unknown) => void;
  readonly plugins?: readonly ApolloServerPlugin<GraphqlContext>[];
}

export interface GraphqlServer {
  /** Answers one by one. Not started yet. */
  readonly apollo: ApolloServer<GraphqlContext>;
  /** Answers that come one after another; there once Apollo is started. */
  readonly streams: () => OperationStreams;
}

/** The GraphQL server, not started yet. */
export async function createGraphqlServer(options: GraphqlServerOptions): Promise<GraphqlServer> {
  let streams: OperationStreams | null = null;
  const { reportUnexpected } = options;
  const apollo = new ApolloServer<GraphqlContext>({
    typeDefs: await readFile(SCHEMA, 'utf8'),
    resolvers,
    introspection: true,
    includeStacktraceInErrorResponses: false,
    // Its landing page would load from somewhere else. Nothing here may be cached, which need not be asked of each field.
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      {
        // Apollo makes the schema executable and runs no subscriptions.
        serverWillStart: async ({ schema }) => {
          streams = new OperationStreams({ schema, reportUnexpected });
        },
      },
      ...(options.plugins ?? []),
    ],
    parseOptions: { maxTokens: MAX_TOKENS },
    validationRules: [operationLimits],
    formatError: (formatted, error) => formatError(formatted, error, reportUnexpected),
    stopOnTerminationSignals: false,
  });
  return {
    apollo,
    streams: () => {
      if (streams === null) throw new Error('the GraphQL server is not started');
      return streams;
    },
  };
}
