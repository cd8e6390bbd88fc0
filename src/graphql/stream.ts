import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  OperationTypeNode,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from 'graphql';
import { CommonspaceError } from '../domain/errors.js';
import type { GraphqlContext } from './context.js';
import { formatError } from './errors.js';
import { MAX_TOKENS, operationLimits } from './limits.js';

/** An operation as a caller sends it. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: { readonly [name: string]: unknown } | null;
}

/** An answer as it is sent. */
export interface StreamedResult {
  readonly data?: unknown;
  readonly errors?: readonly GraphQLFormattedError[];
}

export interface StreamOptions {
  readonly schema: GraphQLSchema;
  /** Gets every unexpected error whole; the caller sees only a code. */
  readonly reportUnexpected: (error: unknown) => void;
}

/**
 * Runs operations whose answers come one after another: each event of a subscription, or the one answer of a query or
 * mutation. The same limits and the same masking of errors hold as for single answers.
 */
export class OperationStreams {
  constructor(private readonly options: StreamOptions) {}

  /** Whether the operation changes something; false where it cannot be read, which `run` will say. */
  isMutation({ query, operationName }: OperationRequest): boolean {
    try {
      const operation = getOperationAST(parse(query, { maxTokens: MAX_TOKENS }), operationName);
      return operation?.operation === OperationTypeNode.MUTATION;
    } catch {
      return false;
    }
  }

  async *run(request: OperationRequest, context: GraphqlContext): AsyncGenerator<StreamedResult> {
    const document = this.read(request.query);
    if ('errors' in document) {
      yield document;
      return;
    }
    const args = {
      schema: this.options.schema,
      document,
      contextValue: context,
      variableValues: request.variables,
      operationName: request.operationName,
    };
    const operation = getOperationAST(document, request.operationName);
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) {
      yield this.format(await execute(args));
      return;
    }
    const results = await subscribe(args);
    if (!(Symbol.asyncIterator in results)) {
      yield this.format(results);
      return;
    }
    for await (const result of results) yield this.format(result);
  }

  private read(
    query: string,
  ): DocumentNode | (StreamedResult & { readonly errors: readonly GraphQLFormattedError[] }) {
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: MAX_TOKENS });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { errors: [this.formatOne(error, 'GRAPHQL_PARSE_FAILED')] };
    }
    const faults = validate(this.options.schema, document, [...specifiedRules, operationLimits]);
    if (faults.length === 0) return document;
    return { errors: faults.map((fault) => this.formatOne(fault, 'GRAPHQL_VALIDATION_FAILED')) };
  }

  private format({ data, errors }: ExecutionResult): StreamedResult {
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors: errors.map((error) => this.formatOne(error, 'BAD_USER_INPUT')) }),
    };
  }

  /** @param fault the code where nobody but GraphQL itself found it */
  private formatOne(error: GraphQLError, fault: string): GraphQLFormattedError {
    const { originalError } = error;
    const ours = originalError instanceof CommonspaceError;
    const code =
      originalError === undefined || originalError instanceof GraphQLError || ours
        ? fault
        : 'INTERNAL_SERVER_ERROR';
    const formatted = error.toJSON();
    return formatError(
      { ...formatted, extensions: { code, ...formatted.extensions } },
      error,
      this.options.reportUnexpected,
    );
  }
}
