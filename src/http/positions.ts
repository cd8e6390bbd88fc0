import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { readPosition, type WalPosition } from '../domain/wal-position.js';
import type { BeginOperation } from '../graphql/sse-handler.js';
import { currentRequest } from '../platform/request-work.js';
import type { Services } from '../services/services.js';
import { wantsStream } from './accept.js';
import { callerOf } from './access.js';
import { runningOperation, workOf } from './request-work.js';

/**
 * Where there are replicas, answers say by this header where the log of the database was. A query that sends it sees at least as much, on any
 * server: what the caller has written, and what it has read.
 */
export const POSITION_HEADER = 'x-commonspace-position';

/** By the token of the work of a request. */
const asked = new WeakMap<object, WalPosition>();

/** Lets a replica answer a query. */
export const letReplicasAnswer: BeginOperation = ({ definition }, { services, caller }) => {
  const work = currentRequest();
  if (definition.operation === 'query' && work !== null)
    services.positions.read(caller, asked.get(work.token));
};

/** Reads the header of requests, and sends it with answers. Register it after the hook that keeps the work of requests. */
export function registerPositions(app: FastifyInstance, positions: Services['positions']): void {
  app.addHook('preHandler', async (request) => {
    const given = request.headers[POSITION_HEADER];
    const work = workOf(request);
    if (given === undefined || work === null) return;
    const position = typeof given === 'string' ? readPosition(given) : null;
    if (position === null) {
      throw new CommonspaceError(
        'BAD_INPUT',
        `The header ${POSITION_HEADER} must be as an answer of the server had it: 16 hexadecimal digits.`,
        [POSITION_HEADER],
      );
    }
    asked.set(work.token, position);
  });
  app.addHook('onSend', async (request, reply) => {
    const position = await positionOf(request, reply, positions);
    if (position !== null) reply.header(POSITION_HEADER, position);
  });
}

async function positionOf(
  request: FastifyRequest,
  reply: FastifyReply,
  positions: Services['positions'],
): Promise<string | null> {
  if (hasWritten(request, reply)) return await positions.note(callerOf(request));
  const reads = workOf(request)?.reads ?? null;
  return reads === null ? null : await positions.seen(reads);
}

/** Whether the request may have changed the database. The events of a stream carry their positions themselves. */
function hasWritten(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  const running = runningOperation(request);
  if (running !== null) return running.operation === 'mutation' && !wantsStream(request);
  return request.method === 'POST' && request.routeOptions.url !== '/graphql' && statusCode < 300;
}
