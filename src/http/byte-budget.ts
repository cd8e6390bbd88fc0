import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Budgets } from '../services/access/budgets.js';
import { callerOf } from './access.js';
import { bodyBytes, isStreamed, SMALL_BYTES } from './body-memory.js';

/**
 * Takes the bytes of uploads, and of other bodies that are not small, from what the caller may send in a minute, before the body is read.
 * A streamed body of unknown length is counted as it arrives, by `countBytes`.
 *
 * @param largest bytes of a body of unknown length, by route; other routes take no bodies
 */
export function registerByteBudget(
  app: FastifyInstance,
  budgets: Budgets,
  largest: Readonly<Record<string, number>>,
): void {
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? '';
    const most = largest[route];
    if (most === undefined) return;
    const bytes = bodyBytes(request, most);
    if (bytes > SMALL_BYTES || (bytes > 0 && route !== '/graphql')) {
      budgets.of(callerOf(request)).takeBytes(arrivesUncounted(request) ? 1 : Math.min(bytes, most));
    }
  });
}

/** The body of a streamed upload, whose bytes count as they arrive if its length was not known before. */
export async function* countBytes(
  request: FastifyRequest,
  body: AsyncIterable<Uint8Array>,
  budgets: Budgets,
): AsyncGenerator<Uint8Array> {
  const budget = arrivesUncounted(request) ? budgets.of(callerOf(request)) : null;
  for await (const chunk of body) {
    budget?.addBytes(chunk.length);
    yield chunk;
  }
}

function arrivesUncounted(request: FastifyRequest): boolean {
  return isStreamed(request) && request.headers['transfer-encoding'] !== undefined;
}
