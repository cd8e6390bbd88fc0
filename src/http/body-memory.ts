import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { observe } from '../domain/observations.js';
import { createGate } from '../platform/gate.js';

/** Bytes of the bodies of all requests that are in memory at once. Four of the largest bodies fit. */
const BODY_MEMORY_BYTES = 256 * 2 ** 20;
/** Smaller bodies do not count. */
export const SMALL_BYTES = 64 * 1024;
/** Requests that wait before their body is read; a further one is refused with BUSY. */
const MAX_WAITING = 500;

/**
 * Keeps the memory of request bodies bounded. A request whose body is not small waits before its body is read, and counts until it
 * is answered, because uploads and base64 stay in memory so long.
 *
 * @param largest bytes of a body of unknown length
 * @returns how many requests wait
 */
export function registerBodyMemory(app: FastifyInstance, largest: number): { readonly waiting: number } {
  const memory = createGate(BODY_MEMORY_BYTES);
  app.addHook('onRequest', async (request, reply) => {
    const bytes = bodyBytes(request, largest);
    if (bytes <= SMALL_BYTES || isStreamed(request)) return;
    if (memory.waiting >= MAX_WAITING) {
      observe({ kind: 'refusal', reason: 'request_bodies' });
      throw new CommonspaceError('BUSY', 'Too many uploads and large requests wait. Try again later.');
    }
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const release = await memory.acquire(Math.min(bytes, largest), gone.signal);
    if (gone.signal.aborted) release();
    reply.raw.once('close', release);
  });
  return memory;
}

/** Bytes of a body as its headers declare them; `largest` if they do not. */
export function bodyBytes({ headers }: FastifyRequest, largest: number): number {
  if (headers['transfer-encoding'] !== undefined) return largest;
  return Number(headers['content-length'] ?? 0);
}

/** Whether the body goes to disk as it arrives, so that it needs no memory and may take long. */
export function isStreamed({ routeOptions }: FastifyRequest): boolean {
  return (routeOptions.config as { readonly isStreamed?: boolean } | undefined)?.isStreamed === true;
}
