import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Bounds the time in which the body of a request must arrive; the bytes of a slow sender are in memory until then. The server's own limit
 * (`requestTimeout`) would count for every route, also for those whose bodies go to disk.
 *
 * @param isExempt whether the route has its own limit
 */
export function registerBodyTime(
  app: FastifyInstance,
  milliseconds: number,
  isExempt: (request: FastifyRequest) => boolean,
): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isExempt(request)) return;
    const { raw } = request;
    const timer = setTimeout(() => {
      if (!raw.complete) raw.socket.end(LATE);
    }, milliseconds);
    timer.unref();
    raw.once('end', () => clearTimeout(timer));
    // A request can be answered before its body is complete.
    reply.raw.once('close', () => clearTimeout(timer));
  });
}

const LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
