import type { Socket } from 'node:net';
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
  endUnusedConnections(app);
}

/**
 * Ends connections that have sent nothing when the server stops. Browsers and connection pools open some in advance. Node does not
 * count them as idle, so the stop would wait for its limit of 60 s for headers.
 */
function endUnusedConnections(app: FastifyInstance): void {
  const connections = new Set<Socket>();
  app.server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  app.addHook('preClose', async () => {
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  });
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
