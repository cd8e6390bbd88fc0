import {
  type ExecutionArgs,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  subscribe,
  type ValidationRule,
  validate,
  type validate as validateDocument,
} from 'graphql';
import { createHandler, type ExecutionResult, type Handler, type RequestParams } from 'graphql-sse';
import { CommonspaceError } from '../domain/errors.js';
import type { GraphqlContext } from './context.js';
import { costError, measureCost, type OperationCost, reportedCost } from './cost/cost-limit.js';
import { formatError } from './errors.js';
import { depthLimit, MAX_TOKENS, nestingError } from './limits.js';
import { unconditionalSubscription } from './subscription-roots.js';
import { type Shape, variablesShape } from './variables-shape.js';

/** Handles one request whose answer is sent as server-sent events; `context` of the request reaches the resolvers. */
export type SseHandler = Handler<unknown, GraphqlContext>;

export interface SseHandlerOptions {
  readonly schema: GraphQLSchema;
  /** Receives every unexpected error unmasked. The caller receives only a code. */
  readonly reportUnexpected: (error: unknown) => void;
  readonly beginOperation: BeginOperation;
  /** Called before each event of a mutation or a subscription, whose reads are those of the primary. */
  readonly notePosition: NotePosition;
  /** Time limit of a query or a mutation, in milliseconds. A subscription lasts as long as its stream. */
  readonly operationMs: number;
  /** Whether callers may read the schema. */
  readonly introspection: boolean;
}

/** An operation that is about to be executed. */
export interface BegunOperation {
  readonly definition: OperationDefinitionNode;
  /** The shape of its variables, which holds none of their values. */
  readonly variables: () => Readonly<Record<string, Shape>>;
}

export function begun(
  schema: GraphQLSchema,
  definition: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): BegunOperation {
  return { definition, variables: () => variablesShape(schema, definition, variables ?? {}) };
}

export type NotePosition = (context: GraphqlContext) => Promise<string | null>;

/** Called before the execution of an operation. */
export type BeginOperation = (operation: BegunOperation, context: GraphqlContext) => void;

/**
 * GraphQL over server-sent events, distinct connections mode: one operation for each connection. Limits and masking of errors
 * are those of single answers.
 */
export function createSseHandler({
  schema,
  reportUnexpected,
  beginOperation,
  notePosition,
  operationMs,
  introspection,
}: SseHandlerOptions): SseHandler {
  const costs = new WeakMap<OperationContext, OperationCost>();
  const noted = new WeakSet<OperationContext>();
  /** Runs the operation, which is valid, if its cost with its variables is within the limit. */
  const limited =
    <T>(run: (args: ExecutionArgs) => T) =>
    (args: ExecutionArgs): T | ExecutionResult => {
      const { document, operationName, variableValues } = args;
      const context = args.contextValue as OperationContext;
      const operation = getOperationAST(document, operationName);
      try {
        const tooDeep = nestingError(variableValues);
        if (tooDeep) return { errors: [tooDeep] };
        if (operation != null) beginOperation(begun(schema, operation, variableValues), context);
        if (operation?.operation !== 'query') noted.add(context);
        const cost = measureCost({ schema, document, operationName, variables: variableValues });
        if (cost !== null) {
          costs.set(context, cost);
          const tooCostly = costError(cost);
          if (tooCostly !== null) return { errors: [tooCostly] };
          context.budget.takeCost(cost.requested);
        }
      } catch (error) {
        if (!(error instanceof CommonspaceError)) throw error;
        return { errors: [new GraphQLError(error.message, { originalError: error })] };
      }
      return run(args);
    };
  const handler = createHandler<unknown, GraphqlContext, OperationContext>({
    // Without a token the library refuses the single connection mode, which keeps streams in memory.
    authenticate: () => null,
    validate: validateWithLimits(introspection ? [] : [NoSchemaIntrospectionCustomRule]),
    execute: limited(execute),
    subscribe: limited(subscribe),
    onSubscribe(request, params) {
      try {
        return executionArgs(schema, params, request.context, operationMs);
      } catch (error) {
        // A document of few tokens can nest too deeply for the parser.
        const parsing = error instanceof RangeError ? new GraphQLError(error.message) : error;
        if (!(parsing instanceof GraphQLError)) throw error;
        return oneResult({ errors: [withCode(parsing, 'GRAPHQL_PARSE_FAILED')] });
      }
    },
    async onNext(context, _request, { errors, ...result }) {
      const cost = costs.get(context);
      const position = noted.has(context) ? await notePosition(context) : null;
      const extensions = {
        ...result.extensions,
        ...(cost !== undefined && { cost: reportedCost(cost, context.budget) }),
        ...(position !== null && { position }),
      };
      return {
        ...result,
        ...(errors !== undefined && { errors: errors.map((error) => maskError(error, reportUnexpected)) }),
        ...(Object.keys(extensions).length > 0 && { extensions }),
      };
    },
  });
  return async (request) => {
    const [body, init] = await handler(request);
    return [typeof body === 'string' && init.status >= 400 ? withCodes(body) : body, init];
  };
}

/** The library's errors of malformed requests have no code; Apollo's is BAD_REQUEST. */
function withCodes(body: string): string {
  const { errors } = JSON.parse(body) as { readonly errors: readonly GraphQLFormattedError[] };
  const coded = errors.map((error) => ({
    ...error,
    extensions: { code: 'BAD_REQUEST', ...error.extensions },
  }));
  return JSON.stringify({ errors: coded });
}

/** The library takes a result without `data` for arguments, but not if it is in a generator. */
async function* oneResult(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}

type OperationContext = GraphqlContext & Record<PropertyKey, unknown>;

function executionArgs(
  schema: GraphQLSchema,
  { query, operationName, variables }: RequestParams,
  context: GraphqlContext,
  operationMs: number,
): ExecutionArgs & { contextValue: OperationContext } {
  const document = parse(query, { maxTokens: MAX_TOKENS });
  const isLong = getOperationAST(document, operationName)?.operation === 'subscription';
  const signal = isLong
    ? context.signal
    : AbortSignal.any([context.signal, AbortSignal.timeout(operationMs)]);
  return {
    schema,
    document,
    contextValue: { ...context, signal },
    variableValues: variables ?? null,
    operationName: operationName ?? null,
  };
}

function validateWithLimits(further: readonly ValidationRule[]): typeof validateDocument {
  return (schema, document) =>
    validate(schema, document, [...specifiedRules, depthLimit, unconditionalSubscription, ...further]).map(
      (error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'),
    );
}

/** Masks an error as Apollo does for single answers: what a resolver throws is unexpected unless it is ours. */
function maskError(error: GraphQLError, reportUnexpected: (error: unknown) => void): GraphQLError {
  const { originalError } = error;
  const expected =
    originalError === undefined ||
    originalError instanceof GraphQLError ||
    originalError instanceof CommonspaceError;
  const coded = withCode(error, expected ? 'BAD_USER_INPUT' : 'INTERNAL_SERVER_ERROR');
  const { message, extensions } = formatError(coded.toJSON(), error, reportUnexpected);
  return copyError(error, message, extensions);
}

/** The error with a code, unless it has one. */
function withCode(error: GraphQLError, code: string): GraphQLError {
  return copyError(error, error.message, { code, ...error.extensions });
}

function copyError(
  { nodes, source, positions, path }: GraphQLError,
  message: string,
  extensions: GraphQLError['extensions'] | undefined,
): GraphQLError {
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: extensions ?? null,
  });
}
