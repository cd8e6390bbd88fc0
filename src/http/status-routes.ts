import type { FastifyInstance } from 'fastify';
import type { Services } from '../services/services.js';
import type { Identify } from './access.js';

/** How long the numbers of indexes are kept, in milliseconds: a probe asks often, and they change rarely. */
const KEEP_MS = 10_000;

/**
 * GET /healthz: the process answers. GET /readyz: the process and the database answer, which costs one small read, and it is not about
 * to stop. Callers that
 * may read the catalogue also get the numbers of missing vector indexes.
 */
export function registerStatus(
  app: FastifyInstance,
  services: Services,
  identify: Identify,
  stopping?: AbortSignal,
): void {
  let indexes: ReturnType<Services['indexes']['state']> | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  const stateOfIndexes = async () => {
    if (indexes === null || performance.now() - readAt > KEEP_MS) {
      readAt = performance.now();
      indexes = services.indexes.state();
    }
    return await indexes.catch((error: unknown) => {
      indexes = null;
      throw error;
    });
  };
  app.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.url === '/readyz') reply.header('cache-control', 'no-store');
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    if (stopping?.aborted) return await reply.code(503).send({ status: 'stopping' });
    try {
      await services.ping();
      // Without an index searches are slower and exact, so the server is ready nevertheless.
      if (typeof (await identify(request)) === 'string') return { status: 'ready' };
      return { status: 'ready', indexes: await stateOfIndexes() };
    } catch (error) {
      request.log.error({ err: error }, 'not ready');
      return await reply.code(503).send({ status: 'unavailable' });
    }
  });
}
