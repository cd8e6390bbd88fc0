import type { FastifyInstance } from 'fastify';
import { prefersHtml } from './accept.js';
import { needsKey } from './access.js';
import { sendHomePage } from './pages.js';

const ENDPOINTS = {
  name: 'Commonspace',
  graphql: '/graphql',
  schema: '/schema.graphql',
  upload: 'POST /media',
  media: '/media/{id}?width=',
  source: 'POST /uploads',
  export: '/export',
  session: 'POST /session',
  metrics: '/metrics',
  health: '/healthz',
} as const;

/** GET /: the endpoints, as JSON or as a page for browsers. GET /schema.graphql: the schema, unless it is null. */
export function registerHome(app: FastifyInstance, schemaText: string | null): void {
  app.get('/', async (request, reply) =>
    prefersHtml(request)
      ? await sendHomePage(request, reply, needsKey(request))
      : await reply.header('vary', 'accept').send(ENDPOINTS),
  );
  if (schemaText === null) return;
  app.get('/schema.graphql', async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(schemaText),
  );
}
