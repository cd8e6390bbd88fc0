import type { FastifyInstance } from 'fastify';
import type { Services } from '../services/services.js';

/** GET /healthz: the process answers. GET /readyz: the process and the database answer. */
export function registerStatus(app: FastifyInstance, services: Services): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await services.items.countByModality();
      return { status: 'ready' };
    } catch (error) {
      app.log.error({ err: error }, 'not ready');
      return await reply.code(503).send({ status: 'unavailable' });
    }
  });
}
