import type { FastifyInstance } from 'fastify';
import { requireScope } from '../domain/access.js';
import type { Services } from '../services/services.js';
import { callerOf } from './access.js';
import { requestSignal } from './request-signal.js';

/** GET /export: the catalogue as an archive, with the scope `admin`. It may take as long as a stream. */
export function registerArchive(
  app: FastifyInstance,
  { archiveExport, audit }: Services,
  streamMs: number,
): void {
  app.get('/export', async (request, reply) => {
    requireScope(callerOf(request), 'admin');
    const archive = archiveExport.stream({ signal: requestSignal(reply, streamMs) });
    await audit(callerOf(request), 'export', {});
    const day = new Date().toISOString().slice(0, 10);
    return await reply
      .headers({
        'content-type': 'application/x-tar',
        'content-disposition': `attachment; filename="commonspace-${day}.tar"`,
        'cache-control': 'no-store',
      })
      .send(archive);
  });
}
