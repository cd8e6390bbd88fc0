import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { CommonspaceError, ERRORS } from '../domain/errors.js';
import { observe } from '../domain/observations.js';

/** Sends the error of a request outside GraphQL as `{ error: { code, message, field } }`. Unexpected errors are masked. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // A cache would repeat a 404 when the file is there. A handler may have set the headers of its answer.
  reply.header('cache-control', 'no-store').removeHeader('etag');
  if (error instanceof CommonspaceError) {
    if (error.retryAfter !== null) reply.header('retry-after', error.retryAfter);
    observe({ kind: 'error', code: error.code });
    return reply.code(ERRORS[error.code].status).send({ error: error.toFailure() });
  }
  const status = (error as Partial<FastifyError>).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    const { code, message } = error as FastifyError;
    return reply
      .code(status)
      .send({ error: { code: status === 413 ? 'IMAGE_TOO_LARGE' : code, message, field: [] } });
  }
  if (isCut(error, request)) {
    observe({ kind: 'error', code: 'CANCELLED' });
    return reply.code(ERRORS.CANCELLED.status).send({
      error: { code: 'CANCELLED', message: ERRORS.CANCELLED.what, field: [] },
    });
  }
  observe({ kind: 'error', code: 'INTERNAL' });
  request.log.error({ err: error }, 'unexpected error');
  return reply.code(500).send({ error: { code: 'INTERNAL', message: ERRORS.INTERNAL.what, field: [] } });
}

/** Codes of Node for a body or an answer whose connection was closed in the middle. */
const CUT: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

/** Whether the client disconnected while it sent the body or before it received the answer. */
function isCut(error: unknown, { raw }: FastifyRequest): boolean {
  return CUT.has((error as NodeJS.ErrnoException).code) && raw.socket.destroyed;
}
