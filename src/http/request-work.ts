import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OperationDefinitionNode } from 'graphql';
import { CommonspaceError } from '../domain/errors.js';
import type { GraphqlContext } from '../graphql/context.js';
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

/** The GraphQL operation of a request, for the log; empty for other requests. */
export function operationOf(request: FastifyRequest): Partial<Operation> {
  return operations.get(works.get(request) ?? NO_WORK) ?? {};
}

interface Operation {
  readonly operation: OperationDefinitionNode['operation'];
  /** Absent for an operation without a name. */
  readonly operationName?: string;
}

const operations = new WeakMap<RequestWork, Operation>();
const NO_WORK: RequestWork = { signal: null, id: null };

/**
 * Notes the operation of the current request, before it is executed. The running statements of a query are cancelled when its
 * caller disconnects. A mutation is completed.
 *
 * @throws CommonspaceError BAD_INPUT for a subscription with a large body, which would be kept in memory for hours
 */
export function beginOperation(
  { operation, name }: OperationDefinitionNode,
  { signal }: Pick<GraphqlContext, 'signal'>,
): void {
  const work = currentRequest();
  if (work !== null)
    operations.set(work, { operation, ...(name !== undefined && { operationName: name.value }) });
  if (operation === 'query') cancelStatementsOn(signal);
  if (operation === 'subscription' && work !== null && hasLargeBody.get(work) === true) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `The request of a subscription may have ${SMALL_BYTES / 1024} kB, and needs a content-length.`,
      ['content-length'],
    );
  }
}
