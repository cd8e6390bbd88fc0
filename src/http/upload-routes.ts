import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireScope } from '../domain/access.js';
import { CommonspaceError } from '../domain/errors.js';
import type { Services } from '../services/services.js';
import { callerOf } from './access.js';
import { countBytes } from './byte-budget.js';

/** POST /uploads stores a file for `ingestBulk`. Its body is written to disk as it arrives. */
export async function registerUploads(app: FastifyInstance, services: Services): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    scope.post('/uploads', { config: { isStreamed: true } }, async (request, reply) => {
      requireScope(callerOf(request), 'ingest');
      const stored = await services.bulkFiles.receive(countBytes(request, bodyOf(request), services.budgets));
      await services.audit(callerOf(request), 'uploadFile', { id: stored.id, bytes: stored.bytes });
      return await reply.code(201).send(stored);
    });
  });
}

function bodyOf(request: FastifyRequest): IncomingMessage {
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'Send the file itself as the body of the request, without a form.',
      ['content-type'],
    );
  }
  const body = request.body as IncomingMessage | undefined;
  if (body === undefined) throw new CommonspaceError('BAD_INPUT', 'The request has no body.', ['body']);
  return body;
}
