import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OperationDefinitionNode } from 'graphql';
import { CommonspaceError } from '../domain/errors.js';
import type { Stage } from '../domain/observations.js';
import type { GraphqlContext } from '../graphql/context.js';
import type { BegunOperation } from '../graphql/sse-handler.js';
import { cancelStatementsOn, currentRequest, inRequest, type RequestWork } from '../platform/request-work.js';
import { bodyBytes, SMALL_BYTES } from './body-memory.js';

const works = new WeakMap<FastifyRequest, RequestWork>();
/** Whether the body of a request counts in memory as long as the request lasts. */
const hasLargeBody = new WeakMap<RequestWork, boolean>();

/**
 * Gives the statements of all requests the time limits of requests. Register it before hooks that read the database. There are
 * two hooks, because the body is read by events of a socket, which are emitted outside of what the first one starts.
 */
export function registerRequestWork(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => inRequest(done, { id: request.id }));
  app.addHook('preHandler', (request, _reply, done) =>
    inRequest(
      () => {
        const work = currentRequest();
        if (work !== null) {
          works.set(request, work);
          hasLargeBody.set(work, bodyBytes(request, Number.POSITIVE_INFINITY) > SMALL_BYTES);
        }
        done();
      },
      { id: request.id },
    ),
  );
}

/** What the statements of a request belong to; null before its body is read. */
export function workOf(request: FastifyRequest): RequestWork | null {
  return works.get(request) ?? null;
}

/** The GraphQL operation of a request, for the log; empty for other requests. */
export function operationOf(request: FastifyRequest): Partial<OperationName> {
  return runningOperation(request)?.named ?? {};
}

interface OperationName {
  readonly operation: OperationDefinitionNode['operation'];
  /** Absent for an operation without a name. */
  readonly operationName?: string;
}

/** An operation that began. */
export interface RunningOperation {
  readonly operation: OperationDefinitionNode['operation'];
  readonly named: OperationName;
  /** Its root fields, each once, e.g. `Query.items`. */
  readonly fields: readonly string[];
  /** Of `performance.now()`. */
  readonly startedAt: number;
  /** The shape of its variables, which holds none of their values. */
  readonly variables: BegunOperation['variables'];
  /** By stage, the number of times and the sum of them, which is more than the time that passes where they run at once. */
  readonly stages: Map<Stage, { readonly count: number; readonly ms: number }>;
}

const operations = new WeakMap<object, RunningOperation>();

/** The operation of a request; null before it begins, and for requests without one. */
export function runningOperation(of: FastifyRequest | RequestWork | null): RunningOperation | null {
  const token = of === null ? undefined : 'token' in of ? of.token : works.get(of)?.token;
  return (token && operations.get(token)) ?? null;
}

/**
 * Notes the operation of the current request, before it is executed. The running statements of a query are cancelled when its
 * caller disconnects. A mutation is completed.
 *
 * @throws CommonspaceError BAD_INPUT for a subscription with a large body, which would be kept in memory for hours
 */
export function beginOperation(begun: BegunOperation, { signal }: Pick<GraphqlContext, 'signal'>): void {
  const { operation } = begun.definition;
  const work = currentRequest();
  if (work !== null) operations.set(work.token, describe(begun));
  if (operation === 'query') cancelStatementsOn(signal);
  if (operation === 'subscription' && work !== null && hasLargeBody.get(work) === true) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `The request of a subscription may have ${SMALL_BYTES / 1024} kB, and needs a content-length.`,
      ['content-length'],
    );
  }
}

const ROOTS = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const;

function describe({ definition, variables }: BegunOperation): RunningOperation {
  const { operation, name, selectionSet } = definition;
  const fields = selectionSet.selections.flatMap((node) =>
    node.kind === 'Field' ? [`${ROOTS[operation]}.${node.name.value}`] : [],
  );
  return {
    operation,
    named: { operation, ...(name !== undefined && { operationName: name.value }) },
    fields: [...new Set(fields)],
    startedAt: performance.now(),
    variables,
    stages: new Map(),
  };
}
