import type { FastifyReply, FastifyRequest } from 'fastify';

/** Maximum duration of a request. A batch of 1000 images from slow servers fits into it. */
const MAX_REQUEST_MS = 10 * 60_000;

/** Aborts when the client disconnects before the response is complete, or at the maximum duration. */
export function requestSignal(_request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, AbortSignal.timeout(MAX_REQUEST_MS)]);
}
