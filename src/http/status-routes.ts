import type { FastifyInstance } from 'fastify';
import type { Services } from '../services/services.js';

/** GET /healthz: the process answers. GET /readyz: so does the database. GET /: where things are. */
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
  app.get('/', async () => ({
    name: 'Commonspace',
    graphql: '/graphql',
    upload: 'POST /media',
    media: '/media/{id}?width=',
    health: '/healthz',
  }));
}
