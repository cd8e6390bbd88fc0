import type { FastifyReply, FastifyRequest } from 'fastify';

/** What one request may take in all: a thousand pictures from slow servers, and no more. */
const MAX_REQUEST_MS = 10 * 60_000;

/** Aborts when the caller goes away before the answer is out, or when the request takes too long. */
export function requestSignal(_request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, AbortSignal.timeout(MAX_REQUEST_MS)]);
}
