import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pathOf } from './access.js';
import { operationOf } from './request-work.js';

/** The requests that are not answered yet, with the time when they began. */
const answering = new WeakMap<FastifyInstance, Map<FastifyRequest, number>>();

export function registerDrain(app: FastifyInstance): void {
  const requests = new Map<FastifyRequest, number>();
  answering.set(app, requests);
  app.addHook('onRequest', async (request) => void requests.set(request, performance.now()));
  app.addHook('onResponse', async (request) => void requests.delete(request));
}

/**
 * Stops the server: it takes no further requests, ends streams, and completes the requests that it answers. Those that take longer than
 * `drainMs` are logged, and their connections are cut.
 */
export async function closeWithin(app: FastifyInstance, drainMs: number): Promise<void> {
  const timer = setTimeout(() => {
    for (const [request, start] of answering.get(app) ?? []) {
      const ms = Math.round(performance.now() - start);
      request.log.warn(
        { method: request.method, path: pathOf(request), ms, ...operationOf(request) },
        'cut a request, because the server stops',
      );
    }
    app.server.closeAllConnections();
  }, drainMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}
