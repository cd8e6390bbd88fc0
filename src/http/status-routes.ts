import type { FastifyInstance } from 'fastify';
import type { Services } from '../services/services.js';

/** GET /healthz: the process answers. GET /readyz: the process and the database answer; `indexes` counts the missing vector indexes. */
export function registerStatus(app: FastifyInstance, services: Services): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      // Without an index searches are slower and exact, so the server is ready nevertheless.
      return { status: 'ready', indexes: await services.indexes.state() };
    } catch (error) {
      app.log.error({ err: error }, 'not ready');
      return await reply.code(503).send({ status: 'unavailable' });
    }
  });
}
