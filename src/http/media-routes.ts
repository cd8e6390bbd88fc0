import { createReadStream } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireScope } from '../domain/access.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ServedFile } from '../services/ingest/media-service.js';
import type { Services } from '../services/services.js';
import { callerOf, needsKey } from './access.js';

/** Maximum bytes of one upload. src/media refuses larger images too. */
export const MAX_UPLOAD_BYTES = 20 * 1024 * 1024;

interface MediaRequest {
  Params: { id: string };
  Querystring: { width?: string };
}

/** POST /media stores an image. GET /media/{id} serves its bytes, or a thumbnail with ?width=. */
export function registerMedia(app: FastifyInstance, services: Services): void {
  app.addContentTypeParser(
    /^image\/|^application\/octet-stream/,
    { parseAs: 'buffer', bodyLimit: MAX_UPLOAD_BYTES },
    (_request, body, done) => done(null, body),
  );

  app.post('/media', async (request, reply) => {
    requireScope(callerOf(request), 'ingest');
    const stored = await services.media.upload(await uploadedBytes(request));
    return await reply.code(201).send({ id: stored.sha256, ...stored, url: `/media/${stored.sha256}` });
  });

  app.get<MediaRequest>('/media/:id', async (request, reply) => {
    const { id } = request.params;
    const width = readWidth(request.query.width);
    const etag = `"${id}${width === null ? '' : `-${width}`}"`;
    const file = await services.media.file(id, width);
    // The id is the hash of the content, so the answer never changes.
    reply
      .header('cache-control', `${needsKey(request) ? 'private' : 'public'}, max-age=31536000, immutable`)
      .header('etag', etag);
    if (request.headers['if-none-match'] === etag) return await reply.code(304).send();
    return await sendFile(reply, file);
  });
}

async function uploadedBytes(request: FastifyRequest): Promise<Buffer> {
  if (Buffer.isBuffer(request.body)) return request.body;
  if (!request.isMultipart()) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'Send the image as the request body (content-type image/…) or as a multipart file.',
      ['file'],
    );
  }
  const part = await request.file();
  if (part === undefined)
    throw new CommonspaceError('BAD_INPUT', 'The multipart form has no file.', ['file']);
  return await part.toBuffer();
}

function readWidth(width: string | undefined): number | null {
  if (width === undefined) return null;
  if (!/^\d{1,5}$/.test(width) || Number(width) === 0) {
    throw new CommonspaceError('BAD_INPUT', 'width must be a positive whole number of pixels.', ['width']);
  }
  return Number(width);
}

async function sendFile(reply: FastifyReply, file: ServedFile): Promise<FastifyReply> {
  reply.headers(file.headers);
  return await reply.send(createReadStream(file.path));
}
