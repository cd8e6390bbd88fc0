import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { activeSpan } from '../platform/active-span.js';
import { currentRequest } from '../platform/request-work.js';
import { isOpen, pathOf } from './access.js';
import { operationOf } from './request-work.js';

/** Logs an unexpected error whole, with the id of the request that it belongs to. */
export function logUnexpected(logger: FastifyBaseLogger, error: unknown): void {
  const requestId = currentRequest()?.id ?? null;
  logger.error({ ...(requestId !== null && { requestId }), err: error }, 'unexpected error');
}

/** Ids of a reverse proxy that are taken over; others could forge lines of the log. */
const REQUEST_ID = /^[\w.:-]{1,100}$/;

/** The id of a request: that of the header `x-request-id`, if a reverse proxy sends one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Sends the id of each request in `x-request-id`, and logs a line for each: at `info`, or at `debug` for checks of the status. */
export function registerRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    activeSpan()?.setAttribute('commonspace.request_id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const traceId = activeSpan()?.spanContext().traceId;
    const line = {
      ...(traceId !== undefined && { traceId }),
      method: request.method,
      path: pathOf(request),
      status: reply.raw.headersSent ? reply.statusCode : null,
      ms: Math.round(reply.elapsedTime),
      // The client disconnected, or the server stopped, before all was sent.
      ...(!reply.raw.writableEnded && { cut: true }),
      ...operationOf(request),
    };
    if (isOpen(request)) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}
