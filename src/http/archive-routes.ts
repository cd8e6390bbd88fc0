import type { FastifyInstance } from 'fastify';
import { requireScope } from '../domain/access.js';
import type { Services } from '../services/services.js';
import { callerOf } from './access.js';
import { requestSignal } from './request-signal.js';

/**
 * GET /export: the catalogue as an archive. GET /backup: the files of the embedded database and the pictures. Both need the scope `admin`, and may take as
 * long as a stream.
 */
export function registerArchive(
  app: FastifyInstance,
  { archiveExport, backup, audit }: Services,
  streamMs: number,
): void {
  const writers = { export: archiveExport, backup } as const;
  for (const [name, writer] of Object.entries(writers)) {
    app.get(`/${name}`, async (request, reply) => {
      requireScope(callerOf(request), 'admin');
      const stream = writer.stream({ signal: requestSignal(reply, streamMs) });
      await audit(callerOf(request), name, {});
      const day = new Date().toISOString().slice(0, 10);
      return await reply
        .headers({
          'content-type': 'application/x-tar',
          'content-disposition': `attachment; filename="commonspace-${name}-${day}.tar"`,
          'cache-control': 'no-store',
        })
        .send(stream);
    });
  }
}
