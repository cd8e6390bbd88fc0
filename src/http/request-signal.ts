import type { FastifyReply } from 'fastify';

/** Aborts when the client disconnects before the response is complete, or at the time limit. */
export function requestSignal(reply: FastifyReply, limitMs: number): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort();
  });
  return AbortSignal.any([gone.signal, AbortSignal.timeout(limitMs)]);
}
