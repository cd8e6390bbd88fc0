import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Client, operations, type PictureSource } from '../../client/index.js';
import { CommonspaceError } from '../../domain/errors.js';
import { requireArchive } from '../../services/archive/archive-check.js';
import type { ImportReport } from '../../services/archive/archive-import.js';
import type { ImportHooks } from './backend.js';
import { calling, ownError } from './remote-errors.js';

const MB = 2 ** 20;

/** Uploads an archive to a server, and follows the job that stores it. A cancelled command cancels its job. */
export async function remoteImport(
  client: Client,
  file: string,
  { merge, signal, onProgress }: ImportHooks & { readonly merge: boolean },
): Promise<ImportReport> {
  // A file that is no archive is not uploaded.
  await requireArchive(file);
  const { size } = await stat(file);
  const source = counted(file, (sent) =>
    onProgress(Math.round(sent / MB), Math.round(size / MB), 'MB uploaded'),
  );
  const { id: uploadId } = await calling(client.uploadFile(source, { signal }));
  const { id } = await calling(client.importCatalogue({ uploadId, merge }, { signal }));
  try {
    return await follow(client, id, signal, onProgress);
  } catch (error) {
    if (signal.aborted) await client.execute(operations.CancelJobDocument, { id }).catch(() => {});
    throw error;
  }
}

async function follow(
  client: Client,
  id: string,
  signal: AbortSignal,
  onProgress: ImportHooks['onProgress'],
): Promise<ImportReport> {
  for (;;) {
    // The server ends a subscription after a day.
    const results = client.jobProgress(id, { signal })[Symbol.asyncIterator]();
    for (;;) {
      const next = await calling(results.next());
      if (next.done) break;
      const { state, code, message, total, done, imported } = next.value;
      if (total !== null && total > 0) onProgress(done, total, 'members');
      if (state === 'FAILED') throw ownError({ code: code ?? 'INTERNAL', message: message ?? '', field: [] });
      if (state === 'CANCELLED') throw new CommonspaceError('CANCELLED', 'The import was cancelled.');
      if (state === 'SUCCEEDED' && imported !== null) return imported;
    }
  }
}

/** The file as a stream, with the bytes that were read so far. */
function counted(file: string, onRead: (bytes: number) => void): PictureSource {
  return {
    open: () => {
      async function* bytes(): AsyncGenerator<Buffer> {
        let read = 0;
        for await (const chunk of createReadStream(file, {
          highWaterMark: MB / 4,
        }) as AsyncIterable<Buffer>) {
          yield chunk;
          read += chunk.length;
          onRead(read);
        }
      }
      return Readable.toWeb(Readable.from(bytes())) as ReadableStream<Uint8Array>;
    },
  };
}
