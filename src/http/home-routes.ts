import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { prefersHtml } from './accept.js';
import { needsKey } from './access.js';
import type { SendPage } from './page-routes.js';
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

/**
 * GET /: the page for browsers, the endpoints as JSON for others. GET /api: the endpoints, for both. GET /schema.graphql: the schema, unless it
 * is null.
 */
export function registerHome(app: FastifyInstance, sendPage: SendPage, schemaText: string | null): void {
  const endpoints = (reply: FastifyReply) => reply.header('vary', 'accept').send(ENDPOINTS);
  const asPage = (request: FastifyRequest, reply: FastifyReply) =>
    sendHomePage(request, reply, needsKey(request));
  app.get('/', async (request, reply) => {
    if (!prefersHtml(request)) return await endpoints(reply);
    return await (sendPage === null ? asPage(request, reply) : sendPage(reply));
  });
  app.get('/api', async (request, reply) =>
    prefersHtml(request) ? await asPage(request, reply) : await endpoints(reply),
  );
  if (schemaText === null) return;
  app.get('/schema.graphql', async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(schemaText),
  );
}
