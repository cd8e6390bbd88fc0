import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Budgets } from '../services/access/budgets.js';
import { callerOf } from './access.js';
import { bodyBytes, SMALL_BYTES } from './body-memory.js';

/**
 * Takes the bytes of uploads, and of other bodies that are not small, from what the caller may send in a minute, before the body is read.
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
    if (bytes > SMALL_BYTES || (bytes > 0 && isUpload(request))) {
      budgets.of(callerOf(request)).takeBytes(Math.min(bytes, most));
    }
  });
}

function isUpload({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'POST' && routeOptions.url === '/media';
}
