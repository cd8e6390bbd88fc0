import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { CommonspaceError, ERRORS, type ErrorCode } from '../domain/errors.js';
import { observe } from '../domain/observations.js';
import { pathOf } from './access.js';

/**
 * Sends the error of a request that no operation answers, as `{ error: { code, message, field } }`. Of a request to /graphql it stands in `errors` as
 * well, where clients of GraphQL read it. Unexpected errors are masked.
 */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // A cache would repeat a 404 when the file is there. A handler may have set the headers of its answer.
  reply.header('cache-control', 'no-store').removeHeader('etag');
  const { status, failure } = outcomeOf(error, request);
  if (failure.code === 'INTERNAL') request.log.error({ err: error }, 'unexpected error');
  if (failure.code in ERRORS) observe({ kind: 'error', code: failure.code as ErrorCode });
  if (error instanceof CommonspaceError && error.retryAfter !== null)
    reply.header('retry-after', error.retryAfter);
  return reply.code(status).send({
    error: failure,
    ...(pathOf(request) === '/graphql' && { errors: [graphqlError(failure)] }),
  });
}

interface RequestFailure {
  readonly code: string;
  readonly message: string;
  readonly field: readonly string[];
}

interface Outcome {
  readonly status: number;
  readonly failure: RequestFailure;
}

function outcomeOf(error: unknown, request: FastifyRequest): Outcome {
  if (error instanceof CommonspaceError)
    return { status: ERRORS[error.code].status, failure: error.toFailure() };
  const { statusCode: status, code, message } = error as FastifyError;
  if (status !== undefined && status >= 400 && status < 500)
    return { status, failure: { code: status === 413 ? 'IMAGE_TOO_LARGE' : code, message, field: [] } };
  return generalOutcome(isCut(error, request) ? 'CANCELLED' : 'INTERNAL');
}

const generalOutcome = (code: 'CANCELLED' | 'INTERNAL'): Outcome => ({
  status: ERRORS[code].status,
  failure: { code, message: ERRORS[code].what, field: [] },
});

const graphqlError = ({ message, code, field }: RequestFailure) => ({ message, extensions: { code, field } });

/** Codes of Node for a body or an answer whose connection was closed in the middle. */
const CUT: ReadonlySet<unknown> = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

/** Whether the client disconnected while it sent the body or before it received the answer. */
function isCut(error: unknown, { raw }: FastifyRequest): boolean {
  return CUT.has((error as NodeJS.ErrnoException).code) && raw.socket.destroyed;
}
