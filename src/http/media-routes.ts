import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requireScope } from '../domain/access.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ServedFile } from '../services/ingest/media-service.js';
import type { Services } from '../services/services.js';
import { callerOf, needsKey } from './access.js';

/** Maximum bytes of one upload. src/media refuses larger images too. */
export const MAX_UPLOAD_BYTES = 20 * 1024 * 1024;
/** How long the parser of forms may take once the whole form is there. What is left then is in memory. */
const PARSING_MS = 1_000;

interface MediaRequest {
  Params: { id: string };
  Querystring: { width?: string };
}

/** POST /media stores an image. GET /media/{id} serves its bytes, or a thumbnail with ?width=. */
export function registerMedia(app: FastifyInstance, services: Services, stallMs: number): void {
  app.addContentTypeParser(
    /^image\/|^application\/octet-stream/,
    { parseAs: 'buffer', bodyLimit: MAX_UPLOAD_BYTES },
    (_request, body, done) => done(null, body),
  );

  app.post('/media', async (request, reply) => {
    requireScope(callerOf(request), 'ingest');
    const stored = await services.media.upload(await uploadedBytes(request, stallMs));
    await services.audit(callerOf(request), 'upload', { id: stored.sha256, bytes: stored.bytes });
    return await reply.code(201).send({ id: stored.sha256, ...stored, url: `/media/${stored.sha256}` });
  });

  app.get<MediaRequest>('/media/:id', async (request, reply) => {
    const { id } = request.params;
    const width = readWidth(request.query.width);
    const etag = `"${id}${width === null ? '' : `-${width}`}"`;
    const file = await services.media.file(id, width);
    // The id is the hash of the content, so the answer never changes.
    const caching = {
      'cache-control': `${needsKey(request) ? 'private' : 'public'}, max-age=31536000, immutable`,
      etag,
    };
    if (request.headers['if-none-match'] === etag) return await reply.headers(caching).code(304).send();
    return await sendFile(reply, file, caching);
  });
}

async function uploadedBytes(request: FastifyRequest, stallMs: number): Promise<Buffer> {
  if (Buffer.isBuffer(request.body)) return request.body;
  if (!request.isMultipart()) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'Send the image as the request body (content-type image/…) or as a multipart file.',
      ['file'],
    );
  }
  try {
    const bytes = await unlessStalled(request, fileOfForm(request), stallMs);
    if (bytes !== null) return bytes;
  } catch (error) {
    // Errors of limits have a status. Those of the parser do not.
    if (error instanceof CommonspaceError || (error as { statusCode?: unknown }).statusCode !== undefined)
      throw error;
    throw new CommonspaceError('BAD_INPUT', 'The multipart form is malformed or cut short.', ['file'], {
      cause: error,
    });
  }
  throw new CommonspaceError('BAD_INPUT', 'The multipart form has no file.', ['file']);
}

async function fileOfForm(request: FastifyRequest): Promise<Buffer | null> {
  const part = await request.file();
  return part === undefined ? null : await part.toBuffer();
}

/**
 * The result of the work, unless no byte of the request arrives for a time, or the whole form is there and has no result: the parser
 * waits for ever after some malformed parts.
 *
 * @throws CommonspaceError BAD_INPUT
 */
async function unlessStalled<T>({ raw }: FastifyRequest, work: Promise<T>, stallMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    let before = raw.socket.bytesRead;
    let changedAt = performance.now();
    const check = () => {
      const { bytesRead } = raw.socket;
      if (bytesRead !== before) {
        before = bytesRead;
        changedAt = performance.now();
      } else if (performance.now() - changedAt >= (raw.complete ? PARSING_MS : stallMs)) {
        reject(
          new CommonspaceError('BAD_INPUT', 'The form is malformed, or its end did not arrive.', ['file']),
        );
      }
    };
    timer = setInterval(check, Math.min(PARSING_MS, stallMs) / 4);
  });
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearInterval(timer);
  }
}

function readWidth(width: string | undefined): number | null {
  if (width === undefined) return null;
  if (!/^\d{1,5}$/.test(width) || Number(width) === 0) {
    throw new CommonspaceError('BAD_INPUT', 'width must be a positive whole number of pixels.', ['width']);
  }
  return Number(width);
}

/** Opens the file first: once the headers are set, a missing file could not be answered as such. */
async function sendFile(
  reply: FastifyReply,
  file: ServedFile,
  caching: Readonly<Record<string, string>>,
): Promise<FastifyReply> {
  const { bytes, stream } = await file.object.open();
  return await reply.headers({ ...file.headers, ...caching, 'content-length': bytes }).send(stream);
}
